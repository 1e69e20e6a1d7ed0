"""The dashboard of repairs: one question a panel, in the order in which one asks them.

Which metrics it shows is written here; what they mean they say themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from grafana_foundation_sdk.builders import dashboard as build

from dashboards import panels, queries
from dashboards.published import Published

Metrics: TypeAlias = Mapping[str, Published]
Columns: TypeAlias = Callable[[Iterable[str]], dict[str, str]]

WEEK = "[7d]"
APPROVALS = "pvmedic_remediation_approval_waiting_since_timestamp_seconds"
HUMAN = "pvmedic_remediation_needs_human_since_timestamp_seconds"
UNANSWERED = "pvmedic_remediation_step_unanswered_since_timestamp_seconds"
OWED = "pvmedic_remediation_holding_since_timestamp_seconds"
PHASES = "pvmedic_remediations"
HELD = "pvmedic_remediations_held"
WOULD, WOULD_NOT = "pvmedic_would_have_acted_total", "pvmedic_would_have_been_held_total"
MOVES, DENIALS = "pvmedic_remediation_transitions_total", "pvmedic_guard_denials_total"
ORDERS = "pvmedic_orders_total"
FIRST_WRITE = "pvmedic_remediation_first_write_seconds"
REPAIR = "pvmedic_remediation_repair_duration_seconds"
LEADER, DUE = "pvmedic_leader", "pvmedic_remediations_due_since_timestamp_seconds"
BREAKER, WRONG = "pvmedic_breaker_open", "pvmedic_breaker_remediations"

METRICS = frozenset(
    {APPROVALS, UNANSWERED, PHASES, HELD, WOULD, WOULD_NOT, MOVES, DENIALS, ORDERS, FIRST_WRITE}
    | {REPAIR, LEADER, DUE, BREAKER, WRONG}
)
"""Those that are on this dashboard and not again on the one of pvmedic itself."""


def parts(metrics: Metrics, columns: Columns) -> Iterator[panels.Panel | build.Row]:
    """Yield its panels."""
    yield panels.row("What waits for whom")
    for name, title, runbook in (
        (APPROVALS, "Plans that wait for a yes", "approval_waiting"),
        (HUMAN, "Stopped, waits for a person", "human_needed"),
        (UNANSWERED, "Begun, and nobody knows whether it was done", "outcome_unknown"),
        (OWED, "Changes of ours that are not taken back", "undo_owed"),
    ):
        one = metrics[name]
        ages = [(queries.ages(one), "Age", panels.AGE)]
        yield panels.rows(title, one.meaning, columns(one.labels), ages, runbook, panels.HALF)
    yield _lines(metrics[PHASES], "Records by phase", "{{signal}} {{phase}}")
    yield _lines(metrics[HELD], "What holds plans back now", "{{signal}} {{guard}}")
    yield panels.row("What auto would have done")
    for name, title, by in (
        (WOULD, "Would have acted, over a week", ("signal",)),
        (WOULD_NOT, "Would have been held, by guard, over a week", ("signal", "guard")),
    ):
        one = metrics[name]
        legend = " ".join(f"{{{{{label}}}}}" for label in by)
        yield panels.counted(title, one.meaning, _over_a_week(one, by), legend)
    yield panels.row("What was done")
    for name, title, by in (
        (MOVES, "Records that came to a phase, over a week", ("signal", "phase")),
        (ORDERS, "Orders of people, over a week", ("decision", "outcome")),
    ):
        one = metrics[name]
        yield panels.rows(
            title,
            one.meaning,
            columns(by),
            [(f"{_over_a_week(one, by)} > 0", "Times", panels.NUMBER)],
            "repair_running" if name == MOVES else "approval_waiting",
            panels.HALF,
        )
    for name, title in (
        (FIRST_WRITE, "From the alert to our first change, over a week"),
        (REPAIR, "Time to repair, over a week"),
    ):
        one = metrics[name]
        yield panels.quantiles(
            title,
            one.meaning,
            [
                (_quantile(one, share), f"{{{{signal}}}} p{share * 100:.0f}")
                for share in (0.5, 0.99)
            ],
        )
    yield _lines(metrics[DENIALS], "Denials by guard: per second", "{{guard}}", panels.RATE)
    yield panels.row("The engine")
    leader = metrics[LEADER]
    by_replica = f"max by (replica) ({queries.selector(LEADER, leader.labels)})"
    yield panels.timeline(
        "Who leads", leader.meaning, by_replica, "{{replica}}", good=1, width=panels.HALF
    )
    breaker = metrics[BREAKER]
    yield panels.timeline(
        "Circuit breaker",
        breaker.meaning,
        f"max ({queries.selector(BREAKER)})",
        "open",
        width=panels.HALF,
    )
    wrong = metrics[WRONG]
    yield panels.lines(
        "Went wrong and not released",
        wrong.meaning,
        f"max ({queries.selector(WRONG)})",
        "records",
        panels.NUMBER,
    )
    due = metrics[DUE]
    late = f"max (time() - {queries.selector(DUE)})"
    yield panels.lines("How late the engine is", due.meaning, late, "late", panels.AGE)


def _lines(one: Published, title: str, legend: str, unit: str = panels.NUMBER) -> panels.Panel:
    return panels.lines(title, one.meaning, queries.plain(one), legend, unit)


def _over_a_week(one: Published, by: Iterable[str]) -> str:
    return f"sum by ({', '.join(by)}) (increase({queries.selector(one.name, one.labels)}{WEEK}))"


def _quantile(one: Published, share: float) -> str:
    """Return a quantile over a week: repairs are rare, and a rate of minutes would show none."""
    buckets = queries.selector(f"{one.name}_bucket", one.labels)
    by = ", ".join(("le", *one.labels))
    return f"histogram_quantile({share}, sum by ({by}) (increase({buckets}{WEEK})))"
