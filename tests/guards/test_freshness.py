"""alert_freshness: by the last firing notification."""

from remediator.guards.base import Allowed, Denied
from remediator.guards.freshness import alert_freshness
from tests.story.objects import NOW, case, question, record

LARGEST = 5 * 3600.0


def test_an_alert_that_was_just_heard_is_allowed() -> None:
    """It is why we are here."""
    assert alert_freshness(question()) == Allowed()


def test_an_alert_of_exactly_the_largest_age_is_allowed_and_an_older_one_denied() -> None:
    """Alertmanager repeats every four hours; five without a word is the end."""
    at_the_limit = case(record=record(last_alert_at=NOW - LARGEST))
    beyond = case(record=record(last_alert_at=NOW - LARGEST - 0.001))
    assert alert_freshness(question(at_the_limit)) == Allowed()
    assert isinstance(alert_freshness(question(beyond)), Denied)


def test_a_record_without_any_notification_is_denied() -> None:
    """Nothing speaks for it."""
    verdict = alert_freshness(question(case(record=record(last_alert_at=None))))
    assert verdict == Denied("no firing notification is on record")
