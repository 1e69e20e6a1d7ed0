"""What makes and scales pods: from the wire to the model. Argo's workflows are next door."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from exporter.observe import model
from exporter.observe.model import ClaimNames
from exporter.observe.parse.conditions import WireCondition, condition_of
from exporter.observe.parse.envelope import Named, ours
from exporter.observe.parse.keepers import keepers
from exporter.observe.parse.owners import WholeMeta, WireOwner, controller, named
from exporter.observe.parse.pods import WirePodVolume
from exporter.observe.parse.quantities import whole
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

STOPPED = "kubeflow-resource-stopped"
"""Annotation of a Notebook; that it is there stops it, whatever it says."""
PAUSED = "autoscaling.keda.sh/paused"
PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"
_MATTER = (STOPPED, PAUSED, PAUSED_REPLICAS)

T = TypeVar("T", bound=model.Workload)


class WireTemplateSpec(msgspec.Struct):
    """PodSpec of a template."""

    volumes: list[WirePodVolume] | None = None
    nodeSelector: dict[str, str] | None = None


class WireTemplate(msgspec.Struct):
    """PodTemplateSpec."""

    spec: WireTemplateSpec | None = None


class WireSpec(msgspec.Struct):
    """The specs of all kinds with a template beneath, as far as they are read: alike."""

    replicas: int | None = None
    template: WireTemplate | None = None
    volumeClaimTemplates: list[Named] | None = None
    workloadRef: WireOwner | None = None
    paused: bool | None = None
    suspend: bool | None = None


class WireStatus(msgspec.Struct):
    """Their statuses; a number that is zero is left out."""

    replicas: int | None = None
    readyReplicas: int | None = None
    currentNumberScheduled: int | None = None
    numberReady: int | None = None


class WireController(msgspec.Struct):
    """Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, and custom ones."""

    metadata: WholeMeta | None = None
    spec: WireSpec | None = None
    status: WireStatus | None = None


def claims(volumes: Iterable[WirePodVolume], made: Iterable[str] = ()) -> ClaimNames:
    """Read a template's volumes.

    A volumeClaimTemplate replaces the volume of its name, as the StatefulSet controller has it.
    """
    made = tuple(made)
    kept = [volume for volume in volumes if volume.name not in made]
    sources = [v.persistentVolumeClaim.claimName for v in kept if v.persistentVolumeClaim]
    return ClaimNames(
        named=tuple(dict.fromkeys(source for source in sources if source)),
        made=made,
        ephemeral=tuple(v.name for v in kept if v.ephemeral is not None and v.name),
    )


def volumes_of(template: WireTemplate | None) -> list[WirePodVolume]:
    """Return the volumes of a template, if it has any."""
    return (template.spec.volumes if template and template.spec else None) or []


def names_of(templates: list[Named] | None) -> list[str]:
    """Return the names of volumeClaimTemplates."""
    return [one.metadata.name for one in templates or () if one.metadata and one.metadata.name]


def began(cls: type[T], meta: WholeMeta, names: ClaimNames) -> T:
    """Return a workload with what is read of every kind alike."""
    about = (cls.group, cls.kind, meta.namespace or "", meta.name or "")
    return cls(
        namespace=meta.namespace or "",
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        owner=controller(meta.ownerReferences),
        claims=names,
        deletion=seconds(meta.deletionTimestamp),
        annotations=_annotations(meta),
        keepers=keepers(about, meta.labels or {}, meta.annotations or {}),
    )


def _annotations(meta: WholeMeta) -> Mapping[str, str]:
    all_of_it = meta.annotations or {}
    return {**ours(meta), **{key: all_of_it[key] for key in _MATTER if key in all_of_it}}


def replicated(cls: type[T]) -> Callable[[WireController], T]:
    """Return the reader of a kind that is told how many pods to have.

    The API server writes the default, one; a custom resource may leave it out.
    """

    def read(wire: WireController) -> T:
        spec, status = wire.spec or WireSpec(), wire.status or WireStatus()
        names = claims(volumes_of(spec.template), names_of(spec.volumeClaimTemplates))
        elsewhere = named(spec.workloadRef, group="apps") if spec.workloadRef else None
        return msgspec.structs.replace(
            began(cls, wire.metadata or WholeMeta(), names),
            replicas=1 if spec.replicas is None else spec.replicas,
            current=status.replicas or 0,
            ready=status.readyReplicas or 0,
            paused=bool(spec.paused),
            template_of=elsewhere,
        )

    return read


def daemon_set(wire: WireController) -> model.DaemonSet:
    """Keep what is read of a DaemonSet."""
    spec, status = wire.spec or WireSpec(), wire.status or WireStatus()
    inner = spec.template.spec if spec.template else None
    return msgspec.structs.replace(
        began(model.DaemonSet, wire.metadata or WholeMeta(), claims(volumes_of(spec.template))),
        current=status.currentNumberScheduled or 0,
        ready=status.numberReady or 0,
        node_selector=(inner.nodeSelector if inner else None) or {},
    )


def notebook(wire: WireController) -> model.Notebook:
    """Keep what is read of a Notebook."""
    spec, status = wire.spec or WireSpec(), wire.status or WireStatus()
    found = began(model.Notebook, wire.metadata or WholeMeta(), claims(volumes_of(spec.template)))
    stopped = STOPPED in found.annotations
    return msgspec.structs.replace(found, ready=status.readyReplicas or 0, suspended=stopped)


class WireJobStatus(msgspec.Struct):
    """JobStatus; `ready` is said by Kubernetes 1.24 and newer."""

    active: int | None = None
    ready: int | None = None
    conditions: list[WireCondition] | None = None


class WireJob(msgspec.Struct):
    """batch/v1 Job."""

    metadata: WholeMeta | None = None
    spec: WireSpec | None = None
    status: WireJobStatus | None = None


def job(wire: WireJob) -> model.Job:
    """Keep what is read of a Job."""
    spec, status = wire.spec or WireSpec(), wire.status or WireJobStatus()
    ends = (condition_of(status.conditions, kind) for kind in ("Complete", "Failed"))
    return msgspec.structs.replace(
        began(model.Job, wire.metadata or WholeMeta(), claims(volumes_of(spec.template))),
        current=status.active or 0,
        ready=status.ready,
        suspended=bool(spec.suspend),
        ended=any(end is not None and end.status == "True" for end in ends),
    )


class WireJobTemplate(msgspec.Struct):
    """JobTemplateSpec."""

    spec: WireSpec | None = None


class WireCronSpec(msgspec.Struct):
    """CronJobSpec."""

    suspend: bool | None = None
    jobTemplate: WireJobTemplate | None = None


class WireActive(msgspec.Struct):
    """Status of what starts others: references, of which only the number is read."""

    active: list[WireOwner] | None = None


class WireCronJob(msgspec.Struct):
    """batch CronJob."""

    metadata: WholeMeta | None = None
    spec: WireCronSpec | None = None
    status: WireActive | None = None


def cron_job(wire: WireCronJob) -> model.CronJob:
    """Keep what is read of a CronJob."""
    spec, status = wire.spec or WireCronSpec(), wire.status or WireActive()
    job_spec = (spec.jobTemplate.spec if spec.jobTemplate else None) or WireSpec()
    return msgspec.structs.replace(
        began(model.CronJob, wire.metadata or WholeMeta(), claims(volumes_of(job_spec.template))),
        current=len(status.active or ()),
        suspended=bool(spec.suspend),
    )


class WireScalerSpec(msgspec.Struct):
    """HorizontalPodAutoscalerSpec and ScaledObjectSpec."""

    scaleTargetRef: WireOwner | None = None
    minReplicas: int | None = None
    maxReplicas: int | None = None
    minReplicaCount: int | None = None
    maxReplicaCount: int | None = None


class WireScaler(msgspec.Struct):
    """autoscaling HorizontalPodAutoscaler, keda.sh ScaledObject."""

    metadata: WholeMeta | None = None
    spec: WireScalerSpec | None = None


def autoscaler(wire: WireScaler) -> model.HorizontalPodAutoscaler:
    """Keep what is read of a HorizontalPodAutoscaler; its default minimum is one."""
    meta, spec = wire.metadata or WholeMeta(), wire.spec or WireScalerSpec()
    return model.HorizontalPodAutoscaler(
        meta.namespace or "",
        meta.name or "",
        meta.uid or "",
        meta.resourceVersion or "",
        target=named(spec.scaleTargetRef or WireOwner()),
        least=1 if spec.minReplicas is None else spec.minReplicas,
        most=spec.maxReplicas or 0,
        owner=controller(meta.ownerReferences),
        annotations=ours(meta),
    )


def scaled_object(wire: WireScaler) -> model.ScaledObject:
    """Keep what is read of a ScaledObject; KEDA's defaults: a Deployment, from 0 to 100."""
    meta, spec = wire.metadata or WholeMeta(), wire.spec or WireScalerSpec()
    notes = _annotations(meta)
    return model.ScaledObject(
        meta.namespace or "",
        meta.name or "",
        meta.uid or "",
        meta.resourceVersion or "",
        target=named(spec.scaleTargetRef or WireOwner(), group="apps", kind="Deployment"),
        least=spec.minReplicaCount or 0,
        most=100 if spec.maxReplicaCount is None else spec.maxReplicaCount,
        owner=controller(meta.ownerReferences),
        paused=PAUSED_REPLICAS in notes or notes.get(PAUSED) == "true",
        paused_at=whole(notes.get(PAUSED_REPLICAS, "")),
        annotations=notes,
    )
