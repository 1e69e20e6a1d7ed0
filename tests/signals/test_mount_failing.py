"""mount_failing as values: objects in, signal or nothing out."""

from collections.abc import Iterable

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Ready, SinceSource
from exporter.observe.model.facts import AttachFailed, MountFailed, SandboxFailed
from exporter.observe.model.versions import Version
from exporter.observe.signals.mount_failing import (
    UNEXPLAINED,
    MountFailing,
    subject_of,
)
from exporter.observe.signals.reasons import xfs
from tests.signals import made

DATA = subject_of("web", "user", "data")
DETECTOR = MountFailing()
POD = made.pod(claim_volumes=("vol",), sandbox=False)
THERE: list[Object] = [made.node(ready_since=5.0), made.claim(), made.volume(), made.attachment()]
STUCK: list[Object] = [*THERE, POD]


def failed(cause: Cause = Cause.OTHER, volume: str = "pv-data", **fields: object) -> Object:
    """Return a FailedMount Event on the pod."""
    fact = MountFailed(volume, (), "SetUp", cause)
    return made.event(POD, fact, **{"name": f"{cause}-{volume}", "message": "it failed", **fields})


def decide(objects: Iterable[Object], unseen: dict[Kind, str] | None = None) -> model.Signal | None:
    """Decide the claim of the pod."""
    return DETECTOR.decide(DATA, made.view(objects, unseen))


def reason(objects: Iterable[Object]) -> str | None:
    """Return the reason of the signal; None without one."""
    found = decide(objects)
    return found.reason if found is not None else None


def test_a_pod_whose_volume_is_attached_and_not_mounted_is_a_signal() -> None:
    """State alone says it: new clusters have no Event for a time-out."""
    found = decide(STUCK)
    assert found is not None
    assert (found.subject, found.since, found.since_source) == (DATA, 20.0, SinceSource.OBJECT)
    assert found.reason == UNEXPLAINED
    assert found.named == (("persistentvolume", "pv-data"), ("driver", made.DRIVER), ("node", "a"))
    assert found.evidence == (
        "pod web/user waits on node a for volume pv-data",
        "no Event says why; the kubelet's log on that node does",
    )


def test_an_event_adds_the_reason_and_its_text() -> None:
    """It names the volume."""
    found = decide([*STUCK, failed(Cause.UNREACHABLE)])
    assert found is not None
    assert (found.reason, found.evidence[1]) == ("Unreachable", "Kubernetes: it failed")


def test_on_an_older_cluster_only_an_event_tells_a_mount_from_an_image_pull() -> None:
    """Without the condition and without an Event nothing is said."""
    old = made.pod(claim_volumes=("vol",))
    assert reason([*THERE, old]) is None
    assert reason([*THERE, old, failed(Cause.TIMEOUT)]) == "Timeout"


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (MountFailed("vol", (), "SetUp", Cause.OTHER), "Other"),
        (MountFailed("", ("vol", "conf"), "", Cause.TIMEOUT), "Timeout"),
        (MountFailed("", (), "", Cause.NOT_FOUND), "NotFound"),
        (MountFailed("conf", (), "SetUp", Cause.NOT_STORAGE), None),
        (MountFailed("", ("conf",), "", Cause.TIMEOUT), None),
        (SandboxFailed(), None),
        (AttachFailed("pv-data", Cause.NODE_LIMIT), UNEXPLAINED),
    ],
    ids=[
        "by the pod volume's name",
        "in a list of pod volumes",
        "by no name",
        "another volume",
        "a list of others",
        "the network is missing",
        "an attach that is over",
    ],
)
def test_events_name_the_volume_in_many_ways_or_explain_the_wait_otherwise(
    fact: model.Fact, expected: str | None
) -> None:
    """Another volume's failure is not told as this one's."""
    assert reason([*STUCK, made.event(POD, fact)]) == expected


def test_only_the_claim_that_an_event_names_fails() -> None:
    """Without any name, all that are unexplained."""
    both = made.pod(claims=("data", "logs"), claim_volumes=("vol", "log-vol"), sandbox=False)
    logs = made.volume("pv-logs", claim_name="logs")
    here = made.attachment(name="csi-logs", volume="pv-logs")
    objects = [*THERE, both, made.claim("logs"), logs, here]
    other = subject_of("web", "user", "logs")
    assert DETECTOR.decide(other, made.view(objects)) is not None
    assert decide(objects) is not None
    named = [*objects, failed(Cause.INVALID)]
    assert reason(named) == "Invalid"
    assert DETECTOR.decide(other, made.view(named)) is None


def test_the_most_telling_cause_wins_then_the_newest() -> None:
    """A time-out and a refused retry follow every other failure."""
    events = [
        failed(Cause.NOT_FOUND, last=300.0),
        failed(Cause.UNREACHABLE, last=400.0),
        failed(Cause.TIMEOUT, last=500.0),
        failed(Cause.OPERATION_PENDING, last=600.0),
        failed(Cause.OTHER, last=700.0),
    ]
    assert reason([*STUCK, *events]) == "Unreachable"
    assert reason([*STUCK, *events[2:]]) == "OperationPending"
    assert reason([*STUCK, events[2], events[4]]) == "Timeout"


def test_an_event_of_an_earlier_pod_of_the_same_name_does_not_count() -> None:
    """Events outlive their object, and a StatefulSet's pods share names."""
    assert reason([*STUCK, failed(Cause.INVALID, last=5.0)]) == UNEXPLAINED


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [*THERE, made.pod(phase="Running", sandbox=False)],
        [*THERE, made.pod(deletion=30.0, sandbox=False)],
        [*THERE, made.pod(at="", sandbox=False)],
        [*THERE, made.pod(starting=False, sandbox=False)],
        [*THERE, made.pod(sandbox=True)],
        [*THERE, made.pod(sandbox=False, blocked_by="ImagePullBackOff")],
        [*THERE, made.pod(sandbox=False, claims=("logs",))],
        [made.node(), made.claim(), made.attachment(), POD],
        [made.node(), made.volume(), made.attachment(), POD],
        [made.claim(), made.volume(), made.attachment(), POD],
        [*STUCK, made.node(ready=Ready.UNKNOWN)],
        [*STUCK, made.attachment("b")],
        [*STUCK, made.attachment(attached=False)],
        [*STUCK, made.attachment(deletion=60.0)],
    ],
    ids=[
        "an empty cluster",
        "the pod runs",
        "the pod is on its way out",
        "the pod is not placed",
        "a container has started",
        "the sandbox is there",
        "an image is missing",
        "another claim",
        "no volume",
        "no claim",
        "no node",
        "the node is lost",
        "another node holds it",
        "it is being attached",
        "it is being detached",
    ],
)
def test_other_waits_are_no_signal(objects: list[Object]) -> None:
    """Each is another signal's, or none."""
    assert decide([*objects, failed(Cause.INVALID)]) is None


def test_a_volume_of_many_nodes_is_no_matter_of_who_holds_it() -> None:
    """ReadWriteMany is attached everywhere."""
    shared = made.volume(access_modes=("ReadWriteMany",))
    assert reason([*STUCK, shared, made.attachment("b")]) == UNEXPLAINED


def test_without_any_attachment_it_is_not_attached_unless_an_event_knows_more() -> None:
    """The attach/detach controller says why it makes none."""
    objects = [obj for obj in STUCK if not isinstance(obj, model.Attachment)]
    found = decide(objects)
    assert found is not None
    assert (found.reason, found.since) == ("NotAttached", None)
    assert found.evidence[1] == "no VolumeAttachment of pv-data names node a"
    attach = AttachFailed("pv-data", Cause.DRIVER_NOT_REGISTERED)
    assert reason([*objects, made.event(POD, attach)]) == "DriverNotRegistered"
    other = AttachFailed("pv-other", Cause.NODE_LIMIT)
    assert reason([*objects, made.event(POD, other)]) == "NotAttached"


def test_what_needs_no_attaching_is_judged_by_its_mount() -> None:
    """As its CSIDriver says; in-tree volumes, and drivers that cannot be seen, likewise."""
    objects = [obj for obj in STUCK if not isinstance(obj, model.Attachment)]
    needless = model.CsiDriver(made.DRIVER, attach_required=False)
    assert reason([*objects, needless]) == UNEXPLAINED
    assert reason([*objects, model.CsiDriver(made.DRIVER)]) == "NotAttached"
    assert reason([*objects, made.volume(driver="kubernetes.io/nfs")]) == UNEXPLAINED
    found = decide(objects, {Kind.CSI_DRIVER: "forbidden"})
    assert found is not None
    assert found.reason == UNEXPLAINED


def test_unseen_events_are_said_in_the_evidence() -> None:
    """The state still holds, but a missing network looks the same."""
    found = decide(STUCK, {Kind.EVENT: "forbidden"})
    assert found is not None
    assert found.evidence[-1] == "Events cannot be read, so another cause is not ruled out"


@pytest.mark.parametrize(
    ("objects", "since", "source"),
    [
        ([], 20.0, SinceSource.OBJECT),
        ([made.attachment(created=50.0)], 50.0, SinceSource.OBJECT),
        ([made.attachment(written=60.0)], 60.0, SinceSource.OBJECT),
        ([made.attachment(created=None)], 20.0, SinceSource.OBJECT),
        ([made.node(ready_since=70.0)], 70.0, SinceSource.OBJECT),
        ([made.pod(sandbox=False, scheduled=None)], 10.0, SinceSource.OBJECT),
        (
            [made.pod(sandbox=False, scheduled=None, created=None)],
            None,
            SinceSource.FIRST_SEEN,
        ),
    ],
    ids=[
        "placed last",
        "asked for last",
        "attached last",
        "no attachment time",
        "the node came back last",
        "no time of the placing",
        "no time of the pod",
    ],
)
def test_it_began_when_a_mount_first_could_be_tried(
    objects: list[Object], since: float | None, source: SinceSource
) -> None:
    """A pod that waited for something else first is not older for it."""
    found = decide([*STUCK, *objects])
    assert found is not None
    assert (found.since, found.since_source) == (since, source)


OLD, NEW = (3, 10, 0), (5, 14, 0)


@pytest.mark.parametrize(
    ("kernel", "plugin", "cloned", "expected"),
    [
        (NEW, (2, 1, 0), True, Cause.XFS_DUPLICATE_UUID),
        (NEW, (2, 0, 0), True, Cause.XFS_DUPLICATE_UUID),
        (NEW, (2, 1, 1), True, Cause.WRONG_FS_TYPE),
        (NEW, (2, 1, 0), False, Cause.WRONG_FS_TYPE),
        (NEW, None, True, Cause.WRONG_FS_TYPE),
        (None, None, True, Cause.WRONG_FS_TYPE),
        (None, (2, 1, 0), False, Cause.WRONG_FS_TYPE),
        (OLD, (2, 1, 0), False, Cause.XFS_UNSUPPORTED),
        (OLD, (2, 1, 0), True, Cause.XFS_UNSUPPORTED),
        (OLD, (2, 0, 0), True, Cause.XFS_DUPLICATE_UUID),
        (OLD, (3, 0, 0), False, Cause.XFS_UNSUPPORTED),
        (OLD, None, False, Cause.XFS_UNSUPPORTED),
        ((4, 8, 17), None, False, Cause.XFS_UNSUPPORTED),
        ((4, 9, 0), None, False, Cause.WRONG_FS_TYPE),
    ],
)
def test_versions_make_candidates(
    kernel: Version | None, plugin: Version | None, expected: Cause, *, cloned: bool
) -> None:
    """An old kernel, a plugin without nouuid, a clone: each alone or together."""
    assert xfs.by_versions(kernel, plugin, cloned=cloned) is expected


PLUGIN = made.pod(
    "plugin",
    claims=(),
    plugin=model.Plugin(
        made.DRIVER,
        ("registry/x:v1", "registry/cephcsi:v2.1.0@sha256:1"),
        ready=True,
        restarts=0,
        waiting="",
        exit_message="",
    ),
)


@pytest.mark.parametrize(
    ("fs_type", "cause", "expected"),
    [
        ("xfs", Cause.WRONG_FS_TYPE, "XfsUnsupported"),
        ("xfs", Cause.XFS_DUPLICATE_UUID, "XfsDuplicateUuid"),
        ("ext4", Cause.WRONG_FS_TYPE, "WrongFsType"),
        ("ext4", Cause.XFS_UNSUPPORTED, "WrongFsType"),
        ("", Cause.XFS_DUPLICATE_UUID, "WrongFsType"),
        ("xfs", Cause.UNREACHABLE, "Unreachable"),
    ],
)
def test_nothing_is_called_xfs_whose_file_system_is_not(
    fs_type: str, cause: Cause, expected: str
) -> None:
    """The kubelet's text alone also stands for encryption, missing programs and options."""
    node = made.node(kernel_version="3.10.0-957.el7.x86_64")
    objects = [*STUCK, node, PLUGIN, made.volume(fs_type=fs_type), failed(cause)]
    found = decide(objects)
    assert found is not None
    assert found.reason == expected
    if expected.startswith("Xfs"):
        assert found.evidence[2:] == (
            (
                "the volume is XFS and node a runs Linux 3.10.0-957.el7.x86_64;"
                " only the kernel's line on that node proves the cause"
            ),
            "the node's plugin is ceph-csi 2.1.0",
        )


@pytest.mark.parametrize(
    "obj",
    [
        POD,
        made.claim(),
        made.volume(),
        made.attachment(),
        made.node(),
        failed(),
        PLUGIN,
        model.CsiDriver(made.DRIVER),
        made.kernel_fault(),
    ],
    ids=["pod", "claim", "volume", "attachment", "node", "event", "plugin", "driver", "fault"],
)
def test_a_change_touches_the_pods_that_it_speaks_of(obj: Object) -> None:
    """Arrival and removal touch alike."""
    seen = made.view(STUCK)
    assert set(DETECTOR.touched(Change(None, obj), seen)) == {DATA}
    assert set(DETECTOR.touched(Change(obj, None), seen)) == {DATA}


def test_a_heartbeat_and_a_driver_that_stays_touch_nobody() -> None:
    """Five thousand nodes report every few minutes."""
    seen = made.view(STUCK)
    node, driver = made.node(), model.CsiDriver(made.DRIVER)
    assert set(DETECTOR.touched(Change(node, made.node(version="2")), seen)) == set()
    assert set(DETECTOR.touched(Change(driver, driver), seen)) == set()


def test_a_healthy_pod_is_no_suspect() -> None:
    """A full pass asks this of every pod."""
    seen = made.view([])
    assert DETECTOR.suspects(made.pod(phase="Running"), seen) == ()
    assert DETECTOR.suspects(made.node(), seen) == ()
    assert list(DETECTOR.suspects(POD, seen)) == [DATA]
