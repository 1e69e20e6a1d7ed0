"""cooldown, rate, concurrency, one_node: how often and how much at once, counted from records."""

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.record import ACTING, Record


def cooldown(question: Question) -> Verdict:
    """Wait until this subject has been left alone long enough since we last acted on it."""
    case = question.case
    same = [other for other in question.others if _same_subject(other, case.record)]
    acted = [one.status.acted_at for one in (case.record, *same) if one.status.acted_at is not None]
    until = max(acted, default=-case.policy.cooldown) + case.policy.cooldown
    if case.now < until:
        return NotYet("this subject was acted on a short while ago: cooldown", until)
    return Allowed()


def rate(question: Question) -> Verdict:
    """Wait while as many subjects as allowed were acted on within the window."""
    case, policy = question.case, question.case.policy
    since = case.now - policy.rate_window
    signal = case.record.spec.signal
    acted = [
        (one.spec.signal, at)
        for one in question.others
        if (at := one.status.acted_at) is not None and at > since
    ]
    ours = [at for whose, at in acted if whose == signal]
    for times, limit, whose in (
        (ours, policy.rate_per_handler, f"repairs of {signal}"),
        ([at for _, at in acted], policy.rate_overall, "repairs of all kinds"),
    ):
        if len(times) >= limit:
            until = sorted(times)[-limit] + policy.rate_window
            minutes = policy.rate_window / 60
            return NotYet(f"{len(times)} {whose} in {minutes:g} min: {limit} are allowed", until)
    return Allowed()


def concurrency(question: Question) -> Verdict:
    """Wait for a free execution slot."""
    busy = [other.name for other in question.others if other.acting]
    if len(busy) >= question.case.policy.concurrency:
        return NotYet(f"no free execution slot: {', '.join(sorted(busy))} is running")
    return Allowed()


def one_node(question: Question) -> Verdict:
    """Wait while another node is being worked on, whatever the number of slots."""
    mine = set(question.plan.nodes)
    for other in question.others:
        plan = other.status.plan
        if mine and other.status.phase in ACTING and plan is not None:
            theirs = set(plan.nodes)
            if theirs - mine:
                return NotYet(
                    f"one node at a time: {other.name} works on {', '.join(sorted(theirs))}"
                )
    return Allowed()


def _same_subject(one: Record, other: Record) -> bool:
    return one.spec.signal == other.spec.signal and one.spec.subject == other.spec.subject
