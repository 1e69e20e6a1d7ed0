"""fencing_proof: nothing is taken from a node that may still write.

The proof that there is: the node's EC2 instance, named by its providerID, read as `stopped` (not
hibernated: its memory would write on) or `terminated`, twice, `proof_gap` seconds apart, the last
time not longer than `proof_age` ago, with nothing else read in between. A machine without power
covers every driver that has a volume there. NotReady, "not found" and a cloud that does not answer
prove nothing.
"""

from functools import reduce

from exporter.observe.parse.provider_id import instance_of
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from remediator.guards.base import Allowed, NotYet, Question, Verdict
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
    """Wait for the proof, and say which one would do."""
    case, plan = question.case, question.plan
    policy = case.policy
    # Anyone who may edit the record could have put a reading there: only an unbroken run counts.
    readings: tuple[Reading, ...] = reduce(kept, case.record.status.readings, ())
    drivers = ", ".join(plan.drivers) or "no driver"
    would_do = (
        f"a proof for {drivers} would be: its EC2 instance read as stopped or terminated twice,"
        f" {policy.proof_gap:g} s apart"
    )
    for name in sorted({step.node for step in plan.steps if step.needs_proof}):
        node = case.view.node(name)
        instance = instance_of(node.provider_id) if node is not None else None
        if instance is None:
            return NotYet(f"node {name} has no EC2 instance in its providerID; {would_do}")
        if question.power:
            return NotYet(f"{question.power}; {would_do}")
        if not readings or readings[-1].subject != instance.instance_id:
            return NotYet(f"there is no fencing proof for node {name}; {would_do}")
        if not proven(readings, policy.proof_gap):
            first = readings[0].read_at
            return NotYet(
                f"instance {instance.instance_id} was read as {readings[0].state} once;"
                " the second reading is due",
                first + policy.proof_gap,
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
    return Allowed()
