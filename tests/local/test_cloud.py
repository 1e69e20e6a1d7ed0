"""The EC2 endpoint: power, launch times and hibernation as in EC2, and faults on command."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from local.background import Background
from local.cloud import Cloud
from local.ec2_answers import ACCOUNT, OTHER_ACCOUNT
from local.ec2_face import PowerChange
from local.processes import Processes
from local.run_directory import RunDirectory

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

Changes = queue.SimpleQueue[PowerChange]


@pytest.fixture(scope="module")
def changes() -> Changes:
    """Every power change that the endpoint told of."""
    return queue.SimpleQueue()


@pytest.fixture(scope="module")
def cloud(changes: Changes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One real endpoint, moto's server behind its face, for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        temporary: Path = tmp_path_factory.mktemp("runs")
        patch.setattr("tempfile.tempdir", str(temporary))
        directory = RunDirectory.create()
        processes, background = Processes(directory), Background()
        running = Cloud(background, processes)

        async def changed(change: PowerChange) -> None:
            changes.put(change)

        running.open(changed)
        yield running
        running.close()
        background.close()
        processes.end_all()
        directory.close()


class Client:
    """Asks once and does not wait long."""

    def __init__(self, endpoint: str) -> None:
        self.ec2: Any = _client(endpoint)

    def reservations(self, instance: str) -> list[dict[str, Any]]:
        """Return what DescribeInstances says of one instance."""
        answer: list[dict[str, Any]] = self.ec2.describe_instances(InstanceIds=[instance])[
            "Reservations"
        ]
        return answer

    def owner(self, instance: str) -> str:
        """Return the account that the instance's reservation names."""
        return str(self.reservations(instance)[0]["OwnerId"])

    def instance(self, instance: str) -> dict[str, Any]:
        """Return what is said of the instance itself."""
        found: dict[str, Any] = self.reservations(instance)[0]["Instances"][0]
        return found


@pytest.fixture
def client(cloud: Cloud) -> Iterator[Client]:
    """A client of the endpoint."""
    made = Client(cloud.endpoint_url)
    yield made
    made.ec2.close()


def _client(endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes it at run time
    return boto3.client(
        "ec2",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",  # noqa: S106 - moto takes any
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1),
    )


def test_a_power_cycle_is_told_and_changes_the_launch_time(
    cloud: Cloud, client: Client, changes: Changes
) -> None:
    """Stop and start reach the listener, and LaunchTime is that of the start."""
    instance = cloud.run_instance()
    cloud.stop(instance)
    assert cloud.state(instance) == "stopped"
    reason = client.instance(instance)["StateReason"]["Code"]
    assert reason == "Client.UserInitiatedShutdown"
    assert changes.get(timeout=5) == PowerChange(instance, running=False, resumed=False)
    before = time.time()
    cloud.start(instance)
    assert changes.get(timeout=5) == PowerChange(instance, running=True, resumed=False)
    launched: dt.datetime = client.instance(instance)["LaunchTime"]
    assert launched.timestamp() >= int(before)


def test_a_hibernated_instance_says_so_and_resumes(
    cloud: Cloud, client: Client, changes: Changes
) -> None:
    """Stopped by hibernation is told apart, and the start after it goes on with the same boot."""
    instance = cloud.run_instance()
    cloud.stop(instance, hibernate=True)
    found = client.instance(instance)
    assert found["State"]["Name"] == "stopped"
    assert found["StateReason"]["Code"] == "Client.UserInitiatedHibernate"
    assert changes.get(timeout=5).running is False
    cloud.start(instance)
    assert changes.get(timeout=5) == PowerChange(instance, running=True, resumed=True)


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("throttled", "RequestLimitExceeded", 503),
        ("forbidden", "UnauthorizedOperation", 403),
        ("not_found", "InvalidInstanceID.NotFound", 400),
    ],
)
def test_errors_look_like_those_of_ec2(
    cloud: Cloud, client: Client, fault: str, code: str, status: int
) -> None:
    """The client library reads code and status as it does from AWS, until the fault is lifted."""
    instance = cloud.run_instance()
    cloud.fault(fault)
    with pytest.raises(ClientError) as caught:
        client.instance(instance)
    cloud.fault(None)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert client.owner(instance) == ACCOUNT


def test_other_faults_are_what_they_are_called(cloud: Cloud, client: Client) -> None:
    """No answer, no XML, no instance, another owner."""
    instance = cloud.run_instance()
    cloud.fault("timeout")
    with pytest.raises(ReadTimeoutError):
        client.instance(instance)
    cloud.fault("garbage")
    with pytest.raises(ResponseParserError):
        client.instance(instance)
    cloud.fault("empty")
    assert client.reservations(instance) == []
    cloud.fault("another_account")
    assert client.owner(instance) == OTHER_ACCOUNT
    cloud.fault(None)


def test_a_fault_of_one_instance_leaves_the_others_alone(cloud: Cloud, client: Client) -> None:
    """Only a question that names the instance goes wrong, and its real state is known all along."""
    sick, well = cloud.run_instance(), cloud.run_instance()
    cloud.fault("forbidden", sick)
    with pytest.raises(ClientError):
        client.instance(sick)
    assert client.instance(well)["State"]["Name"] == "running"
    assert cloud.state(sick) == "running"
    cloud.fault(None)
