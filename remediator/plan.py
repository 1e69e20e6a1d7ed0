"""What a handler answers: a Plan of Steps as data, Declined, or Deferred.

A step is convergent: whether it is done is read from the world alone, so after a crash the engine
looks before it acts. No I/O here: `patch` only says what a write would carry.
"""

import hashlib
from enum import StrEnum
from typing import TypeAlias

import msgspec

from exporter.observe import model
from exporter.observe.view import View
from remediator.record import LedgerEntry, PlanRecord, StepRecord

UNDO_ANNOTATION = model.OURS + "undo"
"""On an object that we changed: which Remediation owes the undo."""


class AddTaint(msgspec.Struct, frozen=True, tag=True):
    """Put a taint on the node with this uid. `owner` is the Remediation that will take it back."""

    node: str
    uid: str
    key: str
    value: str
    effect: str
    owner: str


class RemoveTaint(msgspec.Struct, frozen=True, tag=True):
    """Take our taint off again: only if it still has our value."""

    node: str
    uid: str
    key: str
    value: str
    effect: str
    owner: str


Step: TypeAlias = AddTaint | RemoveTaint


class Plan(msgspec.Struct, frozen=True):
    """What would be done.

    A goal in one sentence, ordered steps, and the claims that must be used again.

    `drivers` are those whose volumes the steps take from the node: each needs a fencing proof.
    `creates` is GiB of cloud disk that the steps make. `needs_yes`: a person must say yes to it,
    whatever the mode. `gluster_nodes` are those whose glusterd or bricks the steps touch.
    """

    goal: str
    steps: tuple[Step, ...]
    used_claims: tuple[tuple[str, str], ...] = ()
    claim_uids: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    creates: int = 0
    needs_yes: bool = False
    gluster_nodes: tuple[str, ...] = ()

    @property
    def touches(self) -> tuple[str, ...]:
        """What is this plan's alone while it acts: nodes and claims."""
        nodes = sorted({f"node {step.node}" for step in self.steps})
        return (*nodes, *(f"claim {namespace}/{name}" for namespace, name in self.used_claims))


class Declined(msgspec.Struct, frozen=True):
    """Never for this: a sentence an operator can act on."""

    sentence: str


class Deferred(msgspec.Struct, frozen=True):
    """Not yet: looked at again."""

    sentence: str


Decision: TypeAlias = Plan | Declined | Deferred


class Progress(StrEnum):
    """What the world says about a step."""

    DONE = "Done"
    NOT_DONE = "NotDone"
    UNKNOWN = "Unknown"


def observe(step: Step, view: View) -> Progress:
    """Say from a fresh View whether a step is done.

    Unseen nodes, or another one of that name: Unknown.
    """
    node = view.node(step.node)
    if model.Kind.NODE in view.unseen:
        return Progress.UNKNOWN
    if node is None or node.uid != step.uid:
        return Progress.DONE if isinstance(step, RemoveTaint) else Progress.UNKNOWN
    there = any(_ours(taint, step) for taint in node.taints)
    return Progress.DONE if there == isinstance(step, AddTaint) else Progress.NOT_DONE


def was_done(step: Step, view: View) -> bool:
    """Whether our taint was there at some time: its note came with it, and people leave notes."""
    node = view.node(step.node)
    return node is not None and node.annotations.get(UNDO_ANNOTATION) == step.owner


def owed_for(step: Step, entry: LedgerEntry) -> bool:
    """Whether an open debt is the one that this step made, and not another one at its object."""
    made = (type(step).__name__, step.uid)
    params = step_record(step).params
    return not entry.closed and (entry.kind, entry.target_uid) == made and entry.done == params


def patch(step: Step, node: model.Node) -> dict[str, object]:
    """Return the merge patch for a step, bound to the uid and the resourceVersion of `node`."""
    kept = [_wire(taint) for taint in node.taints if not _ours(taint, step)]
    if isinstance(step, AddTaint):
        kept.append({"key": step.key, "value": step.value, "effect": step.effect})
    note = step.owner if isinstance(step, AddTaint) else None
    return {
        "metadata": {
            "uid": step.uid,
            "resourceVersion": node.version,
            "annotations": {UNDO_ANNOTATION: note},
        },
        "spec": {"taints": kept},
    }


def sentence(step: Step) -> str:
    """Return what a step does, for people."""
    taint = f"{step.key}={step.value}:{step.effect}"
    if isinstance(step, AddTaint):
        return f"put taint {taint} on node {step.node}"
    return f"take taint {taint} off node {step.node}"


def to_record(plan: Plan) -> PlanRecord:
    """Return the plan as it stands in the resource, nothing done yet."""
    steps = tuple(step_record(step) for step in plan.steps)
    claims = [f"{namespace}/{name}" for namespace, name in plan.used_claims]
    # How much and to what, as a step's parameters say it, is what a person says yes to.
    what = [
        f"{step.kind} {step.target} {step.target_uid} {sorted(step.params.items())}"
        for step in steps
    ]
    identity = "\0".join([plan.goal, str(plan.creates), *what])
    return PlanRecord(
        hash=hashlib.sha256(identity.encode()).hexdigest()[:16],
        goal=plan.goal,
        steps=steps,
        used_claims=tuple(claims),
        claim_uids=dict(zip(claims, plan.claim_uids, strict=False)),
        touches=plan.touches,
    )


def step_record(step: Step) -> StepRecord:
    """Return a step as it stands in the resource."""
    return StepRecord(
        kind=type(step).__name__,
        target=step.node,
        target_uid=step.uid,
        params={"key": step.key, "value": step.value, "effect": step.effect, "owner": step.owner},
    )


def from_record(record: StepRecord) -> Step:
    """Return the step that a resource holds.

    A kind that this version does not know raises ValueError.
    """
    types = {kind.__name__: kind for kind in (AddTaint, RemoveTaint)}
    if record.kind not in types:
        raise ValueError(f"unknown step {record.kind!r}")
    try:
        return types[record.kind](node=record.target, uid=record.target_uid, **record.params)
    except TypeError as error:
        raise ValueError(f"step {record.kind!r} has other parameters than expected") from error


def _ours(taint: model.Taint, step: Step) -> bool:
    return (taint.key, taint.value, taint.effect) == (step.key, step.value, step.effect)


def _wire(taint: model.Taint) -> dict[str, str]:
    wire = {"key": taint.key, "value": taint.value, "effect": taint.effect}
    if taint.added is not None:
        wire["timeAdded"] = model.rfc3339(taint.added)
    return wire
