"""Stopping what makes pods, and starting it again as it was.

One write each, which carries the note, what was there before and the change itself: whoever finds
a stopped workload finds on it who stopped it and how many it had. How each kind is stopped is its
own controller's documented way; what cannot be started again (an Argo Workflow) has no step here.
"""

from collections.abc import Mapping
from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind, Workload
from exporter.observe.view import View
from remediator.steps.base import (
    DONE,
    GONE,
    UNDO_ANNOTATION,
    KubeWrite,
    Observation,
    Step,
    not_done,
    replicas,
    unseen,
)

WAS = model.OURS + "undo-was"
"""On a workload that we stopped: its replicas before, or `running`."""
STOPPED_AT = model.OURS + "stopped-at"
"""On a workload that we stopped: when, Unix seconds."""
NOWHERE = model.OURS + "stopped"
"""A node selector that fits no node: how a DaemonSet is stopped."""
NOTEBOOK = "kubeflow-resource-stopped"
"""Kubeflow's notebook controller (1.3 and newer) keeps a Notebook with it at zero."""

RUNNING = "running"
"""What was there before, for kinds that have no replicas."""

_API: Mapping[Kind, str] = {
    Kind.DEPLOYMENT: "/apis/apps/v1",
    Kind.STATEFUL_SET: "/apis/apps/v1",
    Kind.REPLICA_SET: "/apis/apps/v1",
    Kind.DAEMON_SET: "/apis/apps/v1",
    Kind.REPLICATION_CONTROLLER: "/api/v1",
    Kind.DEPLOYMENT_CONFIG: "/apis/apps.openshift.io/v1",
    Kind.ROLLOUT: "/apis/argoproj.io/v1alpha1",
    Kind.CRON_WORKFLOW: "/apis/argoproj.io/v1alpha1",
    Kind.JOB: "/apis/batch/v1",
    Kind.CRON_JOB: "/apis/batch/v1",
    Kind.NOTEBOOK: "/apis/kubeflow.org/v1",
}
SUSPENDED = frozenset({Kind.JOB, Kind.CRON_JOB, Kind.CRON_WORKFLOW})
"""Kinds that are stopped by `spec.suspend`."""

_NAMES: Mapping[Kind, str] = {model.KIND_OF[cls]: cls.kind for cls in model.WORKLOADS}

STOPPABLE = frozenset(_API)
"""Kinds that can be stopped and started again."""


def stops(kind: Kind, workload: Workload) -> bool:
    """Whether a workload is stopped, in its kind's way."""
    if kind is Kind.DAEMON_SET:
        return NOWHERE in workload.node_selector
    if kind in SUSPENDED or kind is Kind.NOTEBOOK:
        return workload.suspended
    return workload.replicas == 0


def before(kind: Kind, workload: Workload) -> str:
    """Return what a stop would have to put back: the replicas, or `running`."""
    by_number = kind not in SUSPENDED | {Kind.DAEMON_SET, Kind.NOTEBOOK}
    return str(1 if workload.replicas is None else workload.replicas) if by_number else RUNNING


class _Workload(Step, frozen=True):
    """`target` is `namespace/name`; `kind` the resource's name.

    `was` is what `before` returned when it was planned, for people: what counts is what it has when
    it is stopped, which the note on it tells.
    """

    readings: ClassVar[frozenset[str]] = frozenset({"was"})

    kind: str
    volume_claim: str
    was: str

    @property
    def claim(self) -> tuple[str, str]:
        """Return the claim for whose sake it is stopped."""
        namespace, _ = self.named
        return (namespace, self.volume_claim)

    def found(self, view: View) -> Workload | None:
        """Return the workload with this uid, None when it is not there."""
        there = view.workload(Kind(self.kind), *self.named)
        return there if there is not None and there.uid == self.uid else None

    def noted(self, view: View) -> bool:
        """Whether it carries our note."""
        there = self.found(view)
        return there is not None and there.annotations.get(UNDO_ANNOTATION) == self.owner

    def _text(self) -> str:
        return f"{_NAMES[Kind(self.kind)]} {self.target}"

    def _write(
        self, view: View, notes: dict[str, str | None], spec: Mapping[str, object]
    ) -> KubeWrite | None:
        there = self.found(view)
        if there is None:
            return None
        namespace, name = self.named
        path = f"{_API[Kind(self.kind)]}/namespaces/{namespace}/{self.kind}/{name}"
        meta = {"uid": self.uid, "resourceVersion": there.version, "annotations": notes}
        return KubeWrite("PATCH", path, {"metadata": meta, **spec})


class StopWorkload(_Workload, frozen=True):
    """Stop a workload; what it had before is written on it in the same request."""

    owes: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        if self.was == RUNNING:
            return f"stop {self._text()}"
        return f"stop {self._text()}, which has {replicas(self.was)}"

    def observe(self, view: View) -> Observation:
        """Say whether it is stopped, and who is known to start it again."""
        kind = Kind(self.kind)
        if (blind := unseen(view, kind)) is not None:
            return blind
        there = self.found(view)
        if there is None:
            return GONE
        if stops(kind, there):
            return DONE
        keepers = ", ".join(f"{one.tool} {one.name}" for one in there.keepers)
        return not_done(f"{keepers} may put it back" if keepers else "")

    def prior(self, view: View) -> dict[str, str]:
        """Return what it has: replicas, or `running`."""
        return {"was": self._had(view)}

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that stops it."""
        notes: dict[str, str | None] = {
            UNDO_ANNOTATION: self.owner,
            WAS: self._had(view),
            STOPPED_AT: str(int(view.taken)),
        }
        if Kind(self.kind) is Kind.NOTEBOOK:
            notes[NOTEBOOK] = model.rfc3339(view.taken)
        return self._write(view, notes, _spec(Kind(self.kind), 0))

    def _had(self, view: View) -> str:
        there = self.found(view)
        if there is None:
            return self.was
        return there.annotations.get(WAS) or before(Kind(self.kind), there)


class StartWorkload(_Workload, frozen=True):
    """Start a workload that we stopped, as it was; one that was started loses our note only."""

    pays: ClassVar[str] = StopWorkload.__name__

    def sentence(self) -> str:
        """Return what it does."""
        if self.was == RUNNING:
            return f"start {self._text()} again"
        return f"start {self._text()} again, with {replicas(self.was)}"

    def observe(self, view: View) -> Observation:
        """Say whether nothing of ours is left on it."""
        if (blind := unseen(view, Kind(self.kind))) is not None:
            return blind
        if self.found(view) is None:
            return GONE
        return not_done() if self.noted(view) else DONE

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that takes our note away, and starts it if it still is as we left it."""
        kind, there = Kind(self.kind), self.found(view)
        notes: dict[str, str | None] = {UNDO_ANNOTATION: None, WAS: None, STOPPED_AT: None}
        if there is None or not stops(kind, there):
            return self._write(view, notes, {})
        if kind is Kind.NOTEBOOK:
            notes[NOTEBOOK] = None
        was = there.annotations.get(WAS, self.was)
        return self._write(view, notes, _spec(kind, int(was) if was.isdecimal() else 1))


def _spec(kind: Kind, replicas: int) -> Mapping[str, object]:
    """Return the part of a merge patch that gives a workload this many; 0 stops it."""
    if kind is Kind.NOTEBOOK:
        return {}
    if kind in SUSPENDED:
        return {"spec": {"suspend": not replicas}}
    if kind is Kind.DAEMON_SET:
        selector = {NOWHERE: None if replicas else "true"}
        return {"spec": {"template": {"spec": {"nodeSelector": selector}}}}
    return {"spec": {"replicas": replicas}}
