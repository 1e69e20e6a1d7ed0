"""Changes EC2 and EC2 Auto Scaling: one disk for one machine, and that machine's end. Edge.

Each call looks before it writes, so that asking twice does it once, and is tried once: whether to
try again is decided by whoever looks. That we lead is asked right before each call, for no version
binds it. Nothing is ever forced, and no disk is detached or deleted that does not carry our tags.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from exporter.observe.aws import Aws, Service, WouldSucceed
from exporter.observe.errors import Conflict, Garbage, Invalid, NotFound
from exporter.observe.model.machines import DiskReading
from remediator.cloud import CloudReader, NewDisk, ours


class Ec2Writer:
    """A CloudWriter. `aws` is to try once (`attempts=1`) and to end before the Lease does."""

    def __init__(self, aws: Aws, reader: CloudReader, fence: Callable[[], None]) -> None:
        """Write through `aws`, look through `reader`; `fence` raises when we may not write."""
        self._aws = aws
        self._reader = reader
        self._fence = fence

    async def create_disk(self, disk: NewDisk, *, region: str) -> str:
        """Return the id of the one disk with these tags, made now where there is none."""
        there = await self._reader.disks_tagged(disk.tags, region=region)
        found = [one for one in there if not one.gone]
        if len(found) > 1:
            names = ", ".join(one.volume_id for one in found)
            raise Invalid(f"{len(found)} disks carry the tags of one Remediation: {names}")
        if found:
            return found[0].volume_id
        asked = f"for a disk of {disk.gib} GiB in {disk.zone}"
        answer = await self._call("create_volume", _words(disk), region, asked)
        made = answer.get("VolumeId")
        if not isinstance(made, str) or not made:
            raise Garbage(f"EC2 was asked {asked} and named none")
        return made

    async def may_create(self, disk: NewDisk, *, region: str) -> None:
        """Ask whether we may make it, and make nothing; Forbidden when we may not."""
        words = {**_words(disk), "DryRun": True}
        with suppress(WouldSucceed):
            await self._call("create_volume", words, region, "whether a disk may be made")

    async def attach(self, volume_id: str, instance_id: str, device: str, *, region: str) -> None:
        """Ask for it, unless the disk is there or on its way; Conflict when it is elsewhere."""
        disk = await self._reader.disk(volume_id, region=region)
        if disk is None:
            raise NotFound(f"EC2 knows no disk {volume_id}")
        if other := disk.elsewhere(instance_id):
            raise Conflict(f"{volume_id} is {other.state} to {other.instance_id}")
        here = disk.on(instance_id)
        if here is not None and here.state in ("attaching", "attached"):
            return
        await self._call(
            "attach_volume",
            {"VolumeId": volume_id, "InstanceId": instance_id, "Device": device},
            region,
            f"to attach {volume_id} to {instance_id} as {device}",
        )

    async def delete_with_machine(
        self, volume_id: str, instance_id: str, device: str, *, on: bool, region: str
    ) -> None:
        """Set it; the answer proves nothing. Conflict when the disk is not there as `device`."""
        disk = await self._reader.disk(volume_id, region=region)
        here = disk.on(instance_id) if disk is not None else None
        if here is None or here.device != device:
            where = here.device if here else "nowhere"
            raise Conflict(f"{volume_id} is {where} on {instance_id}, and not {device}")
        ebs = {"VolumeId": volume_id, "DeleteOnTermination": on}
        await self._call(
            "modify_instance_attribute",
            {
                "InstanceId": instance_id,
                "BlockDeviceMappings": [{"DeviceName": device, "Ebs": ebs}],
            },
            region,
            f"to {'delete' if on else 'keep'} {volume_id} when {instance_id} ends",
        )

    async def detach(
        self, volume_id: str, instance_id: str, tags: Mapping[str, str], *, region: str
    ) -> None:
        """Ask for it where the disk is ours and on this machine; else there is nothing to do."""
        disk = await self._ours(volume_id, tags, region)
        here = disk.on(instance_id) if disk is not None else None
        if here is None or here.state == "detaching":
            return
        await self._call(
            "detach_volume",
            {"VolumeId": volume_id, "InstanceId": instance_id},
            region,
            f"to detach {volume_id} from {instance_id}",
        )

    async def delete_disk(self, volume_id: str, tags: Mapping[str, str], *, region: str) -> None:
        """Delete it where it is ours and there; EC2 refuses while it is attached."""
        if await self._ours(volume_id, tags, region) is None:
            return
        await self._call("delete_volume", {"VolumeId": volume_id}, region, f"to delete {volume_id}")

    async def protect(self, group: str, instance_id: str, *, on: bool, region: str) -> None:
        """Set the protection of one machine from scaling in."""
        await self._call(
            "set_instance_protection",
            {
                "AutoScalingGroupName": group,
                "InstanceIds": [instance_id],
                "ProtectedFromScaleIn": on,
            },
            region,
            f"to {'protect' if on else 'no longer protect'} {instance_id} in {group}",
            service="autoscaling",
        )

    async def terminate(self, instance_id: str, *, shrink: bool, region: str) -> None:
        """End it, unless it is ending; a second call could shrink the group once more."""
        machine = await self._reader.machine(instance_id, region=region)
        if machine.state in ("shutting-down", "terminated"):
            return
        group = await self._reader.group_of(instance_id, region=region)
        if group is None:
            raise Invalid(f"{instance_id} is in no scaling group")
        if group.lifecycle.startswith(("Terminating", "Terminated")):
            return
        if shrink and not group.can_shrink:
            least = f"its group {group.name} has {group.desired} and keeps {group.smallest}"
            raise Invalid(f"{instance_id} cannot be taken away: {least} at least")
        await self._call(
            "terminate_instance_in_auto_scaling_group",
            {"InstanceId": instance_id, "ShouldDecrementDesiredCapacity": shrink},
            region,
            f"to end {instance_id}",
            service="autoscaling",
        )

    async def _ours(
        self, volume_id: str, tags: Mapping[str, str], region: str
    ) -> DiskReading | None:
        """Return the disk where it is there; Invalid when it is somebody else's."""
        disk = await self._reader.disk(volume_id, region=region)
        if disk is None or disk.gone:
            return None
        if not ours(disk, tags):
            raise Invalid(f"{volume_id} does not carry the tags of our Remediation")
        return disk

    async def _call(
        self,
        operation: str,
        words: Mapping[str, object],
        region: str,
        asked: str,
        service: Service = "ec2",
    ) -> Mapping[str, object]:
        self._fence()
        return await self._aws.call(service, operation, words, region=region, asked=asked)


def _words(disk: NewDisk) -> dict[str, object]:
    """Return the words of CreateVolume; no parameter that is empty, for EC2 refuses such."""
    marks = [{"Key": key, "Value": disk.tags[key]} for key in sorted(disk.tags)]
    more = {"KmsKeyId": disk.kms_key, "Iops": disk.iops, "Throughput": disk.throughput}
    return {
        "AvailabilityZone": disk.zone,
        "Size": disk.gib,
        "VolumeType": disk.type,
        "Encrypted": disk.encrypted,
        "ClientToken": disk.token,
        "TagSpecifications": [{"ResourceType": "volume", "Tags": marks}],
        **{name: value for name, value in more.items() if value},
    }
