"""Whose turn it is: repairs first, then what is new; what waits takes no more than its share."""

import asyncio

import msgspec
import pytest

from exporter.observe.model import Subject
from exporter.observe.signals.base import Detector
from remediator.orders import Decision, Order
from remediator.ports import Reads, Sight
from remediator.record import LedgerEntry, Phase, Record, Seen, with_status
from remediator.turns import BEAT, SHARE, Rank, Standing, Turns, rank
from tests.pipeline.test_engine import eventually
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import DEAD, NAME, NOW, PROOF, planned, record

WAIT = 15.0
ONE = {NAME: Rank.WAITING}
MANY = {f"r-{one}": Rank.WAITING for one in range(1000)}
DEBT = LedgerEntry("AddTaint", DEAD, NOW)


def known(number: int, takes: float) -> Turns:
    """Return turns over so many records that wait, each look of which takes so long."""
    turns = Turns(WAIT)
    turns.keep((f"r-{one}" for one in range(number)), NOW)
    for _ in range(200):
        turns.begin("r-0", NOW)
        turns.end("r-0", NOW, WAIT, takes, waits=True)
    return turns


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (record(phase=Phase.RUNNING, plan=planned()), Rank.UNDER_WAY),
        (record(phase=Phase.VERIFYING), Rank.UNDER_WAY),
        (record(phase=Phase.HOLDING, ledger=(DEBT,)), Rank.UNDER_WAY),
        (record(phase=Phase.UNSETTLED, ledger=(DEBT,)), Rank.UNDER_WAY),
        (record(phase=Phase.DEFERRED, readings=PROOF), Rank.UNDER_WAY),
        (record(), Rank.NEW),
        (record(seen=Seen.PRESENT), Rank.NEW),
    ],
    ids=["running", "verifying", "holding", "unsettled and owed", "proving", "new", "unjudged"],
)
def test_a_record_ranks_by_what_hangs_on_it(given: Record, expected: Rank) -> None:
    """A proof ages between its two readings, a debt until it is taken back."""
    assert rank(given) is expected


def test_of_those_that_are_due_a_repair_goes_first_then_the_new_then_the_longest_due() -> None:
    """However long the others are due."""
    ranks = {"a": Rank.WAITING, "b": Rank.WAITING, "c": Rank.NEW, "d": Rank.UNDER_WAY}
    turns = Turns(WAIT)
    turns.keep(["b"], NOW - 9.0)
    turns.keep(["a", "b"], NOW - 5.0)
    turns.keep(ranks, NOW)
    order = []
    while (name := turns.first(NOW, ranks)) is not None:
        order.append(name)
        turns.begin(name, NOW)
        turns.end(name, NOW, 1.0, 0.0, waits=False)
    assert order == ["d", "c", "b", "a"]


def test_few_records_are_looked_at_as_often_as_the_settings_say() -> None:
    """Ten looks of 50 ms take half a second of fifteen."""
    assert known(10, 0.05).pause() == WAIT


def test_many_records_are_looked_at_less_often_so_that_looks_take_their_share_only() -> None:
    """A thousand looks of 50 ms take 50 s."""
    assert known(1000, 0.05).pause() == pytest.approx(1000 * 0.05 / SHARE, rel=0.01)


def test_a_first_look_that_takes_long_makes_nobody_wait_longer() -> None:
    """It writes, and asks more; a thousand of them left all the others alone for minutes."""
    turns = known(1000, 0.001)
    for number in range(1000):
        turns.begin(f"r-{number}", NOW)
        turns.end(f"r-{number}", NOW, WAIT, None, waits=True)
    assert turns.pause() == WAIT


def test_what_does_not_only_wait_is_never_looked_at_less_often() -> None:
    """A second reading is due when it is due."""
    turns = known(1000, 0.05)
    turns.begin("r-1", NOW)
    turns.end("r-1", NOW, 12.0, 0.05, waits=False)
    assert turns.first(NOW + 12.0, {**MANY, "r-1": Rank.NEW}) == "r-1"


def test_a_repeated_alert_does_not_bring_a_look_that_was_just_made() -> None:
    """Or each repetition of a group of a thousand would cost a thousand looks."""
    turns = Turns(WAIT)
    turns.keep([NAME], NOW)
    turns.begin(NAME, NOW)
    turns.end(NAME, NOW, 600.0, 0.0, waits=False)
    turns.hear(NAME, NOW + 1.0)
    assert turns.first(NOW + WAIT - 0.1, ONE) is None
    assert turns.first(NOW + WAIT, ONE) == NAME


def test_what_is_heard_during_a_look_brings_the_next_one() -> None:
    """Whatever the look itself has asked for."""
    turns = Turns(WAIT)
    turns.keep([NAME], NOW)
    turns.begin(NAME, NOW)
    turns.hear(NAME, NOW + 1.0)
    turns.end(NAME, NOW + 2.0, 600.0, 2.0, waits=True)
    assert turns.first(NOW + WAIT + 5.0, ONE) == NAME


def test_a_person_who_says_something_is_heard_at_once() -> None:
    """However seldom what waits is looked at."""
    turns = known(1000, 0.05)
    turns.ask("r-0", NOW + 1.0)
    assert turns.first(NOW + 1.0, MANY) == "r-0"


class Slow(FakeCluster):
    """A cluster in which each look takes a while."""

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Let time pass."""
        self.clock += 0.05
        return await super().look(detector, subject, extra)


def test_a_repair_is_carried_on_while_hundreds_wait() -> None:
    """It does not wait for a round of looks at all of them."""
    cluster = Slow()
    cluster.open(record())
    for number in range(300):
        cluster.open(record(subject=Subject((("node", f"gone-{number}"),)), phase=Phase.BLOCKED))
    engine = cluster.engine()

    def held() -> bool:
        cluster.clock += 0.1
        engine.wake()
        return cluster.phase() is Phase.HOLDING

    async def scene() -> None:
        task = asyncio.create_task(engine.run())
        try:
            await eventually(held)
        finally:
            task.cancel()

    asyncio.run(scene())
    assert cluster.clock - NOW < cluster.policy.proof_gap + 30.0


def test_an_order_of_a_person_wakes_the_engine() -> None:
    """Its record is looked at before its time has come."""
    cluster = FakeCluster()
    cluster.open(record(phase=Phase.BLOCKED))
    engine = cluster.engine()

    async def scene() -> None:
        task = asyncio.create_task(engine.run())
        try:
            await eventually(lambda: engine.due_since() is None and bool(cluster.calls))
            release = Order("o", "u", NAME, f"uid-{NAME}", Decision.RELEASE, "ann", NOW)
            cluster.orders.append(release)
            engine.asked(NAME)
            await eventually(lambda: cluster.record().over)
        finally:
            task.cancel()

    asyncio.run(scene())


def test_a_crowd_that_waits_becomes_due_in_rounds() -> None:
    """Looks of one round share their lists, and nobody is looked at more often for it."""
    turns = known(1000, 0.0)
    for number in range(1, 100):
        turns.begin(f"r-{number}", NOW)
        turns.end(f"r-{number}", NOW + number * 0.01, WAIT, 0.0, waits=True)
    due = {turns.begin(f"r-{number}", NOW) for number in range(1, 100)}
    assert len(due) == 1
    assert NOW + WAIT <= due.pop() <= NOW + WAIT + 1.0 + WAIT * BEAT


def test_ranks_follow_what_comes_changes_ends_and_goes() -> None:
    """Worked out anew only for what changed, and the same as all at once."""
    standing = Standing(lambda one: not one.over)
    waits, runs = record(phase=Phase.BLOCKED), record(phase=Phase.RUNNING, plan=planned())
    other = msgspec.structs.replace(waits, name="other")
    over = with_status(waits, phase=Phase.CLEARED, over_at=NOW)
    seen = []
    for records in [(waits,), (waits, other), (runs, other), (runs,), (over,), (over, other), ()]:
        ranks = dict(standing.of(records))
        assert ranks == {one.name: rank(one) for one in records if not one.over}
        seen.append(standing.other)
    assert seen == [True, True, False, True, True, True, True]


def test_a_name_that_nobody_knows_is_forgotten_and_hurts_no_one() -> None:
    """An order may name whatever a person typed."""
    cluster = FakeCluster()
    cluster.open(record(phase=Phase.BLOCKED))
    engine = cluster.engine()

    async def scene() -> None:
        task = asyncio.create_task(engine.run())
        try:
            await eventually(lambda: cluster.record().status.seen is Seen.PRESENT)
            engine.asked("nobody")
            engine.heard("nobody", NOW)
            engine.asked(NAME)
            cluster.calls.clear()
            await eventually(lambda: engine.due_since() is None)
            assert not task.done()
        finally:
            task.cancel()

    asyncio.run(scene())
