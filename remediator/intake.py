"""From a notification to durable records: acknowledged means written.

Edge between webhook and engine. A storm is many subjects at once: some of their records are made at
one time, and one for each subject, however many alerts and notifications speak of it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from exporter.observe.errors import Conflict, Invalid, ObserveError
from exporter.observe.model import Subject
from exporter.observe.signals import detector_of
from remediator import alert as alerts
from remediator.alert import Alert, Existing, Notification, Outcome
from remediator.handlers import handler_of
from remediator.record import Record, Spec, name_of, subject_key

LOG = logging.getLogger("pvmedic.intake")

CLUSTER = "cluster"
"""The label by which alerts of several clusters are told apart."""

AT_ONCE = 32
"""Records that are being made at one time: etcd writes many with one wait for the disk."""


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
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._opening: dict[str, asyncio.Task[Outcome]] = {}
        self.watchdog_at = now()

    async def take(self, notification: Notification) -> list[Outcome]:
        """Return once all that has to be recorded is durable; raises ObserveError when not.

        What is being recorded when the caller gives up is recorded all the same.
        """
        receiver = notification.receiver
        said = [self._sorted(alert, receiver) for alert in notification.alerts]
        new = [(number, spec) for number, spec in enumerate(said) if isinstance(spec, Spec)]
        opened = await self._open_all(iter(new), len(new)) if new else {}
        return [
            opened[number] if isinstance(outcome, Spec) else outcome
            for number, outcome in enumerate(said)
        ]

    def _sorted(self, alert: Alert, receiver: str) -> Outcome | Spec:
        """Return what became of an alert that needs no write, else what has to be recorded."""
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
        return Spec(
            signal=alert.signal,
            subject=dict(subject.labels),
            subject_text=str(subject),
            episode=newest.spec.episode + 1 if newest is not None else 1,
            alert=alerts.evidence(alert, receiver),
        )

    async def _open_all(self, new: Iterator[tuple[int, Spec]], count: int) -> dict[int, Outcome]:
        """Record all; one that the API server refuses does not keep the others from it."""
        outcomes: dict[int, Outcome] = {}
        failed: list[ObserveError] = []

        async def work() -> None:
            for number, spec in new:
                try:
                    outcomes[number] = await self._open(spec)
                except ObserveError as error:
                    failed.append(error)
                    if not isinstance(error, Invalid):
                        # The API server is away, or has enough: the rest is sent again.
                        return

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, count)):
                group.create_task(work())
        if failed:
            raise failed[0]
        return outcomes

    async def _open(self, spec: Spec) -> Outcome:
        """Record an episode, once, whoever else asks for it or gives up waiting meanwhile."""
        key = subject_key(spec.signal, Subject(tuple(spec.subject.items())))
        first = False
        if key not in self._opening:
            # Before there is a task, so that who gives up here leaves nothing behind.
            await self._slots.acquire()
            if key in self._opening:
                self._slots.release()
            else:
                first = True
                opening = self._opening[key] = asyncio.create_task(self._create(spec))
                opening.add_done_callback(lambda done: self._opened(key, done))
        outcome = await asyncio.shield(self._opening[key])
        return outcome if first else Outcome.KNOWN

    def _opened(self, key: str, done: asyncio.Task[Outcome]) -> None:
        del self._opening[key]
        self._slots.release()
        if not done.cancelled() and (error := done.exception()) is not None:
            LOG.warning("could not be recorded", extra={"fields": {"why": str(error)}})

    async def _create(self, spec: Spec) -> Outcome:
        subject = Subject(tuple(spec.subject.items()))
        there = self._episodes.newest(spec.signal, subject)
        if there is not None and there.spec.episode >= spec.episode:
            # While we waited for a slot.
            self._heard(there.name, self._now())
            return Outcome.KNOWN
        try:
            record = await self._episodes.create(spec)
        except Conflict:
            self._heard(name_of(spec.signal, subject, spec.episode), self._now())
            return Outcome.KNOWN
        fields = {"record": record.name, "subject": spec.subject_text}
        LOG.info("recorded", extra={"fields": fields})
        self._heard(record.name, self._now())
        return Outcome.RECORDED

    def _unrecorded(self, alert: Alert, outcome: Outcome) -> Outcome:
        shown = {"outcome": str(outcome), "labels": alert.labels}
        LOG.info("not recorded", extra={"fields": shown})
        return outcome
