"""maintenance_window, freeze: when people want work to begin, and when they do not."""

from datetime import UTC, datetime

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.schedule import frozen_by, next_opening, open_in


def maintenance_window(question: Question) -> Verdict:
    """Wait for the next window, where there are any."""
    windows, now = question.case.policy.windows, question.case.now
    if not windows or open_in(windows, now):
        return Allowed()
    opens = next_opening(windows, now)
    when = "never opens" if opens is None else f"opens at {_shown(opens)}"
    return NotYet(f"outside of every maintenance window; the next one {when}", opens)


def freeze(question: Question) -> Verdict:
    """Wait until the freeze is over."""
    found = frozen_by(question.case.policy.freezes, question.case.now)
    if found is None:
        return Allowed()
    return NotYet(f"frozen until {_shown(found.ends)}: {found.reason}", found.ends)


def _shown(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M UTC")
