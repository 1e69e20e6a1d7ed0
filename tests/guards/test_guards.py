"""All guards together: each is needed, each is asked, and a broken one says no."""

from datetime import time

import msgspec
import pytest

from exporter.observe.model import Lease, Ready, Subject
from remediator.case import Policy
from remediator.guards import GUARDS, ask
from remediator.guards.base import Allowed, Denied, NotYet, Question, Verdict
from remediator.ports import Told
from remediator.record import Phase, Seen
from remediator.schedule import Freeze, Window
from remediator.verdicts import outcome
from tests.story.objects import (
    AUTO,
    DEAD,
    LIVE,
    NOW,
    PROOF,
    SPARE,
    attachment,
    case,
    namespace,
    node,
    plan,
    planned,
    question,
    record,
    view,
)

ON_LIVE = msgspec.structs.replace(planned(LIVE), touches=(f"node {LIVE}",))
OTHER = record(subject=Subject((("node", LIVE),)), phase=Phase.RUNNING, plan=ON_LIVE)
SAME_NODE = record(2, signal="multi_attach", phase=Phase.RUNNING)
TWO_SLOTS = msgspec.structs.replace(AUTO, concurrency=2, blast_radius=1.0)

HOLDS = tuple(
    record(number, signal="multi_attach", phase=Phase.HOLDING, plan=planned(name))
    for number, name in ((2, LIVE), (3, SPARE))
)
FIVE_AGO = NOW - 300.0
WRONG = tuple(
    record(number, signal="multi_attach", phase=Phase.FAILED, seen=Seen.GONE)
    for number in (2, 3, 4)
)
REPAIRED = tuple(record(number, signal="multi_attach", acted_at=FIVE_AGO) for number in range(6))
NEVER = Window((), time(0), time(0), "UTC")


def with_policy(**fields: object) -> Question:
    """Return a question under another policy."""
    return question(case(policy=msgspec.structs.replace(AUTO, **fields)))


SAME_CLAIM = record(
    2,
    signal="multi_attach",
    phase=Phase.RUNNING,
    plan=msgspec.structs.replace(planned(), touches=("claim web/rows",)),
)
TWICE = case(view(attachment("rows"), attachment("rows", LIVE)))

REFUSED_BY_ONE: dict[str, Question] = {
    "mode": question(case(policy=Policy(mode="approve"))),
    "approval": question(plan=msgspec.structs.replace(plan(), needs_yes=True)),
    "kill_switch": question(paused=True),
    "people": question(unheard="may not list"),
    "clocks": question(ahead=31.0),
    "breaker": question(others=WRONG),
    "opt_out": question(case(view(namespace(annotations={"pvmedic.dev/remediation": "disabled"})))),
    "opt_in": with_policy(opt_in=True),
    "alert_freshness": question(case(record=record(readings=PROOF, last_alert_at=None))),
    "silence": question(told=Told(silence="3f2a: hands off")),
    "blocking_alerts": msgspec.structs.replace(
        with_policy(blocking_alerts=frozenset({"EtcdDown"})), told=Told(frozenset({"EtcdDown"}))
    ),
    "maintenance_window": with_policy(windows=(NEVER,)),
    "freeze": with_policy(freezes=(Freeze(NOW - 1.0, NOW + 1.0, "the sale"),)),
    "cooldown": question(others=(record(2, acted_at=NOW - 1.0),)),
    "rate": question(others=REPAIRED),
    "concurrency": question(others=(SAME_NODE,)),
    "one_node": question(case(policy=TWO_SLOTS), others=(OTHER,)),
    "related": question(case(policy=TWO_SLOTS), others=(SAME_CLAIM,)),
    "node_lease": question(
        case(
            view(Lease("medik8s-leases", f"node-{DEAD}", "1", NOW, "nhc", 60)),
            policy=msgspec.structs.replace(AUTO, medik8s_leases="medik8s-leases"),
        )
    ),
    "attached_twice": question(TWICE),
    "blast_radius": question(others=HOLDS),
    "capacity_cap": question(plan=msgspec.structs.replace(plan(), creates=4097)),
    "cluster_health": question(case(view(node(SPARE, Ready.UNKNOWN)))),
    "gluster_gate": question(plan=msgspec.structs.replace(plan(), gluster_nodes=(DEAD,))),
    "fencing_proof": question(case(record=record())),
}


def phase(about: Question, guards: tuple[tuple[str, object], ...]) -> Phase:
    """Return where the verdicts lead."""
    kept = tuple((name, guard) for name, guard in GUARDS if name in dict(guards))
    return outcome(ask(about, kept), about.case.policy.mode, about.plan.goal).phase


def test_a_question_that_nothing_speaks_against_is_allowed_by_all() -> None:
    """Otherwise the tests below would prove nothing."""
    said = ask(question())
    assert [name for name, verdict in said if isinstance(verdict, Allowed)] == [
        n for n, _ in GUARDS
    ]


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
