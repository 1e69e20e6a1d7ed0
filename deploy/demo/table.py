"""What was measured, what follows from it for the shipped settings, and the table of both. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

from rich import box
from rich.table import Table

from demo.pace import Pace

TOLERATION = 300.0  # Kubernetes' default: so long a pod stays on a silent node before it is evicted
PLAYED_TOLERATION = 5.0  # the demo's pods
USUALLY = "6 min"


@dataclass(frozen=True)
class Measured:
    """Seconds to each milestone of a repair: from NotReady; scene b's last three from the stop.

    seen: the metric is there; alerted: Alertmanager has the alert; proven: the second reading;
    acted: the taint; healed: both pods Running elsewhere.
    """

    seen: float
    alerted: float
    proven: float
    acted: float
    healed: float


NAMES = tuple(item.name for item in fields(Measured))
LATE = NAMES[2:]


@dataclass(frozen=True)
class Noticed:
    """Seconds from when a pod that cannot get its volume was placed."""

    seen: float
    alerted: float


@dataclass(frozen=True)
class OwnPath:
    """Kubernetes without pvmedic: seconds from NotReady until its pods are Terminating, and healed.

    `deleted` is when a person force-deleted them; at once, here.
    """

    terminating: float
    deleted: float
    healed: float


@dataclass(frozen=True)
class Repaired:
    """The milestones that there are without pvmedic."""

    acted: float
    healed: float


def shipped(measured: Measured, pace: Pace | None = None) -> Measured:
    """Return scene a's times with shipped settings; `pace` is what it was measured with."""
    pace, ships = pace or Pace(), Pace.shipped()
    alerted = _alerted(measured.seen, ships.alert_after, ships)
    waited = measured.proven - measured.alerted - pace.readings_apart
    proven = alerted + max(waited, 0.0) + ships.readings_apart
    return _then(measured, alerted, proven)


def shipped_after_stop(measured: Measured, pace: Pace | None = None) -> Measured:
    """Return scene b's times with shipped settings; the next look comes within `look_every`."""
    pace, ships = pace or Pace(), Pace.shipped()
    alerted = _alerted(measured.seen, ships.alert_after, ships)
    own = max(measured.proven - pace.readings_apart - pace.look_every, 0.0)
    return _then(measured, alerted, ships.look_every + own + ships.readings_apart)


def shipped_notice(noticed: Noticed) -> Noticed:
    """Return scene c's times with shipped settings."""
    ships = Pace.shipped()
    return Noticed(noticed.seen, _alerted(noticed.seen, ships.multi_attach_after, ships))


def shipped_own_path(own: OwnPath) -> OwnPath:
    """Return Kubernetes' own path with the toleration that every pod gets by default."""
    later = TOLERATION - PLAYED_TOLERATION
    return OwnPath(*(seconds + later for seconds in astuple(own)))


def _alerted(seen: float, after: float, ships: Pace) -> float:
    """Return the latest evaluation at which a rule on age fires: scraped, old enough, evaluated."""
    return max(seen + ships.scrape, after) + ships.evaluate


def _then(measured: Measured, alerted: float, proven: float) -> Measured:
    """Return what follows a proof as it was measured: it depends on no setting of ours."""
    acted = proven + measured.acted - measured.proven
    return Measured(measured.seen, alerted, proven, acted, acted + measured.healed - measured.acted)


def table(a: Measured, b: Measured, c: Noticed, own: OwnPath | None) -> Table:
    """Return the table at the end; without `own`, which was not measured then, in a note only."""
    pairs = {
        "scene a": (a, shipped(a)),
        "scene b": (b, shipped_after_stop(b)),
        "scene c": (c, shipped_notice(c)),
    } | ({"alone": (_own(own), _own(shipped_own_path(own)))} if own is not None else {})
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    made.add_column("seconds\nuntil", no_wrap=True)
    for head in pairs:
        made.add_column(f"{head}\ndemo", justify="right")
        made.add_column("\nshipped", justify="right", style="bold")
    for name in NAMES:
        row = [
            _cell(getattr(item, name, None), head == "scene b" and name in LATE)
            for head, pair in pairs.items()
            for item in pair
        ]
        made.add_row(name, *row)
    return made


def _own(own: OwnPath) -> Repaired:
    """Return the own path in the table's words: a person's force delete is its act."""
    return Repaired(own.deleted, own.healed)


def notes(own: OwnPath | None, pace: Pace) -> list[str]:
    """Return what has to be said under the table, a sentence each."""
    ships = Pace.shipped()
    found = [
        (
            "seen: the metric is there. alerted: Alertmanager has the alert. proven: EC2 said"
            " stopped twice. acted: the taint is on the node. healed: both pods Running elsewhere."
        ),
        (
            "Counted from NotReady (a shipped Kubernetes gives a silent node up after 50 s, before"
            " all this), looked at four times a second; c: from when the second pod was placed;"
            " * from when the instance was stopped."
        ),
        (
            f"demo: measured. shipped: computed, at worst: scraped within {ships.scrape:g} s, age"
            f" above {ships.alert_after:g} s (c: {ships.multi_attach_after:g} s), evaluated within"
            f" {ships.evaluate:g} s, group_wait 0, readings {ships.readings_apart:g} s apart, not"
            f" {pace.readings_apart:g} s, * next look within {ships.look_every:g} s; the rest as"
            " measured. Kubernetes collects the pods of a tainted node every 20 s: acted to healed"
            " varies by that much."
        ),
    ]
    if own is None:
        found.append(f"Kubernetes alone: not measured (usually {USUALLY} after the force delete).")
    else:
        found.append(
            f"Kubernetes alone: acted is a person with kubectl delete --force, here as soon as the"
            f" pods were Terminating, {own.terminating:.0f} s after NotReady (shipped:"
            f" {own.terminating + TOLERATION - PLAYED_TOLERATION:.0f} s, the toleration that pods"
            f" get by default is {TOLERATION:.0f} s); then it took"
            f" {own.healed - own.deleted:.0f} s until Kubernetes took the volumes away by force."
        )
    return found


def _cell(seconds: float | None, late: bool) -> str:  # noqa: FBT001 -- of this table only
    return "-" if seconds is None else f"{seconds:.1f}{'*' if late else ''}"
