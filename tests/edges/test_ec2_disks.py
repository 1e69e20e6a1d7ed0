"""A disk is made, attached, detached and deleted over HTTP, once each, whatever EC2 answers."""

import asyncio
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import pytest

from exporter.observe import errors
from exporter.observe.aws import Aws, DeviceTaken, NotNow
from exporter.observe.machines import Machines
from exporter.observe.model.machines import DiskReading
from local.background import Background
from local.cloud import REGION, ZONE, Cloud
from local.ec2_face import PowerChange
from local.processes import Processes
from local.run_directory import RunDirectory
from remediator.cloud import CloudWriter, NewDisk, new_disk, tags
from remediator.ec2 import Ec2Writer
from remediator.errors import Deposed

DEVICE = "/dev/xvddz"
LIKE = DiskReading("vol-0", "in-use", 600, "gp3", encrypted=True, zone=ZONE)
T = TypeVar("T")


@pytest.fixture(scope="module")
def power() -> list[PowerChange]:
    """Every power change that the endpoint told of."""
    return []


@pytest.fixture(scope="module")
def running(power: list[PowerChange], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One endpoint for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("runs")))
        directory = RunDirectory.create()
        processes, background = Processes(directory), Background()
        cloud = Cloud(background, processes)

        async def changed(change: PowerChange) -> None:
            power.append(change)

        cloud.open(changed)
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        yield cloud
        cloud.close()
        background.close()
        processes.end_all()
        directory.close()


@pytest.fixture
def cloud(running: Cloud) -> Iterator[Cloud]:
    """Yield it without a fault."""
    running.disk_fault(None)
    yield running
    running.disk_fault(None)


@pytest.fixture
def reader(cloud: Cloud) -> Machines:
    """See it, at the endpoints that its environment names."""
    assert cloud.endpoint_url in cloud.environment.values()
    return Machines(Aws())


@pytest.fixture
def writer(reader: Machines) -> CloudWriter:
    """Change it."""
    return Ec2Writer(Aws(attempts=1), reader, lambda: None)


def wanted(name: str, gib: int = 1200, zone: str = ZONE) -> NewDisk:
    """Return the disk of a Remediation of this uid."""
    return new_disk(name, node="a", cluster="c", zone=zone, gib=gib, like=LIKE)


def done(call: Awaitable[T]) -> T:
    """Wait for one call."""

    async def waited() -> T:
        return await call

    return asyncio.run(waited())


def seen(reader: Machines, volume: str) -> DiskReading:
    """Return the disk, which is there."""
    found = done(reader.disk(volume, region=REGION))
    assert found is not None
    return found


def test_a_disk_s_whole_life_and_every_step_twice(
    cloud: Cloud, reader: Machines, writer: CloudWriter
) -> None:
    """One disk, one attachment; it ends with its machine as soon as that was asked for."""
    instance, name = cloud.run_instance(), "life"
    made = [done(writer.create_disk(wanted(name), region=REGION)) for _ in range(2)]
    assert made[0] == made[1]
    disk = seen(reader, made[0])
    assert (disk.state, disk.size_gib, disk.type, disk.zone) == ("available", 1200, "gp3", ZONE)
    assert disk.encrypted
    assert disk.tags == tags(name, "a", "c")
    assert done(reader.disks_tagged(disk.tags, region=REGION)) == (disk,)

    for _ in range(2):
        done(writer.attach(disk.volume_id, instance, DEVICE, region=REGION))
    there = seen(reader, disk.volume_id).on(instance)
    assert there is not None
    assert (there.device, there.state, there.delete_on_termination) == (DEVICE, "attached", False)
    machine = done(reader.machine(instance, region=REGION))
    assert (machine.state, machine.zone) == ("running", ZONE)
    assert DEVICE in [one.device for one in machine.devices]
    on_it = done(reader.disks_of(instance, region=REGION))
    assert disk.volume_id in [one.volume_id for one in on_it]

    for on in (True, True, False):
        done(writer.delete_with_machine(disk.volume_id, instance, DEVICE, on=on, region=REGION))
        there = seen(reader, disk.volume_id).on(instance)
        assert there is not None
        assert there.delete_on_termination is on

    for _ in range(2):
        done(writer.detach(disk.volume_id, instance, disk.tags, region=REGION))
    assert seen(reader, disk.volume_id).attachments == ()
    for _ in range(2):
        done(writer.delete_disk(disk.volume_id, disk.tags, region=REGION))
    assert done(reader.disk(disk.volume_id, region=REGION)) is None


def test_a_disk_of_somebody_else_is_neither_detached_nor_deleted(
    cloud: Cloud, reader: Machines, writer: CloudWriter
) -> None:
    """Nor one of another Remediation."""
    instance = cloud.run_instance()
    volume = done(writer.create_disk(wanted("theirs"), region=REGION))
    done(writer.attach(volume, instance, DEVICE, region=REGION))
    ours = tags("ours", "a", "c")
    with pytest.raises(errors.Invalid, match="does not carry"):
        done(writer.detach(volume, instance, ours, region=REGION))
    with pytest.raises(errors.Invalid, match="does not carry"):
        done(writer.delete_disk(volume, ours, region=REGION))
    assert seen(reader, volume).on(instance) is not None
    with pytest.raises(errors.Conflict):
        done(writer.delete_disk(volume, tags("theirs", "a", "c"), region=REGION))


def test_a_disk_that_was_made_and_not_seen_is_not_made_twice(
    cloud: Cloud, writer: CloudWriter
) -> None:
    """EC2 failed after it was done; it is not in the list yet; another size is asked for then."""
    before = len(cloud.disks())
    cloud.disk_fault("done_but_failed")
    with pytest.raises(errors.ServerFailed):
        done(writer.create_disk(wanted("once"), region=REGION))
    cloud.disk_fault("unseen")
    made = done(writer.create_disk(wanted("once"), region=REGION))
    with pytest.raises(errors.Conflict, match="IdempotentParameterMismatch"):
        done(writer.create_disk(wanted("once", gib=1300), region=REGION))
    cloud.disk_fault(None)
    assert done(writer.create_disk(wanted("once", gib=1300), region=REGION)) == made
    assert len(cloud.disks()) == before + 1


def test_an_attachment_that_failed_and_was_made_is_made_once(
    cloud: Cloud, reader: Machines, writer: CloudWriter
) -> None:
    """An error of EC2's own says nothing; a look tells, and an attaching one is left alone."""
    instance = cloud.run_instance()
    volume = done(writer.create_disk(wanted("attach"), region=REGION))
    cloud.disk_fault("done_but_failed")
    with pytest.raises(errors.ServerFailed):
        done(writer.attach(volume, instance, DEVICE, region=REGION))
    cloud.disk_fault("attaching")
    there = seen(reader, volume).on(instance)
    assert there is not None
    assert there.state == "attaching"
    assert seen(reader, volume).state == "in-use"
    done(writer.attach(volume, instance, DEVICE, region=REGION))
    cloud.disk_fault("busy")
    there = seen(reader, volume).on(instance)
    assert there is not None
    assert there.state == "busy"
    with pytest.raises(errors.Conflict):
        done(writer.attach(volume, instance, DEVICE, region=REGION))


def test_what_is_told_of_a_disk_may_be_old_or_bad(
    cloud: Cloud, reader: Machines, writer: CloudWriter
) -> None:
    """DeleteOnTermination shows late; a disk may come to be in error."""
    instance = cloud.run_instance()
    volume = done(writer.create_disk(wanted("late"), region=REGION))
    done(writer.attach(volume, instance, DEVICE, region=REGION))
    cloud.disk_fault("stale")
    done(writer.delete_with_machine(volume, instance, DEVICE, on=True, region=REGION))
    late = seen(reader, volume).on(instance)
    cloud.disk_fault(None)
    now = seen(reader, volume).on(instance)
    assert late is not None
    assert now is not None
    assert (late.delete_on_termination, now.delete_on_termination) == (False, True)
    cloud.disk_fault("error")
    assert seen(reader, volume).state == "error"


def test_whether_we_may_is_asked_without_a_disk(cloud: Cloud, writer: CloudWriter) -> None:
    """A dry run; and its refusal names what is missing."""
    before = len(cloud.disks())
    done(writer.may_create(wanted("dry"), region=REGION))
    cloud.disk_fault("forbidden")
    with pytest.raises(errors.Forbidden, match="ec2:CreateVolume"):
        done(writer.may_create(wanted("dry"), region=REGION))
    assert len(cloud.disks()) == before


def test_whoever_does_not_lead_any_more_changes_nothing(cloud: Cloud, reader: Machines) -> None:
    """It is asked after the look, right before the call; what is done already needs no leader."""

    def deposed() -> None:
        raise Deposed("another one leads")

    leader = Ec2Writer(Aws(attempts=1), reader, lambda: None)
    former = Ec2Writer(Aws(attempts=1), reader, deposed)
    (instance, other) = cloud.run_group("led", smallest=0, desired=2)
    kept = tags("led", "a", "c")
    before = len(cloud.disks())
    with pytest.raises(Deposed):
        done(former.create_disk(wanted("led"), region=REGION))
    assert len(cloud.disks()) == before
    volume = done(leader.create_disk(wanted("led"), region=REGION))
    assert done(former.create_disk(wanted("led"), region=REGION)) == volume
    for call in (
        former.attach(volume, instance, DEVICE, region=REGION),
        former.delete_disk(volume, kept, region=REGION),
        former.protect("led", instance, on=True, region=REGION),
        former.terminate(instance, shrink=True, region=REGION),
    ):
        with pytest.raises(Deposed):
            done(call)
    done(leader.attach(volume, instance, DEVICE, region=REGION))
    with pytest.raises(Deposed):
        done(former.detach(volume, instance, kept, region=REGION))
    assert seen(reader, volume).on(instance) is not None
    assert sorted(cloud.members("led")) == sorted([instance, other])


def test_only_a_disk_that_is_there_ends_with_the_machine(
    cloud: Cloud, reader: Machines, writer: CloudWriter
) -> None:
    """Under this very name: another disk of the machine's would be lost with it, or kept."""
    instance = cloud.run_instance()
    volume = done(writer.create_disk(wanted("ends"), region=REGION))
    with pytest.raises(errors.Conflict, match="nowhere"):
        done(writer.delete_with_machine(volume, instance, DEVICE, on=True, region=REGION))
    done(writer.attach(volume, instance, DEVICE, region=REGION))
    with pytest.raises(errors.Conflict, match=DEVICE):
        done(writer.delete_with_machine(volume, instance, "/dev/sda1", on=True, region=REGION))
    there = seen(reader, volume).on(instance)
    assert there is not None
    assert not there.delete_on_termination


def test_a_disk_is_attached_once_in_its_zone_under_a_free_name(
    cloud: Cloud, writer: CloudWriter
) -> None:
    """What EC2 refuses says what to do: look, choose another name, or give up."""
    first, second = cloud.run_instance(), cloud.run_instance()
    volume = done(writer.create_disk(wanted("here"), region=REGION))
    done(writer.attach(volume, first, DEVICE, region=REGION))
    with pytest.raises(errors.Conflict, match=first):
        done(writer.attach(volume, second, DEVICE, region=REGION))
    other = done(writer.create_disk(wanted("name"), region=REGION))
    with pytest.raises(DeviceTaken, match=DEVICE):
        done(writer.attach(other, first, DEVICE, region=REGION))
    far = done(writer.create_disk(wanted("far", zone="us-east-1b"), region=REGION))
    with pytest.raises(errors.Invalid, match="ZoneMismatch"):
        done(writer.attach(far, first, "/dev/xvddy", region=REGION))
    with pytest.raises(errors.NotFound):
        done(writer.attach("vol-0123456789abcdef0", first, "/dev/xvddy", region=REGION))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("no_capacity", NotNow),
        ("mismatch", errors.Conflict),
        ("throttled", errors.Throttled),
        ("forbidden", errors.Forbidden),
        ("failed", errors.ServerFailed),
    ],
)
def test_what_ec2_refuses_makes_no_disk(
    cloud: Cloud, writer: CloudWriter, fault: str, kind: type[errors.ObserveError]
) -> None:
    """And the same call makes one as soon as it is well."""
    before = len(cloud.disks())
    cloud.disk_fault(fault)
    with pytest.raises(kind) as caught:
        done(writer.create_disk(wanted(f"no-{fault}"), region=REGION))
    assert type(caught.value) is kind
    assert len(cloud.disks()) == before
    cloud.disk_fault(None)
    done(writer.create_disk(wanted(f"no-{fault}"), region=REGION))
    assert len(cloud.disks()) == before + 1


def test_a_machine_ends_through_its_group_and_takes_our_disk_with_it(
    cloud: Cloud, reader: Machines, writer: CloudWriter, power: list[PowerChange]
) -> None:
    """Protected, unprotected, ended once: the group is one smaller, and never below its minimum."""
    first, second = cloud.run_group("workers", smallest=1, desired=2)
    volume = done(writer.create_disk(wanted("end"), region=REGION))
    done(writer.attach(volume, first, DEVICE, region=REGION))
    done(writer.delete_with_machine(volume, first, DEVICE, on=True, region=REGION))
    for on in (True, False, True):
        done(writer.protect("workers", first, on=on, region=REGION))
        group = done(reader.group_of(first, region=REGION))
        assert group is not None
        assert group.protected is on
        assert (group.name, group.smallest, group.desired) == ("workers", 1, 2)
        assert group.lifecycle == "InService"
    for _ in range(2):
        done(writer.terminate(first, shrink=True, region=REGION))
    assert cloud.members("workers") == [second]
    assert done(reader.machine(first, region=REGION)).state == "terminated"
    assert done(reader.disk(volume, region=REGION)) is None
    assert power == [PowerChange(first, running=False, resumed=False, ended=True)]
    with pytest.raises(errors.Invalid, match="has 1 and keeps 1"):
        done(writer.terminate(second, shrink=True, region=REGION))
    done(writer.terminate(second, shrink=False, region=REGION))
    assert cloud.state(second) == "terminated"
    alone = cloud.run_instance()
    assert done(reader.group_of(alone, region=REGION)) is None
    with pytest.raises(errors.Invalid, match="no scaling group"):
        done(writer.terminate(alone, shrink=False, region=REGION))
