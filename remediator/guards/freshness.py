"""alert_freshness: an alert that nobody has repeated for long is no reason to act any more."""

from remediator.guards.base import Allowed, Denied, Question, Verdict


def alert_freshness(question: Question) -> Verdict:
    """Deny when the last firing notification is unknown or older than alert_max_age."""
    case = question.case
    last = case.record.status.last_alert_at
    if last is None:
        return Denied("no firing notification is on record")
    if case.now - last > case.policy.alert_max_age:
        return Denied(
            "the last firing notification is too old: Alertmanager has stopped repeating it"
        )
    return Allowed()
