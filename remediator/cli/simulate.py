"""simulate FILE: what the remediator would make of alerts, by its own intake. Edge.

It asks nobody unless it is told to.

Without a cluster nothing is known of what is recorded already. With `look` the records are read,
each subject is looked at, planned and judged with the person's own rights; nothing is written, and
no cloud and no Alertmanager is asked.
"""

import time
from collections.abc import Iterator, Sequence

import msgspec

from exporter.kit.terminal import harmless
from exporter.observe.errors import Conflict, ObserveError, Unreachable
from exporter.observe.kube.api import Api
from exporter.observe.kube.scales import scales
from exporter.observe.look import Beside
from exporter.observe.model import Kind, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.signals import detector_of
from remediator import alert as alerts
from remediator.alert import Alert, Notification, Outcome
from remediator.cli import show
from remediator.cli.said import DONE, NO, Said, said
from remediator.dry_run import DryRun, dry_run, named
from remediator.intake import Intake
from remediator.judgement import Judge
from remediator.ports import Told
from remediator.record import Record, Spec, name_of
from remediator.settings import Settings
from remediator.store import Store
from remediator.world import KubernetesWorld

MEANS = {
    Outcome.RECORDED: "a Remediation would be made",
    Outcome.KNOWN: "there is a Remediation for it already, which would be looked at",
    Outcome.RESOLVED: "resolved: a hint to look, no more",
    Outcome.NO_SIGNAL: "its label `signal` names no failure that we know; nothing would be made",
    Outcome.NO_HANDLER: "nothing repairs this failure: a person does, by its runbook",
    Outcome.NO_SUBJECT: "it lacks a label that its failure's subject needs",
    Outcome.OTHER_CLUSTER: "its label `cluster` says that it is another cluster's",
    Outcome.WATCHDOG: "the watchdog: it proves that the line is alive",
}


class Simulated(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What would become of one alert. `unseen`: why the look could not be done."""

    alertname: str
    outcome: Outcome
    sentence: str
    remediation: str = ""
    run: DryRun | None = None
    unseen: str = ""


class Known:
    """The records that there are, and those that would be made; an Episodes that writes nothing."""

    def __init__(self, store: Store | None) -> None:
        """Know nothing without a store."""
        self._store = store
        self._made: dict[str, Record] = {}

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode of a subject."""
        made = (r for r in self._made.values() if (r.spec.signal, r.subject) == (signal, subject))
        there = self._store.newest(signal, subject) if self._store is not None else None
        return next(made, there)

    async def create(self, spec: Spec) -> Record:
        """Remember that it would be made."""
        name = name_of(spec.signal, Subject(tuple(spec.subject.items())), spec.episode)
        if name in self._made:
            raise Conflict(name)
        self._made[name] = Record(name=name, uid="", version="", created=0.0, spec=spec)
        return self._made[name]


class Unasked:
    """A cloud and an Alertmanager that a person's command does not ask."""

    async def read(self, provider_id: str) -> InstanceReading:
        """Say so."""
        del provider_id
        raise Unreachable("the cloud is not asked by this command")

    async def told(self, record: Record) -> Told | str | None:
        """Say nothing."""
        del record
        return None


def read(body: bytes) -> Notification:
    """Return a notification, one alert, or a list of them as one; ValueError when it is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"this is no JSON: {error}") from error
    if isinstance(found, dict) and "alerts" in found:
        return alerts.parse(body)
    items = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in items):
        raise ValueError("this is no alert, no list of alerts and no notification")
    # Alertmanager's own API gives a status of several fields; what it lists there fires.
    plain = [
        one | {"status": one["status"] if isinstance(one.get("status"), str) else "firing"}
        for one in items
    ]
    whole = {"version": alerts.VERSION, "alerts": plain}
    return alerts.parse(msgspec.json.encode(whole))


async def simulate(
    notification: Notification, settings: Settings, api: Api | None, width: int
) -> Said:
    """Return what would become of each alert; raises ObserveError where records cannot be read."""
    store = Store(api) if api is not None else None
    if store is not None:
        await store.load()
    known, heard = Known(store), list[str]()

    def hear(name: str, _: float) -> None:
        heard.append(name)

    intake = Intake(known, hear, time.time, settings.alerts, settings.cluster)
    found: list[Simulated] = []
    for alert in notification.alerts:
        heard.clear()
        one = msgspec.structs.replace(notification, alerts=[alert])
        (outcome,) = await intake.take(one)
        name = heard[0] if heard else ""
        label = alert.labels.get("alertname", "")
        simulated = Simulated(label, outcome, MEANS[outcome], name)
        if api is not None and store is not None and outcome in (Outcome.RECORDED, Outcome.KNOWN):
            simulated = await _looked(simulated, alert, settings, api, store)
        found.append(simulated)
    would = any(one.outcome in (Outcome.RECORDED, Outcome.KNOWN) for one in found)
    return said(DONE if would else NO, _lines(found, width), found)


async def _looked(
    simulated: Simulated, alert: Alert, settings: Settings, api: Api, store: Store
) -> Simulated:
    alert = alerts.translated(alert, settings.alerts)
    detector = detector_of(alert.signal)
    labels = detector.subject_labels if detector is not None else ()
    asked = named(alert.signal, {label: alert.labels.get(label, "") for label in labels})
    if isinstance(asked, str):
        return simulated
    others = {Kind.SCALE: scales(api, settings.stopping.kinds())}
    world = KubernetesWorld(api, settings.namespace, Beside(others=others))
    unasked = Unasked()
    judge = Judge(
        world=world,
        power=unasked,
        alerting=unasked,
        records=store,
        sinks=(),
        policy=settings.policy(),
        now=time.time,
    )
    try:
        return msgspec.structs.replace(simulated, run=await dry_run(world, judge, store, asked))
    except ObserveError as error:
        return msgspec.structs.replace(simulated, unseen=str(error))


def _lines(found: Sequence[Simulated], width: int) -> Iterator[str]:
    if not found:
        yield "There is no alert in it."
    for one in found:
        about = f" ({one.remediation})" if one.remediation else ""
        yield harmless(f"{one.alertname or 'an alert'}: {one.outcome}, {one.sentence}{about}")
        if one.run is not None:
            yield from (f"  {line}" for line in show.dry(one.run, width - 2))
        if one.unseen:
            yield harmless(f"  could not be looked at: {one.unseen}")
