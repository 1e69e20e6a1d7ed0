"""What Events about claims and volumes say, in every wording that was found, and in any other."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Fact
from exporter.observe.model.facts import (
    BindFailed,
    Binding,
    Cause,
    DeleteFailed,
    ProvisionFailed,
    ProvisionStarted,
    ProvisionWaits,
    ResizeFailed,
    ResizeStarted,
    ResizeWaits,
    Stage,
)
from exporter.observe.parse import causes, events, release
from tests.signals import made

BUSY = (
    "rpc error: code = Aborted desc = an operation with the given Volume ID"
    " pvc-95cb4a3c-3ac3-4ee0-9c0e-3b9c1a3c8d0c already exists"
)
BUSY_ID = "pvc-95cb4a3c-3ac3-4ee0-9c0e-3b9c1a3c8d0c"


def read(reason: str, text: str, about: model.Object, component: str = "") -> Fact | None:
    """Read a text as it is read from the wire."""
    event = made.event(about, None, reason=reason, message=text, component=component)
    return events.fact(causes.plain(text), event)


PROVISIONING = [
    (
        'storageclass.storage.k8s.io "fast" not found',
        ProvisionFailed(Cause.CLASS_MISSING),
    ),
    (
        'storageclasses.storage.k8s.io "fast" not found',
        ProvisionFailed(Cause.CLASS_MISSING),
    ),
    ('StorageClass "fast" not found', ProvisionFailed(Cause.CLASS_MISSING)),
    (
        "no volume plugin matched name: kubernetes.io/glusterfs",
        ProvisionFailed(Cause.NO_PLUGIN),
    ),
    (
        (
            'failed to provision volume with StorageClass "r": rpc error: code = ResourceExhausted'
            " desc = pool is full"
        ),
        ProvisionFailed(Cause.NO_SPACE),
    ),
    (
        (
            'Failed to provision volume with StorageClass "gluster": failed to create volume: Post'
            " http://heketi:8080/volumes: dial tcp 10.0.0.1:8080: connect: connection refused"
        ),
        ProvisionFailed(Cause.UNREACHABLE),
    ),
    (
        (
            'failed to provision volume with StorageClass "rbd": rpc error: code = DeadlineExceeded'
            " desc = context deadline exceeded"
        ),
        ProvisionFailed(Cause.TIMEOUT),
    ),
    (
        f'failed to provision volume with StorageClass "rbd": {BUSY}',
        ProvisionFailed(Cause.OPERATION_PENDING, BUSY_ID),
    ),
    (
        f'(combined from similar events): failed to provision volume with StorageClass "r": {BUSY}',
        ProvisionFailed(Cause.OPERATION_PENDING, BUSY_ID),
    ),
    (
        (
            "Error creating provisioned PV object for claim web/data: context deadline exceeded."
            " Deleting the volume."
        ),
        ProvisionFailed(Cause.TIMEOUT),
    ),
    ('failed to provision volume with StorageClass "a%!b(MISSING)": rpc err', None),
]


@pytest.mark.parametrize(("text", "fact"), PROVISIONING, ids=lambda value: str(value)[:50])
def test_a_failed_provisioning_says_why(text: str, fact: ProvisionFailed | None) -> None:
    """In-tree and external provisioners; what says nothing is a failure all the same."""
    expected = fact or ProvisionFailed(Cause.OTHER)
    assert read("ProvisioningFailed", text, made.claim()) == expected


def test_a_failed_clean_up_leaves_an_orphan() -> None:
    """The text asks a person to delete the volume."""
    text = "Error cleaning provisioned volume for claim web/data: boom. Please delete manually."
    assert read("ProvisioningCleanupFailed", text, made.claim()) == ProvisionFailed(
        Cause.OTHER, orphan=True
    )


@pytest.mark.parametrize(
    ("text", "provisioner"),
    [
        (
            (
                'waiting for a volume to be created, either by external provisioner "x.csi/y" or'
                " manually created by system administrator"
            ),
            "x.csi/y",
        ),
        (
            (
                "Waiting for a volume to be created either by the external provisioner 'x.csi.io'"
                " or manually by the system administrator. If volume creation is delayed, please"
                " verify that the provisioner is running and correctly registered."
            ),
            "x.csi.io",
        ),
        (
            (
                'cannot find provisioner "x", expecting that a volume for the claim is provisioned'
                " either manually or via external software"
            ),
            "x",
        ),
        ("waiting for a volume to be cr", ""),
    ],
    ids=["1.9", "1.26", "1.5", "cut"],
)
def test_a_claim_that_waits_for_somebody_says_for_whom(text: str, provisioner: str) -> None:
    """All three wordings."""
    found = read("ExternalProvisioning", text, made.claim())
    assert found == ProvisionWaits(provisioner)


def test_a_provisioner_takes_a_claim_up_or_leaves_it_to_a_populator() -> None:
    """The same reason for both."""
    started = 'External provisioner is provisioning volume for claim "web/data"'
    left = "Assuming an external populator will provision the volume"
    assert read("Provisioning", started, made.claim()) == ProvisionStarted()
    assert read("Provisioning", left, made.claim()) == ProvisionWaits()


@pytest.mark.parametrize(
    ("reason", "text", "fact"),
    [
        (
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
            BindFailed(Binding.NO_VOLUME),
        ),
        (
            "FailedBinding",
            'volume "pv-1" already bound to a different claim.',
            BindFailed(Binding.TAKEN),
        ),
        ("FailedBinding", "something new", None),
        (
            "VolumeMismatch",
            'Cannot bind to requested volume "pv-1": requested PV is too small',
            BindFailed(Binding.MISMATCH),
        ),
    ],
    ids=["nothing fits", "taken", "unknown", "too small"],
)
def test_a_failed_binding_says_what_is_wrong(reason: str, text: str, fact: Fact | None) -> None:
    """Normal or Warning does not matter."""
    assert read(reason, text, made.claim()) == fact


@pytest.mark.parametrize(
    ("reason", "text", "component", "fact"),
    [
        (
            "VolumeResizeFailed",
            (
                'resize volume "pv-data" by resizer "rbd.csi.ceph.com" failed: rpc error: code ='
                " OutOfRange desc = too big"
            ),
            "external-resizer rbd.csi.ceph.com",
            ResizeFailed(Stage.CONTROLLER, Cause.INVALID, "pv-data"),
        ),
        (
            "VolumeResizeFailed",
            "resize volume pv-data failed: rpc error: code = ResourceExhausted desc = full",
            "external-resizer x",
            ResizeFailed(Stage.CONTROLLER, Cause.NO_SPACE, "pv-data"),
        ),
        (
            "VolumeResizeFailed",
            f'resize volume "pv-data" by resizer "x" failed: {BUSY}',
            "external-resizer x",
            ResizeFailed(Stage.CONTROLLER, Cause.OPERATION_PENDING, "pv-data", operation=BUSY_ID),
        ),
        (
            "VolumeResizeFailed",
            (
                "Unable to expand web/data because CSI driver x only supports offline expansion and"
                " volume is currently in-use"
            ),
            "external-resizer x",
            ResizeFailed(Stage.CONTROLLER, Cause.STILL_IN_USE, offline=True),
        ),
        (
            "VolumeResizeFailed",
            (
                'Mark PVC "web/data" as file system resize required failed: Operation cannot be'
                " fulfilled: the object has been modified; please apply your changes to the latest"
            ),
            "external-resizer x",
            None,
        ),
        (
            "VolumeResizeFailed",
            (
                'NodeExpandVolume.NodeExpandVolume failed for volume "pv-data" : rpc error: code ='
                " Internal desc = resize2fs failed"
            ),
            "",
            ResizeFailed(Stage.NODE, Cause.OTHER, "pv-data"),
        ),
        (
            "VolumeResizeFailed",
            'something failed for volume "pv-data"',
            "kubelet",
            ResizeFailed(Stage.NODE, Cause.OTHER, "pv-data"),
        ),
        (
            "FileSystemResizeFailed",
            (
                'MountVolume.resizeFileSystem failed for volume "pv-data" requested read-only file'
                " system"
            ),
            "kubelet",
            ResizeFailed(Stage.NODE, Cause.OTHER, "pv-data"),
        ),
        (
            "ExternalExpanding",
            (
                "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting"
                " for an external controller to process this PVC."
            ),
            "volume_expand",
            ResizeWaits(),
        ),
        (
            "ExternalExpanding",
            "waiting for an external controller to expand this PVC",
            "volume_expand",
            ResizeWaits(),
        ),
        (
            "Resizing",
            "External resizer is resizing volume pv-data",
            "external-resizer x",
            ResizeStarted(Stage.CONTROLLER),
        ),
        (
            "FileSystemResizeRequired",
            "Require file system resize of volume on node",
            "external-resizer x",
            ResizeStarted(Stage.NODE),
        ),
    ],
)
def test_growing_says_whose_step_failed_and_why(
    reason: str, text: str, component: str, fact: Fact | None
) -> None:
    """The resizer's step at the back end, or the kubelet's on the node."""
    assert read(reason, text, made.claim(), component) == fact


def test_a_kubelet_says_it_about_the_pod_as_well() -> None:
    """Up to Kubernetes 1.2x about the pod only."""
    text = 'VolumeFSResize.resizeFileSystem failed for volume "pv-data" : boom'
    expected = ResizeFailed(Stage.NODE, Cause.OTHER, "pv-data")
    assert read("VolumeResizeFailed", text, made.pod(), "kubelet") == expected


@pytest.mark.parametrize(
    ("reason", "text", "fact"),
    [
        (
            "VolumeFailedDelete",
            (
                "Delete http://heketi:8080/volumes/1: dial tcp 10.0.0.1:8080: connect: connection"
                " refused"
            ),
            DeleteFailed(Cause.UNREACHABLE),
        ),
        ("VolumeFailedDelete", "Id not found", DeleteFailed(Cause.NOT_FOUND)),
        (
            "VolumeFailedDelete",
            (
                'error getting deleter volume plugin for volume "pv": no deletable volume plugin'
                " matched"
            ),
            DeleteFailed(Cause.NO_PLUGIN),
        ),
        (
            "VolumeFailedDelete",
            'storageclass.storage.k8s.io "gluster" not found',
            DeleteFailed(Cause.CLASS_MISSING),
        ),
        (
            "VolumeFailedDelete",
            "persistentvolume pv-data is still attached to node a",
            DeleteFailed(Cause.STILL_IN_USE),
        ),
        ("VolumeFailedDelete", BUSY, DeleteFailed(Cause.OPERATION_PENDING, BUSY_ID)),
        (
            "VolumeFailedRecycle",
            "No recycler plugin found for the volume!",
            DeleteFailed(Cause.NO_PLUGIN),
        ),
        ("VolumeDelete", "error deleting EBS volume: attached", DeleteFailed(Cause.STILL_IN_USE)),
    ],
)
def test_a_failed_deletion_says_why(reason: str, text: str, fact: Fact) -> None:
    """The Event has the raw error, and status.message of an in-tree volume the same."""
    assert read(reason, text, made.volume()) == fact
    if reason != "VolumeDelete":
        said = release.failure(text)
        assert said is not None
        assert isinstance(fact, DeleteFailed)
        assert said.cause is fact.cause


def test_a_volume_without_a_message_says_nothing() -> None:
    """Healthy volumes have none."""
    assert release.failure(None) is None
    assert release.failure("") is None


REASONS = [
    "ProvisioningFailed",
    "ProvisioningCleanupFailed",
    "Provisioning",
    "ExternalProvisioning",
    "FailedBinding",
    "VolumeMismatch",
    "VolumeResizeFailed",
    "FileSystemResizeFailed",
    "ExternalExpanding",
    "Resizing",
    "FileSystemResizeRequired",
    "VolumeFailedDelete",
    "VolumeFailedRecycle",
    "VolumeDelete",
]


@pytest.mark.parametrize("reason", REASONS)
def test_such_a_reason_about_another_kind_of_object_is_somebody_elses(reason: str) -> None:
    """Reasons are anybody's to use."""
    assert read(reason, f"no persistent volumes available: {BUSY}", made.node()) is None


@pytest.mark.parametrize("reason", REASONS)
@given(
    text=st.one_of(
        st.text(),
        st.builds(
            "".join,
            st.lists(
                st.sampled_from(
                    [
                        *(text for text, _ in PROVISIONING),
                        BUSY,
                        "(combined from similar events): ",
                        "%!d(MISSING)",
                        '"',
                        "for volume ",
                        "provisioner '",
                    ]
                ),
                max_size=4,
            ),
        ).flatmap(lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end])),
    )
)
@example("x" * 2_000_000)
def test_no_text_raises(reason: str, text: str) -> None:
    """Cut anywhere, aggregated, mangled, huge."""
    for about in (made.claim(), made.pod(), made.volume()):
        read(reason, text, about)
    release.failure(text)
