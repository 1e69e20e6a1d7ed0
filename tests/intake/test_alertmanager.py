"""Asking Alertmanager over HTTP: what fires, what is silenced, and every way not to answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

from exporter.kit.values import Duration
from exporter.observe import errors
from remediator.alert import Alert, Existing
from remediator.alertmanager import Alertmanager, AlertmanagerSettings
from remediator.ports import Told
from remediator.record import AlertRef, Record
from remediator.settings import ExistingAlert
from tests.story.objects import DEAD, SIGNAL, record

T = TypeVar("T")
OURS = {"alertname": "NodeLost", "signal": SIGNAL, "node": DEAD}
Json = dict[str, object]


def alert(receiver: str = "pvmedic", **fields: object) -> Json:
    """Return an alert as the API shows it."""
    return {
        "labels": OURS,
        "annotations": {},
        "startsAt": "2026-11-26T08:00:00.000Z",
        "endsAt": "2026-11-26T09:00:00.000Z",
        "updatedAt": "2026-11-26T08:00:00.000Z",
        "fingerprint": "f1",
        "receivers": [{"name": receiver}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        **fields,
    }


def silenced(by: str = "s1", **fields: object) -> Json:
    """Return an alert that a silence holds back."""
    status = {"state": "suppressed", "silencedBy": [by], "inhibitedBy": []}
    return {**alert(), "status": status, **fields}


Answer = Callable[[web.Request], Coroutine[None, None, web.StreamResponse]]


def saying(body: object, status: int = 200) -> Answer:
    """Return a handler that says this."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "/silence/" in request.path:
            return web.json_response({"comment": "disks are replaced", "createdBy": "ann"})
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")

    return answer


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[str]:
    """Serve on loopback."""
    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def asking(
    ask: Callable[[Alertmanager], Coroutine[None, None, T]],
    *answers: Answer,
    existing: Mapping[str, Existing] | None = None,
    cluster: str = "",
) -> T:
    """Ask so many Alertmanagers."""

    async def scene() -> T:
        async with AsyncExitStack() as stack:
            urls = [await stack.enter_async_context(served(answer)) for answer in answers]
            settings = AlertmanagerSettings(tuple(urls), timeout=Duration(0.5))
            client = Alertmanager(settings, existing=existing, cluster=cluster)
            return await ask(await stack.enter_async_context(client))

    return asyncio.run(scene())


def about(fingerprint: str = "f1") -> Record:
    """Return a record that this alert opened."""
    made = record()
    return Record(
        made.name,
        made.uid,
        made.version,
        made.created,
        type(made.spec)(SIGNAL, {"node": DEAD}, "", 1, AlertRef(fingerprint)),
        made.status,
    )


async def told(alertmanager: Alertmanager) -> Told | str | None:
    """Ask about the record."""
    return await alertmanager.told(about())


def test_nobody_to_ask_is_not_nobody_answering() -> None:
    """Without a URL the guards hear that nobody is named."""
    assert asking(told) is None


def test_what_fires_is_told_by_name_and_what_is_silenced_with_its_comment() -> None:
    """So that a person can look whose silence it is."""
    assert asking(told, saying([alert()])) == Told(frozenset({"NodeLost"}))
    found = asking(told, saying([silenced()]))
    assert found == Told(frozenset(), "s1 by ann: disks are replaced")


@pytest.mark.parametrize(
    "other",
    [
        silenced(labels={**OURS, "node": "node-z"}, fingerprint="f9"),
        silenced(labels={}, fingerprint=""),
    ],
    ids=["another subject", "no labels"],
)
def test_a_silence_over_something_else_is_none_of_ours(other: Json) -> None:
    """It says nothing about this record."""
    found = asking(told, saying([other]))
    assert isinstance(found, Told)
    assert found.silence == ""


def test_another_alert_about_the_same_subject_counts() -> None:
    """The page may be silenced and the webhook's alert not: hands off all the same."""
    found = asking(told, saying([silenced(fingerprint="f9")]))
    assert isinstance(found, Told)
    assert found.silence.startswith("s1")


def test_what_is_said_of_another_cluster_is_not_said_of_ours() -> None:
    """One Alertmanager serves several, and nodes have the same names everywhere."""
    theirs = {**OURS, "cluster": "theirs"}
    answer = saying([silenced(labels=theirs, fingerprint="f9"), alert(labels=theirs)])
    assert asking(told, answer, cluster="ours") == Told()
    ours = saying([silenced(labels={**OURS, "cluster": "ours"})])
    found = asking(told, ours, cluster="ours")
    assert isinstance(found, Told)
    assert found.silence.startswith("s1")


def test_a_silence_over_an_alert_that_people_had_before_us_counts() -> None:
    """It has no signal, and another fingerprint since one of its labels changed."""
    known = {"KubeNodeNotReady": ExistingAlert(SIGNAL, {"node": "instance"})}
    labels = {"alertname": "KubeNodeNotReady", "instance": DEAD, "job": "new"}
    answer = saying([silenced(labels=labels, fingerprint="f9")])
    found = asking(told, answer, existing=known)
    assert isinstance(found, Told)
    assert found.silence.startswith("s1")


def test_alerts_without_a_fingerprint_are_told_apart_by_their_labels() -> None:
    """Or one of them would hide the others."""
    other = {"alertname": "Other"}
    answer = saying([alert(fingerprint=""), alert(fingerprint="", labels=other)])
    assert asking(told, answer) == Told(frozenset({"NodeLost", "Other"}))


def test_of_a_pair_one_that_knows_a_silence_is_enough() -> None:
    """The other one has not heard of it yet."""
    found = asking(told, saying([alert()]), saying([silenced()]))
    assert isinstance(found, Told)
    assert found.silence.startswith("s1")


def test_of_a_pair_one_that_answers_is_enough() -> None:
    """That is what the pair is for."""
    assert asking(told, saying("", 500), saying([alert()])) == Told(frozenset({"NodeLost"}))


async def _hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5.0)
    return web.Response()


WRONG: dict[str, Answer] = {
    **{str(status): saying("{}", status) for status in (401, 403, 404, 409, 410, 429, 500, 503)},
    "a page": saying("<html>"),
    "another shape": saying([{"labels": 5}]),
    "endless brackets": saying("[" * 100_000),
    "silence": _hangs,
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_whoever_does_not_answer_is_a_sentence(answer: Answer) -> None:
    """The guards then say no; nothing raises on their way."""
    assert isinstance(asking(told, answer), str)


def test_nothing_listening_is_a_sentence_too() -> None:
    """As every start of Alertmanager."""

    async def scene() -> Told | str | None:
        settings = AlertmanagerSettings(("http://127.0.0.1:9",), timeout=Duration(0.5))
        async with Alertmanager(settings) as alertmanager:
            return await alertmanager.told(about())

    assert isinstance(asyncio.run(scene()), str)


async def firing(alertmanager: Alertmanager) -> list[Alert]:
    """Ask what fires for us."""
    return await alertmanager.firing()


def test_only_what_fires_for_our_receiver_is_fetched() -> None:
    """Silenced, inhibited and other people's alerts would not have come by the webhook either."""
    inhibited = alert(status={"state": "suppressed", "silencedBy": [], "inhibitedBy": ["x"]})
    answer = saying([alert(), silenced(fingerprint="f2"), {**inhibited, "fingerprint": "f3"}])
    (found,) = asking(firing, answer)
    assert (found.firing, found.labels, found.fingerprint) == (True, OURS, "f1")
    assert asking(firing, saying([alert(receiver="pager")])) == []


def test_asking_in_vain_what_fires_is_an_error() -> None:
    """It is tried again, and counted."""
    with pytest.raises(errors.Unreachable):
        asking(firing, saying("", 500))


def test_many_records_ask_once() -> None:
    """A round of a thousand records is one question."""
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.json_response([alert()])

    async def scene(alertmanager: Alertmanager) -> None:
        await asyncio.gather(*(alertmanager.told(about()) for _ in range(100)))

    asking(scene, answer)
    assert asked == ["/api/v2/alerts"]


def test_a_token_is_sent_and_a_missing_one_is_a_sentence(tmp_path: Path) -> None:
    """Read at each question, so that it can be renewed."""
    seen = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.json_response([])

    async def scene() -> Told | str | None:
        async with served(answer) as url:
            file = tmp_path / "token"
            settings = AlertmanagerSettings((url,), token_file=file)
            async with Alertmanager(settings) as alertmanager:
                assert isinstance(await alertmanager.told(about()), str)
            file.write_text("secret\n")
            async with Alertmanager(settings) as alertmanager:
                return await alertmanager.told(about())

    assert asyncio.run(scene()) == Told()
    assert seen == ["Bearer secret"]
