"""A node's machine and a repair's disks: which cloud is asked, and what stays unseen."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from exporter.observe import errors
from exporter.observe.aws import Aws
from exporter.observe.machines import Machines
from exporter.observe.model import Kind, Machine, Object, RepairDisks
from exporter.observe.node_machines import AT_ONCE, MachineReader
from exporter.observe.objects import Objects
from exporter.observe.view import Want
from tests.signals import made

TAG = "pvmedic.dev/remediation"
INSTANCE = "i-0abc"
NODE = made.node("a", provider_id=f"aws:///eu-central-1a/{INSTANCE}")
WANT = Want(Kind.MACHINE, name="a")
DISK = {
    "VolumeId": "vol-1",
    "State": "in-use",
    "Size": 1,
    "VolumeType": "gp3",
    "AvailabilityZone": "eu-central-1a",
}
RUNNING = {
    "InstanceId": INSTANCE,
    "State": {"Name": "running"},
    "Placement": {"AvailabilityZone": "eu-central-1a"},
    "InstanceType": "m5.large",
}
MEMBER = {"InstanceId": INSTANCE, "AutoScalingGroupName": "g", "LifecycleState": "InService"}
GROUP = {
    "AutoScalingGroupName": "g",
    "MinSize": 1,
    "MaxSize": 3,
    "DesiredCapacity": 2,
    "Instances": [{**MEMBER, "ProtectedFromScaleIn": False}],
    "SuspendedProcesses": [],
}
ANSWERS: Mapping[str, Mapping[str, object]] = {
    "describe_instances": {"Reservations": [{"Instances": [RUNNING]}]},
    "describe_volumes": {"Volumes": [DISK]},
    "describe_auto_scaling_instances": {"AutoScalingInstances": [MEMBER]},
    "describe_auto_scaling_groups": {"AutoScalingGroups": [GROUP]},
}


class Ec2:
    """A client of boto3's that answers, or fails, by operation; without its check of shapes."""

    def __init__(self, **changed: object) -> None:
        self.answers: dict[str, Any] = {**ANSWERS, **changed}
        self.asked: list[tuple[str, str, Mapping[str, object]]] = []
        self.region = ""

    def connect(self, service: str, region: str) -> "Ec2":
        """Be the client of every service."""
        del service
        self.region = region
        return self

    def __getattr__(self, operation: str) -> Any:  # noqa: ANN401 -- boto3's own way
        def call(**words: object) -> Mapping[str, object]:
            self.asked.append((operation, self.region, words))
            answer: Mapping[str, object] | Exception = self.answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def read(cloud: Ec2, want: Want = WANT, *known: Object) -> Sequence[Object]:
    """Ask once."""
    reader = MachineReader(Machines(Aws(connect=cloud.connect)), TAG)
    ask = reader.of_node if want.kind is Kind.MACHINE else reader.of_repair
    return asyncio.run(ask(want, Objects(known)))


def test_a_node_s_machine_is_read_with_its_disks_and_its_group() -> None:
    """In the region that its zone is in."""
    cloud = Ec2()
    (found,) = read(cloud, WANT, NODE)
    assert isinstance(found, Machine)
    assert (found.name, found.instance_id, found.region) == ("a", INSTANCE, "eu-central-1")
    assert found.reading is not None
    assert found.reading.state == "running"
    assert [one.volume_id for one in found.disks] == ["vol-1"]
    assert found.group is not None
    assert (found.group.name, found.group.can_shrink) == ("g", True)
    assert {region for _, region, _ in cloud.asked} == {"eu-central-1"}


def test_a_machine_is_read_by_its_own_name_where_its_node_is_gone() -> None:
    """The want names region and instance; the node's own word is not asked for."""
    want = Want(Kind.MACHINE, f"eu-west-1/{INSTANCE}", "a")
    cloud = Ec2()
    (found,) = read(cloud, want)
    assert isinstance(found, Machine)
    assert (found.name, found.instance_id, found.region) == ("a", INSTANCE, "eu-west-1")
    with pytest.raises(errors.Invalid, match="is not REGION/INSTANCE"):
        read(Ec2(), Want(Kind.MACHINE, "i-0abc", "a"))


@pytest.mark.parametrize(
    "provider_id", ["", "gce://p/z/i", "aws:///eu-central-1a/fargate-ip-10", "azure:///x"]
)
def test_of_another_cloud_nothing_is_asked_and_nothing_is_unseen(provider_id: str) -> None:
    """Nor of a node that is not there."""
    cloud = Ec2()
    assert read(cloud, WANT, made.node("a", provider_id=provider_id)) == ()
    assert read(cloud, WANT) == ()
    assert cloud.asked == []


def test_a_machine_that_ec2_does_not_know_has_no_reading() -> None:
    """Which proves nothing, and is said as nothing else."""
    (found,) = read(Ec2(describe_instances={"Reservations": []}), WANT, NODE)
    assert isinstance(found, Machine)
    assert found.reading is None


def test_a_machine_in_no_group_has_none() -> None:
    """And no group is asked about."""
    cloud = Ec2(describe_auto_scaling_instances={"AutoScalingInstances": []})
    (found,) = read(cloud, WANT, NODE)
    assert isinstance(found, Machine)
    assert found.group is None
    assert "describe_auto_scaling_groups" not in [name for name, *_ in cloud.asked]


def refused(code: str, status: int, operation: str = "DescribeVolumes") -> ClientError:
    """Return what botocore raises for an error answer."""
    said: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, operation)


def test_an_instance_that_was_forgotten_is_known_by_its_name_alone() -> None:
    """An hour after its end EC2 says so; that is no proof of an end."""
    error = refused("InvalidInstanceID.NotFound", 400, "DescribeInstances")
    (found,) = read(Ec2(describe_instances=error), WANT, NODE)
    assert isinstance(found, Machine)
    assert (found.instance_id, found.reading) == (INSTANCE, None)


FAILURES = (
    (NoCredentialsError(), errors.Unauthorized),
    (ReadTimeoutError(endpoint_url="x"), errors.Unreachable),
    (KeyError("x"), errors.Garbage),
    (refused("UnauthorizedOperation", 403), errors.Forbidden),
    (refused("AuthFailure", 401), errors.Forbidden),
    (refused("RequestLimitExceeded", 503), errors.Throttled),
    (refused("InternalError", 500), errors.ServerFailed),
    (refused("InvalidParameterValue", 400), errors.Invalid),
)


@pytest.mark.parametrize("operation", ANSWERS)
@pytest.mark.parametrize(("failure", "kind"), FAILURES, ids=repr)
def test_what_fails_of_any_part_leaves_the_machine_unseen(
    operation: str, failure: Exception, kind: type[errors.ObserveError]
) -> None:
    """A machine without its group would be one that is in none."""
    name = "".join(word.capitalize() for word in operation.split("_"))
    if isinstance(failure, ClientError):
        failure = ClientError(failure.response, name)
    with pytest.raises(kind):
        read(Ec2(**{operation: failure}), WANT, NODE)


@pytest.mark.parametrize(("failure", "kind"), FAILURES, ids=repr)
def test_what_fails_leaves_the_disks_of_a_repair_unseen(
    failure: Exception, kind: type[errors.ObserveError]
) -> None:
    """No disk is seen is not: there is no disk, and none is made because of it."""
    with pytest.raises(kind):
        read(Ec2(describe_volumes=failure), Want(Kind.REPAIR_DISKS, name="uid-1"))


def test_the_disks_of_a_repair_are_found_by_its_uid_and_gone_ones_are_none() -> None:
    """In the region that the want names."""
    gone = [{**DISK, "VolumeId": f"vol-{s}", "State": s} for s in ("deleting", "deleted")]
    bad = {**DISK, "VolumeId": "vol-bad", "State": "error"}
    cloud = Ec2(describe_volumes={"Volumes": [DISK, *gone, bad]})
    (found,) = read(cloud, Want(Kind.REPAIR_DISKS, "eu-west-1", "uid-1"))
    assert isinstance(found, RepairDisks)
    assert found.name == "uid-1"
    assert [one.volume_id for one in found.disks] == ["vol-1", "vol-bad"]
    ((operation, region, words),) = cloud.asked
    assert (operation, region) == ("describe_volumes", "eu-west-1")
    assert words == {"Filters": [{"Name": f"tag:{TAG}", "Values": ["uid-1"]}]}


def test_many_looks_at_one_time_wait_for_each_other() -> None:
    """More questions than AWS is asked at once would look as if it did not answer."""
    cloud = Ec2()

    async def run() -> list[Sequence[Object]]:
        reader = MachineReader(Machines(Aws(connect=cloud.connect)), TAG)
        known = Objects([NODE])
        return await asyncio.gather(*(reader.of_node(WANT, known) for _ in range(4 * AT_ONCE)))

    assert all(len(found) == 1 for found in asyncio.run(run()))
