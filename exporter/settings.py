"""The settings of the exporter's serving roles.

Few: what can be seen or decided by the program itself is not asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.logs import Level
from exporter.kit.values import Address
from exporter.observe.kube.access import Where
from exporter.observe.kubelets import KubeletSettings


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
    state: Annotated[
        Path | None,
        setting(
            "A file that keeps what a restart would forget: when failures without a time of their"
            " own were first seen. In a pod, on an emptyDir. Without it, it is forgotten."
        ),
    ] = None


class NodeSettings(Serving, frozen=True):
    """The whole file of the role `node`."""

    node: Annotated[
        str,
        setting(
            "The Kubernetes node that this is; in a pod, PVMEDIC_NODE from spec.nodeName."
            " Without it, the host's name."
        ),
    ] = ""
    state: Annotated[
        Path | None,
        setting(
            "A directory that keeps what a restart would forget: how far logs were read, what was"
            " seen first. In a pod, on an emptyDir. Without it, it is forgotten."
        ),
    ] = None
