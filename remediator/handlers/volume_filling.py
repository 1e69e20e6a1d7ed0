"""volume_filling: let a claim ask for more, within what people and the cluster allow.

How it is recognised: exporter/observe/signals/volume_filling.py.

What is done: one step. The claim's request becomes its next size (growth/growing.py), and the time
is written on it. The driver and the kubelet do the rest.

What is not done: nothing without a ceiling that somebody has set, nothing while an expansion is
pending, nothing inside the file system. A volume never shrinks again, so there is no way back.

Goal: the claim has what it asks for.
"""

from collections.abc import Iterator

from exporter.observe.model import Kind, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.growth.growing import Later, Never, grown, waiting
from remediator.growth.limits import reads
from remediator.growth.policy import quantity
from remediator.handlers.base import Closed, Goal, Risk, Undo
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.steps.claims import GrowClaim


class VolumeFilling:
    """The handler."""

    name = "volume_filling"
    risk = Risk.COST
    rights = (
        Grant(
            "",
            ("persistentvolumeclaims",),
            ("get", "patch"),
            "patch: what a claim asks for, bound to uid and resourceVersion.",
        ),
        Grant("", ("persistentvolumes", "namespaces", "nodes"), ("get",), "The fresh look."),
        Grant("", ("pods",), ("list",), "Who mounts the claim, and where."),
        Grant("", ("nodes/stats",), ("get",), "How full it is, by the kubelet that mounts it."),
        Grant("storage.k8s.io", ("storageclasses",), ("get",), "Whether a class may grow."),
        Grant("", ("resourcequotas", "limitranges"), ("list",), "How much may be asked for."),
    )

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """Its namespace, and what limits the claim."""
        namespace, name = record.subject["namespace"], record.subject["persistentvolumeclaim"]
        yield Want(Kind.NAMESPACE, name=namespace)
        claim = view.claim(namespace, name)
        if claim is not None:
            yield from reads(claim)

    def powered_by(self, subject: Subject, view: View) -> str:
        """Return nothing: no machine's power decides."""
        del subject, view
        return ""

    def plan(self, case: Case) -> Decision:
        """Grow it, wait, or refuse."""
        view, subject, policy = case.view, case.signal.subject, case.policy
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        if claim is None:
            return Deferred(f"claim {namespace}/{name} is not there")
        found = grown(claim, view, policy.growth, policy.capacity_cap, case.now)
        if isinstance(found, Never):
            return Declined(found.sentence)
        if isinstance(found, Later):
            return Deferred(found.sentence)
        step = GrowClaim(
            target=f"{namespace}/{name}",
            uid=claim.uid,
            owner=f"{case.record.name}/{case.record.uid}",
            size=found.size,
        )
        return Plan(
            goal=f"claim {namespace}/{name} has {quantity(found.size)}",
            steps=(step,),
            used_claims=((namespace, name),),
            claim_uids=(claim.uid,),
            creates=found.creates,
            findings=found.findings,
        )

    def goal(self, record: Record, view: View) -> Goal:
        """Ask the claim whether it has what it asks for."""
        namespace, name = record.subject["namespace"], record.subject["persistentvolumeclaim"]
        missing = waiting(view.claim(namespace, name))
        return Goal(reached=not missing, sentence=missing or "the claim has what it asks for")

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Owe nothing: a volume does not shrink."""
        del entry, record, view, power
        return Closed("a volume does not shrink")
