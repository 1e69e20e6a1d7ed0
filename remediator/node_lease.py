"""The Lease that says which tool works on a node, as medik8s' tools share it. Pure.

One Lease a node, `node-<name>`, in a namespace of theirs. Who holds one that has not run out works
on that node, and everybody else waits.
"""

from exporter.observe.model import Lease

DURATION = 600
"""Seconds for which we take one at a time; renewed while the record acts or holds."""


def name_of(node: str) -> str:
    """Return the name of a node's Lease."""
    return f"node-{node}"


def holder_of(record: str) -> str:
    """Return who we are in a Lease: the record, so that another replica goes on with it."""
    return f"pvmedic/{record}"


def held_by(lease: Lease | None, now: float) -> str:
    """Return who holds a Lease now; empty for nobody. Without an end it is held."""
    if lease is None or not lease.holder:
        return ""
    ends = None if lease.renewed is None or lease.seconds is None else lease.renewed + lease.seconds
    return lease.holder if ends is None or now <= ends else ""
