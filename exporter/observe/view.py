"""The View: everything observed at one moment, indexed, with what could not be seen.

`Objects` holds and indexes; `View` is how pure code reads it. A View over a cache that changes is
valid until the next change is put in, so whoever holds one must not await in between. No I/O, no
clock.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import cast

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.objects import BUCKETS, from_key
from exporter.observe.repair_reads import RepairReads

_NAME = attrgetter("name")


class Want(msgspec.Struct, frozen=True):
    """One read.

    An object by name, or without a name all of a kind, in a namespace, by field selector.
    """

    kind: Kind
    namespace: str = ""
    name: str = ""
    field_selector: str = ""


class View(RepairReads):
    """Reads over Objects: those of every look here, those of a repair's in its base."""

    def node(self, name: str) -> model.Node | None:
        """Return a Node."""
        return self._get(model.Node, Kind.NODE, "", name)

    def nodes(self) -> list[model.Node]:
        """Return all Nodes."""
        return list(self._of(model.Node, Kind.NODE))

    def nodes_with_claims(self) -> list[model.Node]:
        """Return the Ready Nodes to which pods with claims are bound."""
        found = self._of(model.Node, Kind.NODE)
        bound = (node for node in found if self._objects.any("pods_on", "", node.name))
        return [node for node in bound if node.ready is model.Ready.TRUE]

    def pod(self, namespace: str, name: str) -> model.Pod | None:
        """Return a Pod."""
        return self._get(model.Pod, Kind.POD, namespace, name)

    def claim(self, namespace: str, name: str) -> model.Claim | None:
        """Return a PersistentVolumeClaim."""
        return self._get(model.Claim, Kind.CLAIM, namespace, name)

    def volume(self, name: str) -> model.Volume | None:
        """Return a PersistentVolume."""
        return self._get(model.Volume, Kind.VOLUME, "", name)

    def lease(self, namespace: str, name: str) -> model.Lease | None:
        """Return a Lease."""
        return self._get(model.Lease, Kind.LEASE, namespace, name)

    def namespace(self, name: str) -> model.Namespace | None:
        """Return a Namespace."""
        return self._get(model.Namespace, Kind.NAMESPACE, "", name)

    def storage_class(self, name: str) -> model.StorageClass | None:
        """Return a StorageClass."""
        return self._get(model.StorageClass, Kind.STORAGE_CLASS, "", name)

    def storage_classes(self) -> list[model.StorageClass]:
        """Return all StorageClasses."""
        return list(self._of(model.StorageClass, Kind.STORAGE_CLASS))

    def csi_node(self, name: str) -> model.CsiNode | None:
        """Return the CSINode of a node."""
        return self._get(model.CsiNode, Kind.CSI_NODE, "", name)

    def csi_driver(self, name: str) -> model.CsiDriver | None:
        """Return a CSIDriver."""
        return self._get(model.CsiDriver, Kind.CSI_DRIVER, "", name)

    def snapshot(self, namespace: str, name: str) -> model.Snapshot | None:
        """Return a VolumeSnapshot."""
        return self._get(model.Snapshot, Kind.SNAPSHOT, namespace, name)

    def snapshot_content(self, name: str) -> model.SnapshotContent | None:
        """Return a VolumeSnapshotContent."""
        return self._get(model.SnapshotContent, Kind.SNAPSHOT_CONTENT, "", name)

    def snapshot_class(self, name: str) -> model.SnapshotClass | None:
        """Return a VolumeSnapshotClass."""
        return self._get(model.SnapshotClass, Kind.SNAPSHOT_CLASS, "", name)

    def snapshot_classes(self) -> list[model.SnapshotClass]:
        """Return all VolumeSnapshotClasses."""
        return list(self._of(model.SnapshotClass, Kind.SNAPSHOT_CLASS))

    def volume_stats(self, namespace: str, claim: str) -> model.VolumeStats | None:
        """Return what a kubelet last said of a claim that is mounted on its node."""
        return self._get(model.VolumeStats, Kind.VOLUME_STATS, namespace, claim)

    def server(self) -> model.Server | None:
        """Return the API server's version."""
        return self._get(model.Server, Kind.SERVER, "", Kind.SERVER)

    def attachment(self, name: str) -> model.Attachment | None:
        """Return a VolumeAttachment; an in-tree volume has none."""
        return self._get(model.Attachment, Kind.ATTACHMENT, "", name)

    def attachments(self) -> list[model.Attachment]:
        """Return all VolumeAttachments."""
        return list(self._of(model.Attachment, Kind.ATTACHMENT))

    def attachments_on(self, node: str) -> list[model.Attachment]:
        """Return what is attached to this node.

        Its VolumeAttachments, and in-tree volumes that only its status tells of.
        """
        found = self._indexed(model.Attachment, "attachments_on", "", node)
        holder = self.node(node)
        if holder is None or not holder.attached:
            return found
        known = {attachment.volume for attachment in found}
        for unique in holder.attached:
            name = model.attach_name(unique)
            if not name:
                continue
            volumes = self._indexed(model.Volume, "in_tree", "", name)
            if not volumes:
                found.append(_in_tree(node, name.rpartition("/")[0], ""))
            found += [_in_tree(node, v.driver, v.name) for v in volumes if v.name not in known]
        return found

    def attachments_of(self, volume: str) -> list[model.Attachment]:
        """Return where this PersistentVolume is attached: as `attachments_on`."""
        found = self._indexed(model.Attachment, "attachments_of", "", volume)
        kept = self.volume(volume)
        if kept is None or not kept.attach_name:
            return found
        known = {attachment.node for attachment in found}
        nodes = self._indexed(model.Node, "in_tree_on", "", kept.attach_name)
        return found + [_in_tree(n.name, kept.driver, volume) for n in nodes if n.name not in known]

    def named_by(self, unique: str) -> list[model.Volume]:
        """Return the in-tree volumes that this name of a node's status.volumesAttached means."""
        name = model.attach_name(unique)
        return self._indexed(model.Volume, "in_tree", "", name) if name else []

    def nodes_naming(self, volume: model.Volume) -> list[model.Node]:
        """Return the nodes whose status.volumesAttached names this in-tree volume."""
        name = volume.attach_name
        return self._indexed(model.Node, "in_tree_on", "", name) if name else []

    def pods_on(self, node: str) -> list[model.Pod]:
        """Return the pods with claims, and CSI node plugins, that are bound to this node."""
        return self._indexed(model.Pod, "pods_on", "", node)

    def pods_of(self, namespace: str, claim: str) -> list[model.Pod]:
        """Return the pods that use this claim."""
        return self._indexed(model.Pod, "pods_of", namespace, claim)

    def plugins(self) -> list[model.Pod]:
        """Return the pods that are CSI node plugins."""
        return self._indexed(model.Pod, "plugins", "", "")

    def plugins_on(self, node: str) -> list[model.Pod]:
        """Return the pods that are CSI node plugins of this node."""
        return self._indexed(model.Pod, "plugins_on", "", node)

    def plugins_of(self, namespace: str, owner: str) -> Iterator[model.Pod]:
        """Iterate over an owner's CSI node plugins by bucket of their nodes: a mixed sample."""
        for number in range(BUCKETS):
            yield from self._indexed(model.Pod, "plugins_of", namespace, f"{owner} {number}")

    def pods(self) -> Iterator[model.Pod]:
        """Iterate over all pods: for what hardly ever changes."""
        return self._of(model.Pod, Kind.POD)

    def volume_of(self, claim: model.Claim) -> model.Volume | None:
        """Return the volume that a claim is bound to."""
        return self.volume(claim.volume) if claim.volume else None

    def claims_of(self, volume: str) -> list[model.Claim]:
        """Return the claims whose spec names this volume: normally one."""
        return self._indexed(model.Claim, "claims_of", "", volume)

    def volumes_of(self, namespace: str, claim: str) -> list[model.Volume]:
        """Return the volumes whose claimRef names this claim: Released ones among them."""
        return self._indexed(model.Volume, "volumes_of", namespace, claim)

    def pending_of(self, storage_class: str) -> list[model.Claim]:
        """Return the Pending claims that name this StorageClass; without a name, those without."""
        return self._indexed(model.Claim, "pending_of", "", storage_class)

    def undeleted_of(self, storage_class: str) -> list[model.Volume]:
        """Return the volumes of this StorageClass that should be gone, see `Volume.undeleted`."""
        return self._indexed(model.Volume, "undeleted_of", "", storage_class)

    def growing_of(self, storage_class: str) -> list[model.Claim]:
        """Return the claims of this StorageClass that ask for more than they have."""
        return self._indexed(model.Claim, "growing_of", "", storage_class)

    def made_from(self, kind: str, namespace: str, name: str) -> list[model.Claim]:
        """Return the claims whose data source is this PersistentVolumeClaim or VolumeSnapshot."""
        return self._indexed(
            model.Claim, "made_from", namespace, from_key(model.DataSource(kind, name))
        )

    def snapshots_of(self, namespace: str, claim: str) -> list[model.Snapshot]:
        """Return the VolumeSnapshots whose source is this claim."""
        return self._indexed(model.Snapshot, "snapshots_of", namespace, claim)

    def snapshots_naming(self, content: str) -> list[model.Snapshot]:
        """Return the VolumeSnapshots that name this content: as their source, or as bound to it."""
        return self._indexed(model.Snapshot, "snapshots_naming", "", content)

    def unready_of(self, snapshot_class: str) -> list[model.Snapshot]:
        """Return the VolumeSnapshots of this class that are not ready; of "": that name none."""
        return self._indexed(model.Snapshot, "unready_of", "", snapshot_class)

    def contents_of(self, namespace: str, snapshot: str) -> list[model.SnapshotContent]:
        """Return the VolumeSnapshotContents whose reference names this VolumeSnapshot."""
        return self._indexed(model.SnapshotContent, "contents_of", namespace, snapshot)

    def rok_on(self, node: str) -> list[model.Volume]:
        """Return Rok's volumes that live on this node; of "": whose affinity names no one node."""
        return self._indexed(model.Volume, "rok_on", "", node)

    def glusterd(self, node: str) -> model.Glusterd | None:
        """Return what is known of a node's glusterd; None: not a Gluster node, or unseen."""
        return self._get(model.Glusterd, Kind.GLUSTERD, "", node)

    def glusterds(self) -> list[model.Glusterd]:
        """Return every node's glusterd that is seen."""
        return list(self._of(model.Glusterd, Kind.GLUSTERD))

    def gluster_volume(self, node: str, name: str) -> model.GlusterVolume | None:
        """Return a volume as this node's glusterd knows it."""
        return self._get(model.GlusterVolume, Kind.GLUSTER_VOLUME, node, name)

    def gluster_on(self, node: str) -> list[model.GlusterVolume]:
        """Return all volumes that this node's glusterd knows, its pool's that is."""
        return sorted(self.gluster_by_name(node).values(), key=_NAME)

    def gluster_by_name(self, node: str) -> Mapping[str, model.GlusterVolume]:
        """Return the same by name, without a copy."""
        found = self._objects.within(Kind.GLUSTER_VOLUME, node)
        return cast("Mapping[str, model.GlusterVolume]", found)

    def gluster_named(self, name: str) -> list[model.GlusterVolume]:
        """Return the volumes of this name, one for each node that knows one."""
        return self._indexed(model.GlusterVolume, "gluster_named", "", name)

    def gluster_volumes(self) -> Iterator[model.GlusterVolume]:
        """Iterate over all volumes as each node knows them, in no order."""
        return self._of(model.GlusterVolume, Kind.GLUSTER_VOLUME)

    def gluster_log(self, node: str) -> model.GlusterLog | None:
        """Return what a node's glusterd log has told."""
        return self._get(model.GlusterLog, Kind.GLUSTER_LOG, "", node)

    def gluster_space(self, node: str) -> model.GlusterSpace | None:
        """Return a Gluster node's file systems."""
        return self._get(model.GlusterSpace, Kind.GLUSTER_SPACE, "", node)

    def rok_space(self, node: str) -> model.RokSpace | None:
        """Return a node's snapshot space of Rok's."""
        return self._get(model.RokSpace, Kind.ROK_SPACE, "", node)

    def mount(self, node: str, volume: str) -> model.Mount | None:
        """Return what is wrong with a volume that is mounted on this node."""
        return self._get(model.Mount, Kind.MOUNT, node, volume)

    def mounts_on(self, node: str) -> list[model.Mount]:
        """Return the volumes that are mounted on this node and not well."""
        return self._indexed(model.Mount, "mounts_on", "", node)

    def mounts_of(self, volume: str) -> list[model.Mount]:
        """Return the nodes' mounts of this volume that are not well."""
        return self._indexed(model.Mount, "mounts_of", "", volume)

    def faults_on(self, node: str) -> list[model.KernelFault]:
        """Return what this node's kernel has complained of."""
        return self._indexed(model.KernelFault, "faults_on", "", node)

    def heketi(self, endpoint: str) -> model.Heketi | None:
        """Return a Heketi by its URL."""
        return self._get(model.Heketi, Kind.HEKETI, "", endpoint)

    def heketis(self) -> list[model.Heketi]:
        """Return every Heketi that is asked."""
        return list(self._of(model.Heketi, Kind.HEKETI))

    def heketi_volumes(self, endpoint: str, cluster: str) -> Mapping[str, model.HeketiVolume]:
        """Return the volumes of one cluster in a Heketi's database by name, without a copy."""
        found = self._objects.within(Kind.HEKETI_VOLUME, f"{endpoint} {cluster}")
        return cast("Mapping[str, model.HeketiVolume]", found)

    def gluster_claimed(self) -> Iterator[model.Volume]:
        """Iterate over the PersistentVolumes that are volumes of Gluster's."""
        for number in range(BUCKETS):
            yield from self._indexed(model.Volume, "gluster_volumes", "", str(number))

    def events_of(self, kind: str, namespace: str, name: str) -> list[model.KubeEvent]:
        """Return the kept Events about an object, oldest first.

        `kind` is the object's own: Pod, PersistentVolumeClaim, VolumeSnapshot ...
        """
        found = self._indexed(model.KubeEvent, f"events_of {kind}", namespace, name)
        return sorted(found, key=lambda event: (event.last or 0.0, event.name))


def _in_tree(node: str, driver: str, volume: str) -> model.Attachment:
    return model.Attachment(
        "", "", "", driver, node, volume, attached=True, created=None, deletion=None
    )
