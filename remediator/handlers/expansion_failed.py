"""expansion_failed: let a claim ask for less again, where what it asks for cannot be had.

How it is recognised: exporter/observe/signals/expansion_failed.py.

What is done: one step, and only after a person's yes. The request becomes smaller, but more than
the claim has (growth/lowering.py): on Kubernetes >= 1.32 with a resizer that can, after a final
failure.

What is not done: nothing while the larger size may still come, nothing while only the node's step
is missing. Elsewhere the refusal carries the commands with which a person makes the claim anew.

Goal: the claim has what it asks for, or its volume has and no pod is there to mount it.
"""

from exporter.observe import model
from exporter.observe.model.facts import Stage
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View
from remediator.case import Case
from remediator.growth.growing import Later, Never
from remediator.growth.lowering import lowered
from remediator.growth.policy import quantity
from remediator.handlers.base import ClaimRequests, Closed, Risk, Undo
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.steps.claims import LowerRequest

NODE_WITHIN = 600.0
"""Seconds within which a kubelet attaches, mounts and grows what a pod was just given."""


class ExpansionFailed(ClaimRequests):
    """The handler."""

    name = "expansion_failed"
    risk = Risk.DATA
    rights = (
        Grant(
            "",
            ("persistentvolumeclaims",),
            ("get", "patch"),
            "patch: what a claim asks for, bound to uid and resourceVersion.",
        ),
        Grant("", ("persistentvolumes", "namespaces"), ("get",), "The fresh look."),
        Grant("", ("pods", "events"), ("list",), "Who uses the claim, and what its driver said."),
        Grant("storage.k8s.io", ("storageclasses",), ("get",), "Whether a class may grow."),
        Grant("", ("resourcequotas", "limitranges"), ("list",), "How much may be asked for."),
    )

    def plan(self, case: Case) -> Decision:
        """Lower the request, wait, or say what a person types."""
        view, subject = case.view, case.signal.subject
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        if claim is None:
            return Deferred(f"claim {namespace}/{name} is not there")
        if (sentence := _at_it(case)) is not None:
            return Deferred(sentence)
        found = lowered(claim, case.signal.reason, view, case.policy.growth, case.server)
        if isinstance(found, Never):
            by_hand = f"; by hand:\n{found.commands}" if found.commands else ""
            return Declined(f"{found.sentence}{by_hand}")
        if isinstance(found, Later):
            return Deferred(found.sentence)
        step = LowerRequest(
            target=f"{namespace}/{name}",
            uid=claim.uid,
            owner=case.owner,
            size=found.size,
        )
        return Plan(
            goal=f"claim {namespace}/{name} has {quantity(found.size)}",
            steps=(step,),
            used_claims=((namespace, name),),
            claim_uids=(claim.uid,),
            needs_yes=True,
            findings=found.findings,
        )

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Owe nothing: whoever wants more asks for more."""
        del entry, record, view, power
        return Closed("whoever wants more asks for more")


def _at_it(case: Case) -> str | None:
    """Say that a pod's kubelet may still be doing the rest; None when that is not so any more."""
    since, node = case.signal.since, ("stage", Stage.NODE.value) in case.signal.named
    if not node or since is None or case.now - since > NODE_WITHIN:
        return None
    return (
        "its volume has grown, and a pod has it only since"
        f" {model.rfc3339(since)}: its kubelet may still be at it"
    )
