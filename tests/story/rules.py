"""What people rely on, told once more: from the cluster, its cloud and its records alone.

Apart from the guards, so that a guard that is missing or wrong is noticed.
"""

from collections.abc import Iterator

from exporter.observe.model import Subject
from exporter.observe.signals.base import lost
from exporter.observe.view import View
from remediator.ports import Told
from remediator.record import ACTING, Phase, PlanRecord, Record
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import DEAD, SIGNAL
from tests.story.states import RELEASED, State
from tests.story.test_no_taint_without_proof import proof

OUT = frozenset({*ACTING, Phase.HOLDING})
WRONG = frozenset({Phase.FAILED, Phase.UNSETTLED})


def broken(cluster: FakeCluster, state: State, name: str) -> Iterator[str]:
    """Name the rules that a taint by the record of this name would break now."""
    mine = cluster.record(name)
    node = mine.subject["node"]
    rules = {
        **_of_the_node(cluster, state, node),
        **_of_people(cluster, state, mine),
        **_of_budgets(cluster, state, mine, node),
    }
    return (rule for rule, violated in rules.items() if violated)


def _of_the_node(cluster: FakeCluster, state: State, node: str) -> dict[str, bool]:
    view, now = View(cluster.objects, cluster.clock), cluster.clock
    nodes, found = view.nodes(), view.node(node)
    answers = [one for one in cluster.answers if one.instance_id == made.instance_id(node)]
    machine = cluster.machines[made.instance_id(node)]
    first = node == DEAD
    return {
        "the node is lost": found is None or not lost(found),
        "proof": not proof(answers, now, cluster.policy),
        "its machine has no power": machine.state not in ("stopped", "terminated"),
        "nothing is unseen": bool(state.unseen),
        "no volume lives there": first and bool(state.local),
        "no volume has two writers": first and state.twice,
        "nobody else works on it": first and state.holder not in ("", f"pvmedic/{made.NAME}"),
        "not a third is down": 3 * sum(map(lost, nodes)) > len(nodes),
    }


def _of_people(cluster: FakeCluster, state: State, mine: Record) -> dict[str, bool]:
    policy, told, now = cluster.policy, cluster.alertmanager, cluster.clock
    what, word = state.opted
    here = mine.subject["node"] == DEAD or what == "namespace"
    firing = told.firing if isinstance(told, Told) else frozenset()
    yes = state.mode == "approve" and state.yes == "this" and mine.name == made.NAME
    # What was heard is on record as Alertmanager's word; a look of ours adds nothing to it.
    age = now - state.heard
    return {
        "the operator lets us, or somebody said yes": state.mode != "auto" and not yes,
        "not while the switch is on or unread": cluster.pause is not False,
        "not while nobody can be heard": bool(cluster.unheard),
        "not while clocks differ": cluster.ahead is None or abs(cluster.ahead) > 30.0,
        "not what has opted out": here and word == "disabled",
        "only what asked us in": policy.opt_in
        and not (here and what in ("label", "node", "namespace") and word == "enabled"),
        "the alert is still repeated": age > policy.alert_max_age,
        "not while silenced, or nobody knows": isinstance(told, str)
        or (isinstance(told, Told) and bool(told.silence)),
        "not while a blocking alert fires, or nobody knows": bool(policy.blocking_alerts)
        and (not isinstance(told, Told) or bool(policy.blocking_alerts & firing)),
        "only within a window": bool(state.windows),
        "not in a freeze": any(one.begins <= now < one.ends for one in policy.freezes),
    }


def _of_budgets(cluster: FakeCluster, state: State, mine: Record, node: str) -> dict[str, bool]:
    policy, now = cluster.policy, cluster.clock
    others = [one for one in cluster.all() if one.name != mine.name]
    recent = [one for one in others if (one.status.acted_at or 0.0) > now - policy.rate_window]
    handlers = [one for one in recent if one.spec.signal == SIGNAL]
    acting = [one for one in others if one.status.phase in ACTING]
    out = {node, *(place for one in others if one.status.phase in OUT for place in _nodes(one))}
    wrong = [one for one in others if one.status.phase in WRONG]
    left = [one for one in wrong if not one.status.released_at]
    total = len(View(cluster.objects, now).nodes())
    return {
        "breaker": len(left) >= policy.breaker,
        "heard again since the release": len(left) < policy.breaker <= len(wrong)
        and state.heard <= RELEASED,
        "cooldown": any(
            _subject(one) == _subject(mine) and now - (one.status.acted_at or 0.0) < policy.cooldown
            for one in others
        ),
        "rate of the handler": len(handlers) >= policy.rate_per_handler,
        "rate of all": len(recent) >= policy.rate_overall,
        "concurrency": len(acting) >= policy.concurrency,
        "one node at a time": any(_nodes(one) - {node} for one in acting),
        "not what another is at work on": any(_shares(one, node) for one in acting),
        "blast radius": len(out) > max(2, int(policy.blast_radius * total)),
    }


def _subject(one: Record) -> tuple[str, Subject]:
    return one.spec.signal, one.subject


def _nodes(one: Record) -> set[str]:
    """Return the nodes that a record says it works on."""
    plan: PlanRecord | None = one.status.plan
    touched = plan.touches if plan is not None else ()
    return {text.removeprefix("node ") for text in touched if text.startswith("node ")}


def _shares(one: Record, node: str) -> bool:
    plan = one.status.plan
    ours = {"claim web/files", "claim web/rows"} if node == DEAD else {"claim web/logs"}
    return plan is not None and bool(ours & set(plan.touches))
