"""The remediator's settings: every field with its unit and default.

Times are written with a unit.
"""

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.logs import Level
from exporter.kit.values import Address, Duration
from exporter.observe.kube.access import Where
from exporter.observe.kubelets import KubeletSettings
from exporter.observe.node_pods import FactsSettings
from exporter.observe.signals import detector_of
from remediator.alertmanager import AlertmanagerSettings
from remediator.case import Policy
from remediator.handlers import handler_of
from remediator.rok_settings import RokSettings
from remediator.sizes import GrowthSettings
from remediator.stopping import StoppingSettings
from remediator.when import Schedule

SHORTEST_GAP = Duration(30.0)
"""Between two readings of a fencing proof. Less is for demonstrations only, and must be said."""


PERCENT = 100

LONGEST_FRESH = Duration(60.0)
"""How old the last reading of a proof may ever be when we act."""


SHORTEST_LEASE = Duration(15.0)
SHORTEST_LANDING = Duration(75.0)
SHORTEST_DEMONSTRATION = Duration(3.0)
LONGEST_LEASE = Duration(300.0)


class Mode(enum.StrEnum):
    """observe: plans and verdicts only. approve: a person says yes first. auto: guards decide."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


class Webhook(msgspec.Struct, frozen=True):
    """Who may send notifications, and how large."""

    token_file: Annotated[
        Path,
        setting(
            "Holds the bearer token that Alertmanager must send. It is read again when it changes."
        ),
    ]
    largest_body_bytes: Annotated[
        int, setting("How large a notification may be; a larger one gets 413.", unit="bytes")
    ] = 4 * 1024 * 1024

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.largest_body_bytes < 1:
            yield ("largest_body_bytes", "must be at least 1")


class ReadingSettings(msgspec.Struct, frozen=True):
    """Who may ask what would be done."""

    token_file: Annotated[
        Path | None,
        setting(
            "Holds the bearer token of `pvmedic plan`, another one than the webhook's. It is read"
            " again when it changes. Empty: nobody may ask."
        ),
    ] = None


class Fencing(msgspec.Struct, frozen=True):
    """How a machine is proven dead."""

    readings_apart: Annotated[
        Duration, setting("How far the two readings of a proof are apart; at least 30s.")
    ] = SHORTEST_GAP
    demonstration: Annotated[
        bool,
        setting("Allows readings less than 30s apart. For a demonstration, never for a cluster."),
    ] = False
    fresh_for: Annotated[
        Duration, setting("How old a proof's last reading may be when we act; at most 60s.")
    ] = Duration(10.0)
    ec2_endpoint_url: Annotated[str, setting("Where EC2 is asked. Empty: AWS' own.")] = ""
    ec2_region: Annotated[str, setting("The instances' region. Empty: the providerID's.")] = ""
    ec2_account: Annotated[
        str, setting("The number of the account that must own the instances. Empty: any.")
    ] = ""
    removable_drivers: Annotated[
        tuple[str, ...],
        setting("CSI drivers whose node-bound volumes may be taken away with their node."),
    ] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts."""
        if self.readings_apart < SHORTEST_GAP and not self.demonstration:
            yield (
                "readings_apart",
                f"must be at least {SHORTEST_GAP}: a restart takes seconds, too",
            )
        if self.fresh_for > LONGEST_FRESH:
            yield ("fresh_for", f"must be at most {LONGEST_FRESH}: a machine starts in that time")


class Limits(msgspec.Struct, frozen=True):
    """How often, how much, how long. Shipped defaults are in DESIGN's words the careful ones."""

    alert_max_age: Annotated[
        Duration, setting("How long ago an alert may have arrived last for us to act on it.")
    ] = Duration(5 * 3600.0)
    cooldown: Annotated[
        Duration, setting("How long a subject is left alone after it was repaired.")
    ] = Duration(1800.0)
    look_every: Annotated[
        Duration, setting("How often what waits is looked at again; at least 1s.")
    ] = Duration(15.0)
    give_up_after: Annotated[
        Duration, setting("How long a repair may wait before it is given up and a person is paged.")
    ] = Duration(6 * 3600.0)
    approve_within: Annotated[
        Duration, setting("How long a plan waits for a person's yes; then it has expired.")
    ] = Duration(24 * 3600.0)
    settle_within: Annotated[
        Duration, setting("How long after a repair its goal may take before a person is paged.")
    ] = Duration(600.0)
    quiet: Annotated[
        Duration, setting("How long a failure must be seen gone before its episode is over.")
    ] = Duration(600.0)

    rate_window: Annotated[
        Duration, setting("The time within which repairs are counted for the rates below.")
    ] = Duration(3600.0)
    rate_per_handler: Annotated[
        int, setting("How many subjects one handler may repair in that time.", unit="subjects")
    ] = 3
    rate_overall: Annotated[
        int, setting("How many subjects all handlers may repair in it.", unit="subjects")
    ] = 6
    blast_radius_percent: Annotated[
        int,
        setting(
            "How many of the nodes may be out of service by our doing at once; two always may.",
            unit="percent of all nodes",
        ),
    ] = 10
    breaker: Annotated[
        int,
        setting(
            "So many Failed or Unsettled repairs that nobody released stop all.", unit="records"
        ),
    ] = 3
    capacity_cap: Annotated[
        int, setting("How much cloud disk one plan may create.", unit="GiB")
    ] = 4096
    stop_workloads: Annotated[
        int, setting("How many workloads one plan may stop.", unit="workloads")
    ] = 20
    stop_pods: Annotated[int, setting("How many pods they may have.", unit="pods")] = 200

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts."""
        counts = ("rate_per_handler", "rate_overall", "breaker", "capacity_cap")
        for name in (*counts, "stop_workloads", "stop_pods"):
            if getattr(self, name) < 1:
                yield (name, "must be at least 1; to do nothing at all, the mode is observe")
        if not 0 <= self.blast_radius_percent <= PERCENT:
            yield ("blast_radius_percent", "must be 0 to 100")
        if self.look_every < Duration(1.0):
            yield ("look_every", "must be at least 1s")
        if self.give_up_after < self.look_every:
            yield ("give_up_after", "must be longer than look_every")


class Replicas(msgspec.Struct, frozen=True):
    """How several replicas agree on the one that executes."""

    lease: Annotated[
        Duration,
        setting(
            "How long the others wait after the last word of the one that executes: 15s to 5m."
        ),
    ] = SHORTEST_LEASE
    landing: Annotated[
        Duration,
        setting(
            "How long a write without an answer may still take effect, so that nobody repeats it"
            " before: at least 75s, for an API server works on a request for 60s."
        ),
    ] = SHORTEST_LANDING
    demonstration: Annotated[
        bool,
        setting("Allows shorter times, from 3s on. For a demonstration, never for a cluster."),
    ] = False

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts."""
        for name, least in (("lease", SHORTEST_LEASE), ("landing", SHORTEST_LANDING)):
            at_least = SHORTEST_DEMONSTRATION if self.demonstration else least
            if getattr(self, name) < at_least:
                yield (name, f"must be at least {at_least}")
        if self.lease > LONGEST_LEASE:
            yield ("lease", f"must be at most {LONGEST_LEASE}: a dead one is replaced only then")


class RecordSettings(msgspec.Struct, frozen=True):
    """How long records are kept. A subject's newest always is, and what is owed."""

    keep_for: Annotated[
        Duration,
        setting(
            "How long a record is kept after its episode is over; longer than any limit counts."
        ),
    ] = Duration(30 * 86400.0)
    at_most: Annotated[
        int,
        setting(
            "How many records there may be; the oldest that are over go first.", unit="records"
        ),
    ] = 5000

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.at_most < 1:
            yield ("at_most", "must be at least 1")


class ExistingAlert(msgspec.Struct, frozen=True):
    """What an alert without a signal is about: one that people had before pvmedic."""

    signal: Annotated[str, setting("The failure, by its name.")]
    labels: Annotated[
        dict[str, str],
        setting("For each label of the failure's subject, the alert's label that has its value."),
    ]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name a failure that nobody sees, and labels that are not its subject's."""
        detector = detector_of(self.signal)
        if detector is None:
            yield ("signal", "there is no failure of this name")
        elif self.labels.keys() != set(detector.subject_labels):
            yield ("labels", f"must have exactly {', '.join(detector.subject_labels)}")


class Settings(msgspec.Struct, frozen=True):
    """The whole file."""

    webhook: Annotated[Webhook, setting("Where Alertmanager sends to.")]
    reading: Annotated[ReadingSettings, setting("Who may ask what would be done.")] = (
        ReadingSettings()
    )
    listen: Annotated[
        Address, setting("Where we listen, HOST:PORT; IPv6 hosts stand in brackets.")
    ] = Address("0.0.0.0", 9822)  # noqa: S104 -- Alertmanager is elsewhere
    kubernetes: Annotated[Where, setting("Where the API server is, and who we are to it.")] = (
        Where()
    )
    namespace: Annotated[str, setting("The namespace in which the kill switch lies.")] = "pvmedic"
    identity: Annotated[
        str,
        setting(
            "The name of this replica, which no other one has. Empty: the host's name, which in a"
            " pod is the pod's; a container that is restarted takes its Lease up again at once."
        ),
    ] = ""
    mode: Annotated[Mode, setting("What every handler may do that `modes` does not name.")] = (
        Mode.OBSERVE
    )
    modes: Annotated[
        dict[str, Mode], setting("What single handlers may do, by their names, as `mode` says it.")
    ] = {}
    alerts: Annotated[
        dict[str, ExistingAlert],
        setting(
            "What alerts without the label `signal` are about, by their names: those that were"
            " there before pvmedic. alerts/settings/existing-alerts.yaml has a table to take."
        ),
    ] = {}
    opt_in: Annotated[
        bool,
        setting(
            "Whether only what asks for it is touched: namespaces, or nodes, that carry the label"
            " or annotation pvmedic.dev/remediation: enabled."
        ),
    ] = False
    cluster: Annotated[
        str,
        setting(
            "The value of the alerts' label `cluster` that is ours. Empty: any, and none. Disks"
            " that we make carry it."
        ),
    ] = ""
    alertmanager: Annotated[
        AlertmanagerSettings, setting("Where silences and missed alerts are asked for.")
    ] = AlertmanagerSettings()
    fencing: Annotated[Fencing, setting("How a machine is proven dead.")] = Fencing()
    kubelets: Annotated[
        KubeletSettings, setting("How kubelets are asked about their volumes, in a fresh look.")
    ] = KubeletSettings()
    facts: Annotated[FactsSettings, setting("How our pods on nodes are asked to look again.")] = (
        FactsSettings()
    )
    limits: Annotated[Limits, setting("How often and how long.")] = Limits()
    growth: Annotated[GrowthSettings, setting("How claims may grow that fill up.")] = (
        GrowthSettings()
    )
    stopping: Annotated[
        StoppingSettings, setting("What may be stopped beyond workloads that everybody knows.")
    ] = StoppingSettings()
    rok: Annotated[
        RokSettings, setting("How a node whose Rok snapshot space is full is repaired.")
    ] = RokSettings()
    medik8s_leases: Annotated[
        str,
        setting(
            "The namespace in which medik8s' tools keep one Lease a node; it is taken before a node"
            " is touched. Empty: they are not there, and none is taken."
        ),
    ] = ""
    replicas: Annotated[Replicas, setting("How one of several replicas executes.")] = Replicas()
    records: Annotated[RecordSettings, setting("How long Remediations are kept.")] = (
        RecordSettings()
    )
    schedule: Annotated[Schedule, setting("When work may begin.")] = Schedule()
    log_level: Annotated[Level, setting("How much is logged.", live=True)] = Level.INFO

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name handlers that do not exist, and what contradicts."""
        if self.reading.token_file == self.webhook.token_file:
            yield ("reading.token_file", "must be another file than webhook.token_file")
        for name in self.modes:
            if handler_of(name) is None:
                yield (f"modes.{name}", "there is no handler of this name")
        if self.records.keep_for <= max(self.limits.cooldown, self.limits.rate_window):
            yield ("records.keep_for", "must be longer than limits.cooldown and limits.rate_window")
        if self.schedule.blocking_alerts and not self.alertmanager.urls:
            yield ("schedule.blocking_alerts", "nobody can be asked: alertmanager.urls is empty")

    def policy(self) -> Policy:
        """Return what guards and handlers read."""
        limits, fencing = self.limits, self.fencing
        return Policy(
            mode=str(self.mode),
            modes={name: str(mode) for name, mode in self.modes.items()},
            removable_drivers=frozenset(fencing.removable_drivers),
            alert_max_age=limits.alert_max_age,
            cooldown=limits.cooldown,
            proof_gap=fencing.readings_apart,
            proof_age=fencing.fresh_for,
            give_up_after=limits.give_up_after,
            settle_within=limits.settle_within,
            quiet=limits.quiet,
            approve_within=limits.approve_within,
            rate_window=limits.rate_window,
            rate_per_handler=limits.rate_per_handler,
            rate_overall=limits.rate_overall,
            blast_radius=limits.blast_radius_percent / PERCENT,
            breaker=limits.breaker,
            opt_in=self.opt_in,
            capacity_cap=limits.capacity_cap,
            stop_workloads=limits.stop_workloads,
            stop_pods=limits.stop_pods,
            bare_pods=self.stopping.bare_pods,
            scalable=frozenset(self.stopping.kinds()),
            blocking_alerts=frozenset(self.schedule.blocking_alerts),
            medik8s_leases=self.medik8s_leases,
            growth=self.growth.value(),
            rok=self.rok.value(self.cluster),
            windows=tuple(one.value() for one in self.schedule.windows),
            freezes=tuple(one.value() for one in self.schedule.freezes),
        )
