"""Alerts at a replica that does not execute: its records are as old as its watch."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import Unreachable
from exporter.observe.model import Subject
from remediator import alert as alerts
from remediator.alert import Outcome
from remediator.record import Phase, Record, Spec, name_of
from remediator.shared_intake import REMEMBERED, SharedIntake
from tests.intake.book import Book
from tests.intake.notifications import alert, body
from tests.story.objects import NAME, NOW, SIGNAL, SUBJECT, record


class Copy(Book):
    """What a replica holds, beside what the API server has."""

    def __init__(self, *held: Record, server: tuple[Record, ...] = ()) -> None:
        super().__init__(*held)
        self.server = {one.name: one for one in (*held, *server)}
        self.followed = True
        self.read: list[str] = []
        self.noted: list[tuple[str, float]] = []

    async def create(self, spec: Spec) -> Record:
        """Create it in both places."""
        made = await super().create(spec)
        self.server[made.name] = made
        return made

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode that is held."""
        wanted = (signal, subject)
        same = [one for one in self.kept.values() if (one.spec.signal, one.subject) == wanted]
        return max(same, key=lambda one: one.spec.episode, default=None)

    def named(self, name: str) -> Record | None:
        """Return what is held."""
        return self.kept.get(name)

    async def again(self, name: str) -> Record | None:
        """Hold what the API server has."""
        if self.fails is not None:
            raise self.fails
        self.read.append(name)
        self.kept.pop(name, None)
        if name in self.server:
            self.kept[name] = self.server[name]
        return self.kept.get(name)

    async def note(self, record: Record, at: float) -> None:
        """Keep it."""
        self.noted.append((record.name, at))
        self.kept[record.name] = msgspec.structs.replace(record, heard=at)


def taken(copy: Copy, *given: dict[str, object], leads: bool = False) -> list[Outcome]:
    """Take one notification."""
    intake = SharedIntake(copy, lambda *_: None, lambda: NOW, leads=lambda: leads)
    return asyncio.run(intake.take(alerts.parse(body(*given))))


SECOND = name_of(SIGNAL, SUBJECT, 2)
OVER = record(phase=Phase.SETTLED, over_at=NOW - 1.0)


@pytest.mark.parametrize("followed", [True, False])
def test_an_alert_after_an_end_that_nobody_told_us_of_opens_the_next_episode(
    followed: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """Known would be wrong: Alertmanager would not say it again for hours."""
    held = record(phase=Phase.SETTLED if followed else Phase.HOLDING)
    copy = Copy(held, server=(OVER,))
    copy.followed = followed
    assert taken(copy, alert()) == [Outcome.RECORDED]
    assert copy.created == [SECOND]


def test_an_end_that_is_not_over_is_still_no_permission_for_another() -> None:
    """What was read afresh says so."""
    copy = Copy(record(phase=Phase.FAILED))
    assert taken(copy, alert()) == [Outcome.KNOWN]
    assert (copy.read, copy.created) == ([NAME], [])


def test_a_record_that_is_gone_makes_way() -> None:
    """Somebody deleted it; what is held of it counts no more."""
    copy = Copy(record(phase=Phase.CLEARED))
    copy.server = {}
    assert taken(copy, alert()) == [Outcome.RECORDED]
    assert copy.created == [NAME]


def test_what_is_under_way_needs_no_reading() -> None:
    """A storm of repeats costs nothing at a replica whose watch is open."""
    copy = Copy(record(phase=Phase.RUNNING))
    assert taken(copy, *[alert()] * 50) == [Outcome.KNOWN] * 50
    assert (copy.read, copy.noted) == ([], [])


def test_whoever_cannot_look_does_not_say_known() -> None:
    """503: Alertmanager sends it again, and perhaps to another replica."""
    copy = Copy(record(phase=Phase.RUNNING))
    copy.followed, copy.fails = False, Unreachable("no answer")
    with pytest.raises(Unreachable):
        taken(copy, alert())


def test_a_repeat_is_written_down_for_the_one_that_executes() -> None:
    """Else its plan would be too old to act on, although the alert is repeated all the time."""
    copy = Copy(record(last_alert_at=NOW - REMEMBERED - 1.0))
    assert taken(copy, alert(), alert()) == [Outcome.KNOWN] * 2
    assert copy.noted == [(NAME, NOW)]
    assert taken(copy, alert()) == [Outcome.KNOWN]
    assert copy.noted == [(NAME, NOW)]


def test_a_resolved_alert_keeps_nothing_fresh() -> None:
    """As at the replica that executes."""
    copy = Copy(record(last_alert_at=NOW - REMEMBERED - 1.0))
    assert taken(copy, alert("resolved")) == [Outcome.RESOLVED]
    assert copy.noted == []


def test_the_one_that_executes_reads_and_writes_nothing_more() -> None:
    """It has the records from its own hand, and keeps what it hears itself."""
    copy = Copy(record(phase=Phase.SETTLED, last_alert_at=NOW - REMEMBERED - 1.0))
    assert taken(copy, alert(), leads=True) == [Outcome.KNOWN]
    assert (copy.read, copy.noted) == ([], [])


def test_an_episode_that_others_opened_and_ended_meanwhile_is_not_taken_for_ours() -> None:
    """Its number is taken, which we only hear when we want it; the next one is opened."""
    second = record(2, phase=Phase.SETTLED, over_at=NOW - 1.0)

    class Behind(Copy):
        async def create(self, spec: Spec) -> Record:
            """Know the second one from the moment on that we meet it, as the store does."""
            self.kept.setdefault(second.name, second)
            return await super().create(spec)

    copy = Behind(OVER)
    copy.server[second.name] = second
    assert taken(copy, alert()) == [Outcome.RECORDED]
    assert copy.created == [name_of(SIGNAL, SUBJECT, 3)]
