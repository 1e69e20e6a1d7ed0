"""The remediator's settings: every field with its unit and default.

Times are written with a unit.
"""

import enum
from collections.abc import Iterator
from pathlib import Path

import msgspec

from exporter.kit.logs import Level
from exporter.kit.values import Address, Duration
from exporter.observe.kube.access import Where
from remediator.case import Policy
from remediator.handlers import handler_of

SHORTEST_GAP = Duration(30.0)
"""Between two readings of a fencing proof. Less is for demonstrations only, and must be said."""


LONGEST_FRESH = Duration(60.0)
"""How old the last reading of a proof may ever be when we act."""


class Mode(enum.StrEnum):
    """observe: plans and verdicts only. approve: a person says yes first. auto: guards decide."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


class Webhook(msgspec.Struct, frozen=True):
    """`token_file` holds the bearer token that Alertmanager must send.

    It is read again when it changes.
    """

    token_file: Path
    largest_body_bytes: int = 4 * 1024 * 1024

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.largest_body_bytes < 1:
            yield ("largest_body_bytes", "must be at least 1")


class Fencing(msgspec.Struct, frozen=True):
    """How a machine is proven dead.

    `readings_apart`: between the two readings; `demonstration` allows less than 30s, for a demo.
    `fresh_for`: how old the last reading may be when we act.
    `ec2_endpoint_url`, `ec2_region`: empty for AWS' own and the providerID's.
    `ec2_account`: the account number that must own the instances; empty: any.
    `removable_drivers`: CSI drivers whose node-bound volumes may be taken away with their node.
    """

    readings_apart: Duration = SHORTEST_GAP
    demonstration: bool = False
    fresh_for: Duration = Duration(10.0)
    ec2_endpoint_url: str = ""
    ec2_region: str = ""
    ec2_account: str = ""
    removable_drivers: tuple[str, ...] = ()

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

    alert_max_age: Duration = Duration(5 * 3600.0)
    cooldown: Duration = Duration(1800.0)
    look_every: Duration = Duration(15.0)
    give_up_after: Duration = Duration(6 * 3600.0)
    settle_within: Duration = Duration(600.0)
    quiet: Duration = Duration(600.0)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts."""
        if self.look_every < Duration(1.0):
            yield ("look_every", "must be at least 1s")
        if self.give_up_after < self.look_every:
            yield ("give_up_after", "must be longer than look_every")


class Settings(msgspec.Struct, frozen=True):
    """`mode` is for every handler that `modes` does not name.

    `namespace` is where the kill switch lies.
    """

    webhook: Webhook
    listen: Address = Address("0.0.0.0", 9822)  # noqa: S104 -- Alertmanager is elsewhere
    kubernetes: Where = Where()
    namespace: str = "pvmedic"
    mode: Mode = Mode.OBSERVE
    modes: dict[str, Mode] = {}
    fencing: Fencing = Fencing()
    limits: Limits = Limits()
    log_level: Level = Level.INFO

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name handlers that do not exist."""
        for name in self.modes:
            if handler_of(name) is None:
                yield (f"modes.{name}", "there is no handler of this name")

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
        )
