"""The settings of the exporter's serving roles.

Few: what can be seen or decided by the program itself is not asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.logs import Level
from exporter.kit.values import Address, Duration
from exporter.observe.gluster import GlusterSettings
from exporter.observe.gluster_log import GlusterLogSettings
from exporter.observe.heketi import HeketiSettings
from exporter.observe.kube.access import Where
from exporter.observe.kubelets import KubeletSettings
from exporter.observe.node_pods import FactsSettings
from exporter.observe.rok import RokSettings


class Serving(msgspec.Struct, frozen=True):
    """What every serving role has."""

    listen: Annotated[
        Address, setting("Where metrics are served, HOST:PORT; IPv6 hosts stand in brackets.")
    ] = Address("0.0.0.0", 9821)  # noqa: S104 -- Prometheus is elsewhere
    kubernetes: Annotated[Where, setting("Where the API server is, and who we are to it.")] = (
        Where()
    )
    series_limit: Annotated[
        int,
        setting(
            "How many series one metric may have. What is over it is left out, always the same"
            " ones, and pvmedic_series_dropped says how many.",
            unit="series per metric",
            live=True,
        ),
    ] = 10_000
    log_level: Annotated[Level, setting("How much is logged.", live=True)] = Level.INFO

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.series_limit < 1:
            yield ("series_limit", "must be at least 1")


class Settings(Serving, frozen=True):
    """The whole file of the role that watches the API."""

    kubelets: Annotated[KubeletSettings, setting("How kubelets are asked about their volumes.")] = (
        KubeletSettings()
    )
    facts: Annotated[FactsSettings, setting("How nodes are asked for what they show.")] = (
        FactsSettings()
    )
    heketi: Annotated[HeketiSettings, setting("How Heketis are asked, which make volumes.")] = (
        HeketiSettings()
    )
    state: Annotated[
        Path | None,
        setting(
            "A file that keeps what a restart would forget: when failures without a time of their"
            " own were first seen. In a pod, on an emptyDir. Without it, it is forgotten."
        ),
    ] = None


class FactsServing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a node tells what it shows."""

    audience: Annotated[
        str,
        setting("What callers' tokens must be made for. Empty: for the API server, as all are."),
    ] = ""
    insecure: Annotated[
        bool,
        setting("Whether to tell over plain HTTP, too, where whoever listens steals the token."),
    ] = False
    fresh_within: Annotated[
        Duration, setting("How long a fresh look that a caller asks for may take.", unit="duration")
    ] = Duration(10)
    fresh_pause: Annotated[
        Duration,
        setting("How long nothing is looked at again after a look, whoever asks.", unit="duration"),
    ] = Duration(1)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.fresh_within <= 0:
            yield ("fresh_within", "must be more than 0s")
        if not 0 <= self.fresh_pause < self.fresh_within:
            yield ("fresh_pause", "must be less than fresh_within, or no fresh look is in time")


class NodeSettings(Serving, frozen=True):
    """The whole file of the role `node`."""

    node: Annotated[
        str,
        setting(
            "The Kubernetes node that this is; in a pod, PVMEDIC_NODE from spec.nodeName."
            " Without it, the host's name."
        ),
    ] = ""
    host_root: Annotated[
        Path,
        setting(
            "Where the host's root directory lies for us: / on the host itself, in a pod where it"
            " is mounted. Commands of Gluster are then run below it, by chroot."
        ),
    ] = Path("/")
    gluster: Annotated[
        GlusterSettings, setting("How this node's glusterd is asked, where there is one.")
    ] = GlusterSettings()
    gluster_log: Annotated[GlusterLogSettings, setting("The log of glusterd.")] = (
        GlusterLogSettings()
    )
    kernel_log: Annotated[
        Path | None,
        setting(
            "The kernel's log, /dev/kmsg: why a mount fails. In a pod it needs privileges, so"
            " without it it is not read."
        ),
    ] = None
    rok: Annotated[
        RokSettings, setting("Rok's snapshot space, and the volume group that it lies in.")
    ] = RokSettings()
    facts: Annotated[
        FactsServing, setting("How callers are told what this node shows, at /facts.")
    ] = FactsServing()
    state: Annotated[
        Path | None,
        setting(
            "A directory that keeps what a restart would forget: how far logs were read, what was"
            " seen first. In a pod, on an emptyDir. Without it, it is forgotten."
        ),
    ] = None
