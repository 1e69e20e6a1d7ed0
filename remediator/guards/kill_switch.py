"""kill_switch: the ConfigMap `pvmedic-pause` stops everything that has not begun to write."""

from remediator.guards.base import Allowed, NotYet, Question, Verdict


def kill_switch(question: Question) -> Verdict:
    """Wait while the switch is on, or cannot be read."""
    if question.paused is None:
        return NotYet("the kill switch (ConfigMap pvmedic-pause) could not be read")
    if question.paused:
        return NotYet("the kill switch is on: ConfigMap pvmedic-pause exists")
    return Allowed()
