"""A leader that is one no more: neither its steps nor its records nor its deletions leave it."""

import asyncio
import json

import pytest

from remediator.actuators.fenced import Fenced
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.routed import Routed
from remediator.errors import Deposed
from remediator.record import Phase
from remediator.store import Store
from tests.pipeline.test_writers import Wire
from tests.story.objects import NOW, record, step, view


def deposed() -> None:
    """Say no, as the Lease's fence does."""
    raise Deposed("the Lease is not ours")


def test_a_step_does_not_leave_a_deposed_leader() -> None:
    """It was stopped right before the call, for longer than its Lease."""
    wire = Wire()
    with pytest.raises(Deposed):
        asyncio.run(Fenced(Routed(KubernetesActuator(wire)), deposed).apply(step(), view()))
    assert wire.sent == []


@pytest.mark.parametrize("write", ["save", "keep", "let_go"])
def test_nothing_of_a_record_leaves_it_either(write: str) -> None:
    """Neither its status, nor the finalizer on it, nor off it."""
    wire = Wire()
    with pytest.raises(Deposed):
        asyncio.run(getattr(Store(wire, deposed), write)(record()))
    assert wire.sent == []


def test_it_prunes_nothing() -> None:
    """What is over for long is for the one that executes."""
    wire = Wire(json.dumps({"items": []}).encode())
    store = Store(wire, deposed)
    for episode in (1, 2):
        old = record(episode, phase=Phase.SETTLED, over_at=NOW - 1e6)
        store._put(old)  # noqa: SLF001 -- what a list had brought
    with pytest.raises(Deposed):
        asyncio.run(store.prune(NOW, 1.0, 10))
    assert wire.sent == []
