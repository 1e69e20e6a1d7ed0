"""Claims, volumes, attachments, classes, CSI registration, kubelets' statistics: what we keep."""

from collections.abc import Mapping

import msgspec

from exporter.observe.model.facts import Failure

IN_TREE = "kubernetes.io/"
"""How the name of an in-tree driver begins."""

ROK = "rok.arrikto.com"
"""The driver whose volumes live on a node and whose snapshots need space there."""

GLUSTERFS = "kubernetes.io/glusterfs"
"""The in-tree driver of Gluster's volumes, until Kubernetes 1.25."""

GLUSTER = frozenset({GLUSTERFS, "org.gluster.glusterfs"})
"""Drivers whose volume handle begins with the name that Gluster knows a volume by."""

_NOT_A_NODE = ("/zone", "/region", "/arch", "/os", "/instance-type")
"""How the keys of well-known labels end that many nodes share."""


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One condition. Only FileSystemResizePending's `since` is a true beginning; others move."""

    kind: str
    status: bool
    since: float | None
    failure: Failure | None = None


class DataSource(msgspec.Struct, frozen=True, gc=False):
    """What a claim is made from (dataSourceRef, else dataSource).

    `kind` is PersistentVolumeClaim, VolumeSnapshot or another; `namespace` is empty for the
    claim's own.
    """

    kind: str
    name: str
    namespace: str = ""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """core/v1 PersistentVolumeClaim; `annotations` holds ours only (labels of ours merged in).

    `requested`, `capacity` and `allocated` are bytes; None: not said, or not a quantity.
    `storage_class` None: not said. `resize_status` is allocatedResourceStatuses.storage, or its
    forerunner resizeStatus. `grow_asked` is when spec.resources was last written
    (managedFields). `provisioner` is the annotation storage-provisioner, `selected_node` the
    scheduler's choice under WaitForFirstConsumer.
    """

    namespace: str
    name: str
    uid: str
    version: str
    volume: str
    phase: str
    access_modes: tuple[str, ...]
    annotations: Mapping[str, str]
    created: float | None = None
    deletion: float | None = None
    finalizers: tuple[str, ...] = ()
    storage_class: str | None = None
    block: bool = False
    requested: int | None = None
    capacity: int | None = None
    allocated: int | None = None
    resize_status: str = ""
    conditions: tuple[Condition, ...] = ()
    grow_asked: float | None = None
    data_source: DataSource | None = None
    provisioner: str = ""
    selected_node: str = ""

    @property
    def growing(self) -> bool:
        """Whether it is Bound and asks for more than it has; both sizes must be known."""
        return (
            self.phase == "Bound"
            and self.requested is not None
            and self.capacity is not None
            and self.requested > self.capacity
        )

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of this kind if it is true."""
        return next((c for c in self.conditions if c.kind == kind and c.status), None)


class NodeTerm(msgspec.Struct, frozen=True, gc=False):
    """One required expression of a volume's node affinity; `field` for matchFields."""

    key: str
    operator: str
    values: tuple[str, ...]
    field: bool


class Volume(msgspec.Struct, frozen=True, gc=False):
    """core/v1 PersistentVolume.

    `driver` is the CSI driver, or `kubernetes.io/<source>` for an in-tree source. `on_node` is
    true for sources that are a path on a machine (local, hostPath). `phase_since` is
    lastPhaseTransitionTime: Kubernetes 1.28 (beta) and newer. `capacity` is bytes. `failure`
    is what status.message says went wrong (in-tree volumes: the first time).
    """

    name: str
    uid: str
    version: str
    driver: str
    handle: str
    phase: str
    access_modes: tuple[str, ...]
    claim_namespace: str
    claim_name: str
    on_node: bool
    affinity: tuple[NodeTerm, ...]
    claim_uid: str = ""
    created: float | None = None
    deletion: float | None = None
    finalizers: tuple[str, ...] = ()
    phase_since: float | None = None
    reclaim_policy: str = ""
    storage_class: str = ""
    fs_type: str = ""
    block: bool = False
    capacity: int | None = None
    failure: Failure | None = None

    @property
    def exclusive(self) -> bool:
        """Whether the control plane attaches it to one node at a time (ReadWriteOnce.

        ReadWriteOncePod).
        """
        return not {"ReadWriteMany", "ReadOnlyMany"} & set(self.access_modes)

    @property
    def undeleted(self) -> bool:
        """Whether it should be gone: its claim is, and its policy is not to keep it.

        A volume that is Released to be recycled is being recycled.
        """
        if self.reclaim_policy == "Delete":
            return self.phase in ("Released", "Failed")
        return self.reclaim_policy == "Recycle" and self.phase == "Failed"

    @property
    def in_tree(self) -> bool:
        """Whether Kubernetes' own code attaches it: then there is no VolumeAttachment."""
        return self.driver.startswith(IN_TREE)

    @property
    def gluster_name(self) -> str:
        """The name that Gluster has for it; empty for what is no volume of Gluster's.

        The in-tree source's path is the volume, and may go on with a directory in it.
        """
        if self.driver not in GLUSTER:
            return ""
        return self.handle.lstrip("/").partition("/")[0]

    @property
    def pinned_to(self) -> str:
        """The one node that its affinity names; empty for none, and for more than one.

        Only `In` with exactly one value counts, and no key of zones and the like.
        """
        nodes = {
            term.values[0]
            for term in self.affinity
            if term.operator == "In"
            and len(term.values) == 1
            and not term.key.endswith(_NOT_A_NODE)
        }
        return nodes.pop() if len(nodes) == 1 else ""

    @property
    def attach_name(self) -> str:
        """How `attach_name(unique name)` spells this volume; empty for CSI and unknown handles."""
        return f"{self.driver}/{_last(self.handle)}" if self.in_tree and self.handle else ""


def attach_name(unique: str) -> str:
    """Shorten a name of status.volumesAttached so that it meets `Volume.attach_name`.

    A volume may be written `vol-1` in its PersistentVolume and `aws://zone/vol-1` here: plugin and
    last part decide. Empty for CSI volumes, which have VolumeAttachments.
    """
    prefix, _, rest = unique.partition("/")
    plugin, _, volume = rest.partition("/")
    if f"{prefix}/" != IN_TREE or plugin == "csi" or not volume:
        return ""
    return f"{IN_TREE}{plugin}/{_last(volume)}"


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """storage.k8s.io/v1 VolumeAttachment.

    Only its absence means detached; `attached` false does not.

    `volume` is the PersistentVolume's name, empty for an inline volume. The errors' times are the
    last try, so they are not kept. `written` is when it last changed (the newest time in
    managedFields): once it is attached, when it was. An attachment without a name is an in-tree one
    that only the node's status.volumesAttached tells of.
    """

    name: str
    uid: str
    version: str
    driver: str
    node: str
    volume: str
    attached: bool
    created: float | None
    deletion: float | None
    attach_error: Failure | None = None
    detach_error: Failure | None = None
    written: float | None = None


class StorageClass(msgspec.Struct, frozen=True):
    """storage.k8s.io/v1 StorageClass. `waits`: volumeBindingMode WaitForFirstConsumer.

    `heketi` is the URL of the Heketi that makes its volumes, `heketi_clusters` the ids of those of
    its clusters that may be used; empty: any.
    """

    name: str
    provisioner: str
    waits: bool
    expandable: bool
    default: bool = False
    reclaim_policy: str = ""
    heketi: str = ""
    heketi_clusters: tuple[str, ...] = ()
    version: str = ""


class CsiNode(msgspec.Struct, frozen=True):
    """storage.k8s.io/v1 CSINode: `drivers` are those that the kubelet has registered.

    `written` is when it last changed this list (the newest time in managedFields). `limits` is how
    many volumes of a driver the node can have (allocatable.count), where it says so.
    """

    name: str
    drivers: tuple[str, ...]
    created: float | None = None
    version: str = ""
    written: float | None = None
    limits: Mapping[str, int] = {}


class CsiDriver(msgspec.Struct, frozen=True):
    """storage.k8s.io/v1 CSIDriver: installed, which is not registered on a node."""

    name: str
    attach_required: bool = True
    version: str = ""


class VolumeStats(msgspec.Struct, frozen=True, gc=False):
    """What the kubelet of `node` says of a mounted claim (`/stats/summary`); sizes in bytes.

    `taken` is when the kubelet measured. None: it did not say.
    """

    namespace: str
    name: str
    node: str
    taken: float | None
    capacity: int | None
    available: int | None
    used: int | None
    inodes: int | None
    inodes_free: int | None
    version: str = ""
