"""Settings of the repair of a node whose Rok snapshot space is full.

Names end up as arguments of commands on nodes, so what could be an option or a path that climbs is
refused here.
"""

import enum
import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe.disk_commands import RokVolume
from exporter.observe.shell.pod import ExecSettings
from remediator.case import RokPolicy

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
_WORD = re.compile(r"[A-Za-z0-9_./=:,+-]+")


class Removal(enum.StrEnum):
    """What becomes of the scaling group when the node is removed."""

    DECREMENT = "decrement"
    REPLACE = "replace"


class RokExec(msgspec.Struct, frozen=True):
    """In which pods commands on nodes are run."""

    namespace: Annotated[
        str,
        setting(
            "The namespace of Rok Disk Manager, rok-system, in whose pods nodes are asked about"
            " their disks and the volume group is extended. Empty: nowhere, and nothing is"
            " extended. It needs the component `rok` of the manifests."
        ),
    ] = ""
    selector: Annotated[
        str, setting("Labels of its pods; there must be one such pod on a node.")
    ] = "name=rok-disk-manager"
    container: Annotated[
        str, setting("The container; may be empty where the pods have only one.")
    ] = "rok-disk-manager"

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts."""
        if self.namespace and not self.selector:
            yield ("selector", "must say in which pods of the namespace commands are run")


class RokSettings(msgspec.Struct, frozen=True):
    """The section `rok`."""

    exec: Annotated[RokExec, setting("In which pods commands on nodes are run.")] = RokExec()
    lvm: Annotated[
        tuple[str, ...],
        setting("The words that begin a command of LVM's; without any, `vgs` itself is run."),
    ] = ("lvm",)
    group: Annotated[str, setting("The volume group of the snapshot space.")] = "rokvg"
    volume: Annotated[str, setting("The logical volume of the snapshot space.")] = "rok-fisks"
    path: Annotated[str, setting("Where it is mounted, in those pods as well.")] = "/mnt/data"
    disks: Annotated[
        int,
        setting(
            "How many disks Rok Disk Manager makes that group of; more say that somebody extended"
            " it, and nothing is extended twice.",
            unit="disks",
        ),
    ] = 1
    margin_percent: Annotated[
        int,
        setting(
            "How much more than what has changed the new disk has room for.",
            unit="percent of what has changed",
        ),
    ] = 25
    when_removed: Annotated[
        Removal,
        setting(
            "What becomes of the node's scaling group when the node is removed: decrement it by"
            " one, or let it replace the node."
        ),
    ] = Removal.DECREMENT
    collection_within: Annotated[
        Duration,
        setting("How long Rok's own garbage collection may take to make room; then a person is."),
    ] = Duration(6 * 3600.0)
    snapshots_within: Annotated[
        Duration,
        setting("How long after the extension the snapshots that failed may take to succeed."),
    ] = Duration(3 * 3600.0)
    drain_within: Annotated[
        Duration, setting("How long the node may take to be drained and unpinned.")
    ] = Duration(2 * 3600.0)
    autoscaling_endpoint_url: Annotated[
        str,
        setting("Where EC2 Auto Scaling is asked. Empty: AWS' own. EC2: fencing.ec2_endpoint_url."),
    ] = ""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be, and what must not be an argument of a command."""
        for name in ("group", "volume"):
            if not _NAME.fullmatch(getattr(self, name)):
                yield (name, "must be a name of LVM's: letters, digits, _ . -")
        if not _PATH.fullmatch(self.path) or ".." in self.path:
            yield ("path", "must begin with / and have letters, digits, _ . - only")
        if not all(map(_WORD.fullmatch, self.lvm)):
            yield ("lvm", "must be words without spaces, quotes and the like")
        if self.disks < 1:
            yield ("disks", "must be at least 1")
        if self.margin_percent < 0:
            yield ("margin_percent", "must be at least 0")
        for name in ("collection_within", "snapshots_within", "drain_within"):
            if getattr(self, name) <= 0:
                yield (name, "must be more than 0s")

    def pods(self) -> ExecSettings | None:
        """Return in which pods commands run; None: in none."""
        pods = self.exec
        if not pods.namespace:
            return None
        return ExecSettings(pods.namespace, pods.selector, pods.container)

    def place(self) -> RokVolume:
        """Return where the snapshot space lies, and how LVM is called."""
        return RokVolume(self.group, self.volume, self.lvm)

    def value(self, cluster: str) -> RokPolicy:
        """Return what decisions read; `cluster` is our cluster's name."""
        return RokPolicy(
            namespace=self.exec.namespace,
            lvm=self.lvm,
            group=self.group,
            volume=self.volume,
            path=self.path,
            disks=self.disks,
            margin_percent=self.margin_percent,
            when_removed=str(self.when_removed),
            collection_within=float(self.collection_within),
            snapshots_within=float(self.snapshots_within),
            drain_within=float(self.drain_within),
            cluster=cluster,
        )
