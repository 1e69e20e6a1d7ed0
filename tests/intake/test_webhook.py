"""POST /webhook over HTTP: who may send, how much, and what each answer is."""

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from exporter.kit.values import Address
from exporter.kit.web import About, Web
from exporter.observe.errors import ServerFailed, Unreachable
from remediator.case import Policy
from remediator.intake import Intake
from remediator.metrics import Metrics
from remediator.server import BOUNDS, REJECTED_BYTES, REJECTED_KEPT, Bounds, Token, WebhookServer
from tests.intake.book import Book
from tests.intake.notifications import alert, body
from tests.story.objects import NAME, NOW

SECRET = "correct-horse-battery-staple"  # noqa: S105 -- opens nothing
Answer = tuple[int, str]


class Site:
    """A served webhook, and how to send to it."""

    def __init__(self, token_file: Path, book: Book | None = None, bounds: Bounds = BOUNDS) -> None:
        """Serve nothing yet."""
        self.book = book or Book()
        self.missed = 0
        self.ready = True
        self.metrics = Metrics(tuple, Policy(), lambda: NOW, lambda: NOW)
        intake = Intake(self.book, lambda *_: None, lambda: NOW)
        self.server = WebhookServer(
            Token(token_file), intake, self.metrics, lambda: self.ready, self._miss, bounds
        )
        self.url = ""

    def _miss(self) -> None:
        self.missed += 1

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Serve on a free loopback port."""
        about = About("test", "0", "test", {})
        web = Web(Address("127.0.0.1", 0), about, self.metrics.parts, str, 4 * 1024 * 1024)
        self.server.routes(web.app)
        async with web:
            self.url = f"http://{web.address}/webhook"
            yield

    async def send(self, data: bytes, authorization: str | None = f"Bearer {SECRET}") -> Answer:
        """Send a body and return status and text."""
        headers = {} if authorization is None else {"Authorization": authorization}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=io.BytesIO(data), headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    def counted(self, sample: str) -> float | None:
        """Return the value of one of our counters."""
        name, _, labels = sample.partition("{")
        pairs = dict(pair.split("=") for pair in labels.rstrip("}").split(",") if pair)
        return self.metrics.registry.get_sample_value(name, pairs)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Return a file with the token."""
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def site(token_file: Path) -> Site:
    """Return a webhook."""
    return Site(token_file)


def at(site: Site, scene: Callable[[], Awaitable[None]]) -> None:
    """Play a scene while the webhook is served."""

    async def played() -> None:
        async with site.served():
            await scene()

    asyncio.run(played())


def sent(site: Site, data: bytes, authorization: str | None = f"Bearer {SECRET}") -> Answer:
    """Send one body and return the answer."""
    answers: list[Answer] = []

    async def scene() -> None:
        answers.append(await site.send(data, authorization))

    at(site, scene)
    return answers[0]


def test_a_notification_with_the_token_is_taken(site: Site) -> None:
    """200 says what became of each alert, and it is durable by then."""
    status, text = sent(site, body(alert(), alert(signal="")))
    assert (status, text) == (200, '{"alerts": ["Recorded", "NoSignal"]}')
    assert site.book.created == [NAME]
    assert site.counted("pvmedic_webhook_notifications_total") == 1.0
    assert site.counted("pvmedic_webhook_alerts_total{outcome=Recorded}") == 1.0


def test_without_a_token_it_is_refused(site: Site) -> None:
    """401, and nothing is read or recorded."""
    status, text = sent(site, body(alert()), None)
    assert (status, text.split(":")[0]) == (401, "NoToken")
    assert site.book.created == []
    assert site.counted("pvmedic_webhook_refused_total{reason=NoToken}") == 1.0


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        "Bearer ",
        "Bearer",
        SECRET,
        f"Basic {SECRET}",
        "Bearer \udcff\udcfe",
        "Bearer ü",
    ],
    ids=ascii,
)
def test_with_a_wrong_token_it_is_refused(site: Site, authorization: str) -> None:
    """401, whatever bytes it is made of."""
    status, text = raw(site, authorization)
    assert (status, text.split(":")[0]) == (401, "WrongToken")
    assert site.book.created == []
    assert site.counted("pvmedic_webhook_refused_total{reason=WrongToken}") == 1.0


def raw(site: Site, authorization: str) -> Answer:
    """Send by hand, because a client would refuse to send such a header."""
    data = body(alert())
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Length: {len(data)}\r\nAuthorization: {authorization}\r\n\r\n"
    ).encode(errors="surrogateescape")
    answers: list[bytes] = []

    async def scene() -> None:
        host, port = site.url.removeprefix("http://").removesuffix("/webhook").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + data)
        await writer.drain()
        answers.append(await reader.read())
        writer.close()
        await writer.wait_closed()

    at(site, scene)
    start, _, rest = answers[0].decode().partition("\r\n")
    return int(start.split()[1]), rest.partition("\r\n\r\n")[2]


def test_the_scheme_may_be_written_in_any_case(site: Site) -> None:
    """As RFC 9110 says."""
    assert sent(site, body(alert()), f"bearer {SECRET}")[0] == 200


@pytest.mark.parametrize("data", [b"", b"{", b"[]", body(version="3")])
def test_what_is_no_notification_is_refused_and_kept(site: Site, data: bytes) -> None:
    """400 with the reason, and a capped copy for the operator."""
    status, text = sent(site, data)
    assert (status, text.split(":")[0]) == (400, "BadJSON")
    assert list(site.server.rejected) == [data]
    assert site.counted("pvmedic_webhook_refused_total{reason=BadJSON}") == 1.0


def test_what_is_kept_of_the_refused_is_capped(site: Site) -> None:
    """Neither one large body nor many fill the memory."""

    async def scene() -> None:
        for number in range(REJECTED_KEPT + 5):
            await site.send(f"{number:04d}".encode() * 10_000)

    at(site, scene)
    assert len(site.server.rejected) == REJECTED_KEPT
    assert {len(kept) for kept in site.server.rejected} == {REJECTED_BYTES}
    assert site.server.rejected[0].startswith(b"0005")


def test_ten_megabytes_are_refused(site: Site) -> None:
    """413, and the next notification is taken."""
    answers: list[int] = []

    async def scene() -> None:
        answers.append((await site.send(body(alert(), padding="x" * 10_000_000)))[0])
        answers.append((await site.send(body(alert())))[0])

    at(site, scene)
    assert answers == [413, 200]
    assert site.counted("pvmedic_webhook_refused_total{reason=TooLarge}") == 1.0


@pytest.mark.parametrize("error", [Unreachable("refused"), ServerFailed("500")], ids=str)
def test_what_cannot_be_recorded_is_sent_again(
    site: Site, error: Unreachable | ServerFailed
) -> None:
    """503, which Alertmanager repeats; the repetition lands."""
    answers: list[int] = []

    async def scene() -> None:
        site.book.fails = error
        answers.append((await site.send(body(alert())))[0])
        site.book.fails = None
        answers.append((await site.send(body(alert())))[0])

    at(site, scene)
    assert answers == [503, 200]
    assert site.book.created == [NAME]
    assert site.counted("pvmedic_webhook_refused_total{reason=NotDurable}") == 1.0


def test_while_the_records_are_not_known_everything_is_sent_again(site: Site) -> None:
    """Who does not know what is under way must not open anything."""
    site.ready = False
    assert sent(site, body(alert()))[0] == 503
    assert site.book.created == []


def test_an_older_and_a_newer_alertmanager_are_understood(site: Site) -> None:
    """Fields missing and fields unknown."""
    old = b'{"version":"4","alerts":[{"status":"firing","labels":{"signal":"x"}}]}'
    assert sent(site, old)[0] == 200
    assert sent(site, body(alert(), tenant="a", nested={"x": [1]}))[0] == 200


def test_the_watchdog_is_answered_like_any_alert(site: Site) -> None:
    """It proves the whole line."""
    status, text = sent(site, body(alert(pvmedic_watchdog="true")))
    assert (status, text) == (200, '{"alerts": ["Watchdog"]}')


def test_a_notification_without_alerts_is_taken(site: Site) -> None:
    """There is nothing to do about it."""
    assert sent(site, body()) == (200, '{"alerts": []}')


def test_another_method_is_not_served(site: Site) -> None:
    """The route is POST only."""
    answers: list[int] = []

    async def scene() -> None:
        async with aiohttp.ClientSession() as session, session.get(site.url) as answer:
            answers.append(answer.status)

    at(site, scene)
    assert answers == [405]


def replaced(path: Path, text: str) -> None:
    """Put another file in its place, as a Secret's volume does."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def test_a_token_file_that_changes_is_read_again(token_file: Path) -> None:
    """Both ways of changing it: another file, and other content at another time."""
    token = Token(token_file)
    assert token.accepts(f"Bearer {SECRET}")
    replaced(token_file, "second")
    assert token.accepts("Bearer second")
    assert not token.accepts(f"Bearer {SECRET}")
    token_file.write_text("third")
    os.utime(token_file, (1.0, 1.0))
    assert token.accepts("Bearer third")


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_token_file_is_refused_at_the_start(token_file: Path, text: str) -> None:
    """A webhook without a token would be open to everybody."""
    token_file.write_text(text)
    with pytest.raises(ValueError, match="is empty"):
        Token(token_file)


def test_a_missing_token_file_is_refused_at_the_start(tmp_path: Path) -> None:
    """There is no default token."""
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Token(tmp_path / "none")


def test_a_token_file_that_becomes_empty_or_goes_away_keeps_the_token_of_before(
    token_file: Path,
) -> None:
    """And an empty token is accepted from nobody."""
    token = Token(token_file)
    replaced(token_file, "")
    assert token.accepts(f"Bearer {SECRET}")
    assert not token.accepts("Bearer ")
    token_file.unlink()
    assert token.accepts(f"Bearer {SECRET}")
