"""PersistentVolumes and VolumeAttachments: from the wire to the model."""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from exporter.observe import model
from exporter.observe.parse import causes, release
from exporter.observe.parse.claims import WireStorage, size
from exporter.observe.parse.envelope import BareMeta, WrittenMeta, several, shared, written
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's


class WireSource(msgspec.Struct, gc=False):
    """Any volume source: whichever field holds the name by which its back-end knows the volume."""

    driver: str | None = None
    volumeHandle: str | None = None
    volumeID: str | None = None
    pdName: str | None = None
    diskName: str | None = None
    volumePath: str | None = None
    path: str | None = None
    fsType: str | None = None

    @property
    def handle(self) -> str:
        """The back-end's name of the volume, or nothing."""
        if self.volumeHandle:
            return self.volumeHandle
        names = (self.volumeID, self.pdName, self.diskName, self.volumePath)
        return next((name for name in names if name), self.path or "")


class WireExpression(msgspec.Struct):
    """NodeSelectorRequirement."""

    key: str | None = None
    operator: str | None = None
    values: list[str] | None = None


class WireTerm(msgspec.Struct):
    """NodeSelectorTerm."""

    matchExpressions: list[WireExpression] | None = None
    matchFields: list[WireExpression] | None = None


class WireSelector(msgspec.Struct):
    """NodeSelector."""

    nodeSelectorTerms: list[WireTerm] | None = None


class WireAffinity(msgspec.Struct):
    """VolumeNodeAffinity."""

    required: WireSelector | None = None


class WireVolumeClaim(msgspec.Struct, gc=False):
    """A volume's claimRef."""

    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class WireVolumeSpec(msgspec.Struct):
    """PersistentVolumeSpec; the sources are those of Kubernetes 1.11 to 1.36."""

    accessModes: list[str] | None = None
    capacity: WireStorage | None = None
    claimRef: WireVolumeClaim | None = None
    persistentVolumeReclaimPolicy: str | None = None
    storageClassName: str | None = None
    volumeMode: str | None = None
    nodeAffinity: msgspec.Raw = msgspec.Raw(b"null")
    csi: WireSource | None = None
    flexVolume: WireSource | None = None
    local: WireSource | None = None
    hostPath: WireSource | None = None
    awsElasticBlockStore: WireSource | None = None
    azureDisk: WireSource | None = None
    azureFile: WireSource | None = None
    cephfs: WireSource | None = None
    cinder: WireSource | None = None
    fc: WireSource | None = None
    gcePersistentDisk: WireSource | None = None
    glusterfs: WireSource | None = None
    iscsi: WireSource | None = None
    nfs: WireSource | None = None
    portworxVolume: WireSource | None = None
    rbd: WireSource | None = None
    vsphereVolume: WireSource | None = None


class WireVolumeStatus(msgspec.Struct, gc=False):
    """PersistentVolumeStatus."""

    phase: str | None = None
    message: str | None = None
    lastPhaseTransitionTime: str | None = None


class WireVolume(msgspec.Struct):
    """core/v1 PersistentVolume."""

    metadata: BareMeta | None = None
    spec: WireVolumeSpec | None = None
    status: WireVolumeStatus | None = None


_PLUGINS = {
    "local": "local-volume",
    "hostPath": "host-path",
    "awsElasticBlockStore": "aws-ebs",
    "azureDisk": "azure-disk",
    "azureFile": "azure-file",
    "cephfs": "cephfs",
    "cinder": "cinder",
    "fc": "fc",
    "gcePersistentDisk": "gce-pd",
    "glusterfs": "glusterfs",
    "iscsi": "iscsi",
    "nfs": "nfs",
    "portworxVolume": "portworx-volume",
    "rbd": "rbd",
    "vsphereVolume": "vsphere-volume",
}


def volume(wire: WireVolume) -> model.Volume:
    """Keep what is read of a volume."""
    meta, spec = wire.metadata or BareMeta(), wire.spec or WireVolumeSpec()
    driver, source = _source(spec)
    owner = spec.claimRef or WireVolumeClaim()
    status = wire.status or WireVolumeStatus()
    return model.Volume(
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        driver=shared(driver),
        handle=source.handle,
        phase=shared(status.phase),
        access_modes=several(spec.accessModes),
        claim_namespace=shared(owner.namespace),
        claim_name=owner.name or "",
        on_node=spec.local is not None or spec.hostPath is not None,
        affinity=_affinity(bytes(spec.nodeAffinity)),
        claim_uid=owner.uid or "",
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
        finalizers=several(meta.finalizers),
        phase_since=seconds(status.lastPhaseTransitionTime),
        reclaim_policy=shared(spec.persistentVolumeReclaimPolicy),
        storage_class=shared(spec.storageClassName),
        fs_type=shared(source.fsType),
        block=spec.volumeMode == "Block",
        capacity=size(spec.capacity),
        failure=release.failure(status.message),
    )


def _source(spec: WireVolumeSpec) -> tuple[str, WireSource]:
    if spec.csi is not None:
        return (spec.csi.driver or "", spec.csi)
    if spec.flexVolume is not None:
        return (f"flexvolume-{spec.flexVolume.driver or ''}", spec.flexVolume)
    for field, plugin in _PLUGINS.items():
        source: WireSource | None = getattr(spec, field)
        if source is not None:
            return (f"kubernetes.io/{plugin}", source)
    return ("", WireSource())


_affinities = msgspec.json.Decoder(WireAffinity | None)


@lru_cache(maxsize=4096)
def _affinity(raw: bytes) -> tuple[model.NodeTerm, ...]:
    """Return the one copy of an affinity: most volumes share theirs with thousands."""
    return tuple(_terms(_affinities.decode(raw)))


def _terms(affinity: WireAffinity | None) -> Iterator[model.NodeTerm]:
    selector = affinity.required if affinity else None
    for term in (selector.nodeSelectorTerms if selector else None) or ():
        for expressions, field in ((term.matchExpressions, False), (term.matchFields, True)):
            for one in expressions or ():
                values = several(one.values)
                yield model.NodeTerm(shared(one.key), shared(one.operator), values, field)


class WireAttachmentSource(msgspec.Struct, gc=False):
    """VolumeAttachmentSource; an inline volume has no name."""

    persistentVolumeName: str | None = None


class WireAttachmentSpec(msgspec.Struct):
    """VolumeAttachmentSpec."""

    attacher: str | None = None
    nodeName: str | None = None
    source: WireAttachmentSource | None = None


class WireVolumeError(msgspec.Struct, gc=False):
    """VolumeError; its time is the last try, so it is not read."""

    message: str | None = None


class WireAttachmentStatus(msgspec.Struct):
    """VolumeAttachmentStatus."""

    attached: bool | None = None
    attachError: WireVolumeError | None = None
    detachError: WireVolumeError | None = None


class WireAttachment(msgspec.Struct):
    """storage.k8s.io/v1 VolumeAttachment."""

    metadata: WrittenMeta | None = None
    spec: WireAttachmentSpec | None = None
    status: WireAttachmentStatus | None = None


def attachment(wire: WireAttachment) -> model.Attachment:
    """Keep what is read of an attachment."""
    meta, spec = wire.metadata or WrittenMeta(), wire.spec or WireAttachmentSpec()
    status = wire.status or WireAttachmentStatus()
    return model.Attachment(
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        driver=shared(spec.attacher),
        node=shared(spec.nodeName),
        volume=(spec.source.persistentVolumeName if spec.source else None) or "",
        attached=bool(status.attached),
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
        attach_error=_error(status.attachError, attaching=True),
        detach_error=_error(status.detachError, attaching=False),
        written=written(meta),
    )


def _error(wire: WireVolumeError | None, *, attaching: bool) -> model.Failure | None:
    return causes.failure(wire.message, attaching=attaching) if wire is not None else None
