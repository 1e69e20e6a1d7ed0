"""Comparing what fires with what is recorded: nothing is lost, and nothing is recorded twice."""

import asyncio
from collections.abc import Callable, Sequence

from exporter.observe.errors import ServerFailed, Unreachable
from remediator.alert import Alert, Outcome
from remediator.intake import Intake
from remediator.reconcile import Reconcile
from tests.intake.book import Book
from tests.story.objects import DEAD, LIVE, NAME, NOW, SIGNAL, record

DEADLINE = 10.0


def alert(node: str = DEAD) -> Alert:
    """Return an alert that fires about a node."""
    return Alert("firing", {"alertname": "NodeLost", "signal": SIGNAL, "node": node})


class Desk:
    """An Alertmanager, an intake and a tally, as plain values."""

    def __init__(self, *alerts: Alert, book: Book | None = None, named: bool = True) -> None:
        self.named = named
        self.alerts = list(alerts)
        self.fails: list[Exception] = []
        self.book = book or Book()
        self.rounds: list[tuple[Sequence[Outcome], str]] = []
        self.asked = 0
        intake = Intake(self.book, lambda *_: None, lambda: NOW)
        self.reconcile = Reconcile(self, intake.take, self, "pvmedic", every=3600.0)

    async def firing(self) -> list[Alert]:
        """Return what fires."""
        self.asked += 1
        if self.fails:
            raise self.fails.pop(0)
        return self.alerts

    def reconciled(self, outcomes: Sequence[Outcome], failure: str) -> None:
        """Note a round."""
        self.rounds.append((outcomes, failure))

    def until(self, so: Callable[[], bool]) -> None:
        """Run until something is so."""

        async def scene() -> None:
            task = asyncio.create_task(self.reconcile.run())
            async with asyncio.timeout(DEADLINE):
                while not so():  # noqa: ASYNC110 -- plain values have no event
                    await asyncio.sleep(0.001)
            task.cancel()

        asyncio.run(scene())


def test_a_start_records_what_fired_while_we_were_away() -> None:
    """Alertmanager may never send it again before it resolves."""
    desk = Desk(alert(), alert(LIVE))
    desk.until(lambda: bool(desk.rounds))
    assert desk.rounds == [([Outcome.RECORDED, Outcome.RECORDED], "")]
    assert len(desk.book.created) == 2


def test_what_is_recorded_already_is_known() -> None:
    """However often it is compared."""
    desk = Desk(alert(), book=Book(record()))
    desk.until(lambda: bool(desk.rounds))
    assert desk.rounds == [([Outcome.KNOWN], "")]
    assert desk.book.created == []


def test_who_may_have_missed_something_asks_for_it_at_once() -> None:
    """A truncated notification, or one that we could not take."""
    desk = Desk()

    def twice() -> bool:
        if desk.asked == 1 and desk.rounds:
            desk.alerts = [alert()]
            desk.reconcile.ask()
        return len(desk.rounds) > 1

    desk.until(twice)
    assert desk.book.created == [NAME]


def test_a_failure_is_counted_by_reason() -> None:
    """Both ends can be away: Alertmanager, and the API server behind the intake."""
    desk = Desk(alert())
    desk.fails = [Unreachable("refused")]
    assert asyncio.run(desk.reconcile.once()) is False
    desk.book.fails = ServerFailed("500")
    assert asyncio.run(desk.reconcile.once()) is False
    assert [failure for _, failure in desk.rounds] == ["Unreachable", "ServerFailed"]


def test_without_an_alertmanager_there_is_nothing_to_compare() -> None:
    """It ends at once, and nobody is asked."""
    desk = Desk(named=False)
    asyncio.run(desk.reconcile.run())
    assert desk.asked == 0
