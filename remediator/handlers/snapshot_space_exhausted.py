"""snapshot_space_exhausted: one more disk under Rok's snapshot space, then the node goes.

How it is recognised: exporter/observe/signals/snapshot_space_exhausted.py.

What is done, in the order of the runbook. The node is kept from the cluster autoscaler and its
machine from the scaling group, and the node is cordoned; a disk is made, as the node's others are,
attached, set to be deleted with the machine, and seen on the node by its serial. The node gets a
note that it is extended. The disk is labelled: from here on there is no way back. It is put into
the volume group, the logical volume and its file system are grown. It is waited until the snapshots
that failed succeed; the node is drained, until no volume of Rok's is pinned to it; its machine is
ended through the scaling group, and it is waited until machine, disk and node are gone.

Where the machine is in no cloud that we know, or its group does not let it go, a person attaches
the disk or removes the machine: the plan waits for it and checks it.

What is not done: nothing for what is only suspected, nothing while Rok's garbage collection will
make the room, no second extension of a node, nothing without a person's yes. No pod is deleted, and
Rok's guard is not evicted before the volumes have left. No disk that is not blank is touched.

Goal: node, machine and disk are gone, and no volume is pinned there any more.

What is owed: until the disk is labelled all is taken back, the last first, and LVM is asked before
the disk is detached. After it only the node's end pays what is owed; the note on it outlives us.
"""

from collections.abc import Iterator

from exporter.observe import rok_jobs
from exporter.observe.model import Kind
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.handlers.base import Goal, Risk, Undo, Unpowered
from remediator.plan import Decision, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.rok import findings, looks, planned, undoing
from remediator.rok.machine import Placed
from remediator.rok.preflight import Extendable, preflight
from remediator.steps.base import listed
from remediator.steps.drain import pinned
from remediator.steps.nodes import Cordon

REST = 120.0
"""Seconds between two plans while nobody has said yes: each asks the cloud, and LVM on the node."""


class SnapshotSpaceExhausted(Unpowered):
    """The handler."""

    name = "snapshot_space_exhausted"
    risk = Risk.DATA
    rights = (
        Grant(
            "",
            ("persistentvolumeclaims", "namespaces"),
            ("get",),
            "The fresh look: claims with a volume on the node; and who opted out.",
        ),
        Grant("", ("persistentvolumes",), ("list",), "Which volumes are pinned to the node."),
        Grant("", ("events",), ("list",), "What Rok says of its jobs."),
        Grant(
            "snapshot.storage.k8s.io", ("volumesnapshots",), ("list",), "Which snapshots failed."
        ),
        Grant("storage.k8s.io", ("csinodes",), ("get",), "How many disks the machine can have."),
        Grant(
            "",
            ("nodes",),
            ("get", "patch"),
            "patch: the cordon and the notes, bound to uid and resourceVersion.",
        ),
        Grant("", ("pods",), ("list",), "Who is on the node."),
    )

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """The namespaces of the claims there; then what the plan, the step or the debt needs."""
        node = record.subject["node"]
        yield Want(Kind.NODE, name=node)
        for namespace, _ in rok_jobs.claims_on(node, view):
            yield Want(Kind.NAMESPACE, name=namespace)
        yield from looks.wants(record, view)

    def plan(self, case: Case) -> Decision:
        """Extend, drain and remove; wait; or refuse."""
        ready = preflight(case)
        if not isinstance(ready, Extendable):
            return ready
        name = ready.node.name
        claims = tuple(rok_jobs.claims_on(name, case.view))
        bound = [case.view.claim(*one) for one in claims]
        return Plan(
            goal=f"node {name} is gone with its machine, and every volume has left it before",
            steps=tuple(planned.steps(ready, case)),
            used_claims=claims,
            claim_uids=tuple(one.uid if one is not None else "" for one in bound),
            creates=ready.sized.gib if isinstance(ready.place, Placed) else 0,
            needs_yes=True,
            rest=REST,
            findings=tuple(findings.findings(ready)),
        )

    def goal(self, record: Record, view: View) -> Goal:
        """Ask whether the node is gone and nothing is pinned to it."""
        name = record.subject["node"]
        cordon = looks.step_named(record, Cordon.__name__)
        node, left = view.node(name), pinned(name, view)
        if left:
            return Goal(reached=False, sentence=f"still pinned to {name}: {listed(left, ', ')}")
        if node is not None and cordon is not None and node.uid == cordon.target_uid:
            return Goal(reached=False, sentence=f"node {name} is still there")
        return Goal(reached=True, sentence=f"node {name} is gone, and every volume has left it")

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Take back what LVM knows nothing of; the rest goes with the node."""
        del power
        return undoing.undo(entry, record, view)
