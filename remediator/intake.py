"""From a notification to durable records: acknowledged means written.

Edge between webhook and engine.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from exporter.observe.errors import Conflict
from exporter.observe.model import Subject
from exporter.observe.signals import detector_of
from remediator import alert as alerts
from remediator.alert import Alert, Existing, Notification, Outcome
from remediator.handlers import handler_of
from remediator.record import Record, Spec

LOG = logging.getLogger("pvmedic.intake")

CLUSTER = "cluster"
"""The label by which alerts of several clusters are told apart."""


class Episodes(Protocol):
    """Where records are looked up and made."""

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode of a subject."""
        ...

    async def create(self, spec: Spec) -> Record:
        """Create a record durably; Conflict when it exists."""
        ...


class Intake:
    """Takes notifications.

    `heard` is told which record a firing alert is about. `existing` says by their names what alerts
    without a signal are about. `cluster`: alerts whose label `cluster` says another are not ours.
    """

    def __init__(
        self,
        episodes: Episodes,
        heard: Callable[[str, float], None],
        now: Callable[[], float],
        existing: Mapping[str, Existing] | None = None,
        cluster: str = "",
    ) -> None:
        """Remember the start as the watchdog's first word, so that silence counts from there."""
        self._episodes = episodes
        self._heard = heard
        self._now = now
        self._existing = existing or {}
        self._cluster = cluster
        self.watchdog_at = now()

    async def take(self, notification: Notification) -> list[Outcome]:
        """Return once all that has to be recorded is durable; raises ObserveError when not."""
        return [await self._take(one, notification.receiver) for one in notification.alerts]

    async def _take(self, alert: Alert, receiver: str) -> Outcome:
        if alerts.WATCHDOG in alert.labels:
            if alert.firing:
                self.watchdog_at = self._now()
            return Outcome.WATCHDOG
        if self._cluster and alert.labels.get(CLUSTER, self._cluster) != self._cluster:
            return self._unrecorded(alert, Outcome.OTHER_CLUSTER)
        alert = alerts.translated(alert, self._existing)
        detector = detector_of(alert.signal)
        if not alert.signal or (detector is None and handler_of(alert.signal) is None):
            return self._unrecorded(alert, Outcome.NO_SIGNAL)
        if detector is None or handler_of(alert.signal) is None:
            return self._unrecorded(alert, Outcome.NO_HANDLER)
        subject = alerts.subject_of(alert, detector.subject_labels)
        if subject is None:
            return self._unrecorded(alert, Outcome.NO_SUBJECT)
        newest = self._episodes.newest(alert.signal, subject)
        if not alert.firing:
            # A hint to look, no more: whether the failure is gone is seen, not believed.
            if newest is not None and not newest.over:
                self._heard(newest.name, newest.status.last_alert_at or newest.created)
            return Outcome.RESOLVED
        if newest is not None and not newest.over:
            self._heard(newest.name, self._now())
            return Outcome.KNOWN
        return await self._open(alert, subject, newest, receiver)

    async def _open(
        self, alert: Alert, subject: Subject, newest: Record | None, receiver: str
    ) -> Outcome:
        spec = Spec(
            signal=alert.signal,
            subject=dict(subject.labels),
            subject_text=str(subject),
            episode=newest.spec.episode + 1 if newest is not None else 1,
            alert=alerts.evidence(alert, receiver),
        )
        try:
            record = await self._episodes.create(spec)
        except Conflict:
            return Outcome.KNOWN
        LOG.info("recorded", extra={"fields": {"record": record.name, "subject": str(subject)}})
        self._heard(record.name, self._now())
        return Outcome.RECORDED

    def _unrecorded(self, alert: Alert, outcome: Outcome) -> Outcome:
        shown = {"outcome": str(outcome), "labels": alert.labels}
        LOG.info("not recorded", extra={"fields": shown})
        return outcome
