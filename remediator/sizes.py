"""Settings of how claims may grow, and sizes as they are written there: quantities."""

from collections.abc import Iterator
from typing import Annotated, Self

import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe.parse.quantities import whole
from remediator.growth.policy import EBS, Driver, Growth, quantity, step_of


class Size(int):
    """Bytes, written as a quantity: `500Gi`, `16Ti`; 0 where there is none."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read one; a number without a unit is bytes, as in Kubernetes."""
        plain = isinstance(text, int) and not isinstance(text, bool)
        found = whole(str(text)) if plain or isinstance(text, str) else None
        if found is None or found < 0:
            raise ValueError(f"{text!r} is not a size: write a quantity such as 500Gi")
        return cls(found)

    def __str__(self) -> str:
        """As it is written: `500Gi`."""
        return quantity(int(self))


class DriverSettings(msgspec.Struct, frozen=True):
    """What a CSI driver can, which its API does not say."""

    largest: Annotated[Size, setting("Its largest volume, as a quantity. 0: not known.")] = Size(0)
    cooldown: Annotated[
        Duration, setting("How long it lets one volume wait between two changes.")
    ] = Duration(0.0)


class GrowthSettings(msgspec.Struct, frozen=True):
    """How claims may grow that fill up."""

    step: Annotated[
        str,
        setting(
            "By how much a claim grows at a time, as a percentage or a quantity, unless its"
            " annotation pvmedic.dev/grow-step says it."
        ),
    ] = "20%"
    ceiling: Annotated[
        Size,
        setting(
            "How large a claim may become whose annotation pvmedic.dev/grow-ceiling does not say"
            " it. 0: such a claim is never grown."
        ),
    ] = Size(0)
    cooldown: Annotated[
        Duration, setting("How long after a growth a claim is not grown again.")
    ] = Duration(3600.0)
    drivers: Annotated[
        dict[str, DriverSettings],
        setting("What drivers can, by their names. A table here takes the place of ours."),
    ] = msgspec.field(
        default_factory=lambda: {EBS: DriverSettings(Size(16 * 1024**4), Duration(6 * 3600.0))}
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what is no step."""
        if step_of(self.step, 1) is None:
            yield ("step", "must be a percentage up to 1000%, such as 20%, or a quantity")

    def value(self) -> Growth:
        """Return what decisions read."""
        return Growth(
            step=self.step,
            ceiling=int(self.ceiling) or None,
            cooldown=float(self.cooldown),
            drivers={
                name: Driver(int(one.largest) or None, float(one.cooldown))
                for name, one in self.drivers.items()
            },
        )
