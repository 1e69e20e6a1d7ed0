"""Alertmanager's webhook payload, version 4, as values. Pure: no HTTP, no clock.

Source: Alertmanager 0.25 to 0.34 `notify/webhook` and `template.Data`. Fields that we do not know
are skipped, so newer versions are understood. What the payload claims is a hint only; nothing is
decided from it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from exporter.observe.model import Subject
from remediator.record import AlertRef

VERSION = "4"
WATCHDOG = "pvmedic_watchdog"
"""Label of the alert that always fires, to prove that the whole line is alive."""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert; its own status counts, not the group's. A firing one ends in the year 1."""

    status: str
    labels: dict[str, str]
    starts_at: str = ""
    fingerprint: str = ""

    @property
    def signal(self) -> str:
        """Return the failure's name, empty when the alert has none."""
        return self.labels.get("signal", "")

    @property
    def firing(self) -> bool:
        """Whether this alert fires."""
        return self.status == "firing"


class Existing(Protocol):
    """What an alert without a signal is about: one that people had before pvmedic.

    signal: the failure. labels: for each label of its subject, the alert's that has its value.
    """

    @property
    def signal(self) -> str:
        """The failure, by its name."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """For each label of the failure's subject, the alert's label that has its value."""
        ...


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """One webhook call."""

    version: str
    alerts: list[Alert]
    receiver: str = ""
    truncated_alerts: int = 0


class Outcome(StrEnum):
    """What became of one alert: a closed set, also the metric label."""

    RECORDED = "Recorded"
    KNOWN = "Known"
    RESOLVED = "Resolved"
    NO_SIGNAL = "NoSignal"
    NO_HANDLER = "NoHandler"
    NO_SUBJECT = "NoSubject"
    OTHER_CLUSTER = "OtherCluster"
    WATCHDOG = "Watchdog"


_DECODER = msgspec.json.Decoder(Notification)


def parse(body: bytes) -> Notification:
    """Return a notification; ValueError with a sentence when it is not one."""
    try:
        notification = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        sentence = f"not an Alertmanager notification: {error}; a custom `payload:` is none"
        raise ValueError(sentence) from error
    if notification.version != VERSION:
        raise ValueError(f"notification version {notification.version!r}, not {VERSION!r}")
    return notification


def translated(alert: Alert, existing: Mapping[str, Existing]) -> Alert:
    """Return the alert as one of ours when its name is known; one with a signal stays as it is."""
    found = existing.get(alert.labels.get("alertname", ""))
    if alert.signal or found is None:
        return alert
    subject = {ours: alert.labels.get(theirs, "") for ours, theirs in found.labels.items()}
    return msgspec.structs.replace(alert, labels=alert.labels | subject | {"signal": found.signal})


def subject_of(alert: Alert, labels: tuple[str, ...]) -> Subject | None:
    """Return the subject by the detector's subject labels.

    None when the alert lacks one of them.
    """
    values = tuple((name, alert.labels.get(name, "")) for name in labels)
    return Subject(values) if all(value for _, value in values) else None


def evidence(alert: Alert, receiver: str) -> AlertRef:
    """Return what is kept of the alert that opened an episode."""
    return AlertRef(
        fingerprint=alert.fingerprint,
        starts_at=_seconds(alert.starts_at),
        alertname=alert.labels.get("alertname", ""),
        # Alertmanager sends the receiver's name quoted as a regular expression.
        receiver=re.sub(r"\\(.)", r"\1", receiver),
        labels=alert.labels,
    )


def _seconds(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text)
        # Year 1 stands for "no time".
        return when.timestamp() if when.year > 1 and when.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
