"""Objects of the model with sensible values, for tests of detectors; keywords override fields."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from exporter.observe import model
from exporter.observe.model import Fact, Kind, Object, Ready
from exporter.observe.objects import Objects
from exporter.observe.view import View

T = TypeVar("T", bound=msgspec.Struct)
DRIVER = "ebs.csi.aws.com"
HEKETI = "http://heketi:8080"
CLUSTER = "8f74c8cf5771b5baa1fa38e04e84af4a"
NOW = 10_000.0


def _with(made: T, fields: Mapping[str, object]) -> T:
    return msgspec.structs.replace(made, **fields)


def view(objects: Iterable[Object], unseen: Mapping[Kind, str] | None = None) -> View:
    """Return a View over these objects, taken at NOW."""
    return View(Objects(objects), NOW, unseen)


def node(name: str = "a", **fields: object) -> model.Node:
    """Return a Node that is Ready."""
    made = model.Node(name, f"uid-{name}", "1", Ready.TRUE, 100.0, "", "", {}, {}, ())
    return _with(made, fields)


def pod(name: str = "user", at: str = "a", **fields: object) -> model.Pod:
    """Return a Pod of namespace web that waits on a node and uses the claim `data`."""
    made = model.Pod("web", name, f"uid-{name}", "1", at, "Pending", ("data",), 10.0, 20.0, None)
    return _with(made, fields)


def claim(name: str = "data", **fields: object) -> model.Claim:
    """Return a Bound claim of namespace web."""
    made = model.Claim(
        "web", name, f"uid-{name}", "1", f"pv-{name}", "Bound", ("ReadWriteOnce",), {}
    )
    return _with(made, fields)


def volume(name: str = "pv-data", **fields: object) -> model.Volume:
    """Return the Bound CSI volume of the claim `data`."""
    made = model.Volume(
        name,
        f"uid-{name}",
        "1",
        DRIVER,
        "vol-1",
        "Bound",
        ("ReadWriteOnce",),
        "web",
        "data",
        on_node=False,
        affinity=(),
    )
    return _with(made, fields)


def attachment(at: str = "a", **fields: object) -> model.Attachment:
    """Return a VolumeAttachment of `pv-data` to a node."""
    made = model.Attachment(
        f"csi-{at}", "uid", "1", DRIVER, at, "pv-data", attached=True, created=1.0, deletion=None
    )
    return _with(made, fields)


def snapshot(name: str = "snap", **fields: object) -> model.Snapshot:
    """Return a VolumeSnapshot of the claim `data` that is not ready."""
    made = model.Snapshot(
        namespace="web",
        name=name,
        uid=f"uid-{name}",
        version="1",
        claim="data",
        content="",
        snapshot_class="fast",
        created=50.0,
        deletion=None,
        finalizers=(),
        ready=False,
        error=None,
        bound_content="",
        touched=True,
    )
    return _with(made, fields)


def content(name: str = "content", **fields: object) -> model.SnapshotContent:
    """Return the VolumeSnapshotContent of the snapshot `snap`."""
    made = model.SnapshotContent(
        name=name,
        uid=f"uid-{name}",
        version="1",
        driver=DRIVER,
        snapshot_namespace="web",
        snapshot_name="snap",
        snapshot_uid="uid-snap",
        snapshot_class="fast",
        deletion_policy="Delete",
        created=51.0,
        deletion=None,
        finalizers=(),
        ready=False,
        error=None,
        touched=True,
    )
    return _with(made, fields)


def event(about: Object, fact: Fact | None, **fields: object) -> model.KubeEvent:
    """Return an Event about an object, seen once at 200."""
    kinds = {
        model.Pod: "Pod",
        model.Claim: "PersistentVolumeClaim",
        model.Volume: "PersistentVolume",
        model.Node: "Node",
        model.Snapshot: "VolumeSnapshot",
        model.SnapshotContent: "VolumeSnapshotContent",
    }
    made = model.KubeEvent(
        namespace=getattr(about, "namespace", "") or "default",
        name=f"{about.name}.1",
        uid="uid-event",
        version="1",
        reason="",
        message="",
        component="",
        about_kind=kinds.get(type(about), ""),
        about_namespace=getattr(about, "namespace", ""),
        about_name=about.name,
        count=1,
        last=200.0,
        first=200.0,
        fact=fact,
    )
    return _with(made, fields)


def glusterd(name: str = "a", **fields: object) -> model.Glusterd:
    """Return a glusterd of the pool of nodes a, b and c that sees both others."""
    peers = (model.Peer(f"uuid-{p}", p, "Peer in Cluster", connected=True) for p in "abc")
    others = tuple(peer for peer in peers if peer.hostname != name)
    made = model.Glusterd(name, answers=True, alive=True, uuid=f"uuid-{name}", peers=others)
    return _with(made, fields)


def bricks(at: str, on: str = "abc", **fields: object) -> tuple[model.Brick, ...]:
    """Return bricks as the glusterd of node `at` knows them: its own are online."""
    made = (
        model.Brick(
            name,
            "/bricks/1",
            f"uuid-{name}",
            local=name == at,
            online=True if name == at else None,
            heal_pending=0 if name == at else None,
        )
        for name in on
    )
    return tuple(_with(one, fields) if one.local else one for one in made)


def gluster_volume(at: str = "a", name: str = "vol_1", **fields: object) -> model.GlusterVolume:
    """Return a started replica 3 volume as the glusterd of a node knows it."""
    made = model.GlusterVolume(
        at, name, f"id-{name}", "Replicate", started=True, bricks=bricks(at), replica=3
    )
    return _with(made, fields)


def gluster_log(name: str = "a", **fields: object) -> model.GlusterLog:
    """Return a log that has told of a lock that is held, of disconnects and of a lost quorum."""
    made = model.GlusterLog(
        name,
        lines=10,
        locks=(model.LockKind("held_by", 3, 9_000.0),),
        held=(model.HeldLock("vol_1", "uuid-b", 60.0, 9_000.0),),
        troubled_since=60.0,
        disconnects=(model.Disconnects("uuid-b", "b", 4, (9_000.0, 9_100.0, 9_200.0)),),
        quorum_lost=(model.QuorumLost("vol_1", 9_000.0),),
    )
    return _with(made, fields)


def gluster_space(name: str = "a", **fields: object) -> model.GlusterSpace:
    """Return file systems of which the root is full."""
    made = model.GlusterSpace(name, (model.Space("root", "/", 2**30, 0, 1000, 10),))
    return _with(made, fields)


def mount(at: str = "a", name: str = "pv-data", **fields: object) -> model.Mount:
    """Return a mount on a node that has turned read-only."""
    made = model.Mount(
        at,
        name,
        model.MountProblem.READ_ONLY,
        "ext4",
        "sdb",
        DRIVER,
        f"/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/{name}/mount",
    )
    return _with(made, fields)


def heketi(name: str = HEKETI, **fields: object) -> model.Heketi:
    """Return a Heketi whose database was seen: one cluster of nodes a, b and c."""
    made = model.Heketi(
        name,
        up=True,
        seconds=0.01,
        listed=True,
        looked=9_990.0,
        clusters=(model.HeketiCluster(CLUSTER, ("a", "b", "c")),),
    )
    return _with(made, fields)


def kernel_fault(
    at: str = "a", cause: model.Cause = model.Cause.XFS_DUPLICATE_UUID, **fields: object
) -> model.KernelFault:
    """Return what the kernel of a node said of `sdb`, an XFS."""
    made = model.KernelFault(
        at, f"sdb/{cause}", "sdb", "xfs", cause, 2, 9_000.0, 9_500.0, f"XFS (sdb): {cause}"
    )
    return _with(made, fields)


def heketi_volume(name: str = "vol_1", **fields: object) -> model.HeketiVolume:
    """Return a volume of 1 GiB of that cluster."""
    made = model.HeketiVolume(HEKETI, name, f"id-{name}", 2**30, CLUSTER)
    return _with(made, fields)


def brick_at(path: str) -> model.Brick:
    """Return a brick of node a that is somewhere."""
    return model.Brick("a", path, "uuid-a", local=True, online=True)
