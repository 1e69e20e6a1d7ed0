"""mount_failing where the node's kernel says why: which of its lines are about this mount."""

from collections.abc import Iterable

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Kind, Object
from exporter.observe.model.facts import MountFailed
from exporter.observe.signals.mount_failing import MountFailing, subject_of
from exporter.observe.view import Want
from tests.signals import made

DATA = subject_of("web", "user", "data")
DETECTOR = MountFailing()
POD = made.pod(claim_volumes=("vol",), sandbox=False)
XFS = made.volume(fs_type="xfs")
STUCK: list[Object] = [made.node(ready_since=5.0), made.claim(), XFS, made.attachment(), POD]


def decide(objects: Iterable[Object], unseen: dict[Kind, str] | None = None) -> model.Signal | None:
    """Decide the claim of the pod."""
    return DETECTOR.decide(DATA, made.view(objects, unseen))


def reason(objects: Iterable[Object]) -> str | None:
    """Return the reason of the signal; None without one."""
    found = decide(objects)
    return found.reason if found is not None else None


def refused(device: str = "sdb", **fields: object) -> Object:
    """Return the Event of a mount that the kernel refused, just after its line."""
    fact = MountFailed("pv-data", (), "MountDevice", Cause.WRONG_FS_TYPE, device=device)
    fields = {"name": f"refused-{device}", "message": "wrong fs type", "last": 9_510.0, **fields}
    return made.event(POD, fact, **fields)


@pytest.mark.parametrize(
    "cause",
    [
        Cause.XFS_DUPLICATE_UUID,
        Cause.XFS_UNSUPPORTED,
        Cause.FEATURE_UNSUPPORTED,
        Cause.FILESYSTEM_DAMAGED,
        Cause.FILESYSTEM_SHUT_DOWN,
        Cause.IO_ERROR,
    ],
)
def test_the_kernel_s_own_line_says_what_a_wrong_type_was(cause: Cause) -> None:
    """Of the device that mount(8) named; it is proof, where versions are a guess."""
    found = decide([*STUCK, refused(), made.kernel_fault("a", cause)])
    assert found is not None
    assert found.reason == cause
    assert found.evidence[2] == f"the kernel of node a, 2 times: XFS (sdb): {cause}"


@pytest.mark.parametrize(
    ("fault", "device"),
    [
        (made.kernel_fault("b"), "sdb"),
        (made.kernel_fault("a", device="sdc"), "sdb"),
        (made.kernel_fault("a", first=1_000.0, last=2_000.0), "sdb"),
        (made.kernel_fault("a", Cause.REMOUNTED_READ_ONLY), "sdb"),
        (made.kernel_fault("a", Cause.FILESYSTEM_DAMAGED), ""),
        (made.kernel_fault("a", fs_type="ext4"), ""),
    ],
    ids=[
        "another node",
        "another device",
        "hours ago",
        "of a mounted one",
        "perhaps of a mounted one",
        "another type",
    ],
)
def test_a_line_that_may_be_about_something_else_proves_nothing(fault: Object, device: str) -> None:
    """The kubelet's word stands then."""
    assert reason([*STUCK, refused(device), fault]) == "WrongFsType"


def test_without_a_device_lines_that_only_a_mount_writes_count_while_they_agree() -> None:
    """A mapper's name is not what the kernel calls it."""
    unsupported = made.kernel_fault("a", Cause.XFS_UNSUPPORTED, device="dm-3", name="dm-3/x")
    assert reason([*STUCK, refused(""), unsupported]) == "XfsUnsupported"
    both = [unsupported, made.kernel_fault()]
    assert reason([*STUCK, refused(""), *both]) == "WrongFsType"
    assert reason([*STUCK, refused(), *both]) == "XfsDuplicateUuid"


def test_the_most_telling_line_of_a_device_is_the_proof() -> None:
    """A damaged file system often has I/O errors as well."""
    faults = [
        made.kernel_fault("a", cause)
        for cause in (Cause.IO_ERROR, Cause.FILESYSTEM_DAMAGED, Cause.FILESYSTEM_SHUT_DOWN)
    ]
    assert reason([*STUCK, refused(), *faults]) == "FilesystemDamaged"


def test_a_kernel_that_cannot_be_seen_silences_nothing_and_is_asked_only_when_it_may_know() -> None:
    """A node's own exporter need not read the log at all."""
    objects = [*STUCK, refused()]
    found = decide(objects, {Kind.KERNEL_FAULT: "not read"})
    assert found is not None
    assert found.reason == "WrongFsType"
    timed_out = made.event(POD, MountFailed("pv-data", (), "SetUp", Cause.TIMEOUT))
    asked = Want(Kind.KERNEL_FAULT, name="a")
    assert asked in set(DETECTOR.reads(DATA, made.view(objects)))
    assert asked not in set(DETECTOR.reads(DATA, made.view([*STUCK, timed_out])))
