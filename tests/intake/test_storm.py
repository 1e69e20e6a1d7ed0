"""Many alerts at once: all are recorded in the end, none twice, and what is held has a bound."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from exporter.observe.errors import Invalid, Unreachable
from exporter.observe.model import Subject
from remediator import alert as alerts
from remediator.alert import Outcome
from remediator.intake import AT_ONCE, Intake
from remediator.record import Record, Spec
from remediator.server import Bounds
from tests.intake.book import Book
from tests.intake.notifications import alert, body
from tests.intake.test_webhook import SECRET, Site, at
from tests.story.objects import NAME, NOW

DISTINCT = 10_000
WRITE = 0.01
"""Seconds that a write takes, so that a storm takes longer than one answer may."""


class SlowBook(Book):
    """Writes take their time, some are refused, and it counts how many there are at once."""

    def __init__(self, *records: Record) -> None:
        super().__init__(*records)
        self.asked: Counter[str] = Counter()
        self.at_once = 0
        self.most = 0
        self.takes = WRITE
        self.gate: asyncio.Event | None = None
        self.refuses: set[str] = set()

    async def create(self, spec: Spec) -> Record:
        """Take some time over it."""
        self.asked[spec.subject_text] += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(self.takes))
            if spec.subject_text in self.refuses:
                raise Invalid("422")
            return await super().create(spec)
        finally:
            self.at_once -= 1


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a webhook over a slow book."""
    path = tmp_path / "token"
    path.write_text(SECRET)
    return Site(path, SlowBook())


def slow(site: Site) -> SlowBook:
    """Return the site's book."""
    assert isinstance(site.book, SlowBook)
    return site.book


def group(first: int, number: int) -> bytes:
    """Return a notification about so many nodes."""
    return body(*(alert(node=f"node-{one}") for one in range(first, first + number)))


async def until_taken(site: Site, data: bytes, slowest: list[float]) -> int:
    """Send again what got a 503, as Alertmanager does; return how often it was sent."""
    for number in range(1, 200):
        began = time.monotonic()
        status, _ = await site.send(data)
        slowest.append(time.monotonic() - began)
        if status == 200:
            return number
        assert status == 503
        await asyncio.sleep(0.3)
    raise AssertionError("never taken")


@pytest.mark.parametrize(
    ("number", "size"),
    [
        (4000, 100),
        (4000, 4000),
        pytest.param(DISTINCT, 100, marks=[pytest.mark.soak, pytest.mark.timeout(300)]),
        pytest.param(DISTINCT, DISTINCT, marks=[pytest.mark.soak, pytest.mark.timeout(300)]),
    ],
)
def test_of_a_storm_every_alert_is_recorded_in_the_end_and_none_twice(
    site: Site, number: int, size: int
) -> None:
    """By repetition of what was not acknowledged; what was recorded before is known by then."""
    slowest: list[float] = []
    sent: list[int] = []

    async def scene() -> None:
        groups = (group(first, size) for first in range(0, number, size))
        sent.extend(await asyncio.gather(*(until_taken(site, one, slowest) for one in groups)))

    at(site, scene)
    book = slow(site)
    assert len(book.kept) == len(set(book.created)) == len(book.created) == number
    assert max(book.asked.values()) == 1
    assert max(sent) > 1
    assert book.most <= AT_ONCE


def test_a_repetition_of_all_of_it_writes_nothing(site: Site) -> None:
    """However large the group is, it is acknowledged from memory."""
    outcomes: list[Outcome] = []
    book = slow(site)
    book.takes = 0.0

    async def scene() -> None:
        intake = Intake(book, lambda *_: None, lambda: NOW)
        notification = alerts.parse(group(0, 1000))
        await intake.take(notification)
        book.asked.clear()
        outcomes.extend(await intake.take(notification))

    asyncio.run(scene())
    assert outcomes == [Outcome.KNOWN] * 1000
    assert not book.asked


def test_two_notifications_about_one_subject_at_once_make_one_write() -> None:
    """The second one waits for the first one's answer instead of asking the API server, too."""
    book = SlowBook()
    intake = Intake(book, lambda *_: None, lambda: NOW)
    notification = alerts.parse(body(alert(), alert(alertname="Another"), alert(node="node-z")))

    async def both() -> list[list[Outcome]]:
        return await asyncio.gather(*(intake.take(notification) for _ in range(2)))

    first, second = asyncio.run(both())
    assert Counter(first + second) == {Outcome.RECORDED: 2, Outcome.KNOWN: 4}
    assert set(book.asked.values()) == {1}
    assert len(book.created) == 2


def test_both_are_refused_when_the_one_write_fails() -> None:
    """Neither Alertmanager of a pair may believe that it is recorded."""
    book = SlowBook()
    book.fails = Unreachable("connection refused")
    intake = Intake(book, lambda *_: None, lambda: NOW)
    notification = alerts.parse(body(alert()))

    async def both() -> list[object]:
        taken = (intake.take(notification) for _ in range(2))
        return await asyncio.gather(*taken, return_exceptions=True)

    assert [type(one) for one in asyncio.run(both())] == [Unreachable, Unreachable]


def test_what_is_being_recorded_when_the_sender_is_told_to_come_again_is_recorded() -> None:
    """And what was not begun is left for the repetition."""
    book = SlowBook()
    heard: list[str] = []
    intake = Intake(book, lambda name, _: heard.append(name), lambda: NOW)

    async def scene() -> None:
        book.gate = asyncio.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await intake.take(alerts.parse(group(0, 100)))
        assert book.created == []
        book.gate.set()
        async with asyncio.timeout(10.0):
            while book.at_once:  # noqa: ASYNC110 -- plain values have no event
                await asyncio.sleep(WRITE)

    asyncio.run(scene())
    assert len(book.created) == len(heard) == AT_ONCE


def test_an_alert_that_the_api_server_refuses_keeps_no_other_from_being_recorded() -> None:
    """It is told of, again and again; the rest of its group is known by then."""
    book = SlowBook()
    book.refuses = {"node=node-0"}
    intake = Intake(book, lambda *_: None, lambda: NOW)
    for _ in range(2):
        with pytest.raises(Invalid):
            asyncio.run(intake.take(alerts.parse(group(0, 3 * AT_ONCE))))
    assert len(book.created) == 3 * AT_ONCE - 1
    assert book.asked == {"node=node-0": 2} | {
        f"node=node-{number}": 1 for number in range(1, 3 * AT_ONCE)
    }


def test_an_api_server_that_is_away_is_not_asked_for_every_alert_of_a_storm() -> None:
    """It would be asked ten thousand times for one answer."""
    book = SlowBook()
    book.fails = Unreachable("connection refused")
    intake = Intake(book, lambda *_: None, lambda: NOW)
    with pytest.raises(Unreachable):
        asyncio.run(intake.take(alerts.parse(group(0, 1000))))
    assert sum(book.asked.values()) <= AT_ONCE


def bounded(tmp_path: Path, bounds: Bounds) -> Site:
    """Return a webhook that holds little."""
    path = tmp_path / "token"
    path.write_text(SECRET)
    return Site(path, SlowBook(), bounds)


SMALL = {"notifications": Bounds(at_once=4), "bytes": Bounds(held=4 * len(group(0, 1)) + 100)}


@pytest.mark.parametrize("some", SMALL.values(), ids=SMALL)
def test_too_many_at_once_are_told_at_once_to_come_again(tmp_path: Path, some: Bounds) -> None:
    """What is held in memory has a bound; a refusal takes no time, and is counted."""
    site = bounded(tmp_path, some)
    slow(site).takes = 0.3
    answers: list[tuple[int, str]] = []

    async def scene() -> None:
        sent = (site.send(group(number, 1)) for number in range(20))
        answers.extend(await asyncio.gather(*sent))

    at(site, scene)
    refused = [text for status, text in answers if status == 503]
    assert len(refused) == 16
    assert {text.split(":")[0] for text in refused} == {"Busy"}
    assert len(site.book.created) == 4
    assert site.counted("pvmedic_webhook_refused_total{reason=Busy}") == 16.0
    assert site.missed == 16


def test_a_single_notification_may_be_larger_than_what_is_held_at_once(tmp_path: Path) -> None:
    """Or it would never be taken."""
    site = bounded(tmp_path, Bounds(held=10))
    answers: list[int] = []

    async def scene() -> None:
        answers.append((await site.send(body(alert())))[0])

    at(site, scene)
    assert answers == [200]


def test_a_notification_that_does_not_come_in_whole_holds_its_place_for_a_while_only(
    tmp_path: Path,
) -> None:
    """Then it is told to come again, and the next one is taken."""
    site = bounded(tmp_path, Bounds(at_once=1, read_within=0.1))
    answers: list[str] = []

    async def scene() -> None:
        host, port = site.url.removeprefix("http://").removesuffix("/webhook").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        await writer.drain()
        answers.append((await reader.readline()).decode())
        writer.close()
        answers.append(str((await site.send(body(alert())))[0]))

    at(site, scene)
    assert answers == ["HTTP/1.1 503 Service Unavailable\r\n", "200"]
    assert site.counted("pvmedic_webhook_refused_total{reason=TooSlow}") == 1.0
    assert site.book.created == [NAME]


def test_a_slow_api_server_is_no_longer_waited_for_than_a_second(tmp_path: Path) -> None:
    """Alertmanager hears 503 in time, and the record is there when it comes again."""
    site = bounded(tmp_path, Bounds())
    slow(site).takes = 1.2
    answers: list[tuple[int, float]] = []

    async def scene() -> None:
        for _ in range(2):
            began = time.monotonic()
            status, _ = await site.send(body(alert()))
            answers.append((status, time.monotonic() - began))

    at(site, scene)
    assert [status for status, _ in answers] == [503, 200]
    assert answers[0][1] < 1.0
    assert slow(site).asked == {str(Subject((("node", "node-a"),))): 1}
