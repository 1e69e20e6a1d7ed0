"""What was measured, what follows from it for the shipped settings, and the table of both. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

from rich.table import Table

from demo.line import Pace

TOLERATION = 300.0  # Kubernetes' default: so long a pod stays on a silent node before it is evicted
PLAYED_TOLERATION = 5.0  # the demo's pods
USUALLY = "6 min"


@dataclass(frozen=True)
class Measured:
    """Seconds to each milestone of a repair: from NotReady, in scene b the last three from the stop.

    seen: the metric is there; alerted: Alertmanager has the alert; proven: the second reading;
    acted: the taint; healed: both pods Running elsewhere.
    """

    seen: float
    alerted: float
    proven: float
    acted: float
    healed: float


NAMES = tuple(item.name for item in fields(Measured))


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


def shipped(measured: Measured, pace: Pace | None = None) -> Measured:
    """Return scene a's times with shipped settings; `pace` is what it was measured with."""
    pace, ships = pace or Pace(), Pace.shipped()
    alerted = _alerted(measured.seen, ships.alert_after, ships)
    waited = measured.proven - measured.alerted - pace.readings_apart
    proven = alerted + max(waited, 0.0) + ships.readings_apart
    return _then(measured, alerted, proven)


def shipped_after_stop(measured: Measured, pace: Pace | None = None) -> Measured:
    """Return scene b's times with shipped settings: the next look comes up to `look_every` later."""
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
    """Return the table at the end; `own` None: it was not measured."""
    made = Table(title="Seconds", title_justify="left", pad_edge=False)
    made.add_column("until", no_wrap=True)
    for head in ("a node died", "b silent, then stopped", "c two want one", "Kubernetes' own path"):
        made.add_column(f"{head}\ndemo", justify="right")
        made.add_column("\nshipped", justify="right")
    a_ships, b_ships, c_ships = shipped(a), shipped_after_stop(b), shipped_notice(c)
    own_ships = shipped_own_path(own) if own is not None else None
    own_names = {"acted": "deleted", "healed": "healed"}
    for name in NAMES:
        cells = [_cell(getattr(item, name)) for item in (a, a_ships)]
        mark = "" if name in ("seen", "alerted") else "*"
        cells += [_cell(getattr(item, name)) + mark for item in (b, b_ships)]
        cells += [_cell(getattr(item, name, None)) for item in (c, c_ships)]
        of_own = own_names.get(name, "")
        if own is None:
            cells += ["not measured", USUALLY + " more"] if name == "healed" else ["", ""]
        else:
            cells += [_cell(getattr(item, of_own, None)) for item in (own, own_ships)]
        made.add_row(name, *cells)
    return made


def notes(own: OwnPath | None, pace: Pace) -> list[str]:
    """Return what has to be said under the table, a sentence each."""
    ships = Pace.shipped()
    found = [
        "From NotReady; before it, a silent node is given up after 50 s in a shipped Kubernetes."
        " Scene c: from when the second pod was placed. * scene b: from when its instance was"
        " stopped.",
        "seen: the metric is there. alerted: Alertmanager has the alert. proven: EC2 was read as"
        " stopped twice. acted: our taint is on the node. healed: both pods Running elsewhere.",
        f"shipped = computed, worst case: scraped within {ships.scrape:g} s, age above"
        f" {ships.alert_after:g} s (c: {ships.multi_attach_after:g} s), evaluated within"
        f" {ships.evaluate:g} s, group_wait 0, readings {ships.readings_apart:g} s apart instead of"
        f" {pace.readings_apart:g} s (b: the next look within {ships.look_every:g} s); the rest as"
        " measured. Kubernetes collects the pods of a tainted node every 20 s, so acted to healed"
        " varies by that much.",
    ]
    if own is None:
        found.append(
            f"Kubernetes' own path: not measured (usually {USUALLY} after the force delete)."
        )
    else:
        found.append(
            f"Kubernetes' own path: acted is a person with kubectl delete --force, here as soon as"
            f" the pods were Terminating, {own.terminating:.0f} s after NotReady (shipped:"
            f" {TOLERATION:.0f} s, the default toleration); then {own.healed - own.deleted:.0f} s"
            " until Kubernetes takes the volumes away by force."
        )
    return found


def _cell(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"
