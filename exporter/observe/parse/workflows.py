"""Argo Workflows and CronWorkflows: from the wire to the model.

A workflow names claims in its spec, in each of its templates, and in templates that it only refers
to; what it took from those it copies into its status. The copy counts, and where there is none
`elsewhere` says that the claims are not all known.
"""

from collections.abc import Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import ClaimNames
from exporter.observe.parse.controllers import WireActive, began, claims, names_of
from exporter.observe.parse.envelope import Named
from exporter.observe.parse.owners import WholeMeta
from exporter.observe.parse.pods import WirePodVolume

# ruff: noqa: N815 -- field names are the wire's

ENDED = ("Succeeded", "Failed", "Error")
_REFERS = b'"templateRef"'
"""A step's or a task's, wherever it stands; inside a text its quotes would be escaped."""


class WireStep(msgspec.Struct):
    """Template."""

    volumes: list[WirePodVolume] | None = None


class WireTemplateRef(msgspec.Struct):
    """WorkflowTemplateRef: its presence is what counts."""


class WireWorkflowSpec(msgspec.Struct):
    """WorkflowSpec."""

    volumes: list[WirePodVolume] | None = None
    templates: list[msgspec.Raw] | None = None
    templateDefaults: WireStep | None = None
    volumeClaimTemplates: list[Named] | None = None
    workflowTemplateRef: WireTemplateRef | None = None
    suspend: bool | None = None


class WireWorkflowStatus(msgspec.Struct):
    """WorkflowStatus."""

    phase: str | None = None
    storedTemplates: dict[str, WireStep] | None = None
    storedWorkflowTemplateSpec: WireWorkflowSpec | None = None


class WireWorkflow(msgspec.Struct):
    """argoproj.io/v1alpha1 Workflow."""

    metadata: WholeMeta | None = None
    spec: WireWorkflowSpec | None = None
    status: WireWorkflowStatus | None = None


class WireCronWorkflowSpec(msgspec.Struct):
    """CronWorkflowSpec."""

    workflowSpec: WireWorkflowSpec | None = None
    suspend: bool | None = None


class WireCronWorkflow(msgspec.Struct):
    """argoproj.io/v1alpha1 CronWorkflow."""

    metadata: WholeMeta | None = None
    spec: WireCronWorkflowSpec | None = None
    status: WireActive | None = None


_step = msgspec.json.Decoder(WireStep | None)


def workflow(wire: WireWorkflow) -> model.Workflow:
    """Keep what is read of a Workflow."""
    meta, spec = wire.metadata or WholeMeta(), wire.spec or WireWorkflowSpec()
    status = wire.status or WireWorkflowStatus()
    names = _claims(spec, status.storedWorkflowTemplateSpec, status.storedTemplates or {})
    return msgspec.structs.replace(
        began(model.Workflow, meta, names),
        suspended=bool(spec.suspend),
        ended=status.phase in ENDED,
    )


def cron_workflow(wire: WireCronWorkflow) -> model.CronWorkflow:
    """Keep what is read of a CronWorkflow."""
    spec, status = wire.spec or WireCronWorkflowSpec(), wire.status or WireActive()
    names = _claims(spec.workflowSpec or WireWorkflowSpec(), None, {})
    return msgspec.structs.replace(
        began(model.CronWorkflow, wire.metadata or WholeMeta(), names),
        current=len(status.active or ()),
        suspended=bool(spec.suspend),
    )


def _claims(
    spec: WireWorkflowSpec, copied: WireWorkflowSpec | None, steps: dict[str, WireStep]
) -> ClaimNames:
    specs = [spec] if copied is None else [spec, copied]
    volumes = [volume for one in specs for volume in _volumes(one)]
    volumes += [volume for step in steps.values() for volume in step.volumes or ()]
    made = dict.fromkeys(name for one in specs for name in names_of(one.volumeClaimTemplates))
    refers = any(_REFERS in bytes(raw) for one in specs for raw in one.templates or ())
    absent = spec.workflowTemplateRef is not None and copied is None
    return msgspec.structs.replace(
        claims(volumes), made=tuple(made), elsewhere=absent or (refers and not steps)
    )


def _volumes(spec: WireWorkflowSpec) -> Iterator[WirePodVolume]:
    yield from spec.volumes or ()
    if spec.templateDefaults is not None:
        yield from spec.templateDefaults.volumes or ()
    for raw in spec.templates or ():
        step = _step.decode(raw)
        yield from (step.volumes if step else None) or ()
