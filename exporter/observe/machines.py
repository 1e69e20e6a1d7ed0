"""Asks EC2 and EC2 Auto Scaling for machines, disks and scaling groups. Read-only.

Which disk, size or group is right is not known here. How AWS is called, and what its errors become,
is `aws`. What EC2 says may be older than what it was told: whoever changed something asks again.
"""

from collections.abc import Mapping
from typing import TypeVar

from exporter.observe.aws import Aws
from exporter.observe.errors import Garbage, NotFound
from exporter.observe.model.machines import DiskReading, GroupReading, MachineReading
from exporter.observe.parse import machines as parse

T = TypeVar("T")


class Machines:
    """Reads them; `region` "" is the environment's. Raises ObserveError for what is not seen."""

    def __init__(self, aws: Aws) -> None:
        """Ask through this one."""
        self._aws = aws

    async def disk(self, volume_id: str, *, region: str) -> DiskReading | None:
        """Return a disk; None when EC2 knows none, as for a while after its creation."""
        asked = f"about {volume_id}"
        try:
            found = await self._disks({"VolumeIds": [volume_id]}, region, asked)
        except NotFound:
            return None
        if found and [one.volume_id for one in found] != [volume_id]:
            raise Garbage(f"EC2 was asked {asked} and told of {len(found)} others")
        return found[0] if found else None

    async def disks_tagged(
        self, tags: Mapping[str, str], *, region: str
    ) -> tuple[DiskReading, ...]:
        """Return the disks that carry all these tags."""
        wanted = [{"Name": f"tag:{key}", "Values": [tags[key]]} for key in sorted(tags)]
        return await self._disks({"Filters": wanted}, region, "about our disks")

    async def disks_of(self, instance_id: str, *, region: str) -> tuple[DiskReading, ...]:
        """Return the disks that are on a machine, or on their way to it or from it."""
        wanted = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
        return await self._disks({"Filters": wanted}, region, f"about disks of {instance_id}")

    async def machine(self, instance_id: str, *, region: str) -> MachineReading:
        """Return a machine; NotFound, which proves nothing, when EC2 knows none."""
        asked = f"about {instance_id}"
        words = {"InstanceIds": [instance_id]}
        answer = await self._aws.call(
            "ec2", "describe_instances", words, region=region, asked=asked
        )
        found = _usable(parse.machine(answer, instance_id), asked)
        if found is None:
            raise NotFound(f"EC2 knows no instance {instance_id}; that proves nothing")
        return found

    async def group_of(self, instance_id: str, *, region: str) -> GroupReading | None:
        """Return the scaling group of a machine; None when it is in none."""
        asked = f"about the group of {instance_id}"
        answer = await self._aws.call(
            "autoscaling",
            "describe_auto_scaling_instances",
            {"InstanceIds": [instance_id]},
            region=region,
            asked=asked,
        )
        member = _usable(parse.member(answer, instance_id), asked)
        if member is None:
            return None
        answer = await self._aws.call(
            "autoscaling",
            "describe_auto_scaling_groups",
            {"AutoScalingGroupNames": [member.group]},
            region=region,
            asked=asked,
        )
        return _usable(parse.group(answer, member), asked)

    async def _disks(
        self, words: Mapping[str, object], region: str, asked: str
    ) -> tuple[DiskReading, ...]:
        answer = await self._aws.call("ec2", "describe_volumes", words, region=region, asked=asked)
        return _usable(parse.disks(answer), asked)


def _usable(found: T | str, asked: str) -> T:
    """Return what was read; Garbage with the sentence why it cannot be used."""
    if isinstance(found, str):
        raise Garbage(f"AWS was asked {asked}: {found}")
    return found
