"""Two replicas on a real API server: both accept, one executes, and another goes on where it ends.

The Lease and the wait for a call without an answer are shortened by settings that say what they are
for (`replicas.demonstration`).
"""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.cluster.replicas import Held, Pair
from tests.cluster.test_webhook import lost, notification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture
def pair(stage: Stage) -> Iterator[Pair]:
    """Two replicas."""
    with Pair(stage) as pair:
        yield pair


def test_both_take_webhooks_and_one_hands_over_under_load_without_loss(
    stage: Stage, pair: Pair
) -> None:
    """SIGTERM in a stream of alerts to both: the other leads within seconds; one record each."""
    first, second = pair.first, pair.second
    twice = f"ghost-{stage.space}-both"
    said = [stage.line.post(notification(lost(twice)), url=one.url) for one in (second, first)]
    assert [status for status, _ in said] == [200, 200]
    assert [json.loads(text)["alerts"] for _, text in said] == [["Recorded"], ["Known"]]
    stage.until_phase("Cleared", node=twice)
    assert first.rule.took_effect.count("create") == 0
    assert [what for what in second.rule.took_effect if what != "create"] == []

    stop, sent = threading.Event(), list[str]()

    def load() -> None:
        while not stop.is_set():
            node = f"ghost-{stage.space}-{len(sent)}"
            answers = [_posted(stage, node, one.url) for one in (first, second)]
            if 200 in answers:
                sent.append(node)

    sender = threading.Thread(target=load)
    sender.start()
    try:
        stage.wait("some alerts", lambda: len(sent) >= 5)
        first.signal(signal.SIGTERM)
        stage.wait("the second one leads", lambda: second.leads, 5)
        before = len(sent)
        stage.wait("more alerts", lambda: len(sent) >= before + 5)
    finally:
        stop.set()
        sender.join(30)
    assert first.child is not None
    assert first.child.process.wait(10) == 0
    stage.wait(
        "all of them judged",
        lambda: all(stage.status(node).get("phase") == "Cleared" for node in sent[-3:]),
    )
    subjects = [item["spec"]["subject"]["node"] for item in stage.line.remediations()]
    assert sorted(subjects) == sorted({*sent, twice, *subjects})
    assert {*sent, twice} <= set(subjects)
    assert "Deposed" not in first.log


def _posted(stage: Stage, node: str, url: str) -> int:
    try:
        return stage.line.post(notification(lost(node)), url=url)[0]
    except OSError:
        return 0


def test_a_leader_killed_between_intent_and_write_is_carried_on_by_the_other(
    stage: Stage, pair: Pair
) -> None:
    """Kill -9 once the intent is saved: the other waits for Lease and call, and finishes."""
    first, second = pair.first, pair.second
    first.rule.at["put taint"] = first.kill
    stage.shop()
    stage.cluster.cloud.stop(stage.instance)
    stage.wait("the first one dead", lambda: first.child and first.child.process.poll() is not None)
    assert second.rule.took_effect == []
    assert stage.taints() == []
    stage.until_phase("Holding")
    assert second.leads
    assert first.rule.took_effect.count("put taint") == 0
    assert second.rule.took_effect.count("put taint") == 1
    waited = "Running: waiting whether an unanswered call still lands"
    assert waited in second.rule.took_effect
    assert second.rule.took_effect.index(waited) < second.rule.took_effect.index("put taint")
    assert len(stage.records()) == 1
    assert len(stage.taints()) == 1
    assert stage.runs_elsewhere()


def test_a_leader_that_was_stopped_writes_too_late_and_executes_no_more(
    stage: Stage, pair: Pair
) -> None:
    """SIGSTOP for longer than the Lease, its write under way: refused, as is all it does after."""
    first, second = pair.first, pair.second
    held = Held()

    def stopped() -> bool:
        first.signal(signal.SIGSTOP)
        return held.hold()

    first.rule.at["put taint"] = stopped
    stage.shop()
    stage.cluster.cloud.stop(stage.instance)
    stage.wait("the first one's write held", held.there.is_set)
    stage.until_phase("Holding")
    assert second.leads
    done = list(first.rule.took_effect)
    held.on.set()
    stage.wait("the late write answered", lambda: first.rule.refused)
    assert first.rule.refused == [("put taint", 409)]
    first.signal(signal.SIGCONT)
    stage.wait("the first one knows", lambda: "not leading" in first.log)
    ghost = f"ghost-{stage.space}"
    assert _posted(stage, ghost, first.url) == 200
    stage.until_phase("Cleared", node=ghost)
    assert first.rule.took_effect == [*done, "create"]
    assert second.rule.took_effect.count("put taint") == 1
    assert len(stage.taints()) == 1
    assert stage.runs_elsewhere()
