"""silence, blocking_alerts: what people said to Alertmanager counts here, too.

A silence means hands off. Where no Alertmanager is named in the settings these two say nothing;
where one is named and does not answer, nobody knows, and nothing begins.
"""

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.ports import Told


def silence(question: Question) -> Verdict:
    """Wait while the alert of this record is silenced."""
    told = question.told
    if isinstance(told, str):
        return NotYet(f"whether the alert is silenced could not be asked: {told}")
    if isinstance(told, Told) and told.silence:
        return NotYet(f"the alert is silenced: {told.silence}")
    return Allowed()


def blocking_alerts(question: Question) -> Verdict:
    """Wait while an alert fires that the settings name as a reason to do nothing."""
    wanted, told = question.case.policy.blocking_alerts, question.told
    if not wanted:
        return Allowed()
    if not isinstance(told, Told):
        why = told or "no Alertmanager is named in the settings"
        return NotYet(f"whether a blocking alert fires could not be asked: {why}")
    firing = sorted(wanted & told.firing)
    if firing:
        return NotYet(f"{', '.join(firing)} fires: nothing begins while it does")
    return Allowed()
