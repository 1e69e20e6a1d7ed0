"""What EC2 and Auto Scaling say to each call of a repair, and what the engine does about it.

Through the actuator, with botocore's own reading of the answers. `FATES` are the engine's three
answers to a call that failed (remediator/execution.py).
"""

import asyncio
from enum import StrEnum
from functools import cache
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from exporter.observe import errors
from exporter.observe.aws import Aws, DeviceTaken, NotNow
from exporter.observe.errors import ObserveError
from exporter.observe.model.machines import (
    DiskAttachment,
    DiskReading,
    GroupReading,
    MachineReading,
)
from remediator.actuators.cloud import CloudActuator
from remediator.cloud import (
    AttachDisk,
    CloudCall,
    CreateDisk,
    DeleteDisk,
    DeleteWithMachine,
    DetachDisk,
    ProtectMachine,
    TerminateMachine,
    new_disk,
    tags,
)
from remediator.ec2 import Ec2Writer

REGION, ZONE, INSTANCE, DEVICE = "eu-central-1", "eu-central-1a", "i-0abc", "/dev/xvddz"
TAGS = tags("uid", "a", "c")
ALONE = DiskReading("vol-1", "available", 9, "gp3", encrypted=True, zone=ZONE, tags=TAGS)
HERE = DiskReading(
    "vol-1",
    "in-use",
    9,
    "gp3",
    encrypted=True,
    zone=ZONE,
    tags=TAGS,
    attachments=(DiskAttachment(INSTANCE, DEVICE, "attached"),),
)


class Fate(StrEnum):
    """What the engine does."""

    ENDS = "the repair has failed, and a person is asked"
    AGAIN = "it was refused: look, and do it again where it is still wanted"
    LANDS = "it may have been done or be done yet: wait, look, and never do it blindly"


FATES: tuple[tuple[tuple[type[ObserveError], ...], Fate], ...] = (
    ((errors.Forbidden, errors.Invalid), Fate.ENDS),
    ((errors.Conflict, errors.NotFound, errors.Unauthorized), Fate.AGAIN),
    ((ObserveError,), Fate.LANDS),
)


class Looks:
    """A CloudReader to which the call still looks wanted."""

    def __init__(self, disk: DiskReading | None) -> None:
        self._disk = disk

    async def disk(self, volume_id: str, *, region: str) -> DiskReading | None:
        """Return the disk."""
        assert (volume_id, region) == ("vol-1", REGION)
        return self._disk

    async def disks_tagged(self, tags: object, *, region: str) -> tuple[DiskReading, ...]:
        """Return none: it was not made, or is not seen yet."""
        assert (tags, region) == (TAGS, REGION)
        return ()

    async def disks_of(self, instance_id: str, *, region: str) -> tuple[DiskReading, ...]:
        """Return what is on it."""
        assert (instance_id, region) == (INSTANCE, REGION)
        return ()

    async def machine(self, instance_id: str, *, region: str) -> MachineReading:
        """Return it running."""
        assert region == REGION
        return MachineReading(instance_id, "running", ZONE, "m5.large")

    async def group_of(self, instance_id: str, *, region: str) -> GroupReading:
        """Return a group that can shrink."""
        assert (instance_id, region) == (INSTANCE, REGION)
        return GroupReading("g", 1, 2, 3, "InService", protected=False)


NEW = new_disk("uid", node="a", cluster="c", zone=ZONE, gib=9, like=ALONE)
ACTS: dict[str, tuple[CloudCall, DiskReading | None]] = {
    "create_volume": (CreateDisk(NEW, REGION), None),
    "attach_volume": (AttachDisk("vol-1", INSTANCE, DEVICE, REGION), ALONE),
    "modify_instance_attribute": (
        DeleteWithMachine("vol-1", INSTANCE, DEVICE, on=True, region=REGION),
        HERE,
    ),
    "detach_volume": (DetachDisk("vol-1", INSTANCE, TAGS, REGION), HERE),
    "delete_volume": (DeleteDisk("vol-1", TAGS, REGION), ALONE),
    "set_instance_protection": (ProtectMachine("g", INSTANCE, on=True, region=REGION), None),
    "terminate_instance_in_auto_scaling_group": (
        TerminateMachine(INSTANCE, shrink=True, region=REGION),
        None,
    ),
}
END = "terminate_instance_in_auto_scaling_group"


@cache
def client_of(service: Literal["ec2", "autoscaling"]) -> Any:  # noqa: ANN401 -- boto3 makes it at run time
    """Return boto3's client; it takes a while to make one."""
    return boto3.session.Session().client(
        service,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 -- nobody is asked
    )


def client(operation: str) -> Any:  # noqa: ANN401
    """Return the client that has this operation."""
    scaling = operation in (END, "set_instance_protection")
    return client_of("autoscaling" if scaling else "ec2")


def failed(operation: str, made: Any, looks: Looks | None = None) -> ObserveError:  # noqa: ANN401
    """Do the act by this client, and return what it raises."""
    act, disk = ACTS[operation]
    aws = Aws(attempts=1, connect=lambda *_: made)
    writer = Ec2Writer(aws, looks or Looks(disk), lambda: None)
    with pytest.raises(ObserveError) as caught:
        asyncio.run(CloudActuator(writer).call(act))
    return caught.value


def fate(error: ObserveError) -> Fate:
    """Return what the engine does about it."""
    return next(what for kinds, what in FATES if isinstance(error, kinds))


@pytest.mark.parametrize(
    ("operation", "code", "status", "message", "kind", "what"),
    [
        # More than we may have, or what no retry makes possible.
        ("create_volume", "VolumeLimitExceeded", 400, "", errors.Invalid, Fate.ENDS),
        ("create_volume", "MaxIOPSLimitExceeded", 400, "", errors.Invalid, Fate.ENDS),
        ("create_volume", "InvalidParameterCombination", 400, "", errors.Invalid, Fate.ENDS),
        ("create_volume", "UnknownVolumeType", 400, "", errors.Invalid, Fate.ENDS),
        ("create_volume", "InvalidZone.NotFound", 400, "", errors.Invalid, Fate.ENDS),
        ("create_volume", "UnauthorizedOperation", 403, "", errors.Forbidden, Fate.ENDS),
        ("create_volume", "InsufficientVolumeCapacity", 500, "", NotNow, Fate.AGAIN),
        # The token made a disk that is not seen yet: the next look finds it by its tags.
        ("create_volume", "IdempotentParameterMismatch", 400, "", errors.Conflict, Fate.AGAIN),
        ("create_volume", "RequestLimitExceeded", 503, "", errors.Throttled, Fate.LANDS),
        ("create_volume", "Unavailable", 503, "", errors.ServerFailed, Fate.LANDS),
        ("create_volume", "InternalError", 500, "", errors.ServerFailed, Fate.LANDS),
        ("attach_volume", "AttachmentLimitExceeded", 400, "", errors.Invalid, Fate.ENDS),
        ("attach_volume", "InvalidVolume.ZoneMismatch", 400, "", errors.Invalid, Fate.ENDS),
        ("attach_volume", "InvalidInstanceID.Malformed", 400, "", errors.Invalid, Fate.ENDS),
        # It is being made yet, or another one took it, the name or the machine's time.
        ("attach_volume", "IncorrectState", 400, "vol-1 is not 'available'", NotNow, Fate.AGAIN),
        ("attach_volume", "IncorrectInstanceState", 400, "", NotNow, Fate.AGAIN),
        ("attach_volume", "VolumeInUse", 400, "", errors.Conflict, Fate.AGAIN),
        ("attach_volume", "InvalidVolume.NotFound", 400, "", errors.NotFound, Fate.AGAIN),
        ("attach_volume", "InvalidInstanceID.NotFound", 400, "", errors.NotFound, Fate.AGAIN),
        (
            "attach_volume",
            "InvalidParameterValue",
            400,
            "Invalid value '/dev/xvddz' for unixDevice. Attachment point is already in use",
            DeviceTaken,
            Fate.AGAIN,
        ),
        ("attach_volume", "InvalidParameterValue", 400, "bad name", errors.Invalid, Fate.ENDS),
        ("attach_volume", "InternalError", 500, "", errors.ServerFailed, Fate.LANDS),
        (
            "modify_instance_attribute",
            "InvalidInstanceAttributeValue",
            400,
            "No device is currently mapped at /dev/xvddz",
            NotNow,
            Fate.AGAIN,
        ),
        (
            "modify_instance_attribute",
            "InvalidInstanceAttributeValue",
            400,
            "another value",
            errors.Invalid,
            Fate.ENDS,
        ),
        (
            "modify_instance_attribute",
            "UnauthorizedOperation",
            403,
            "",
            errors.Forbidden,
            Fate.ENDS,
        ),
        ("detach_volume", "IncorrectState", 400, "vol-1 is 'available'", NotNow, Fate.AGAIN),
        ("detach_volume", "InvalidAttachment.NotFound", 400, "", errors.NotFound, Fate.AGAIN),
        ("detach_volume", "Unavailable", 503, "", errors.ServerFailed, Fate.LANDS),
        ("delete_volume", "VolumeInUse", 400, "", errors.Conflict, Fate.AGAIN),
        ("delete_volume", "InvalidVolume.NotFound", 400, "", errors.NotFound, Fate.AGAIN),
        (
            "set_instance_protection",
            "ValidationError",
            400,
            "The instance i-0abc is not in InService or EnteringStandby or Standby.",
            NotNow,
            Fate.AGAIN,
        ),
        (
            "set_instance_protection",
            "ValidationError",
            400,
            "The instance i-0abc is not part of Auto Scaling group g.",
            errors.NotFound,
            Fate.AGAIN,
        ),
        ("set_instance_protection", "AccessDenied", 403, "", errors.Forbidden, Fate.ENDS),
        (
            END,
            "ValidationError",
            400,
            "Terminating instance without replacement will violate group's min size constraint.",
            errors.Invalid,
            Fate.ENDS,
        ),
        (
            END,
            "ValidationError",
            400,
            "Instance Id not found - No managed instance found for instance ID: i-0abc",
            errors.NotFound,
            Fate.AGAIN,
        ),
        (END, "ScalingActivityInProgress", 400, "", NotNow, Fate.AGAIN),
        (END, "ResourceContention", 500, "", NotNow, Fate.AGAIN),
        (END, "Throttling", 400, "", errors.Throttled, Fate.LANDS),
        (END, "InternalFailure", 500, "", errors.ServerFailed, Fate.LANDS),
        # Credentials that run out in the middle come back by themselves.
        *(
            (operation, "ExpiredToken", 400, "", errors.Unauthorized, Fate.AGAIN)
            for operation in ACTS
        ),
    ],
)
def test_each_code_has_an_answer(
    operation: str,
    code: str,
    status: int,
    message: str,
    kind: type[ObserveError],
    what: Fate,
) -> None:
    """By the call that may hear it, and named in AWS' own words."""
    made = client(operation)
    with Stubber(made) as stub:
        stub.add_client_error(operation, code, message, http_status_code=status)
        error = failed(operation, made)
        stub.assert_no_pending_responses()
    assert type(error) is kind
    assert fate(error) is what
    assert code in str(error)


class Silent:
    """A client that gives no answer, or one that nobody can read."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def __getattr__(self, operation: str) -> Any:  # noqa: ANN401 -- boto3's own way
        def call(**words: object) -> None:
            del words
            raise self._failure

        return call


@pytest.mark.parametrize("operation", ACTS)
@pytest.mark.parametrize(
    "failure", [ReadTimeoutError(endpoint_url="x"), KeyError("half an answer")], ids=repr
)
def test_no_answer_is_never_taken_for_a_refusal(operation: str, failure: Exception) -> None:
    """Of whatever call: it may have been done."""
    assert fate(failed(operation, Silent(failure))) is Fate.LANDS


@pytest.mark.parametrize("operation", [name for name in ACTS if name != "set_instance_protection"])
def test_who_cannot_look_does_not_write(operation: str) -> None:
    """Each call but one looks first, and what the look says of itself is the answer."""

    class Blind(Looks):
        """Sees nothing."""

        async def disk(self, volume_id: str, *, region: str) -> DiskReading | None:
            """Fail."""
            raise errors.Throttled(f"about {volume_id} in {region}")

        async def disks_tagged(self, tags: object, *, region: str) -> tuple[DiskReading, ...]:
            """Fail."""
            raise errors.Throttled(f"about {tags} in {region}")

        async def machine(self, instance_id: str, *, region: str) -> MachineReading:
            """Fail."""
            raise errors.Throttled(f"about {instance_id} in {region}")

    written = Silent(AssertionError("it wrote"))
    assert isinstance(failed(operation, written, Blind(None)), errors.Throttled)
