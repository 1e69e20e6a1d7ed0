"""What a scene is made of, as values: what is done, what must then be seen, how it is repaired.

Tests play the same acts as the demo and expect the same of them. Nothing is done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def nothing() -> Sequence[str]:
    """Say nothing more on the screen."""
    return ()


def nobody_knows() -> float | None:
    """Say that no object has a time of when this began: the exporter's first sight counts."""
    return None


@dataclass(frozen=True)
class Sight:
    """A since-series of the exporter: some of its labels, `reason` among them.

    `began` reads the object's own time of the beginning, Unix seconds. `alerts` is False where, by
    intent, another signal of the same act has the alert. `stays`: it outlasts its repair, and the
    scene does not wait for its end.
    """

    signal: str
    labels: Mapping[str, str]
    began: Callable[[], float | None] = nobody_knows
    alerts: bool = True
    stays: bool = False


@dataclass(frozen=True)
class Figure:
    """Another series that must have a value."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Act:
    """One thing that happens. `by` says who does it, and whether that is real, played or crafted.

    `sights` and `figures` must be there afterwards, and of `gone` nothing may be left. `shows`
    returns lines for a person who watches.
    """

    what: str
    by: str
    do: Callable[[], None]
    sights: tuple[Sight, ...] = ()
    figures: tuple[Figure, ...] = ()
    gone: tuple[Sight, ...] = ()
    shows: Callable[[], Sequence[str]] = nothing


@dataclass(frozen=True)
class Play:
    """A scene: failures, then repairs. `crafted` says what no component here could say itself."""

    title: str
    story: str
    crafted: str
    failures: tuple[Act, ...]
    repairs: tuple[Act, ...]
    once: bool = True  # whether one look at the API shows it, too

    @property
    def sights(self) -> tuple[Sight, ...]:
        """All that must be seen of the failures, in their order."""
        return tuple(sight for act in self.failures for sight in act.sights)
