"""The new disk under Rok's snapshot space: label, volume group, logical volume, file system.

Every command is a form that does no harm when it runs twice (rok_disk), and how it ends proves
nothing: LVM and the file system are looked at afterwards. From LabelDisk on there is no way back.
"""

from typing import ClassVar

from exporter.observe.disk_commands import KILLED_AFTER, Argv, RokVolume
from exporter.observe.model import Kind
from exporter.observe.model.blocks import LogicalVolume, PhysicalVolume
from exporter.observe.view import View
from remediator import rok_disk
from remediator.rok_extension import GIB, Refused
from remediator.steps.base import DONE, NodeCommand, Observation, not_done, refused, unknown
from remediator.steps.disks import NewOnNode
from remediator.steps.nodes import OfNode, changed_on, uid_of

LVM_SECONDS = 5
"""Seconds that a command of LVM's may run before it is told to end."""
ANSWERED_WITHIN = LVM_SECONDS + KILLED_AFTER + 1
"""Seconds after which it is over and its answer is back: before another replica can act."""
GROWING_SECONDS = 300.0
"""Seconds for a file system to grow: to end it half-way would be worse than to wait."""
LANDS_WITHIN = 60.0
"""Seconds within which LVM shows what it was told."""
GROWN_SHARE = 90
"""Percent of its logical volume that a grown file system has at least; ext4 keeps some."""


def _command(node: str, argv: Argv) -> NodeCommand:
    """Return a command of LVM's on a node."""
    return NodeCommand(node, argv, float(ANSWERED_WITHIN))


class _Lvm(OfNode, frozen=True):
    """`lvm` are the words that begin a command of LVM's, with blanks between; `group` is Rok's."""

    settles: ClassVar[float] = LANDS_WITHIN

    lvm: str
    group: str

    def labelled(self, view: View) -> PhysicalVolume | None:
        """Return our physical volume."""
        disks = view.node_disks(self.target)
        return rok_disk.ours(disks.labelled, uid_of(self.owner)) if disks is not None else None

    def asked(self, view: View, *kinds: Kind) -> Observation | None:
        """Return that nobody can tell, or that the node is gone; None where it can be told."""
        if (other := self.looked(view, Kind.NODE_DISKS, *kinds)) is not None:
            return other
        if view.node_disks(self.target) is None:
            return unknown(f"nobody asked for the disks of node {self.target}")
        return None


class LabelDisk(NewOnNode, frozen=True):
    """Label the blank disk for LVM: the point of no return."""

    final: ClassVar[bool] = True
    settles: ClassVar[float] = LANDS_WITHIN

    lvm: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"label the disk for LVM on node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether it carries our label; a disk that is too small by now is refused."""
        kinds = (Kind.NODE_DISKS, Kind.EVENT, Kind.SNAPSHOT, Kind.CLAIM, Kind.VOLUME)
        if (other := self.looked(view, *kinds)) is not None:
            return other
        disks, found = view.node_disks(self.target), self.device(view)
        if disks is None or found is None:
            return unknown(f"nobody asked for the disks of node {self.target}")
        if rok_disk.ours(disks.labelled, uid_of(self.owner)) is not None:
            return DONE
        if isinstance(found, Refused):
            return unknown(found.why)
        changed = changed_on(self.target, view)
        if changed > self.gib * GIB:
            return refused(f"{changed} bytes have changed by now, and it has {self.gib} GiB")
        return not_done("it carries no label")

    def act(self, view: View) -> NodeCommand | None:
        """Return pvcreate, which takes only a blank disk."""
        disk = self.device(view)
        if disk is None or isinstance(disk, Refused):
            return None
        argv = rok_disk.pvcreate(self.lvm.split(), disk.path, uid_of(self.owner), LVM_SECONDS)
        return _command(self.target, argv)


class ExtendGroup(_Lvm, frozen=True):
    """Put the labelled disk into Rok's volume group."""

    def sentence(self) -> str:
        """Return what it does."""
        return f"put the disk into volume group {self.group}"

    def observe(self, view: View) -> Observation:
        """Say in which group it is."""
        if (other := self.asked(view)) is not None:
            return other
        mine = self.labelled(view)
        if mine is None:
            return unknown("LVM does not show the disk that we labelled")
        if mine.group == self.group:
            return DONE
        if mine.group:
            return refused(f"{mine.device} is in volume group {mine.group}")
        return not_done("it is in no group")

    def act(self, view: View) -> NodeCommand | None:
        """Return vgextend."""
        mine = self.labelled(view)
        if mine is None or mine.group:
            return None
        argv = rok_disk.vgextend(self.lvm.split(), self.group, mine.device, LVM_SECONDS)
        return _command(self.target, argv)


class _OfVolume(_Lvm, frozen=True):
    """`volume` is the logical volume of Rok's snapshot space."""

    volume: str

    def logical(self, view: View) -> LogicalVolume | None:
        """Return the logical volume."""
        disks = view.node_disks(self.target)
        found = disks.volumes if disks is not None else ()
        same = (one for one in found if (one.group, one.name) == (self.group, self.volume))
        return next(same, None)


class ExtendVolume(_OfVolume, frozen=True):
    """Grow the logical volume to so many extents in all, with those of the new disk.

    The number is absolute: asked twice it grows once.
    """

    extents: int

    def sentence(self) -> str:
        """Return what it does."""
        return f"grow logical volume {self.group}/{self.volume} to {self.extents} extents"

    def observe(self, view: View) -> Observation:
        """Say how many it has."""
        if (other := self.asked(view)) is not None:
            return other
        there = self.logical(view)
        if there is None or there.extents is None:
            return unknown(f"LVM does not say how large {self.group}/{self.volume} is")
        if there.extents >= self.extents:
            return DONE
        return not_done(f"it has {there.extents} extents")

    def act(self, view: View) -> NodeCommand | None:
        """Return lvextend, with the extents of the new disk only."""
        mine = self.labelled(view)
        if mine is None or mine.group != self.group:
            return None
        words = self.lvm.split()
        argv = rok_disk.lvextend(
            words, self.group, self.volume, self.extents, mine.device, LVM_SECONDS
        )
        return _command(self.target, argv)


class GrowSnapshotSpace(_OfVolume, frozen=True):
    """Grow the file system to its logical volume, by its own tool. `path` is where it is mounted.

    Whether it is done, the node's exporter says, by what the file system itself tells.
    """

    settles: ClassVar[float] = GROWING_SECONDS

    path: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"grow the file system of Rok's snapshot space to {self.group}/{self.volume}"

    def observe(self, view: View) -> Observation:
        """Compare the file system with its logical volume."""
        if (other := self.asked(view, Kind.ROK_SPACE)) is not None:
            return other
        space, there = view.rok_space(self.target), self.logical(view)
        if space is None or space.size is None or there is None or there.size is None:
            return unknown("the size of the file system or of its logical volume is not known")
        if space.size * 100 >= there.size * GROWN_SHARE:
            return DONE
        return not_done(f"it has {space.size} bytes, its logical volume {there.size}")

    def act(self, view: View) -> NodeCommand | None:
        """Return the file system's own tool."""
        disks = view.node_disks(self.target)
        if disks is None or self.found(view) is None:
            return None
        device = RokVolume(self.group, self.volume).device
        argv = rok_disk.grow(disks.file_system, device, self.path)
        return (
            None if isinstance(argv, Refused) else NodeCommand(self.target, argv, GROWING_SECONDS)
        )
