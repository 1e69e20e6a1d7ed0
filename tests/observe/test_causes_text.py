"""Error texts to causes: every wording that was seen, and texts that are broken on the way."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import LONGEST_TEXT, Cause
from exporter.observe.parse import causes

RPC = "rpc error: code = "
MOUNT = 'MountVolume.MountDevice failed for volume "pvc-1" : '
ATTACH = 'AttachVolume.Attach failed for volume "pvc-1" : '
WRONG = (
    "mount failed: exit status 32\nMounting command: mount\nOutput: mount: wrong fs type, bad"
    " option, bad superblock on /dev/rbd4, missing codepage or helper program, or other error"
)
PENDING = "an operation with the given Volume ID 0001-0009-rook-ceph-01-ab already exists"
TEXTS: dict[str, Cause] = {
    "CSINode a does not contain driver x.csi": Cause.DRIVER_NOT_REGISTERED,
    f"{MOUNT}kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver"
    " name x.csi not found in the list of registered CSI drivers": Cause.DRIVER_NOT_REGISTERED,
    f'{ATTACH}node "a" has no NodeID annotation': Cause.DRIVER_NOT_REGISTERED,
    f"{ATTACH}attachment timeout for volume pvc-1": Cause.ATTACHER_SILENT,
    "timed out waiting for external-attacher of x.csi CSI driver to attach volume v": (
        Cause.ATTACHER_SILENT
    ),
    f"{MOUNT}{RPC}Aborted desc = {PENDING}": Cause.OPERATION_PENDING,
    f"{RPC}Aborted desc = an operation with the given Snapshot ID snap-1 already exists": (
        Cause.OPERATION_PENDING
    ),
    f"{RPC}Aborted desc = flatten is in progress for image pool/img": Cause.OPERATION_PENDING,
    f"{ATTACH}volume attachment is being deleted": Cause.ATTACHMENT_DELETING,
    "volume attachment has been deleted": Cause.ATTACHMENT_DELETING,
    f"{MOUNT}{RPC}FailedPrecondition desc = Cannot publish recovered RWX volume 'pvc-1' yet: You"
    " have to stop any Pods which are currently using the volume": Cause.RECOVERED_RWX_VOLUME,
    f"{MOUNT}{RPC}Internal desc = {WRONG}": Cause.WRONG_FS_TYPE,
    "XFS (rbd4): Filesystem has duplicate UUID 1-2 - can't mount": Cause.XFS_DUPLICATE_UUID,
    "XFS (rbd4): Superblock has unknown read-only compatible features (0x4) enabled.": (
        Cause.XFS_UNSUPPORTED
    ),
    'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found': Cause.NOT_STORAGE,
    'MountVolume.SetUp failed for volume "s" : secret "s" not found': Cause.NOT_STORAGE,
    'MountVolume.SetUp failed for volume "all" : [configmap "a" not found, secret "b" not found]': (
        Cause.NOT_STORAGE
    ),
    'MountVolume.SetUp failed for volume "s" : object "web"/"s" not registered': Cause.NOT_STORAGE,
    'MountVolume.SetUp failed for volume "s" : references non-existent secret key: k': (
        Cause.NOT_STORAGE
    ),
    'MountVolume.SetUp failed for volume "c" : failed to sync configmap cache: timed out waiting'
    " for the condition": Cause.NOT_STORAGE,
    f"{MOUNT}fetching NodeStageSecretRef ns/s failed: kubernetes.io/csi: failed to find the secret"
    ' s in the namespace ns with error: secrets "s" not found': Cause.NOT_FOUND,
    "'fsck' found errors on device /dev/sda but could not correct them": Cause.FILESYSTEM_DAMAGED,
    "UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.": Cause.FILESYSTEM_DAMAGED,
    "mount: /dev/sda: Structure needs cleaning": Cause.FILESYSTEM_DAMAGED,
    "failed to run fsck: executable file not in the path": Cause.OTHER,
    "Volume not attached according to node status": Cause.NOT_ATTACHED,
    'volume "pvc-1" has not been added to the list of VolumesInUse in the node\'s volume status': (
        Cause.NOT_ATTACHED
    ),
    f"{RPC}DeadlineExceeded desc = context deadline exceeded": Cause.TIMEOUT,
    f"{RPC}DeadlineExceeded desc = stream terminated by RST_STREAM with error code: CANCEL": (
        Cause.TIMEOUT
    ),
    "stream terminated by RST_STREAM with error code: CANCEL": Cause.TIMEOUT,
    "Unable to attach or mount volumes: unmounted volumes=[a]: timed out waiting for the"
    " condition": Cause.TIMEOUT,
    f'{RPC}Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix'
    ' /csi/csi.sock: connect: connection refused"': Cause.UNREACHABLE,
    "Delete http://heketi:8080/volumes/1: dial tcp 10.0.0.1:8080: connect: connection refused": (
        Cause.UNREACHABLE
    ),
    "Delete http://heketi:8080/volumes/1: dial tcp: lookup heketi: no such host": Cause.UNREACHABLE,
    "Id not found": Cause.NOT_FOUND,
    'persistentvolume "pvc-1" not found': Cause.NOT_FOUND,
    "Invalid JWT token: signature is invalid": Cause.PERMISSION,
    "rbd image pool/img is still being used": Cause.STILL_IN_USE,
    f"{RPC}FailedPrecondition desc = snapshot s has pending clones": Cause.STILL_IN_USE,
    "Unable to expand web/data because CSI driver x only supports offline expansion and volume is"
    " currently in-use": Cause.STILL_IN_USE,
    "persistentvolume pvc-1 is still attached to node a": Cause.STILL_IN_USE,
    f"{RPC}ResourceExhausted desc = pool is full": Cause.NO_SPACE,
    "write /x: no space left on device": Cause.NO_SPACE,
    'pods "x" is forbidden: exceeded quota: q, requested: 1': Cause.QUOTA,
    "Operation cannot be fulfilled on claims: the object has been modified; please apply your"
    " changes to the latest version": Cause.CONFLICT,
    "no volume plugin matched name: kubernetes.io/glusterfs": Cause.NO_PLUGIN,
    "no deletable volume plugin matched": Cause.NO_PLUGIN,
    'storageclass.storage.k8s.io "gone" not found': Cause.CLASS_MISSING,
    "Another transaction is in progress for vol_1. Please try again after some time.": (
        Cause.OPERATION_PENDING
    ),
    f"{RPC}PermissionDenied desc = no": Cause.PERMISSION,
    f"{RPC}InvalidArgument desc = no": Cause.INVALID,
    f"{RPC}OutOfRange desc = no": Cause.INVALID,
    f"{RPC}FailedPrecondition desc = no": Cause.PRECONDITION,
    f"{RPC}AlreadyExists desc = volume pvc-1 already exists but is incompatible": Cause.OTHER,
    "persistentvolumes pvc-1 already exists": Cause.OTHER,
    f"{RPC}Internal desc = something": Cause.OTHER,
    f"{RPC}Code(99) desc = something": Cause.OTHER,
    f"{RPC}%!s(MISSING) desc = 100%!o(MISSING)f it": Cause.OTHER,
    "": Cause.OTHER,
}
every_text = pytest.mark.parametrize(("text", "cause"), TEXTS.items(), ids=range(len(TEXTS)))


@every_text
def test_every_wording_has_its_cause(text: str, cause: Cause) -> None:
    """Bare, aggregated, and inside Go's quotes, as a snapshot's error carries it."""
    quoted = text.replace('"', '\\"').replace("\n", "\\n")
    assert causes.cause(text) is cause
    assert causes.cause(f"(combined from similar events): {text}") is cause
    assert causes.cause(f'failed to take snapshot of the volume v: "{quoted}"') is cause


@pytest.mark.parametrize(
    ("text", "attaching", "cause"),
    [
        (f"{ATTACH}{RPC}ResourceExhausted desc = too many volumes", True, Cause.NODE_LIMIT),
        (f"{ATTACH}{RPC}ResourceExhausted desc = too many volumes", False, Cause.NO_SPACE),
        (f"{RPC}ResourceExhausted desc = no space left on device", True, Cause.NO_SPACE),
        ("AttachmentLimitExceeded: Instance is at its limit", False, Cause.NODE_LIMIT),
        (f"{RPC}Internal desc = something", True, Cause.OTHER),
    ],
)
def test_exhausted_means_the_node_where_a_volume_was_to_be_attached(
    text: str, cause: Cause, *, attaching: bool
) -> None:
    """The same code is a full node there and a full backend elsewhere."""
    assert causes.cause(text, attaching=attaching) is cause
    found = causes.failure(text, attaching=attaching)
    assert found is not None
    assert found.cause is cause


def test_the_last_code_of_a_nested_text_is_the_cause_and_the_first_routes() -> None:
    """A sidecar wraps what the driver said."""
    text = f"{RPC}Internal desc = stage failed: {RPC}Unavailable desc = backend is away"
    assert causes.codes(text) == ["Internal", "Unavailable"]
    assert causes.code(text) == "Unavailable"
    assert causes.cause(text) is Cause.UNREACHABLE
    assert causes.code("no code = at all") == ""


def test_the_id_of_a_pending_operation_is_read_from_every_quotation() -> None:
    """Go's quotes end behind the text, or around the id."""
    assert causes.operation(PENDING) == "0001-0009-rook-ceph-01-ab"
    assert causes.operation(f'"{RPC}Aborted desc = {PENDING}"') == "0001-0009-rook-ceph-01-ab"
    assert causes.operation(PENDING.replace("0001", '\\"0001').replace("ab ", 'ab\\" ')) == (
        "0001-0009-rook-ceph-01-ab"
    )
    assert causes.operation("volume pvc-1 already exists") == ""
    assert causes.operation("") == ""


@pytest.mark.parametrize("text", ["", None])
def test_no_message_is_no_failure(text: str | None) -> None:
    """An error without a text says nothing."""
    assert causes.failure(text) is None


def test_a_failure_keeps_the_text_cut_and_its_time() -> None:
    """What an object carries may be a megabyte."""
    found = causes.failure("(combined from similar events): " + "x" * 5000, 7.0)
    assert found is not None
    assert (found.text, found.when) == ("x" * LONGEST_TEXT, 7.0)


@given(st.sampled_from(sorted(TEXTS)), st.integers(min_value=0, max_value=400))
def test_a_text_cut_anywhere_says_less_or_the_same(text: str, cut: int) -> None:
    """What is left of a text gives its own cause, a more general one, or none."""
    general = {
        Cause.OTHER,
        Cause.TIMEOUT,
        Cause.NOT_FOUND,
        Cause.UNREACHABLE,
        Cause.PRECONDITION,
        Cause.OPERATION_PENDING,
        Cause.NO_SPACE,
        Cause.PERMISSION,
        Cause.NOT_STORAGE,
    }
    assert causes.cause(text[:cut]) in {causes.cause(text), *general}


@given(text=st.text(), attaching=st.booleans())
def test_no_text_raises(text: str, *, attaching: bool) -> None:
    """Neither bare, nor behind what is expected."""
    for prefix in ("", MOUNT, RPC, f"{RPC}Aborted desc = an operation with the given Volume ID "):
        assert isinstance(causes.cause(prefix + text, attaching=attaching), Cause)
        assert isinstance(causes.operation(prefix + text), str)
        assert isinstance(causes.code(prefix + text), str)
        causes.failure(prefix + text)


@pytest.mark.parametrize(
    "piece",
    ["x", "code = ", '"', "\\", 'configmap "', "an operation with the given volume id ", " "],
)
def test_a_megabyte_is_read_as_fast_as_a_page(piece: str) -> None:
    """Nobody can hold up the exporter with a long text; both ends are read."""
    text = (piece * 1_000_000)[:1_000_000]
    start = time.perf_counter()
    causes.failure(text)
    causes.operation(text)
    assert time.perf_counter() - start < 0.2
    assert causes.cause(f"{text} {RPC}Unavailable desc = away") is Cause.UNREACHABLE
