"""Calls of AWS: what every error of a call that changes something says of what became of it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from exporter.observe import errors
from exporter.observe.aws import Aws, DeviceTaken, NotNow
from exporter.observe.machines import Machines

Reading = Callable[[Machines], Any]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give boto3 credentials, and nothing from this machine's files."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(name, value)


FINAL = (errors.Forbidden, errors.Invalid)
REFUSED_NOW = (
    errors.Conflict,
    NotNow,
    DeviceTaken,
    errors.NotFound,
    errors.Unauthorized,
    errors.Throttled,
)
LOOK = (errors.ServerFailed,)


@pytest.mark.parametrize(
    ("code", "status", "message", "kind", "fate"),
    [
        ("UnauthorizedOperation", 403, "Encoded ...", errors.Forbidden, FINAL),
        ("VolumeLimitExceeded", 400, "", errors.Invalid, FINAL),
        ("MaxIOPSLimitExceeded", 400, "", errors.Invalid, FINAL),
        ("AttachmentLimitExceeded", 400, "", errors.Invalid, FINAL),
        ("InvalidVolume.ZoneMismatch", 400, "", errors.Invalid, FINAL),
        ("InvalidParameterValue", 400, "Value (9) for size", errors.Invalid, FINAL),
        ("ValidationError", 400, "min size", errors.Invalid, FINAL),
        (
            "InvalidParameterValue",
            400,
            "Attachment point /dev/xvdba is already in use",
            DeviceTaken,
            REFUSED_NOW,
        ),
        ("VolumeInUse", 400, "", errors.Conflict, REFUSED_NOW),
        ("IdempotentParameterMismatch", 400, "", errors.Conflict, REFUSED_NOW),
        ("IncorrectState", 400, "", NotNow, REFUSED_NOW),
        ("IncorrectInstanceState", 400, "", NotNow, REFUSED_NOW),
        ("InsufficientVolumeCapacity", 500, "", NotNow, REFUSED_NOW),
        ("ScalingActivityInProgress", 400, "", NotNow, REFUSED_NOW),
        ("ResourceContention", 500, "", NotNow, REFUSED_NOW),
        ("InvalidVolume.NotFound", 400, "", errors.NotFound, REFUSED_NOW),
        ("InvalidAttachment.NotFound", 400, "", errors.NotFound, REFUSED_NOW),
        ("RequestLimitExceeded", 503, "", errors.Throttled, REFUSED_NOW),
        ("ExpiredToken", 400, "", errors.Unauthorized, REFUSED_NOW),
        ("Unavailable", 503, "", errors.ServerFailed, LOOK),
        ("InternalError", 500, "", errors.ServerFailed, LOOK),
    ],
)
def test_an_error_says_what_became_of_the_call(
    code: str,
    status: int,
    message: str,
    kind: type[errors.ObserveError],
    fate: tuple[type[errors.ObserveError], ...],
) -> None:
    """Never to be tried again; not done and worth a second try; or perhaps done."""
    client = boto3.session.Session().client("ec2", region_name="us-east-1")
    words = {"VolumeId": "vol-1", "InstanceId": "i-1", "Device": "/dev/xvdba"}
    with Stubber(client) as stub:
        stub.add_client_error("attach_volume", code, message, http_status_code=status)
        aws = Aws(attempts=1, connect=lambda *_: client)
        with pytest.raises(kind) as caught:
            asyncio.run(aws.call("ec2", "attach_volume", words, region="", asked="to attach it"))
        stub.assert_no_pending_responses()
    assert type(caught.value) in fate
    assert "EC2 was asked to attach it" in str(caught.value)


def test_what_is_forbidden_is_called_by_its_name() -> None:
    """As it stands in a policy; the encoded message is for nobody."""
    client = boto3.session.Session().client("autoscaling", region_name="us-east-1")
    words = {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": True}
    name = "terminate_instance_in_auto_scaling_group"
    with Stubber(client) as stub:
        stub.add_client_error(name, "AccessDenied", "Encoded", http_status_code=403)
        aws = Aws(attempts=1, connect=lambda *_: client)
        with pytest.raises(
            errors.Forbidden, match="autoscaling:TerminateInstanceInAutoScalingGroup"
        ):
            asyncio.run(aws.call("autoscaling", name, words, region="", asked="to end it"))


def asked(name: str, given: Mapping[str, object], reading: Reading) -> Any:  # noqa: ANN401
    """Read something from this answer of the operation."""

    class Answers:
        """A client that gives it, without botocore's check of shapes."""

        def __getattr__(self, operation: str) -> Callable[..., Mapping[str, object]]:
            assert operation == name
            return lambda **_: given

    machines = Machines(Aws(connect=lambda *_: Answers()))
    return asyncio.run(reading(machines))


VOLUME = {
    "VolumeId": "vol-1",
    "State": "in-use",
    "Size": 1,
    "VolumeType": "gp3",
    "AvailabilityZone": "z",
}


@pytest.mark.parametrize(
    ("name", "given", "reading", "kind", "words"),
    [
        ("describe_volumes", {}, lambda m: m.disk("vol-1", region=""), errors.Garbage, "Volumes"),
        (
            "describe_volumes",
            {"Volumes": [VOLUME]},
            lambda m: m.disk("vol-2", region=""),
            errors.Garbage,
            "1 others",
        ),
        (
            "describe_volumes",
            {"Volumes": [{**VOLUME, "State": "asleep"}]},
            lambda m: m.disk("vol-1", region=""),
            errors.Garbage,
            "asleep",
        ),
        (
            "describe_volumes",
            {"Volumes": [VOLUME], "NextToken": "more"},
            lambda m: m.disks_of("i-1", region=""),
            errors.Garbage,
            "only the first 1",
        ),
        (
            "describe_instances",
            {"Reservations": []},
            lambda m: m.machine("i-1", region=""),
            errors.NotFound,
            "proves nothing",
        ),
        (
            "describe_auto_scaling_instances",
            {"AutoScalingInstances": [{"InstanceId": "i-2"}]},
            lambda m: m.group_of("i-1", region=""),
            errors.Garbage,
            "AutoScalingGroupName",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_reading(
    name: str,
    given: Mapping[str, object],
    reading: Reading,
    kind: type[errors.ObserveError],
    words: str,
) -> None:
    """Half of one, about another, a state that does not exist, one page of several."""
    with pytest.raises(kind, match=words):
        asked(name, given, reading)


def test_nothing_there_is_an_answer_too() -> None:
    """No such disk, and a machine in no group."""
    assert asked("describe_volumes", {"Volumes": []}, lambda m: m.disk("v", region="")) is None
    empty: Mapping[str, object] = {"AutoScalingInstances": []}
    name = "describe_auto_scaling_instances"
    assert asked(name, empty, lambda m: m.group_of("i-1", region="")) is None
