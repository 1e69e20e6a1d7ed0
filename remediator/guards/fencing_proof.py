"""fencing_proof: nothing is taken from a node that may still write.

What proves it, for every driver that has a volume there:

- The node's EC2 instance, named by its providerID, read as `stopped` (not hibernated: its memory
  would write on) or `terminated`, twice, `proof_gap` seconds apart, the last time not longer than
  `proof_age` ago, with nothing else read in between. A machine without power covers every driver.
- A person's word that it is off (`pvmedic attest NODE off`), unless the cloud, asked at the same
  time, says otherwise; it covers every driver.
- A NetworkFence over the node's addresses, for its own driver only.

NotReady, "not found", a cloud that does not answer and the shutdown taint of a cloud controller
prove nothing. Nor does an out-of-service taint of somebody else: kubectl writes no time on it.
"""

from functools import reduce

from exporter.observe import model
from exporter.observe.model import Ready
from exporter.observe.parse.provider_id import instance_of
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.node_loss import proofs
from remediator.node_loss.drains import SHUTDOWN
from remediator.record import Reading

OFF = frozenset({"stopped", "terminated"})

SLOWEST_STOP = 900.0
"""Seconds for which a machine may still beat after it was told to stop: its system shuts down."""


def off(reading: Reading) -> bool:
    """Whether a reading says that the machine has no power and keeps no memory to wake up with."""
    return reading.state in OFF and not reading.hibernated


def kept(readings: tuple[Reading, ...], new: Reading) -> tuple[Reading, ...]:
    """Return the unbroken run of readings that say off, of one machine and one launch.

    Only its first and its last one are kept.
    """
    if not off(new):
        return ()
    same = tuple(
        old
        for old in readings
        if old.read_at <= new.read_at
        and (old.subject, old.account, old.launched_at)
        == (new.subject, new.account, new.launched_at)
    )
    return (same[0], new) if same else (new,)


def proven(readings: tuple[Reading, ...], gap: float) -> bool:
    """Whether two readings that say off lie far enough apart."""
    return len(readings) > 1 and readings[-1].read_at - readings[0].read_at >= gap


def fencing_proof(question: Question) -> Verdict:
    """Wait for the proof, and say which one would do for which driver."""
    names = sorted({step.node for step in question.plan.steps if step.needs_proof})
    proven_by = []
    for name in names:
        said = _of_node(name, question)
        if isinstance(said, NotYet):
            return said
        proven_by.append(said)
    return Allowed("; ".join(proven_by))


def _of_node(name: str, question: Question) -> str | NotYet:
    """Return what proves one node dead for every driver, or what is missing."""
    case, plan = question.case, question.plan
    node = case.view.node(name)
    if node is None:
        return NotYet(f"there is no node {name}: nothing can be proven of it")
    if node.ready is Ready.TRUE:
        return NotYet(f"node {name} is Ready: it is not dead")
    power = _by_power(node, question)
    if isinstance(power, str):
        return power
    word, void = proofs.word(node, case.view, case.now)
    if word is not None and not question.running:
        return f"{word.attester} attests that node {name} is off ({word.name})"
    if word is not None:
        void = f"{word.attester} attests that it is off ({word.name}), but the cloud says otherwise"
    fenced = proofs.fences(node, case.view)
    missing = [driver for driver in plan.drivers if driver not in fenced]
    closed = [f"{driver} by {fenced[driver]}" for driver in plan.drivers if driver in fenced]
    if closed and not missing:
        return f"the storage of {name} is fenced: {', '.join(closed)}"
    parts = [power.reason, void, f"fenced is {', '.join(closed)}" if closed else "", _shut(node)]
    would_do = (
        f"a proof for {', '.join(missing) or 'no driver'} would be: its EC2 instance read as"
        f" stopped or terminated twice, {case.policy.proof_gap:g} s apart; a person's"
        f" `pvmedic attest {name} off`; or, for one driver, a NetworkFence over the node's"
        " addresses"
    )
    return NotYet("; ".join(part for part in (*parts, would_do) if part), power.until)


def _by_power(node: model.Node, question: Question) -> str | NotYet:
    """Return what the readings of the machine's power prove, or why they do not."""
    case, name = question.case, node.name
    policy = case.policy
    # Anyone who may edit the record could have put a reading there: only an unbroken run counts.
    readings: tuple[Reading, ...] = reduce(kept, case.record.status.readings, ())
    instance = instance_of(node.provider_id)
    if instance is None:
        return NotYet(f"node {name} has no EC2 instance in its providerID")
    if question.power:
        return NotYet(question.power)
    if not readings or readings[-1].subject != instance.instance_id:
        return NotYet(f"there is no fencing proof for node {name}")
    if not proven(readings, policy.proof_gap):
        first = readings[0]
        return NotYet(
            f"instance {instance.instance_id} was read as {first.state} once;"
            " the second reading is due",
            first.read_at + policy.proof_gap,
        )
    lease = case.view.lease(HEARTBEATS, name)
    told = readings[-1].off_since
    if lease and lease.renewed and told and lease.renewed > told + SLOWEST_STOP:
        return NotYet(
            f"node {name} beat long after its instance {instance.instance_id} was told to"
            " stop: its providerID names another machine"
        )
    if not 0 <= case.now - readings[-1].read_at <= policy.proof_age:
        return NotYet("the last reading of the instance is too old", case.now)
    return f"instance {instance.instance_id} of node {name} is {readings[-1].state}"


def _shut(node: model.Node) -> str:
    """Say of the cloud controller's taint what it is worth."""
    if node.taint(SHUTDOWN) is None:
        return ""
    return f"the taint {SHUTDOWN} is a reason to ask the cloud, which is done, and no proof"
