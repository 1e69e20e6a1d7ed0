"""Which records are about something, what keeps each from acting, and what would change that. Pure.

One table from guard to sentence, one from phase to what a person may do.
"""

from collections.abc import Iterable, Iterator, Mapping

from remediator.record import (
    WAITING,
    Phase,
    Record,
    VerdictRecord,
)

CHANGES: Mapping[str, str] = {
    "mode": "with mode approve, a yes: `pvmedic approve NAME`; with mode observe, only the setting"
    " `modes` (or `mode`) of the remediator lets it act",
    "approval": "a yes to this very plan: `pvmedic approve NAME`",
    "kill_switch": "`pvmedic resume` takes the switch off",
    "people": "the right to list and watch remediationapprovals; `pvmedic check-access` says what"
    " is missing",
    "clocks": "a clock that is set right (NTP, chrony) on the node of that replica, or on those of"
    " the API servers",
    "breaker": "look at each record that it names, then `pvmedic release` it; where it waited"
    " meanwhile, the next notification of its alert",
    "opt_out": "take `pvmedic.dev/remediation: disabled` off what the sentence names, if its owner"
    " agrees",
    "opt_in": "set `pvmedic.dev/remediation: enabled` on what the sentence names, or the setting"
    " `opt_in: false`",
    "alert_freshness": "a new notification from Alertmanager; look whether it still repeats this"
    " alert",
    "silence": "expire the silence in Alertmanager (`amtool silence expire ID`), or let it end",
    "blocking_alerts": "the alert that it names must end, or leave the setting"
    " `schedule.blocking_alerts`",
    "maintenance_window": "the next window, or the setting `schedule.windows`",
    "freeze": "the end of the freeze, or the setting `schedule.freezes`",
    "cooldown": "time: it goes on by itself (setting `limits.cooldown`)",
    "rate": "time: it goes on by itself (settings `limits.rate_per_handler` and"
    " `limits.rate_overall`)",
    "concurrency": "the end of the repair that it names; `pvmedic show` says how far that is",
    "one_node": "the end of the repair of the other node",
    "node_lease": "the end of the other tool's work on that node; its Lease says who it is, and"
    " ends by itself when nobody renews it",
    "related": "the end of the repair that it names: both touch the same thing",
    "attached_twice": "a person decides which of the two nodes may keep the volume; the runbook"
    " volume_attached_twice says how",
    "blast_radius": "nodes that are back and have had our taint taken off (`pvmedic list`, phase"
    " Holding), or the setting `limits.blast_radius_percent`",
    "capacity_cap": "the setting `limits.capacity_cap`, if that much disk is really wanted",
    "cluster_health": "look at the network and the control plane first; it goes on when at most a"
    " third of the nodes is down",
    "gluster_gate": "a pool that is whole: all peers connected, all bricks online, nothing left to"
    " heal (`pvmedic_gluster_disruption_safe`)",
    "fencing_proof": "stop the machine (EC2: stop or terminate the instance): the proof is read"
    " again at every look. Or, if you know that it is off, `pvmedic attest NODE off`",
}
"""For each guard, what would change its refusal."""

OTHERWISE = "the sentence says it; there is no rule of thumb"

MAY: Mapping[Phase, tuple[str, ...]] = {
    Phase.OBSERVED: ("reject", "cancel"),
    Phase.AWAITING_APPROVAL: ("approve", "reject", "cancel"),
    Phase.DEFERRED: ("reject", "cancel"),
    Phase.RUNNING: ("cancel",),
    Phase.HOLDING: ("undo",),
    Phase.REJECTED: ("release",),
    Phase.UNSETTLED: ("release",),
    Phase.FAILED: ("release",),
    Phase.DECLINED: ("release",),
    Phase.BLOCKED: ("release",),
    Phase.EXPIRED: ("release",),
}
"""For each phase, the orders of a person that make sense in it."""

MEANS: Mapping[str, str] = {
    "approve": "let this very plan be done",
    "reject": "do not do it; the subject is left alone until it is released",
    "cancel": "stop before the next write",
    "release": "you have looked: the next alert may begin anew",
    "undo": "take back what is owed now, whatever the node says; look at the node first",
}


def changes(verdict: VerdictRecord) -> str:
    """Return what would change a refusal."""
    return CHANGES.get(verdict.guard, OTHERWISE)


def refusals(record: Record) -> Iterator[VerdictRecord]:
    """Yield the verdicts that did not allow it."""
    yield from (one for one in record.status.verdicts if one.verdict != "Allowed")


def orders(record: Record) -> tuple[str, ...]:
    """Return what a person may say now."""
    if record.over:
        return ("undo",) if record.owes else ()
    named = MAY.get(record.status.phase, ())
    owing = ("undo",) if record.owes and "undo" not in named else ()
    return (*named, *owing)


def about(records: Iterable[Record], what: str) -> list[Record]:
    """Return the records about an alert, a claim (namespace/name), a node or a record, newest last.

    Of each subject those that are not over, or else its newest one.
    """
    found = [record for record in records if _is_about(record, what)]
    newest = {(r.spec.signal, r.spec.subject_text): r.name for r in found}
    return [
        record
        for record in found
        if not record.over
        or record.name in (what, newest[record.spec.signal, record.spec.subject_text])
    ]


def stands(record: Record) -> str:
    """Return in a sentence what keeps a record from acting, or that nothing does."""
    phase = record.status.phase
    if phase in WAITING:
        count = sum(1 for _ in refusals(record))
        if not record.status.verdicts:
            return "no guard was asked yet: it has not come to a plan"
        return f"{count} of {len(record.status.verdicts)} guards do not allow it now"
    if phase in (Phase.RUNNING, Phase.VERIFYING):
        return "it is being repaired"
    return "the verdicts are those of the time when it was last judged"


def _is_about(record: Record, what: str) -> bool:
    spec, plan = record.spec, record.status.plan
    namespace, slash, name = what.partition("/")
    if slash:
        labels = spec.subject | {
            key: value
            for key, value in spec.alert.labels.items()
            if key in ("namespace", "persistentvolumeclaim")
        }
        wanted = {"namespace": namespace, "persistentvolumeclaim": name}
        return wanted.items() <= labels.items() or (
            plan is not None and what in (*plan.used_claims, *plan.claim_uids)
        )
    return what in (
        record.name,
        spec.signal,
        spec.alert.alertname,
        spec.alert.fingerprint,
        *spec.subject.values(),
        *(plan.nodes if plan is not None else ()),
    )
