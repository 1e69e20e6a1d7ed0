"""All guards together: each is needed, each is asked, and a broken one says no."""

import msgspec
import pytest

from exporter.observe.model import Ready, Subject
from remediator.case import Policy
from remediator.guards import GUARDS, ask
from remediator.guards.base import Allowed, Denied, NotYet, Question, Verdict
from remediator.record import Phase
from remediator.verdicts import outcome
from tests.story.objects import (
    AUTO,
    LIVE,
    NOW,
    PROOF,
    SPARE,
    case,
    namespace,
    node,
    planned,
    question,
    record,
    view,
)

OTHER = record(subject=Subject((("node", LIVE),)), phase=Phase.RUNNING, plan=planned(LIVE))
SAME_NODE = record(2, signal="multi_attach", phase=Phase.RUNNING)
TWO_SLOTS = msgspec.structs.replace(AUTO, concurrency=2)

REFUSED_BY_ONE: dict[str, Question] = {
    "mode": question(case(policy=Policy(mode="approve"))),
    "kill_switch": question(paused=True),
    "opt_out": question(case(view(namespace(annotations={"pvmedic.dev/remediation": "disabled"})))),
    "alert_freshness": question(case(record=record(readings=PROOF, last_alert_at=None))),
    "cooldown": question(others=(record(2, acted_at=NOW - 1.0),)),
    "concurrency": question(others=(SAME_NODE,)),
    "one_node": question(case(policy=TWO_SLOTS), others=(OTHER,)),
    "cluster_health": question(case(view(node(SPARE, Ready.UNKNOWN)))),
    "fencing_proof": question(case(record=record())),
}


def phase(about: Question, guards: tuple[tuple[str, object], ...]) -> Phase:
    """Return where the verdicts lead."""
    kept = tuple((name, guard) for name, guard in GUARDS if name in dict(guards))
    return outcome(ask(about, kept), about.case.policy.mode, about.plan.goal).phase


def test_a_question_that_nothing_speaks_against_is_allowed_by_all() -> None:
    """Otherwise the tests below would prove nothing."""
    assert ask(question()) == tuple((name, Allowed()) for name, _ in GUARDS)


def test_every_guard_has_a_question_here() -> None:
    """A new guard needs one that only it refuses."""
    assert [name for name, _ in GUARDS] == list(REFUSED_BY_ONE)


@pytest.mark.parametrize("name", [name for name, _ in GUARDS])
def test_no_guard_can_be_left_out(name: str) -> None:
    """Only it refuses this question, and without it the plan would run."""
    about = REFUSED_BY_ONE[name]
    refusing = [guard for guard, verdict in ask(about) if not isinstance(verdict, Allowed)]
    assert refusing == [name]
    assert phase(about, GUARDS) is not Phase.RUNNING
    without = tuple(pair for pair in GUARDS if pair[0] != name)
    assert phase(about, without) is Phase.RUNNING


def test_every_guard_is_asked_even_when_the_first_refuses() -> None:
    """All verdicts stand on record, so that a person sees all that is in the way."""
    about = question(paused=True, others=(OTHER,))
    refusing = [name for name, verdict in ask(about) if isinstance(verdict, NotYet)]
    assert refusing == ["kill_switch", "concurrency", "one_node"]


def test_a_guard_that_raises_denies() -> None:
    """Broken means no, and the others are asked all the same."""

    def broken(about: Question) -> Verdict:
        raise KeyError(about.paused)

    def fine(_: Question) -> Verdict:
        return Allowed()

    verdicts = ask(question(), (("broken", broken), ("fine", fine)))
    assert verdicts == (
        ("broken", Denied("this guard is broken: KeyError: False")),
        ("fine", Allowed()),
    )
    assert outcome(verdicts, "auto", "g").phase is Phase.BLOCKED
