"""Random clusters of every kind of object, for properties that each detector must keep.

Objects are near the typical ones below: a few of their fields are replaced by others of the same
type, None, empty, strange and huge values among them, and names come from tiny pools, so that
objects meet each other. A new field, fact or kind is drawn without a word here; a name that should
meet another object's wants a line in POOLS.
"""

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from itertools import product

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from exporter.observe import model
from exporter.observe.model import Change, Fact, Kind, Object, Subject, facts
from exporter.observe.signals.base import Detector
from tests.signals import made

OTHER_DRIVER = "rbd.csi.ceph.com"
EBS = "kubernetes.io/aws-ebs"

NAMESPACES = ("web", "ops")
NODES = ("a", "b", "c")
PODS = ("user", "other", "plugin-a")
CLAIMS = ("data", "logs")
VOLUMES = ("pv-data", "pv-logs", "pv-spare")
ATTACHMENTS = ("csi-a", "csi-b", "csi-c")
SNAPSHOTS = ("snap", "snap-2")
CONTENTS = ("content", "content-2")
CLASSES = ("fast", "slow", "shared")
DRIVERS = (made.DRIVER, OTHER_DRIVER, EBS, model.ROK)
HEKETI = made.HEKETI
GLUSTER_VOLUMES = ("vol_1", "vol_2")
GLUSTER_UUIDS = ("uuid-a", "uuid-b", "uuid-c")
TEXTS = ("", "x", "rpc error: code = Internal desc = %!x(MISSING)")
TIMES = (0.0, -1.0, 60.0, 9_000.0, made.NOW + 500.0, 4e18)
NUMBERS = (0, 1, 10, 2**30, 2**63, -1)
MODES = ("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany", "Weird")
PHASES = ("Pending", "Bound", "Lost", "Released", "Failed", "Running", "Succeeded", "", "Weird")
UNIQUE_NAMES = (
    f"{EBS}/aws://zone/vol-2",
    f"{EBS}/vol-2",
    f"{EBS}/vol-inline",
    "kubernetes.io/csi/ebs.csi.aws.com^vol-1",
    "kubernetes.io/",
    "junk",
    "",
)
ON_A = (model.NodeTerm("kubernetes.io/hostname", "In", ("a",), field=False),)
UNIQUE_UIDS = ("uid-data", "uid-logs", "uid-snap", "uid", "")

POOLS: Mapping[str, Sequence[object]] = {
    "name": (*CLAIMS, *SNAPSHOTS, ""),
    "namespace": NAMESPACES,
    "claim_namespace": (*NAMESPACES, ""),
    "snapshot_namespace": (*NAMESPACES, ""),
    "about_namespace": (*NAMESPACES, ""),
    "node": (*NODES, ""),
    "selected_node": (*NODES, ""),
    "volume": (*VOLUMES, *GLUSTER_VOLUMES, ""),
    "claim": (*CLAIMS, ""),
    "claims": CLAIMS,
    "claim_name": (*CLAIMS, ""),
    "about_name": (*CLAIMS, *PODS, *VOLUMES, *SNAPSHOTS, *NODES, ""),
    "about_kind": ("Pod", "PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshot", "Node"),
    "snapshot_name": (*SNAPSHOTS, ""),
    "content": (*CONTENTS, ""),
    "bound_content": (*CONTENTS, ""),
    "storage_class": (*CLASSES, "", "gone"),
    "snapshot_class": (*CLASSES, "", "gone"),
    "driver": (*DRIVERS, ""),
    "device": ("sdb", "rbd0", ""),
    "fs_type": ("xfs", "ext4", ""),
    "drivers": DRIVERS,
    "provisioner": (*DRIVERS, ""),
    "key": ("kubernetes.io/hostname", "topology.kubernetes.io/zone"),
    "operator": ("In", "NotIn"),
    "values": NODES,
    "about_uid": ("", "", "uid-data", "weird"),
    "handle": ("vol-1", "aws://zone/vol-2", "vol-2", "vol_1", ""),
    "endpoint": (HEKETI, HEKETI, "http://other"),
    "heketi": (HEKETI, ""),
    "cluster": (made.CLUSTER, made.CLUSTER, ""),
    "hosts": NODES,
    "uuid": (*GLUSTER_UUIDS, ""),
    "host_uuid": (*GLUSTER_UUIDS, ""),
    "holder": (*GLUSTER_UUIDS, ""),
    "hostname": (*NODES, ""),
    "host": NODES,
    "path": ("/bricks/1", "/"),
    "state": ("Peer in Cluster", "Peer Rejected", "Probe Sent to Peer", ""),
    "options": ("cluster.server-quorum-type", "server", "cluster.quorum-type", "fixed"),
    "quorum": ("meets", "does_not_meet", "not_applicable", ""),
    "uid": UNIQUE_UIDS,
    "claim_uid": UNIQUE_UIDS,
    "snapshot_uid": UNIQUE_UIDS,
    "access_modes": MODES,
    "phase": PHASES,
    "attached": UNIQUE_NAMES,
    "in_use": UNIQUE_NAMES,
    "unmounted": ("vol", "data"),
    "pods": PODS,
    "claim_volumes": ("vol", "data"),
    "kind": (
        "Resizing",
        "FileSystemResizePending",
        "ControllerResizeError",
        "PersistentVolumeClaim",
        "VolumeSnapshot",
        "Weird",
    ),
    "resize_status": ("", "ControllerResizeInfeasible", "NodeResizeInProgress", "Weird"),
    "reclaim_policy": ("Delete", "Retain", "Recycle", ""),
    "deletion_policy": ("Delete", "Retain", ""),
    "finalizers": (
        "kubernetes.io/pvc-protection",
        "kubernetes.io/pv-protection",
        "snapshot.storage.kubernetes.io/pvc-as-source-protection",
        "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection",
        "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
        "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection",
        "provisioner.storage.kubernetes.io/cloning-protection",
        "external-provisioner.volume.kubernetes.io/finalizer",
        "external-attacher/ebs-csi-aws-com",
        "weird",
    ),
    "reason": ("FailedAttachVolume", "FailedMount", "ProvisioningFailed", "Weird"),
    "waiting": ("", "CrashLoopBackOff", "ContainerCreating"),
    "git_version": ("v1.36.1", "v1.11.0", "junk", ""),
    "kubelet_version": ("v1.36.1", "v1.11.0", "junk", ""),
    "kernel_version": ("6.1.0", "3.10.0-1160.el7", "junk", ""),
}
"""Values by a field's name; of the parts where the field is a tuple of strings."""

LABELS: Mapping[str, Sequence[str]] = {
    "node": NODES,
    "namespace": (*NAMESPACES, ""),
    "persistentvolumeclaim": CLAIMS,
    "persistentvolume": VOLUMES,
    "volumeattachment": ATTACHMENTS,
    "volumesnapshot": SNAPSHOTS,
    "pod": PODS,
    "driver": DRIVERS,
    "peer": (*NODES, *GLUSTER_UUIDS, ""),
    "volume": (*GLUSTER_VOLUMES, *VOLUMES, ""),
    "brick": tuple(f"{node}:{path}" for node in NODES for path in ("/bricks/1", "/")),
    "endpoint": (HEKETI, "http://other"),
    "pool": (made.CLUSTER, "uuid-a", "uuid-b", "x", ""),
    "kind": (
        "persistentvolumeclaim",
        "persistentvolume",
        "volumesnapshot",
        "volumesnapshotcontent",
    ),
    "name": (*CLAIMS, *VOLUMES, *SNAPSHOTS, *CONTENTS),
}
"""All values that a subject's label can have in these clusters."""

REFUSED = model.Failure(model.Cause.OPERATION_PENDING, "refused", 70.0)

_SCALED = model.Owner("apps", "Deployment", "user")

TYPICAL: Mapping[Kind, tuple[Object, ...]] = {
    Kind.NODE: (
        made.node("a"),
        made.node("b"),
        made.node("b", ready=model.Ready.UNKNOWN, attached=UNIQUE_NAMES[:1]),
    ),
    Kind.POD: (
        made.pod("user", "a"),
        made.pod("other", "b", phase="Running", starting=False),
        made.pod("other", "b", claims=("logs",)),
        made.pod(
            "plugin-a",
            "a",
            claims=(),
            plugin=model.Plugin(made.DRIVER, (), True, 0, "", ""),  # noqa: FBT003
        ),
    ),
    Kind.CLAIM: (
        made.claim(),
        made.claim("logs"),
        made.claim("data", volume="", phase="Pending"),
        made.claim("logs", requested=10, capacity=1, storage_class="fast"),
    ),
    Kind.VOLUME: (
        made.volume(),
        made.volume("pv-logs", claim_name="logs", driver=EBS, handle="aws://zone/vol-2"),
        made.volume("pv-spare", claim_name="", phase="Released", storage_class="slow"),
        made.volume(driver=model.ROK, affinity=ON_A),
        made.volume("pv-logs", driver=model.GLUSTERFS, handle="vol_1", storage_class="shared"),
    ),
    Kind.ATTACHMENT: (
        made.attachment("a"),
        made.attachment("b"),
        made.attachment("b", attached=False),
        made.attachment("c", attached=False, attach_error=REFUSED),
        made.attachment("c", volume="pv-logs", deletion=60.0),
    ),
    Kind.LEASE: (model.Lease("kube-node-lease", "a", "1", 60.0),),
    Kind.NAMESPACE: (model.Namespace("web", "1", {}),),
    Kind.STORAGE_CLASS: (
        model.StorageClass("fast", made.DRIVER, waits=False, expandable=True, default=True),
        model.StorageClass("slow", EBS, waits=True, expandable=False),
        model.StorageClass("shared", model.GLUSTERFS, False, False, heketi=HEKETI),  # noqa: FBT003
    ),
    Kind.CSI_NODE: (model.CsiNode("a", (made.DRIVER,), 1.0), model.CsiNode("b", ())),
    Kind.CSI_DRIVER: (model.CsiDriver(made.DRIVER), model.CsiDriver(OTHER_DRIVER)),
    Kind.SNAPSHOT: (made.snapshot(), made.snapshot("snap-2", ready=True)),
    Kind.SNAPSHOT_CONTENT: (made.content(), made.content("content-2", snapshot_name="snap-2")),
    Kind.SNAPSHOT_CLASS: (model.SnapshotClass("fast", made.DRIVER, default=True),),
    Kind.VOLUME_STATS: (
        model.VolumeStats("web", "data", "a", 9_990.0, 2**30, 2**20, 2**30 - 2**20, 1000, 1),
    ),
    Kind.SERVER: (model.Server(Kind.SERVER, "v1.36.1"),),
    Kind.GLUSTERD: (made.glusterd("a"), made.glusterd("b"), made.glusterd("c")),
    Kind.GLUSTER_VOLUME: (
        made.gluster_volume("a"),
        made.gluster_volume("b"),
        made.gluster_volume("b", "vol_2", kind="Distribute", replica=1, bricks=made.bricks("b")),
    ),
    Kind.GLUSTER_LOG: (model.GlusterLog("a"), made.gluster_log("b")),
    Kind.GLUSTER_SPACE: (made.gluster_space("a"),),
    Kind.ROK_SPACE: (
        model.RokSpace("a", 2**30, 2**29, 2**29),
        model.RokSpace("b", 10, 10, 0, "rokvg", 2**30, 0, 3, extended=True, rebooted=True),
    ),
    Kind.MOUNT: (
        made.mount(),
        made.mount("b", "pv-data", problem=model.MountProblem.HUNG),
        made.mount("a", "pv-logs"),
    ),
    Kind.MOUNT_COUNT: (model.MountCount("a", well=3, troubled=1),),
    Kind.KERNEL_FAULT: (made.kernel_fault(), made.kernel_fault("b", model.Cause.IO_ERROR)),
    Kind.KERNEL_LOG: (model.KernelLog("a", 10),),
    Kind.HEKETI: (made.heketi(), made.heketi(up=False, reason="Refused", listed=False)),
    Kind.HEKETI_VOLUME: (made.heketi_volume(), made.heketi_volume("vol_3")),
    **{model.KIND_OF[cls]: (cls("web", "user", "uid-user", "1"),) for cls in model.WORKLOADS},
    **{
        model.KIND_OF[cls]: (cls("web", "user", "uid-user", "1", _SCALED, 1, 3),)
        for cls in model.AUTOSCALERS
    },
    Kind.QUOTA: (model.Quota("web", "quota", {}, {}),),
    Kind.LIMIT_RANGE: (model.LimitRange("web", "sizes"),),
    Kind.ATTESTATION: (model.Attestation("a-off", "1", "a", "u", "Off", "ann", 1.0, 2.0),),
    Kind.NETWORK_FENCE: (
        model.NetworkFence("f", "1", "d", "Fenced", (), "Succeeded", "", 1.0, None),
    ),
    Kind.POD_MANIFEST: (model.PodManifest("web", "user", "uid-user", "1", "{}"),),
    Kind.SCALE: (model.Scale("web", "Farm.example.com/x", "uid-x", "1", "/x/scale", 3, 3),),
    Kind.MACHINE: (model.Machine("a", "i-a", "eu-1", None),),
    Kind.REPAIR_DISKS: (model.RepairDisks("uid-x"),),
    Kind.NODE_DISKS: (model.NodeDisks("a", (), (), (), ()),),
    Kind.DRAIN: (model.Drain("a", ()),),
    Kind.EVENT: (
        made.event(made.pod(), facts.MultiAttachBlocked("pv-data"), name="held"),
        made.event(made.claim(), facts.RokJobFailed("0x8A", 28, no_space=True), name="full"),
        made.event(made.claim(), facts.RwxRecovering("pv-spare", "pv-data"), name="recovering"),
    ),
}
"""Objects that know each other. Events of any kind are drawn from the facts as well."""

FACTS: tuple[type, ...] = tuple(typing.get_args(Fact)) or (typing.cast("type", Fact),)


def subjects(detector: Detector) -> list[Subject]:
    """Return every subject that a detector could name in these clusters."""
    names = detector.subject_labels
    found = product(*(LABELS[name] for name in names))
    return [Subject(tuple(zip(names, values, strict=True))) for values in found]


@st.composite
def objects(draw: DrawFn, kind: Kind) -> Object:
    """Draw one object of a kind: a typical one with some fields replaced."""
    base = draw(_event() if kind is Kind.EVENT else st.sampled_from(TYPICAL[kind]))
    return draw(changed(base))


@st.composite
def changed(draw: DrawFn, base: Object) -> Object:
    """Draw an object with some fields replaced, but not its name."""
    values = _values(type(base))
    fields = draw(st.lists(st.sampled_from(sorted(values)), max_size=3, unique=True))
    return msgspec.structs.replace(base, **{field: draw(values[field]) for field in fields})


@st.composite
def worlds(draw: DrawFn, kinds: Iterable[Kind]) -> list[Object]:
    """Draw a cluster with some objects of each of these kinds; later ones replace earlier ones."""
    found: list[Object] = []
    for kind in sorted(kinds):
        if draw(st.booleans()):
            found += draw(st.permutations(TYPICAL[kind]))
        found += draw(st.lists(objects(kind), max_size=3))
    return found


@st.composite
def changes(draw: DrawFn, world: Sequence[Object], kinds: Iterable[Kind]) -> Change:
    """Draw an arrival, a change or a removal of one object."""
    there = {model.ref(obj): obj for obj in world}
    if there:
        old = there[draw(st.sampled_from(sorted(there)))]
        what = draw(st.sampled_from(("remove", "change", "arrive")))
        if what == "remove":
            return Change(old, None)
        if what == "change":
            new = draw(changed(old))
            return Change(there.get(model.ref(new)), new)
    new = draw(st.sampled_from(sorted(kinds)).flatmap(objects))
    return Change(there.get(model.ref(new)), new)


def after(world: Sequence[Object], change: Change) -> list[Object]:
    """Return the cluster once a change has happened."""
    if change.new is not None:
        return [*world, change.new]
    assert change.old is not None
    gone = model.ref(change.old)
    return [obj for obj in world if model.ref(obj) != gone]


@st.composite
def _event(draw: DrawFn) -> Object:
    kind = draw(st.sampled_from((Kind.POD, Kind.CLAIM, Kind.VOLUME, Kind.NODE, Kind.SNAPSHOT)))
    about = draw(st.sampled_from(TYPICAL[kind]))
    fact = draw(_of_type(draw(st.sampled_from(FACTS)), ""))
    name = draw(st.sampled_from(("one", "two", "three", "four")))
    return made.event(about, typing.cast("Fact", fact), name=name)


@cache
def _values(struct: type) -> Mapping[str, SearchStrategy[object]]:
    hints = typing.get_type_hints(struct)
    return {
        field.name: _of_type(hints[field.name], field.name)
        for field in msgspec.structs.fields(struct)
        if field.name != "name"
    }


def _of_type(hint: object, name: str) -> SearchStrategy[object]:  # noqa: C901, PLR0911 -- a table
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([_of_type(one, name) for one in args])
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(_of_type(args[0], name), max_size=3).map(tuple)
        return st.tuples(*(_of_type(one, name) for one in args))
    if origin in (dict, Mapping):
        return st.just({})
    if origin is typing.Literal:
        return st.sampled_from(args)
    if hint is type(None):
        return st.none()
    if hint is str and name in POOLS:
        return st.sampled_from(POOLS[name])
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return st.sampled_from(list(hint))
        if issubclass(hint, msgspec.Struct):
            hints = typing.get_type_hints(hint)
            return st.builds(hint, **{field: _of_type(hints[field], field) for field in hints})
        plain: dict[type, SearchStrategy[object]] = {
            bool: st.booleans(),
            str: st.sampled_from(TEXTS),
            float: st.sampled_from(TIMES),
            int: st.sampled_from(NUMBERS),
        }
        return plain[hint]
    raise TypeError(f"no values for {hint!r}, the type of {name}")
