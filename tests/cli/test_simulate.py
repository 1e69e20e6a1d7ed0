"""What would become of alerts in a file: the intake's own answer, and on request a look."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from exporter.observe.errors import Forbidden
from remediator import store
from remediator.alert import Outcome
from remediator.cli import simulate
from remediator.cli.__main__ import NO_SETTINGS
from remediator.cli.said import DONE, NO, Said
from remediator.cli.simulate import Simulated
from remediator.record import Phase, Seen
from tests.cli.scripted import Scripted
from tests.intake.notifications import alert, body
from tests.story.objects import NAME, record

OURS = alert()


def found(text: bytes, api: Scripted | None = None) -> Said:
    """Simulate a file."""
    return asyncio.run(simulate.simulate(simulate.read(text), NO_SETTINGS, api, 100))


def outcomes(answer: Said) -> list[Outcome]:
    """Return what would become of each alert."""
    assert isinstance(answer.data, list)
    return [one.outcome for one in answer.data if isinstance(one, Simulated)]


def as_api(one: Mapping[str, object]) -> dict[str, object]:
    """Return an alert as Alertmanager's own API lists it."""
    return {**one, "status": {"state": "active", "silencedBy": [], "inhibitedBy": []}}


@pytest.mark.parametrize(
    "text",
    [
        body(OURS),
        json.dumps(OURS).encode(),
        json.dumps([OURS]).encode(),
        json.dumps([as_api(OURS)]).encode(),
        json.dumps({"labels": OURS["labels"]}).encode(),
    ],
    ids=["notification", "alert", "list", "as the API lists it", "labels only"],
)
def test_an_alert_is_taken_as_it_comes_to_hand(text: bytes) -> None:
    """It would open this very record."""
    answer = found(text)
    assert answer.status == DONE
    assert outcomes(answer) == [Outcome.RECORDED]
    assert NAME in answer.lines[0]


def test_each_alert_has_its_own_answer() -> None:
    """As the webhook would give it."""
    text = body(
        OURS,
        OURS,
        alert("resolved"),
        alert(signal=""),
        alert(signal="multi_attach"),
        alert(node=""),
        alert(pvmedic_watchdog="true"),
    )
    assert outcomes(found(text)) == [
        Outcome.RECORDED,
        Outcome.KNOWN,
        Outcome.RESOLVED,
        Outcome.NO_SIGNAL,
        Outcome.NO_HANDLER,
        Outcome.NO_SUBJECT,
        Outcome.WATCHDOG,
    ]


def test_where_nothing_would_be_made_the_answer_is_no() -> None:
    """A script can tell."""
    assert found(body(alert(signal="multi_attach"))).status == NO
    assert found(body()).status == NO


@pytest.mark.parametrize("text", [b"{", b"7", b"[7]", b'{"version": "3", "alerts": []}', b"\xff"])
def test_what_is_no_alert_is_refused(text: bytes) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match=r"this is no|not an Alertmanager|notification version"):
        simulate.read(text)


def test_every_outcome_has_its_sentence() -> None:
    """A closed set."""
    assert simulate.MEANS.keys() == set(Outcome)


def test_a_look_finds_the_record_that_there_is_and_says_what_it_cannot_see() -> None:
    """A person who may read records and nothing else; nothing is written."""
    api = Scripted(record())
    answer = found(body(OURS), api)
    assert isinstance(answer.data, list)
    (one,) = answer.data
    assert (one.outcome, one.remediation) == (Outcome.KNOWN, NAME)
    assert one.run is not None
    assert (one.run.seen, one.run.phase) == (Seen.UNSEEN, Phase.DEFERRED)
    assert {method for method, _, _ in api.sent} == {"GET"}


def test_who_may_not_read_records_is_told() -> None:
    """Instead of being told that there are none."""
    api = Scripted()
    api.on(f"GET {store.PATH}", Forbidden("list remediations: not allowed (403)"))
    with pytest.raises(Forbidden):
        found(body(OURS), api)
