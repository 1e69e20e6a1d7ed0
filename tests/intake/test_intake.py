"""From notifications to records: what is recorded, and that it is recorded once."""

import asyncio
from collections.abc import Mapping

import pytest

from exporter.observe.errors import Unreachable
from remediator import alert as alerts
from remediator.alert import Outcome
from remediator.intake import Intake
from remediator.record import Phase, Record, name_of
from tests.intake.book import Book
from tests.intake.notifications import alert, body
from tests.story.objects import DEAD, NAME, NOW, SIGNAL, SUBJECT, record


class Desk:
    """An intake with a clock, and what it told the engine."""

    def __init__(
        self, *records: Record, existing: Mapping[str, alerts.Existing] | None = None
    ) -> None:
        """Start at NOW."""
        self.clock = NOW
        self.book = Book(*records)
        self.heard: list[tuple[str, float]] = []
        self.intake = Intake(
            self.book, lambda *heard: self.heard.append(heard), lambda: self.clock, existing
        )

    def take(self, *given: dict[str, object]) -> list[Outcome]:
        """Take one notification."""
        return asyncio.run(self.intake.take(alerts.parse(body(*given))))


def test_a_first_alert_opens_the_first_episode_and_wakes_the_engine() -> None:
    """The record says what it is about and which alert it was."""
    desk = Desk()
    assert desk.take(alert()) == [Outcome.RECORDED]
    (kept,) = desk.book.kept.values()
    assert kept.name == NAME
    assert kept.spec.subject == {"node": DEAD}
    assert kept.spec.subject_text == f"node={DEAD}"
    assert kept.spec.episode == 1
    assert kept.spec.alert.fingerprint == "f1f2f3f4f5f6f7f8"
    assert desk.heard == [(NAME, NOW)]


def test_a_repeated_alert_is_known_and_heard() -> None:
    """It keeps the record fresh, nothing more."""
    desk = Desk(record())
    assert desk.take(alert()) == [Outcome.KNOWN]
    assert desk.book.created == []
    assert desk.heard == [(NAME, NOW)]


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.SETTLED, Phase.CLEARED, Phase.BLOCKED])
def test_an_ended_episode_that_is_not_over_is_no_permission_for_another(phase: Phase) -> None:
    """A re-sent alert must not try again."""
    desk = Desk(record(phase=phase))
    assert desk.take(alert()) == [Outcome.KNOWN]
    assert desk.book.created == []


def test_after_an_episode_is_over_the_next_one_is_opened() -> None:
    """The number counts on."""
    desk = Desk(record(4, phase=Phase.SETTLED, over_at=NOW), record(3, over_at=NOW))
    assert desk.take(alert()) == [Outcome.RECORDED]
    assert desk.book.created == [name_of(SIGNAL, SUBJECT, 5)]


def test_the_same_group_ten_times_from_two_senders_at_once_is_one_record() -> None:
    """Two Alertmanagers of a pair, both repeating."""
    desk = Desk()
    notification = alerts.parse(body(alert(), alert(alertname="Another")))

    async def storm() -> list[list[Outcome]]:
        return await asyncio.gather(*(desk.intake.take(notification) for _ in range(20)))

    outcomes = [outcome for taken in asyncio.run(storm()) for outcome in taken]
    assert desk.book.created == [NAME]
    assert outcomes.count(Outcome.RECORDED) == 1
    assert outcomes.count(Outcome.KNOWN) == 39
    assert {name for name, _ in desk.heard} == {NAME}


def test_a_resolved_alert_is_a_hint_to_look_and_keeps_nothing_fresh() -> None:
    """Whether the failure is gone is seen, not believed."""
    desk = Desk(record(last_alert_at=NOW - 500.0))
    assert desk.take(alert("resolved")) == [Outcome.RESOLVED]
    assert desk.heard == [(NAME, NOW - 500.0)]


@pytest.mark.parametrize("there", [(), (record(over_at=NOW),)], ids=["none", "over"])
def test_a_resolved_alert_opens_nothing(there: tuple[Record, ...]) -> None:
    """There is nothing to look at."""
    desk = Desk(*there)
    assert desk.take(alert("resolved")) == [Outcome.RESOLVED]
    assert desk.book.created == []
    assert desk.heard == []


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (alert(signal=""), Outcome.NO_SIGNAL),
        (alert(signal="somebody_elses"), Outcome.NO_SIGNAL),
        (alert(signal="multi_attach"), Outcome.NO_HANDLER),
        (alert(node=""), Outcome.NO_SUBJECT),
    ],
)
def test_what_cannot_be_repaired_is_counted_and_not_recorded(
    given: dict[str, object], outcome: Outcome
) -> None:
    """Alertmanager gets its 200 and does not repeat it."""
    desk = Desk()
    assert desk.take(given) == [outcome]
    assert desk.book.created == []
    assert desk.heard == []


def test_an_alert_about_a_node_that_does_not_exist_is_recorded() -> None:
    """A lost Node is a subject still; the fresh look decides."""
    desk = Desk()
    assert desk.take(alert(node="never-was")) == [Outcome.RECORDED]


def test_what_cannot_be_recorded_is_not_acknowledged() -> None:
    """The error goes to the webhook, which answers 503; the same again then lands."""
    desk = Desk()
    desk.book.fails = Unreachable("connection refused")
    with pytest.raises(Unreachable):
        desk.take(alert())
    assert desk.heard == []
    desk.book.fails = None
    assert desk.take(alert()) == [Outcome.RECORDED]


def test_one_alert_of_a_group_that_cannot_be_recorded_fails_the_group() -> None:
    """Alertmanager sends it all again, and what was recorded is known by then."""
    desk = Desk(record())
    desk.book.fails = Unreachable("connection refused")
    with pytest.raises(Unreachable):
        desk.take(alert(), alert(node="node-z"))
    desk.book.fails = None
    assert desk.take(alert(), alert(node="node-z")) == [Outcome.KNOWN, Outcome.RECORDED]


def test_the_watchdog_is_noted_while_it_fires() -> None:
    """Silence counts from the start, and a resolved watchdog is silence."""
    desk = Desk()
    assert desk.intake.watchdog_at == NOW
    desk.clock = NOW + 60.0
    assert desk.take(alert(pvmedic_watchdog="true", signal="")) == [Outcome.WATCHDOG]
    assert desk.intake.watchdog_at == NOW + 60.0
    desk.clock = NOW + 120.0
    assert desk.take(alert("resolved", pvmedic_watchdog="true", signal="")) == [Outcome.WATCHDOG]
    assert desk.intake.watchdog_at == NOW + 60.0
    assert desk.book.created == []


def test_every_alert_of_a_group_has_its_own_outcome() -> None:
    """In their order."""
    desk = Desk(record())
    assert desk.take(alert(), alert(node="node-z"), alert("resolved"), alert(signal="")) == [
        Outcome.KNOWN,
        Outcome.RECORDED,
        Outcome.RESOLVED,
        Outcome.NO_SIGNAL,
    ]


@pytest.mark.parametrize(
    ("cluster", "outcome"),
    [("prod", Outcome.RECORDED), ("", Outcome.RECORDED), ("test", Outcome.OTHER_CLUSTER)],
)
def test_another_clusters_alerts_are_not_ours(cluster: str, outcome: Outcome) -> None:
    """One Alertmanager may serve many; an alert that names no cluster is from our own."""
    book = Book()
    intake = Intake(book, lambda *_: None, lambda: NOW, cluster="prod")
    notification = alerts.parse(body(alert(cluster=cluster)))
    assert asyncio.run(intake.take(notification)) == [outcome]
    assert bool(book.created) == (outcome is Outcome.RECORDED)
