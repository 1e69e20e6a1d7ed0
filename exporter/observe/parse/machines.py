"""Answers of EC2 and EC2 Auto Scaling, as botocore decoded them -> readings. Pure.

A str is the sentence why an answer cannot be used; the edge makes an error of it.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from exporter.observe.model.machines import (
    AttachmentState,
    DeviceMapping,
    DiskAttachment,
    DiskReading,
    DiskState,
    GroupReading,
    MachineReading,
    MachineState,
)


class _Wire(msgspec.Struct, frozen=True, rename="pascal"):
    """Base of what AWS says."""


class _Tag(_Wire, frozen=True):
    key: str
    value: str = ""


class _Attachment(_Wire, frozen=True):
    state: AttachmentState
    # An attachment to a service of AWS's has no instance.
    instance_id: str = ""
    device: str = ""
    delete_on_termination: bool = False


class _Volume(_Wire, frozen=True):
    volume_id: str
    state: DiskState
    size: int
    volume_type: str
    availability_zone: str
    encrypted: bool = False
    kms_key_id: str = ""
    iops: int | None = None
    throughput: int | None = None
    tags: tuple[_Tag, ...] = ()
    attachments: tuple[_Attachment, ...] = ()


class _Volumes(_Wire, frozen=True):
    volumes: tuple[_Volume, ...]
    next_token: str = ""


class _State(_Wire, frozen=True):
    name: MachineState


class _Placement(_Wire, frozen=True):
    availability_zone: str = ""


class _Ebs(_Wire, frozen=True):
    volume_id: str
    status: AttachmentState
    delete_on_termination: bool = False


class _Mapping(_Wire, frozen=True):
    device_name: str
    ebs: _Ebs | None = None


class _Instance(_Wire, frozen=True):
    instance_id: str
    state: _State
    instance_type: str
    placement: _Placement = _Placement()
    root_device_name: str = ""
    block_device_mappings: tuple[_Mapping, ...] = ()
    launch_time: datetime | None = None
    tags: tuple[_Tag, ...] = ()


class _Reservation(_Wire, frozen=True):
    instances: tuple[_Instance, ...]


class _Instances(_Wire, frozen=True):
    reservations: tuple[_Reservation, ...]


class _Member(_Wire, frozen=True):
    instance_id: str
    auto_scaling_group_name: str
    lifecycle_state: str
    protected_from_scale_in: bool = False


class _Members(_Wire, frozen=True):
    auto_scaling_instances: tuple[_Member, ...]


class _Suspended(_Wire, frozen=True):
    process_name: str


class _Group(_Wire, frozen=True):
    auto_scaling_group_name: str
    min_size: int
    desired_capacity: int
    max_size: int
    suspended_processes: tuple[_Suspended, ...] = ()


class _Groups(_Wire, frozen=True):
    auto_scaling_groups: tuple[_Group, ...]


class Member(msgspec.Struct, frozen=True):
    """A machine of a scaling group."""

    group: str
    lifecycle: str
    protected: bool


def disks(answer: Mapping[str, object]) -> tuple[DiskReading, ...] | str:
    """Read an answer of DescribeVolumes, by volume id; one that has more pages cannot be used."""
    try:
        found = msgspec.convert(dict(answer), _Volumes)
    except msgspec.ValidationError as unfit:
        return f"not a DescribeVolumes answer: {unfit}"
    if found.next_token:
        return f"only the first {len(found.volumes)} volumes were told"
    return tuple(sorted((_disk(one) for one in found.volumes), key=lambda one: one.volume_id))


def machine(answer: Mapping[str, object], instance_id: str) -> MachineReading | str | None:
    """Read an answer of DescribeInstances about one machine; None when it is not there."""
    try:
        reservations = msgspec.convert(dict(answer), _Instances).reservations
    except msgspec.ValidationError as unfit:
        return f"not a DescribeInstances answer: {unfit}"
    found = [one for some in reservations for one in some.instances]
    if not found:
        return None
    if [one.instance_id for one in found] != [instance_id]:
        return f"it tells of {', '.join(one.instance_id for one in found)}"
    (one,) = found
    return MachineReading(
        one.instance_id,
        one.state.name,
        one.placement.availability_zone,
        one.instance_type,
        one.root_device_name,
        tuple(
            DeviceMapping(
                each.device_name,
                each.ebs.volume_id,
                each.ebs.status,
                each.ebs.delete_on_termination,
            )
            for each in one.block_device_mappings
            if each.ebs is not None
        ),
        one.launch_time.timestamp() if one.launch_time else None,
        _tags(one.tags),
    )


def member(answer: Mapping[str, object], instance_id: str) -> Member | str | None:
    """Read an answer of DescribeAutoScalingInstances; None: the machine is in no group."""
    try:
        found = msgspec.convert(dict(answer), _Members).auto_scaling_instances
    except msgspec.ValidationError as unfit:
        return f"not a DescribeAutoScalingInstances answer: {unfit}"
    if not found:
        return None
    if [one.instance_id for one in found] != [instance_id]:
        return f"it tells of {', '.join(one.instance_id for one in found)}"
    (one,) = found
    return Member(one.auto_scaling_group_name, one.lifecycle_state, one.protected_from_scale_in)


def group(answer: Mapping[str, object], of: Member) -> GroupReading | str:
    """Read an answer of DescribeAutoScalingGroups about the group of `of`."""
    try:
        found = msgspec.convert(dict(answer), _Groups).auto_scaling_groups
    except msgspec.ValidationError as unfit:
        return f"not a DescribeAutoScalingGroups answer: {unfit}"
    if [one.auto_scaling_group_name for one in found] != [of.group]:
        return f"it tells of {len(found)} groups, and not of {of.group} alone"
    (one,) = found
    return GroupReading(
        one.auto_scaling_group_name,
        one.min_size,
        one.desired_capacity,
        one.max_size,
        of.lifecycle,
        of.protected,
        tuple(sorted(each.process_name for each in one.suspended_processes)),
    )


def _disk(one: _Volume) -> DiskReading:
    return DiskReading(
        one.volume_id,
        one.state,
        one.size,
        one.volume_type,
        one.encrypted,
        one.availability_zone,
        one.kms_key_id,
        one.iops,
        one.throughput,
        _tags(one.tags),
        tuple(
            DiskAttachment(each.instance_id, each.device, each.state, each.delete_on_termination)
            for each in one.attachments
        ),
    )


def _tags(tags: tuple[_Tag, ...]) -> dict[str, str]:
    return {one.key: one.value for one in tags}
