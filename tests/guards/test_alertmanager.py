"""silence, blocking_alerts: a silence means hands off, and not knowing means waiting."""

import msgspec

from remediator.guards.alertmanager import blocking_alerts, silence
from remediator.guards.base import Allowed, NotYet
from remediator.ports import Told
from tests.story.objects import AUTO, case, question

BLOCKING = case(policy=msgspec.structs.replace(AUTO, blocking_alerts=frozenset({"EtcdDown"})))


def test_a_silence_is_a_reason_to_wait_and_is_named() -> None:
    """So that one can look whose it is."""
    verdict = silence(question(told=Told(silence="3f2a: disks are replaced")))
    assert verdict == NotYet("the alert is silenced: 3f2a: disks are replaced")
    assert silence(question(told=Told())) == Allowed()


def test_an_alertmanager_that_does_not_answer_is_a_reason_to_wait() -> None:
    """There may be a silence."""
    assert isinstance(silence(question(told="refused")), NotYet)
    assert isinstance(blocking_alerts(question(BLOCKING, told="refused")), NotYet)


def test_without_an_alertmanager_there_are_no_silences() -> None:
    """Nobody named one."""
    assert silence(question()) == Allowed()


def test_a_blocking_alert_is_waited_for_only_while_it_fires() -> None:
    """Others are no reason."""
    verdict = blocking_alerts(question(BLOCKING, told=Told(frozenset({"EtcdDown", "Other"}))))
    assert verdict == NotYet("EtcdDown fires: nothing begins while it does")
    assert blocking_alerts(question(BLOCKING, told=Told(frozenset({"Other"})))) == Allowed()


def test_blocking_alerts_that_nobody_can_be_asked_about_block() -> None:
    """Broken means no."""
    verdict = blocking_alerts(question(BLOCKING))
    assert isinstance(verdict, NotYet)
    assert "no Alertmanager is named" in verdict.reason


def test_without_blocking_alerts_nobody_is_asked() -> None:
    """An Alertmanager that is away is then no reason here."""
    assert blocking_alerts(question(told="refused")) == Allowed()
