"""Cases of a node whose Rok snapshot space is too small, for tests of the handler."""

import msgspec

from exporter.observe.model import Drain, Object, Signal, SinceSource
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator.case import Case, Policy
from remediator.handlers.snapshot_space_exhausted import SnapshotSpaceExhausted
from remediator.plan import Plan
from remediator.record import Record
from tests.story.objects import NOW
from tests.story.rok_cluster import (
    BUDGETS,
    GUARD,
    NODE,
    POLICY,
    ROK,
    SIGNAL,
    SUBJECT,
    pod,
    record,
    scene,
)
from tests.story.rok_node import Disk, RokNode

HANDLER = SnapshotSpaceExhausted()
PODS = (pod("db-0", owner="StatefulSet"), pod("shop-1"), GUARD)


def seen(*changed: Object, rok: RokNode | None = None, drain: Drain | None = None) -> View:
    """Return a View of the scene, its cloud and its node, with some objects put in or replaced."""
    there = rok if rok is not None else RokNode()
    beside: list[Object] = [
        there.machine(NOW, NODE),
        there.node_disks(NOW, NODE),
        drain if drain is not None else Drain(NODE, PODS, BUDGETS),
    ]
    return View(Objects([*scene(), *beside, *changed]), NOW)


def case(view: View | None = None, policy: Policy = POLICY, of: Record | None = None) -> Case:
    """Return a case over a view."""
    return Case(
        record=of if of is not None else record(),
        signal=Signal(SIGNAL, SUBJECT, NOW - 300.0, SinceSource.EVENT, "ExtensionNeeded"),
        view=view if view is not None else seen(),
        now=NOW,
        policy=policy,
        server=(1, 36),
    )


def with_disk(device: str, **fields: object) -> RokNode:
    """Return a node whose machine has one more disk."""
    there = RokNode()
    disk = Disk("vol-0more", 10, {}, attached=0.0, device=device)
    for name, value in fields.items():
        setattr(disk, name, value)
    there.disks[disk.volume_id] = disk
    return there


def grouped(**fields: object) -> RokNode:
    """Return a node whose machine's scaling group is otherwise."""
    there = RokNode()
    assert there.group is not None
    there.group = msgspec.structs.replace(there.group, **fields)
    return there


def rok(**fields: object) -> Policy:
    """Return the policy with some fields of its Rok part changed."""
    return msgspec.structs.replace(POLICY, rok=msgspec.structs.replace(ROK, **fields))


def planned(view: View | None = None, policy: Policy = POLICY) -> Plan:
    """Return the plan over a view."""
    decision = HANDLER.plan(case(view, policy))
    assert isinstance(decision, Plan), decision
    return decision
