"""What only a repair's fresh look has: workloads, limits, proofs, machines, disks. No I/O."""

from operator import attrgetter

from exporter.observe import model
from exporter.observe.look_ups import LookUps
from exporter.observe.model import Kind

_NAME = attrgetter("name")


class RepairReads(LookUps):
    """Reads over what was asked for by a repair."""

    def quotas(self, namespace: str) -> list[model.Quota]:
        """Return the ResourceQuotas of a namespace."""
        found = self._objects.within(Kind.QUOTA, namespace)
        return [one for one in found.values() if isinstance(one, model.Quota)]

    def limit_ranges(self, namespace: str) -> list[model.LimitRange]:
        """Return the LimitRanges of a namespace."""
        found = self._objects.within(Kind.LIMIT_RANGE, namespace)
        return [one for one in found.values() if isinstance(one, model.LimitRange)]

    def workload(self, kind: Kind, namespace: str, name: str) -> model.Workload | None:
        """Return what makes pods from a template, of one kind."""
        return self._get(model.Workload, kind, namespace, name)

    def workloads(self, kind: Kind, namespace: str) -> list[model.Workload]:
        """Return the workloads of one kind in a namespace, by name."""
        found = self._objects.within(kind, namespace).values()
        return sorted((obj for obj in found if isinstance(obj, model.Workload)), key=_NAME)

    def autoscalers(self, kind: Kind, namespace: str) -> list[model.Autoscaler]:
        """Return the autoscalers of one kind in a namespace, by name."""
        found = self._objects.within(kind, namespace).values()
        return sorted((obj for obj in found if isinstance(obj, model.Autoscaler)), key=_NAME)

    def attestations(self) -> list[model.Attestation]:
        """Return what people say of nodes' power."""
        return list(self._of(model.Attestation, Kind.ATTESTATION))

    def network_fences(self) -> list[model.NetworkFence]:
        """Return what shuts addresses out of a driver's storage."""
        return list(self._of(model.NetworkFence, Kind.NETWORK_FENCE))

    def machine(self, node: str) -> model.Machine | None:
        """Return a node's machine as its cloud shows it."""
        return self._get(model.Machine, Kind.MACHINE, "", node)

    def repair_disks(self, uid: str) -> model.RepairDisks | None:
        """Return the cloud's disks that carry the tags of the Remediation of this uid."""
        return self._get(model.RepairDisks, Kind.REPAIR_DISKS, "", uid)

    def node_disks(self, node: str) -> model.NodeDisks | None:
        """Return a node's disks as its own tools see them."""
        return self._get(model.NodeDisks, Kind.NODE_DISKS, "", node)

    def drain(self, node: str) -> model.Drain | None:
        """Return all pods of a node with the budgets over them."""
        return self._get(model.Drain, Kind.DRAIN, "", node)

    def manifest(self, namespace: str, name: str) -> model.PodManifest | None:
        """Return what a pod would be made again from; None where no pod has the name."""
        return self._get(model.PodManifest, Kind.POD_MANIFEST, namespace, name)

    def scale(self, namespace: str, name: str) -> model.Scale | None:
        """Return the scale of `Kind.group/name`, of a kind that may be scaled."""
        return self._get(model.Scale, Kind.SCALE, namespace, name)
