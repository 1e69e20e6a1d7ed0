"""volume_filling: let a claim ask for more, within what people and the cluster allow.

How it is recognised: exporter/observe/signals/volume_filling.py.

What is done: one step. The claim's request becomes its next size (growth/growing.py), and the time
is written on it. The driver and the kubelet do the rest.

What is not done: nothing without a ceiling that somebody has set, nothing while an expansion is
pending, nothing inside the file system. A volume never shrinks again, so there is no way back.

Goal: the claim has what it asks for, or its volume has and no pod is there to mount it.
"""

from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View
from remediator.case import Case
from remediator.growth.growing import Later, Never, grown
from remediator.growth.policy import quantity
from remediator.handlers.base import ClaimRequests, Closed, Risk, Undo
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.steps.claims import GrowClaim


class VolumeFilling(ClaimRequests):
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
            owner=case.owner,
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

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Owe nothing: a volume does not shrink."""
        del entry, record, view, power
        return Closed("a volume does not shrink")
