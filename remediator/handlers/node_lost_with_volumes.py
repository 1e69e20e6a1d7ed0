"""node_lost_with_volumes: give a dead node's volumes to the living, once it is proven dead.

How it is recognised: exporter/observe/signals/node_lost_with_volumes.py.

What is done: one step. The taint `node.kubernetes.io/out-of-service:NoExecute` (Kubernetes >= 1.26)
makes the control plane evict the node's pods, remove their objects without the kubelet's word, and
detach its volumes at once. On a node that lives it corrupts file systems, therefore: no taint
without a fencing proof for every driver that has a volume there (guards/fencing_proof.py), none on
a node whose volumes live on it, none where somebody else has put one.

Goal: every claim that was used there is used again by a Running pod on a Ready node.

What is owed: the taint comes off when the node is Ready after a proven power cycle: a new bootID,
an instance launched after the proof, and nothing of before left on the node (mounts survive
everything else).
"""

from collections.abc import Iterator

from exporter.observe import model
from exporter.observe.model import OUT_OF_SERVICE, Kind, Ready, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.signals.base import claim_of
from exporter.observe.signals.node_lost_with_volumes import (
    HEARTBEATS,
    claims_on,
    exclusive_claims,
    holds,
)
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.handlers.base import Back, Closed, Goal, Risk, Undo, Wait
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import LEASES, Grant
from remediator.steps.taints import AddTaint, RemoveTaint

FIRST_VERSION = (1, 26)
"""From here on Kubernetes acts on the taint: NodeOutOfServiceVolumeDetach is beta and on."""

NOT_A_MACHINE = ("/zone", "/region", "failure-domain.beta.kubernetes.io/zone")
"""Ends of topology keys that say where a machine stands, not which one it is."""


class NodeLostWithVolumes:
    """The handler."""

    name = "node_lost_with_volumes"
    risk = Risk.DATA
    rights = (
        Grant(
            "",
            ("persistentvolumeclaims", "namespaces"),
            ("get",),
            "The fresh look: what is known by name is read by name; and who opted out.",
        ),
        Grant(
            "",
            ("persistentvolumes",),
            ("get", "list"),
            "list: which volume a node's status means by an in-tree name, only all of them tell.",
        ),
        Grant("", ("pods",), ("list",), "Who uses the claims."),
        Grant("storage.k8s.io", ("volumeattachments",), ("list",), "What is attached where."),
        Grant(
            "",
            ("nodes",),
            ("get", "list"),
            "One node, and all of them for the question how healthy the cluster is.",
        ),
        Grant(
            "",
            ("nodes",),
            ("patch",),
            "The out-of-service taint and the undo annotation, bound to uid and resourceVersion.",
        ),
        Grant(LEASES, ("leases",), ("get",), "A kubelet's heartbeat is its Lease.", HEARTBEATS),
    )

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """All nodes, the heartbeat, and the namespaces and new users of the claims."""
        node = record.subject["node"]
        yield Want(Kind.NODE)
        yield Want(Kind.LEASE, HEARTBEATS, node)
        for namespace, _ in claims_on(node, view):
            yield Want(Kind.NAMESPACE, name=namespace)
        for namespace, name in used_claims(record):
            yield Want(Kind.CLAIM, namespace, name)
            yield Want(Kind.POD, namespace)

    def powered_by(self, subject: Subject, view: View) -> str:
        """Return the node's providerID."""
        node = view.node(subject["node"])
        return node.provider_id if node is not None else ""

    def plan(self, case: Case) -> Decision:
        """Taint, wait, or refuse."""
        view, name = case.view, case.signal.subject["node"]
        node = view.node(name)
        if node is None:
            return Deferred(
                f"the Node object of {name} is gone, so there is nothing to taint;"
                " Kubernetes removes its pods and detaches its volumes by itself"
            )
        if case.server is None:
            return Deferred("the API server's version could not be read")
        if case.server < FIRST_VERSION:
            major, minor = case.server
            return Declined(
                f"Kubernetes {major}.{minor} does not act on the out-of-service taint; 1.26 does"
            )
        other = node.taint(OUT_OF_SERVICE)
        if other is not None and other.value != case.record.name:
            return Declined(
                f"somebody else has tainted the node {OUT_OF_SERVICE}={other.value}:{other.effect};"
                " whoever did vouches for it and takes it off again"
            )
        if (sentence := _still_beating(node, view)) is not None:
            return Deferred(sentence)
        if (sentence := _bound_to_node(node, case)) is not None:
            return Declined(sentence)
        claims = _taken(name, view)
        return Plan(
            goal=f"every claim that was used on {name} is used by a Running pod on a Ready node",
            steps=(
                AddTaint(
                    target=name,
                    uid=node.uid,
                    key=OUT_OF_SERVICE,
                    value=case.record.name,
                    effect="NoExecute",
                    owner=f"{case.record.name}/{case.record.uid}",
                ),
            ),
            used_claims=claims,
            claim_uids=tuple(_uid(namespace, name, view) for namespace, name in claims),
            drivers=_drivers(name, view),
        )

    def goal(self, record: Record, view: View) -> Goal:
        """Ask each claim for a Running pod on a Ready node that the volume is attached to."""
        waiting = [
            f"{namespace}/{name}"
            + ("" if view.pods_of(namespace, name) else " (nobody asks for it)")
            for namespace, name in used_claims(record)
            # A claim that somebody deleted meanwhile is nobody's any more.
            if view.claim(namespace, name) is not None and not _used_again(namespace, name, view)
        ]
        if waiting:
            return Goal(
                reached=False, sentence=f"waiting for a Running pod with {', '.join(waiting)}"
            )
        return Goal(
            reached=True, sentence="every claim is used again by a Running pod on a Ready node"
        )

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Take the taint off after a proven power cycle; leave alone what is not as we left it."""
        node = view.node(entry.target)
        if node is None or node.uid != entry.target_uid:
            return Closed("the Node object is gone, and our taint with it")
        done = entry.done
        ours = (done.get("key"), done.get("value"), done.get("effect"))
        if not any((t.key, t.value, t.effect) == ours for t in node.taints):
            return Closed("our taint is not there any more: somebody else took it off, left alone")
        step = RemoveTaint(target=node.name, uid=node.uid, **done)
        if (sentence := _not_power_cycled(node, entry, record, view, power)) is not None:
            return Wait(sentence, step)
        return Back(
            step=step,
            sentence=f"node {node.name} is Ready after a power cycle: new bootID, new launch",
        )


def used_claims(record: Record) -> list[tuple[str, str]]:
    """Return namespace and name of the claims that the record's plan wants to be used again."""
    plan = record.status.plan
    pairs = (text.partition("/") for text in (plan.used_claims if plan is not None else ()))
    return [(namespace, name) for namespace, _, name in pairs]


def _taken(node: str, view: View) -> tuple[tuple[str, str], ...]:
    """Return the claims that only this node can have and that somebody wants.

    Its pod may be gone while the volume still is attached. A pod that has ended wants nothing.
    """
    pods = [pod for pod in view.pods_on(node) if not pod.ended]
    found = {claim for pod in pods for claim in exclusive_claims(pod, view)}
    held = {claim_of(a, view) for a in view.attachments_on(node) if holds(a, view)}
    wanted = {c for c in held if c and any(not pod.ended for pod in view.pods_of(*c))}
    return tuple(sorted(found | wanted))


def _uid(namespace: str, name: str, view: View) -> str:
    claim = view.claim(namespace, name)
    return claim.uid if claim is not None else ""


def _still_beating(node: model.Node, view: View) -> str | None:
    lease = view.lease(HEARTBEATS, node.name)
    if Kind.LEASE in view.unseen:
        return "the node's heartbeat Lease could not be read"
    if lease is None or lease.renewed is None or node.ready_since is None:
        return None
    if lease.renewed > node.ready_since:
        return (
            f"the kubelet of {node.name} has renewed its Lease after the Ready condition changed:"
            " it is not dead"
        )
    return None


def _volumes(node: str, view: View) -> list[model.Volume]:
    found = {a.volume: view.volume(a.volume) for a in view.attachments_on(node) if a.volume}
    for namespace, name in claims_on(node, view):
        claim = view.claim(namespace, name)
        if claim is not None and claim.volume:
            found[claim.volume] = view.volume(claim.volume)
    return [volume for _, volume in sorted(found.items()) if volume is not None]


def _drivers(node: str, view: View) -> tuple[str, ...]:
    attached = {attachment.driver for attachment in view.attachments_on(node)}
    return tuple(sorted(attached | {volume.driver for volume in _volumes(node, view)}))


def _bound_to_node(node: model.Node, case: Case) -> str | None:
    for volume in _volumes(node.name, case.view):
        if volume.driver in case.policy.removable_drivers:
            continue
        if volume.on_node or any(_names(term, node, case.view) for term in volume.affinity):
            return (
                f"volume {volume.name} ({volume.driver}) lives on node {node.name} itself:"
                " another node cannot have it, and taking it away may lose data"
            )
    return None


def _names(term: model.NodeTerm, node: model.Node, view: View) -> bool:
    """Whether an affinity term pins to one machine rather than to where it stands."""
    if term.operator != "In" or term.key.endswith(NOT_A_MACHINE):
        return False
    if term.field:
        return node.name in term.values
    # This machine alone, or none that is known: a Node that lost its label may be the one meant.
    meant = {other.name for other in view.nodes() if other.labels.get(term.key) in term.values}
    return meant <= {node.name}


def _used_again(namespace: str, name: str, view: View) -> bool:
    claim = view.claim(namespace, name)
    attachments = view.attachments_of(claim.volume) if claim is not None and claim.volume else []
    for pod in view.pods_of(namespace, name):
        node = view.node(pod.node) if pod.node else None
        if pod.phase != "Running" or pod.deletion is not None or node is None:
            continue
        if node.ready is not Ready.TRUE:
            continue
        if not attachments or any(a.node == pod.node and a.attached for a in attachments):
            return True
    return False


def _not_power_cycled(
    node: model.Node,
    entry: LedgerEntry,
    record: Record,
    view: View,
    power: InstanceReading | None,
) -> str | None:
    if node.ready is not Ready.TRUE:
        return (
            f"node {node.name} is not Ready; the taint stays until it is back after a power cycle"
        )
    back = f"node {node.name} is Ready"
    boot = entry.prior.get("bootID", "")
    if not node.boot_id or not boot or node.boot_id == boot:
        return f"{back}, but its bootID shows no new boot: the taint stays"
    if power is None or power.launched is None or power.state != "running":
        return f"{back}, but its instance could not be read as running: the taint stays"
    proven = record.status.readings[-1].launched_at if record.status.readings else None
    if proven is None or power.launched <= proven:
        return f"{back}, but its instance was not launched after the proof: the taint stays"
    if any(a.created is None or a.created <= entry.at for a in view.attachments_on(node.name)):
        return f"{back}, but an attachment of before is still there: the taint stays"
    if any(pod.deletion is not None for pod in view.pods_on(node.name)):
        return f"{back}, but a Terminating pod of before is still there: the taint stays"
    return None
