"""What a handler answers: a Plan of Steps as data, Declined, or Deferred.

What single steps do is in steps/. No I/O here.
"""

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from remediator import steps
from remediator.record import LedgerEntry, PlanRecord
from remediator.steps.base import Step


class Plan(msgspec.Struct, frozen=True):
    """What would be done.

    A goal in one sentence, ordered steps, and the claims that must be used again.

    `drivers` are those whose volumes the steps take from the node: each needs a fencing proof.
    `creates` is GiB of cloud disk that the steps make. `needs_yes`: a person must say yes to it,
    whatever the mode. `gluster_nodes` are those whose glusterd or bricks the steps touch.
    `findings` are sentences about what was looked at before, for whoever says yes or no. `rest`:
    seconds for which it is not made anew while it waits, for what is looked at for it costs.
    """

    goal: str
    steps: tuple[Step, ...]
    used_claims: tuple[tuple[str, str], ...] = ()
    claim_uids: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    creates: int = 0
    needs_yes: bool = False
    gluster_nodes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    rest: float = 0.0

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that the steps work on."""
        return tuple(sorted({step.node for step in self.steps} - {""}))

    @property
    def needs_proof(self) -> bool:
        """Whether a step is only for nodes that are proven dead."""
        return any(step.needs_proof for step in self.steps)

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of the claims that it is about."""
        return tuple(sorted({*self.used_claims, *(s.claim for s in self.steps if s.claim)}))

    @property
    def touches(self) -> tuple[str, ...]:
        """What is this plan's alone while it acts: nodes and claims."""
        claims = (f"claim {namespace}/{name}" for namespace, name in self.claims)
        return (*(f"node {name}" for name in self.nodes), *claims)


class Declined(msgspec.Struct, frozen=True):
    """Never for this: a sentence an operator can act on."""

    sentence: str


class Deferred(msgspec.Struct, frozen=True):
    """Not yet: looked at again."""

    sentence: str


Decision: TypeAlias = Plan | Declined | Deferred


def to_record(plan: Plan) -> PlanRecord:
    """Return the plan as it stands in the resource, nothing done yet."""
    told = tuple(steps.to_record(step) for step in plan.steps)
    claims = [f"{namespace}/{name}" for namespace, name in plan.used_claims]
    # How much and to what, as a step's parameters say it, is what a person says yes to.
    what = [
        f"{one.kind} {one.target} {one.target_uid} {_said_yes_to(step, one.params)}"
        for step, one in zip(plan.steps, told, strict=True)
    ]
    identity = "\0".join([plan.goal, str(plan.creates), *what])
    return PlanRecord(
        hash=hashlib.sha256(identity.encode()).hexdigest()[:16],
        goal=plan.goal,
        steps=told,
        used_claims=tuple(claims),
        claim_uids=dict(zip(claims, plan.claim_uids, strict=False)),
        touches=plan.touches,
        drivers=plan.drivers,
        gluster_nodes=plan.gluster_nodes,
        creates=plan.creates,
        needs_yes=plan.needs_yes,
        findings=plan.findings,
    )


def _said_yes_to(step: Step, params: dict[str, str]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in params.items() if name not in step.readings)


def from_record(record: PlanRecord) -> Plan:
    """Return the plan that a resource holds; ValueError for a step that nobody knows here."""
    claims = [text.partition("/") for text in record.used_claims]
    return Plan(
        goal=record.goal,
        steps=tuple(steps.from_record(step) for step in record.steps),
        used_claims=tuple((namespace, name) for namespace, _, name in claims),
        claim_uids=tuple(record.claim_uids.get(text, "") for text in record.used_claims),
        drivers=record.drivers,
        creates=record.creates,
        needs_yes=record.needs_yes,
        gluster_nodes=record.gluster_nodes,
        findings=record.findings,
    )


def recalled(plan: Plan, ledger: Iterable[LedgerEntry]) -> Plan:
    """Return the plan, its steps with what only the record's ledger knows."""
    kept = tuple(ledger)
    return msgspec.structs.replace(plan, steps=tuple(one.recalled(kept) for one in plan.steps))
