"""GET /plan over HTTP: who may ask, what each answer is; and `pvmedic plan`, which asks it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.kit.settings import SettingsError, read_text
from exporter.kit.values import Address
from exporter.kit.web import About, Web
from exporter.observe.errors import Garbage, ObserveError, Unauthorized, Unreachable
from exporter.observe.model import Subject
from exporter.observe.signals.base import Detector
from remediator.cli import ask
from remediator.cli.said import DONE, NO, UNANSWERED, Said
from remediator.dry_run import DryRun
from remediator.handlers.base import Handler
from remediator.reading import ReadingServer
from remediator.record import Phase, Seen, VerdictRecord
from remediator.settings import Settings
from tests.story.objects import DEAD, SIGNAL, planned

SECRET = "battery-staple"  # noqa: S105 -- opens nothing
SUBJECT = {"node": DEAD}


class Site:
    """A served endpoint whose dry runs say what a test wants."""

    def __init__(self, directory: Path, *, open_to: bool = True) -> None:
        """Serve nothing yet."""
        self.token = directory / "token"
        self.token.write_text(SECRET)
        self.phase = Phase.AWAITING_APPROVAL
        self.fails: ObserveError | None = None
        self.asked: list[Subject] = []
        self.server = ReadingServer(self.token if open_to else None, self.run)
        self.url = ""

    async def run(self, asked: tuple[Detector, Handler, Subject]) -> DryRun:
        """Answer as a remediator would."""
        self.asked.append(asked[2])
        if self.fails is not None:
            raise self.fails
        verdicts = (VerdictRecord("mode", "NeedsApproval", "a person has to say yes"),)
        return DryRun(
            SIGNAL,
            SUBJECT,
            Seen.PRESENT,
            self.phase,
            "it waits",
            plan=planned(),
            verdicts=verdicts,
        )

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Serve on a free loopback port."""
        web = Web(Address("127.0.0.1", 0), About("t", "0", "t", {}), lambda _: [], str)
        self.server.routes(web.app)
        async with web:
            self.url = f"http://{web.address}"
            yield

    def plan(self, given: Path | None = None, signal: str = SIGNAL) -> Said:
        """Ask with the command."""

        async def asked() -> Said:
            async with self.served():
                where = ask.Remediator(self.url, given or self.token)
                return await ask.plan(where, signal, SUBJECT, 100)

        return asyncio.run(asked())


def test_who_has_the_token_is_told_plan_and_verdicts(tmp_path: Path) -> None:
    """With what would change each refusal."""
    site = Site(tmp_path)
    answer = site.plan()
    assert answer.status == DONE
    text = " ".join("\n".join(answer.lines).split())
    for part in ("would go to AwaitingApproval", planned().hash, "a person has to say yes"):
        assert part in text
    assert "mode would change with" in text
    assert isinstance(answer.data, DryRun)
    assert site.asked == [Subject((("node", DEAD),))]


def test_a_plan_that_may_not_go_on_is_a_no(tmp_path: Path) -> None:
    """A script can tell it from a yes."""
    site = Site(tmp_path)
    site.phase = Phase.BLOCKED
    assert site.plan().status == NO


def test_a_wrong_token_is_refused(tmp_path: Path) -> None:
    """And nothing is looked at."""
    site, wrong = Site(tmp_path), tmp_path / "wrong"
    wrong.write_text("another")
    answer = site.plan(wrong)
    assert answer.status == UNANSWERED
    assert "(401)" in answer.lines[0]
    assert site.asked == []


def test_the_token_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """As the webhook's is."""
    site = Site(tmp_path)
    site.token.write_text("anew")
    os.utime(site.token, (1.0, 1.0))
    assert site.plan().status == DONE
    old = tmp_path / "old"
    old.write_text(SECRET)
    assert site.plan(old).status == UNANSWERED


def test_without_a_setting_nobody_may_ask(tmp_path: Path) -> None:
    """Whatever they show."""
    answer = Site(tmp_path, open_to=False).plan()
    assert answer.status == UNANSWERED
    assert "reading.token_file" in answer.lines[0]


def test_what_there_is_none_of_is_a_bad_request(tmp_path: Path) -> None:
    """With the sentence."""
    answer = Site(tmp_path).plan(signal="nothing")
    assert answer.status == NO
    assert "there is no failure 'nothing'" in answer.lines[0]


def test_a_remediator_that_cannot_look_says_why(tmp_path: Path) -> None:
    """Its API server is away."""
    site = Site(tmp_path)
    site.fails = Unreachable("no answer in time")
    answer = site.plan()
    assert answer.status == UNANSWERED
    assert "(503): no answer in time" in answer.lines[0]


def test_what_is_no_remediator_is_told_apart(tmp_path: Path) -> None:
    """Nobody there, no token, or a page of something else."""
    token = tmp_path / "token"
    token.write_text(SECRET)

    def asked(where: ask.Remediator) -> None:
        asyncio.run(ask.plan(where, SIGNAL, SUBJECT, 100))

    with pytest.raises(Unreachable, match="cannot be reached"):
        asked(ask.Remediator("http://127.0.0.1:1", token))
    with pytest.raises(Unauthorized, match="cannot be read"):
        asked(ask.Remediator("http://127.0.0.1:1", tmp_path / "none"))
    web = Web(Address("127.0.0.1", 0), About("t", "0", "t", {}), lambda _: [], str)

    async def other() -> None:
        async with web:
            await ask.plan(ask.Remediator(f"http://{web.address}", token), SIGNAL, SUBJECT, 100)

    with pytest.raises(Garbage, match="no remediator's answer"):
        asyncio.run(other())


def test_the_token_is_another_one_than_the_webhooks(tmp_path: Path) -> None:
    """Who may ask may not send alerts; and an empty one would be open to everybody."""
    token, site = tmp_path / "empty", Site(tmp_path)
    token.write_text(" ")
    with pytest.raises(ValueError, match="reading without a token"):
        ReadingServer(token, site.run)
    text = f"webhook: {{token_file: {token}}}\nreading: {{token_file: {token}}}\n"
    with pytest.raises(SettingsError, match="must be another file"):
        read_text(text, "f", Settings)
