"""node_lost_with_volumes: give a dead node's volumes to the living, once it is proven dead.

How it is recognised: exporter/observe/signals/node_lost_with_volumes.py.

What is done, Kubernetes >= 1.26: one step. The taint `node.kubernetes.io/out-of-service:NoExecute`
makes the control plane evict the node's pods, remove their objects without the kubelet's word, and
detach its volumes at once.

What is done, Kubernetes 1.16 to 1.25: the object of each pod that has a volume of one node at a
time is deleted by force, by its uid; then it is waited until Kubernetes has detached the volumes,
which it does 6 minutes later. Pods without an owner, static pods and DaemonSets' stay, and the plan
says so.

What is not done: nothing without a fencing proof for every driver that has a volume there
(guards/fencing_proof.py), for on a node that lives either way corrupts file systems; nothing on a
node whose volumes live on it, none where somebody else has put the taint, nothing against a tool
that drains the node. A node that somebody cordoned before it was lost needs a person's yes.

Goal: every claim that was used there is used again by a Running pod on a Ready node.

What is owed: the taint comes off when the node is Ready after a proven power cycle: a new bootID,
an instance launched after the proof, and nothing of before left on the node (mounts survive
everything else). What was deleted by force is owed to nobody.
"""

from collections.abc import Iterator

from exporter.observe import model
from exporter.observe.model import OUT_OF_SERVICE, Kind, Ready, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS, claims_on
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.handlers.base import Back, Closed, Goal, Risk, Undo, Wait
from remediator.node_loss.drains import cordoned, drained_by
from remediator.node_loss.holds import bound_to_node, drivers, still_beating, taken, uids
from remediator.node_loss.pods import sorted_out
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import LEASES, PVMEDIC, Grant
from remediator.steps.base import Step
from remediator.steps.pods import AwaitDetached, ForceDeletePod
from remediator.steps.taints import AddTaint, RemoveTaint

FIRST_VERSION = (1, 26)
"""From here on Kubernetes acts on the taint: NodeOutOfServiceVolumeDetach is beta and on."""

OLDEST_VERSION = (1, 16)
"""Before it neither heartbeat Leases nor deletions bound to a resourceVersion can be relied on."""


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
        Grant(
            "",
            ("pods",),
            ("delete",),
            "Kubernetes 1.16 to 1.25, which does not act on the taint: by force, bound to uid and"
            " resourceVersion, on a node that is proven dead.",
            before=FIRST_VERSION,
        ),
        Grant(LEASES, ("leases",), ("get",), "A kubelet's heartbeat is its Lease.", HEARTBEATS),
        Grant(
            PVMEDIC,
            ("nodeattestations",),
            ("list",),
            "What people say of a node's power. Never create: the program cannot prove a thing"
            " to itself.",
        ),
        Grant(
            "csiaddons.openshift.io",
            ("networkfences",),
            ("list",),
            "Which nodes are shut out of a driver's storage.",
        ),
    )

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """All nodes, the heartbeat, what may prove it dead, namespaces and users of the claims."""
        node = record.subject["node"]
        yield Want(Kind.NODE)
        yield Want(Kind.LEASE, HEARTBEATS, node)
        yield Want(Kind.ATTESTATION)
        yield Want(Kind.NETWORK_FENCE)
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
        """Taint, delete by force, wait, or refuse."""
        view, name = case.view, case.signal.subject["node"]
        node = view.node(name)
        if node is None:
            return Deferred(_gone(name))
        if case.server is None:
            return Deferred("the API server's version could not be read")
        if case.server < OLDEST_VERSION:
            major, minor = case.server
            return Declined(
                f"Kubernetes {major}.{minor} is too old to be repaired from here: 1.16 is the first"
                " whose heartbeats and deletions can be relied on; the runbook says what to do"
            )
        other = node.taint(OUT_OF_SERVICE)
        if other is not None and other.value != case.record.name:
            return Declined(
                f"somebody else has tainted the node {OUT_OF_SERVICE}={other.value}:{other.effect};"
                " whoever did vouches for it and takes it off again"
            )
        if (sentence := still_beating(node, view)) is not None:
            return Deferred(sentence)
        if (sentence := bound_to_node(node, view, case.policy.removable_drivers)) is not None:
            return Declined(sentence)
        if (sentence := drained_by(node)) is not None:
            return Deferred(f"{sentence}: it is left to that; looked at again")
        return _by_taint(node, case) if case.server >= FIRST_VERSION else _by_force(node, case)

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
        # They keep the failure alive, and whoever is asked at last must know why.
        left = (f"left to a person: {why}" for why in sorted_out(record.subject["node"], view).stay)
        used = "every claim is used again by a Running pod on a Ready node"
        return Goal(reached=True, sentence="; ".join((used, *left)))

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


def _by_taint(node: model.Node, case: Case) -> Plan:
    step = AddTaint(
        target=node.name,
        uid=node.uid,
        key=OUT_OF_SERVICE,
        value=case.record.name,
        effect="NoExecute",
        owner=case.owner,
    )
    return _planned(node, case, (step,), taken(node.name, case.view))


def _by_force(node: model.Node, case: Case) -> Decision:
    """Plan for a Kubernetes that does not know the taint."""
    view, owner = case.view, case.owner
    pods = sorted_out(node.name, view)
    if not pods.go and pods.stay:
        return Declined(f"no pod there may be deleted by force: {'; '.join(pods.stay)}")
    if not pods.go:
        return Deferred(
            f"no pod on {node.name} holds a volume any more: Kubernetes detaches the volumes"
            " 6 minutes after the last one was gone"
        )
    deletions = (
        ForceDeletePod(f"{pod.namespace}/{pod.name}", pod.uid, owner, node.name, node.uid)
        for pod in pods.go
    )
    wait = AwaitDetached(target=node.name, uid=node.uid, owner=owner)
    claims = tuple(one for one in taken(node.name, view) if one not in pods.kept)
    findings = (
        "a pod that is deleted by force is gone for good; what made it makes a new one",
        *(f"left to a person: {why}" for why in pods.stay),
    )
    return _planned(node, case, (*deletions, wait), claims, findings)


def _planned(
    node: model.Node,
    case: Case,
    steps: tuple[Step, ...],
    claims: tuple[tuple[str, str], ...],
    findings: tuple[str, ...] = (),
) -> Plan:
    """Return a plan; where somebody may have cordoned the node on purpose, a person decides."""
    view, cordon = case.view, cordoned(node)
    return Plan(
        goal=f"every claim that was used on {node.name} is used by a Running pod on a Ready node",
        steps=steps,
        used_claims=claims,
        claim_uids=uids(claims, view),
        drivers=drivers(node.name, view),
        needs_yes=cordon is not None,
        findings=(*((cordon.sentence,) if cordon is not None else ()), *findings),
    )


def _gone(name: str) -> str:
    """Say what becomes of a node whose object is gone.

    Its providerID went with it, so nothing but a person could tell whether its machine is off, and
    Kubernetes deletes the pods and skips its own checks for it all the same.
    """
    return (
        f"the Node object of {name} is gone, so there is nothing to taint and no machine to ask;"
        " Kubernetes removes its pods within a minute or two and then detaches its volumes itself"
    )


def used_claims(record: Record) -> list[tuple[str, str]]:
    """Return namespace and name of the claims that the record's plan wants to be used again."""
    plan = record.status.plan
    pairs = (text.partition("/") for text in (plan.used_claims if plan is not None else ()))
    return [(namespace, name) for namespace, _, name in pairs]


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
