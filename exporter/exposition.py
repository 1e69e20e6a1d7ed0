"""Series as bytes: rendered once when their object changes, joined at each scrape.

The text format 0.0.4 and OpenMetrics 1.0 differ only in headers, so one store serves both. It knows
no signal and no metric by name. What a whole answer ends with is not added here.
"""

from collections.abc import Hashable, Iterable
from enum import StrEnum

import msgspec


class FamilyType(StrEnum):
    """The types in use."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Family(msgspec.Struct, frozen=True):
    """One metric; a counter's name ends in `_total`.

    `labels` are those that its samples carry, for whoever describes metrics.
    """

    name: str
    type: FamilyType
    help: str
    labels: tuple[str, ...] = ()


class Sample(msgspec.Struct, frozen=True):
    """One series' labels, in order, and value."""

    labels: tuple[tuple[str, str], ...]
    value: float


class Exposition:
    """The store. Keys are the caller's: an object's name, a subject, a label."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._series: dict[str, dict[Hashable, bytes]] = {}
        self._headers: dict[str, tuple[bytes, bytes]] = {}
        for family in families:
            self._series[family.name] = {}
            self._headers[family.name] = (_header(family, of=family.name), _openmetrics(family))

    def put(self, family: str, key: Hashable, samples: Iterable[Sample]) -> None:
        """Replace the series under one key; KeyError for a family that was not declared."""
        self._series[family][key] = b"".join(rendered(family, sample) for sample in samples)

    def drop(self, family: str, key: Hashable) -> None:
        """Remove the series under one key, if there are any."""
        self._series[family].pop(key, None)

    def parts(self, *, openmetrics: bool) -> list[bytes]:
        """Return all bytes of this moment, to be joined anywhere, on another thread as well."""
        found: list[bytes] = []
        for name, series in self._series.items():
            found.append(self._headers[name][openmetrics])
            found.extend(series.values())
        return found


def rendered(name: str, sample: Sample) -> bytes:
    """Return one line."""
    labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels)
    shown = f"{{{labels}}}" if labels else ""
    return f"{name}{shown} {_number(sample.value)}\n".encode()


def _header(family: Family, of: str) -> bytes:
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {of} {text}\n# TYPE {of} {family.type}\n".encode()


def _openmetrics(family: Family) -> bytes:
    counter = family.type is FamilyType.COUNTER
    # OpenMetrics names a counter's family without the suffix of its samples, and escapes quotes in
    # HELP.
    name = family.name.removesuffix("_total") if counter else family.name
    return _header(msgspec.structs.replace(family, help=family.help.replace('"', "'")), of=name)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 -- the shortest test for NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value)).removesuffix(".0")
