"""`once`: what holds is judged by age, shown worst first, and what was not seen is said."""

import json

import pytest

from exporter import report
from exporter.observe.full_pass import Finding, Verdict, judge
from exporter.observe.model import Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals import DETECTORS
from exporter.once import HEALTHY, UNSEEN, WRONG, status
from tests.signals import made

LOST = made.node("a", ready=Ready.UNKNOWN, ready_since=100.0)
WORLD: list[Object] = [
    *(LOST, made.node("b"), made.claim(), made.volume(), made.attachment("a")),
    made.pod("new", "b", scheduled=9_990.0),
]


def verdict(objects: list[Object], unseen: dict[Kind, str] | None = None) -> Verdict:
    """Judge a world at 10,000."""
    return judge(DETECTORS, Objects(objects), unseen or {}, made.NOW)


def test_what_is_older_than_everyday_life_is_wrong_and_comes_first() -> None:
    """The node is lost for long; its pod waits elsewhere since ten seconds."""
    found = verdict(WORLD).findings
    assert [(f.signal.name, f.wrong) for f in found] == [
        ("node_lost_with_volumes", True),
        ("multi_attach", False),
    ]
    assert found[0].age == 9_900.0


def test_a_detector_that_cannot_see_what_it_needs_says_nothing() -> None:
    """And that it could not is said."""
    found = verdict(WORLD, {Kind.ATTACHMENT: "not allowed"})
    assert "node_lost_with_volumes" in found.blind
    assert all(f.signal.name not in found.blind for f in found.findings)


@pytest.mark.parametrize(
    ("objects", "unseen", "expected"),
    [
        ([], {}, HEALTHY),
        (WORLD, {}, WRONG),
        (WORLD, {Kind.SNAPSHOT: "no"}, WRONG),
        ([], {Kind.SNAPSHOT: "no"}, UNSEEN),
        (WORLD[1:], {}, WRONG),
    ],
    ids=["nothing", "wrong", "wrong and unseen", "unseen", "a node that is only spoken of"],
)
def test_the_exit_status_says_it_all(
    objects: list[Object], unseen: dict[Kind, str], expected: int
) -> None:
    """What is wrong weighs more than what was not seen."""
    assert (
        status(verdict(objects, unseen), {str(kind): why for kind, why in unseen.items()})
        == expected
    )


def test_the_table_shows_age_reason_subject_and_evidence() -> None:
    """What only began is counted, unless it is asked for."""
    found = verdict(WORLD)
    lines = list(report.as_table(found, {}, everything=False, width=60))
    assert lines[0].split() == ["AGE", "SIGNAL", "REASON", "SUBJECT"]
    assert lines[1].split() == ["2h45m", "node_lost_with_volumes", "Unreachable", "node=a"]
    assert lines[2].startswith("      volume pv-data of claim web/data is attached")
    assert all(len(line) <= 60 for line in lines[2:3])
    assert lines[-1].startswith("1 more began only just now")
    whole = "\n".join(report.as_table(found, {}, everything=True, width=200))
    assert "multi_attach" in whole


def test_a_healthy_cluster_gets_one_sentence_and_an_unseen_one_does_not() -> None:
    """No finding is no health when something was hidden."""
    healthy = list(report.as_table(verdict([]), {}, everything=False, width=80))
    assert len(healthy) == 1
    assert healthy[0].startswith("Nothing is wrong")
    unseen: dict[str, str] = {Kind.SNAPSHOT: "list volumesnapshots: not allowed (403)"}
    found = verdict([], {Kind.SNAPSHOT: unseen[Kind.SNAPSHOT]})
    lines = list(report.as_table(found, unseen, everything=False, width=80))
    assert lines[0] == "UNSEEN  volumesnapshots: list volumesnapshots: not allowed (403)"
    assert "Nothing is wrong" not in "\n".join(lines)


def test_a_text_from_outside_commands_no_terminal_and_adds_no_line() -> None:
    """Whoever may write an Event could clear an operator's screen, or forge a line."""
    bad = "mount failed \x1b[2J\x9b31m\u202e\nNothing is wrong"
    subject = Subject((("node", "a"),))
    signal = Signal("x", subject, None, SinceSource.FIRST_SEEN, "Other", evidence=(bad,))
    found = Verdict((Finding(signal, None, wrong=True),), {})
    lines = list(report.as_table(found, {"pods": bad}, everything=True, width=80))
    assert len(lines) == 4, "heading, finding, evidence, unseen"
    assert all(line.isprintable() for line in lines)


def test_the_json_has_everything_a_script_may_want() -> None:
    """Labels, evidence, age and where the time is from."""
    found = json.loads(report.as_json(verdict(WORLD), {}))
    assert (found["wrong"], found["blind"], found["unseen"]) == (True, {}, {})
    first = found["findings"][0]
    assert first["subject"] == {"node": "a"}
    assert (first["since"], first["since_source"]) == ("1970-01-01T00:01:40Z", "object")
    assert first["age_seconds"] == 9_900.0


@pytest.mark.parametrize(
    ("age", "shown"),
    [(None, "?"), (0.0, "0s"), (59.9, "59s"), (61.0, "1m1s"), (3600.0, "1h"), (90_061.0, "1d1h")],
)
def test_an_age_has_its_two_largest_units(age: float | None, shown: str) -> None:
    """As kubectl writes it."""
    signal = Signal("claim_lost", Subject((("node", "a"),)), None, SinceSource.FIRST_SEEN, "Other")
    found = Verdict((Finding(signal, age, wrong=True),), {})
    line = list(report.as_table(found, {}, everything=True, width=80))[1]
    assert line.split()[0] == shown
