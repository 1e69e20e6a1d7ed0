"""The node itself and its volume group: whether they are as Rok made them."""

import msgspec

from exporter.observe import model
from exporter.observe.disk_commands import RokVolume
from exporter.observe.model import UNDO_ANNOTATION, NodeDisks, Ready
from exporter.observe.model.blocks import Group, LogicalVolume
from exporter.observe.view import View
from remediator import rok_disk
from remediator.case import Case, RokPolicy
from remediator.plan import Declined, Deferred
from remediator.rok_extension import Refused

REMOVE = (
    "it is not extended twice: drain the node and remove its machine, and do not reboot it before"
    " (rok_extended_node_not_removed)"
)


class Storage(msgspec.Struct, frozen=True):
    """Rok's volume group and the logical volume of its snapshot space, all sizes known.

    `serials` are those of the group's disks.
    """

    disks: NodeDisks
    group: Group
    volume: LogicalVolume
    group_bytes: int
    extent_bytes: int
    extents: int
    serials: tuple[str, ...]


def barred(node: model.Node, case: Case) -> Declined | Deferred | None:
    """Return why the node may not be worked on; None where it may."""
    marked, note = node.extended_by, node.annotations.get(UNDO_ANNOTATION)
    if marked is not None and marked[0] != case.owner:
        return Declined(f"{marked[0]} has extended node {node.name} at {marked[2]}: {REMOVE}")
    if note not in (None, case.owner):
        return Declined(f"{note} has changed node {node.name} and owes to take that back first")
    space = case.view.rok_space(node.name)
    if space is not None and space.extended:
        rebooted = ", and the node was rebooted since" if space.rebooted else ""
        return Declined(
            f"volume group {space.group} of node {node.name} was extended to {space.disks} disks"
            f"{rebooted}: {REMOVE}"
        )
    if node.ready is not Ready.TRUE:
        return Deferred(
            f"node {node.name} is not Ready: nothing can be done on it (node_lost_with_volumes, if"
            " it stays so)"
        )
    return None


def storage(node: str, view: View, rok: RokPolicy) -> Storage | Declined | Deferred:
    """Return the node's storage where it is one volume group with Rok's own disks."""
    disks = view.node_disks(node)
    if disks is None:
        return Deferred(f"nobody has asked for the disks of node {node}")
    group = rok_disk.only(disks.groups, rok.group)
    if isinstance(group, Refused):
        return Declined(f"{group.why}, and not exactly one")
    members = [one for one in disks.labelled if one.group == group.name]
    if len(members) > rok.disks:
        names = ", ".join(one.device for one in members)
        return Declined(
            f"volume group {group.name} has {len(members)} disks ({names}), and Rok makes it of"
            f" {rok.disks} (rok.disks): {REMOVE}"
        )
    if len(members) < rok.disks or group.disks != len(members):
        return Declined(
            f"{len(members)} disks of volume group {group.name} are seen; LVM counts {group.disks},"
            f" and Rok makes it of {rok.disks} (rok.disks): find out which is missing"
        )
    same = [one for one in disks.volumes if (one.group, one.name) == (group.name, rok.volume)]
    if len(same) != 1:
        return Declined(f"volume group {group.name} has no logical volume {rok.volume}")
    tool = rok_disk.grow(disks.file_system, RokVolume(group.name, rok.volume).device, rok.path)
    if isinstance(tool, Refused):
        return Declined(tool.why)
    if not group.size or not group.extent_size or not same[0].extents:
        return Declined(f"LVM on node {node} does not say how large {group.name} is")
    paths = {one.device for one in members}
    return Storage(
        disks,
        group,
        same[0],
        group.size,
        group.extent_size,
        same[0].extents,
        tuple(one.serial for one in disks.devices if one.path in paths and one.serial),
    )
