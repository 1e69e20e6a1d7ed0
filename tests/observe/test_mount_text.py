"""The kubelet's mount Events: every step, every time-out text, and texts broken on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model.facts import Cause, MountFailed, SandboxFailed
from exporter.observe.parse import events
from tests.signals import made

STEPS = (
    "MountVolume.WaitForAttach",
    "MountVolume.MountDevice",
    "MountVolume.SetUp",
    "MountVolume.NewMounter initialization",
    "MountVolume.NodeAffinity check",
    "MountVolume.MountOptionSupport check",
    "MountVolume.MarkDeviceAsMounted",
    "MountVolume.CanMount",
    "MapVolume.WaitForAttach",
    "MapVolume.SetUpDevice",
    "MapVolume.MapDevice",
    "MapVolume.MapBlockVolume",
    "MapVolume.MapPodDevice",
    "MapVolume.AttachFileDevice",
    "MapVolume.EvalHostSymlinks",
)
HEAD = 'Unable to mount volumes for pod "db_web(uid)": timeout expired waiting for volumes to '
TIMEOUTS = {
    f'{HEAD}attach/mount for pod "web"/"db". list of unattached/unmounted volumes=[a b]': "a b",
    f'{HEAD}attach or mount for pod "web"/"db". list of unmounted volumes=[a].'
    " list of unattached volumes=[a b]": "a",
    "Unable to attach or mount volumes: unmounted volumes=[a b], unattached volumes=[a b c]: timed"
    " out waiting for the condition": "a b",
    "Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[], failed to"
    " process volumes=[b]: timed out waiting for the condition": "a b",
    "Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[], failed to"
    " process volumes=[]: context deadline exceeded": "a",
    "Unable to attach or mount volumes: unmounted volumes=[], unattached volumes=[]: timed out"
    " waiting for the condition": "",
}


def read(message: str, reason: str = "FailedMount") -> MountFailed:
    """Read the text of an Event on a pod."""
    event = made.event(made.pod(), None, reason=reason, component="kubelet")
    found = events.fact(message, event)
    assert isinstance(found, MountFailed)
    return found


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("prefix", ["", "(combined from similar events): "])
def test_every_step_names_its_volume(step: str, prefix: str) -> None:
    """There is a blank before the colon."""
    message = f'{prefix}{step} failed for volume "pvc-1" : rpc error: code = NotFound desc = gone'
    expected = MountFailed("pvc-1", (), step.partition(".")[2], Cause.NOT_FOUND)
    assert read(message, "FailedMapVolume") == expected


@pytest.mark.parametrize(
    "message",
    [
        'MountVolume.MountDevice failed while expanding volume for volume "pvc-1" : x',
        'MountVolume.Setup failed while expanding volume for volume "pvc-1" : x',
        (
            'MountVolume.SetUp failed for volume "kubernetes.io/aws-ebs/vol-1" (spec.Name: "pvc-1")'
            ' pod "uid" (UID: "uid") with: x'
        ),
        'MountVolume.SetUp failed for volume "pvc-1',
        'MountVolume.SetUp failed for volume "pvc-1" : mount "%!s(MISSING)',
    ],
)
def test_other_wordings_of_a_step_name_it_as_well(message: str) -> None:
    """While it is being expanded, before Kubernetes 1.8, cut, and formatted twice."""
    assert (read(message).volume, read(message).cause) == ("pvc-1", Cause.OTHER)


def test_a_pending_operation_gives_its_id() -> None:
    """The earlier call still runs in the plugin pod."""
    found = read(
        'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Aborted desc = an'
        " operation with the given Volume ID 0001-ab already exists"
    )
    assert (found.cause, found.operation) == (Cause.OPERATION_PENDING, "0001-ab")


@pytest.mark.parametrize(("message", "names"), TIMEOUTS.items())
def test_a_time_out_names_the_pod_volumes_that_are_missing(message: str, names: str) -> None:
    """Every version's wording; lists may be empty."""
    expected = MountFailed("", tuple(names.split()), "", Cause.TIMEOUT)
    assert read(message) == expected
    assert read(f"(combined from similar events): {message}") == expected


def test_names_of_volumes_are_no_cause() -> None:
    """A volume may be called anything."""
    text = "Unable to attach or mount volumes: unmounted volumes=[timeout], unattached volumes=[x]"
    assert read(f"{text}: error processing PVC web/x: no").cause is Cause.OTHER


def test_a_list_that_was_cut_loses_its_last_name() -> None:
    """It might be another volume's."""
    assert read("unmounted volumes=[data lo").unmounted == ("data",)


@pytest.mark.parametrize("message", ["", "what a new release may say"])
def test_any_other_text_is_a_mount_that_failed(message: str) -> None:
    """The reason alone says so; which volume is not known."""
    assert read(message) == MountFailed("", (), "", Cause.OTHER)


def test_a_pod_without_a_sandbox_has_its_volumes() -> None:
    """The network is missing: the kubelet mounts before it asks for one."""
    event = made.event(made.pod(), None, reason="FailedCreatePodSandBox")
    assert events.fact("Failed to create pod sandbox: x", event) == SandboxFailed()


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Neither bare, nor behind what is expected."""
    for prefix in ("", "MountVolume.SetUp failed for volume ", "unmounted volumes=["):
        assert isinstance(read(prefix + text), MountFailed)


@given(st.sampled_from(sorted(TIMEOUTS)), st.integers(min_value=0, max_value=300))
def test_a_text_cut_anywhere_names_no_other_volume(message: str, cut: int) -> None:
    """A shorter text says less, not something else."""
    assert set(read(message[:cut]).unmounted) <= set(read(message).unmounted)


def test_a_long_text_is_read_fast() -> None:
    """Names stand at its beginning."""
    message = 'MountVolume.SetUp failed for volume "pvc-1" : ' + "MountVolume." * 100_000
    assert read(message).volume == "pvc-1"
    assert len(read("unmounted volumes=[" * 50_000).unmounted) <= model.LONGEST_TEXT


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("/dev/rbd0", "rbd0"),
        ("/dev/nvme1n1p1", "nvme1n1p1"),
        ("/dev/xvdba", "xvdba"),
        ("/dev/dm-3", "dm-3"),
        ("/dev/mapper/pvmedic-data", ""),
        ("/dev/rbd/pool/image", ""),
        ("/dev/disk/by-id/scsi-0", ""),
        ("server:/export", ""),
    ],
)
def test_the_device_that_could_not_be_mounted_is_what_the_kernel_calls_it(
    named: str, expected: str
) -> None:
    """A symbolic name is not in the kernel's log."""
    text = (
        'MountVolume.MountDevice failed for volume "pv-data" : rpc error: code = Internal desc ='
        " mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t xfs -o"
        f" defaults {named} /var/lib/kubelet/globalmount\nOutput: mount: /var/lib/kubelet:"
        f" wrong fs type, bad option, bad superblock on {named}, missing codepage or helper"
        " program, or other error."
    )
    about = made.event(made.pod(), None, reason="FailedMount", component="kubelet")
    fact = events.fact(text, about)
    assert isinstance(fact, MountFailed)
    assert (fact.cause, fact.device) == (Cause.WRONG_FS_TYPE, expected)
