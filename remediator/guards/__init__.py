"""The guards, one visible list: reading it is reading the policy.

All run, every verdict is recorded.
"""

from remediator.guards.alertmanager import blocking_alerts, silence
from remediator.guards.base import Denied, Guard, Question, Verdict
from remediator.guards.blast_radius import blast_radius
from remediator.guards.breaker import breaker
from remediator.guards.capacity import capacity_cap
from remediator.guards.clocks import clocks
from remediator.guards.cluster_health import cluster_health
from remediator.guards.fencing_proof import fencing_proof
from remediator.guards.freshness import alert_freshness
from remediator.guards.gluster_gate import gluster_gate
from remediator.guards.kill_switch import kill_switch
from remediator.guards.mode import approval, mode
from remediator.guards.node_lease import node_lease
from remediator.guards.opt_out import opt_in, opt_out
from remediator.guards.pacing import concurrency, cooldown, one_node, rate
from remediator.guards.people import people
from remediator.guards.related import attached_twice, related
from remediator.guards.schedule import freeze, maintenance_window

GUARDS: tuple[tuple[str, Guard], ...] = (
    ("mode", mode),
    ("approval", approval),
    ("kill_switch", kill_switch),
    ("people", people),
    ("clocks", clocks),
    ("breaker", breaker),
    ("opt_out", opt_out),
    ("opt_in", opt_in),
    ("alert_freshness", alert_freshness),
    ("silence", silence),
    ("blocking_alerts", blocking_alerts),
    ("maintenance_window", maintenance_window),
    ("freeze", freeze),
    ("cooldown", cooldown),
    ("rate", rate),
    ("concurrency", concurrency),
    ("one_node", one_node),
    ("related", related),
    ("node_lease", node_lease),
    ("attached_twice", attached_twice),
    ("blast_radius", blast_radius),
    ("capacity_cap", capacity_cap),
    ("cluster_health", cluster_health),
    ("gluster_gate", gluster_gate),
    ("fencing_proof", fencing_proof),
)

ALL_ALONG = tuple(
    (name, guard)
    for name, guard in GUARDS
    if name
    in {
        "kill_switch",
        "people",
        "clocks",
        "concurrency",
        "related",
        "node_lease",
        "attached_twice",
        "cluster_health",
        "gluster_gate",
        "fencing_proof",
    }
)
"""Those that are asked before each later step of a plan as well.

The others say whether a plan may begin: a window that closes, or a silence, is no reason to leave a
repair half done.
"""


def ask(
    question: Question, guards: tuple[tuple[str, Guard], ...] = GUARDS
) -> tuple[tuple[str, Verdict], ...]:
    """Ask every guard. One that raises denies."""
    return tuple((name, _ask(guard, question)) for name, guard in guards)


def _ask(guard: Guard, question: Question) -> Verdict:
    try:
        return guard(question)
    except Exception as error:  # noqa: BLE001 -- broken means no, whatever broke
        return Denied(f"this guard is broken: {type(error).__name__}: {error}")
