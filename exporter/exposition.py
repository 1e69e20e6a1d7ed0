"""Series as bytes: rendered once when their object changes, packed once, sent at each scrape.

The text format 0.0.4 and OpenMetrics 1.0 differ only in headers, so one store serves both. It knows
no signal and no metric by name. What a whole answer ends with is not added here.
"""

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Iterator
from enum import StrEnum
from zlib import crc32

import msgspec

from exporter.kit.packing import Part, Piece

LIMIT = 10_000
"""Series of one family, unless something else is asked for."""

BLOCK = 512
"""Series that are joined and packed together: a change costs as much again as these."""

RELAXED = 0.9
"""Below this part of the limit a family's order is kept no more."""


class FamilyType(StrEnum):
    """The types in use."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Family(msgspec.Struct, frozen=True):
    """One metric; a counter's name ends in `_total`.

    `labels` are those that its samples carry, for whoever describes metrics; `collector` is the
    name by which a scrape may choose it with others.
    """

    name: str
    type: FamilyType
    help: str
    labels: tuple[str, ...] = ()
    collector: str = ""


DROPPED = Family(
    "pvmedic_series_dropped",
    FamilyType.GAUGE,
    "How many series of a metric are left out now, because there are more than series_limit.",
    ("family",),
    "signals",
)


class Sample(msgspec.Struct, frozen=True):
    """One series' labels, in order, and value."""

    labels: tuple[tuple[str, str], ...]
    value: float


class Exposition:
    """The store. Keys are the caller's: an object's name, a subject, a label.

    Of a family at most `limit` series are published. Which ones depends on their labels alone, so
    the same are kept after a restart, in whatever order they came; how many are not published is
    DROPPED.
    """

    def __init__(self, families: Iterable[Family], limit: int = LIMIT) -> None:
        self._families: dict[str, _Family] = {}
        for family in families:
            if family != DROPPED:  # is always there, and has no limit of its own
                self._families[family.name] = _Family(family, limit)
        self._dropped = _Family(DROPPED, 1 + len(self._families))
        self._told: dict[str, int] = {}

    @property
    def collectors(self) -> frozenset[str]:
        """What can be chosen by name."""
        families = (DROPPED, *(one.family for one in self._families.values()))
        return frozenset(family.collector for family in families if family.collector)

    def put(self, family: str, key: Hashable, samples: Iterable[Sample]) -> None:
        """Replace the series under one key; KeyError for a family that was not declared."""
        lines = b"".join(rendered(family, sample) for sample in samples)
        self._families[family].put(key, lines)

    def drop(self, family: str, key: Hashable) -> None:
        """Remove the series under one key, if there are any."""
        self._families[family].put(key, b"")

    def limit(self, limit: int) -> None:
        """Publish at most so many series of a family from now on."""
        for one in self._families.values():
            one.restrict(limit)

    def pieces(self, *, openmetrics: bool, only: frozenset[str] | None = None) -> list[Piece]:
        """Return everything of this moment, to be joined or packed anywhere, on any thread.

        `only` names collectors; None: all.
        """
        self._tell_dropped()
        found: list[Piece] = []
        for one in (*self._families.values(), self._dropped):
            if only is None or one.family.collector in only:
                found.append(one.headers[openmetrics])
                found.extend(one.pieces())
        return found

    def parts(self, *, openmetrics: bool) -> list[bytes]:
        """Return everything of this moment as bytes."""
        return [bytes(piece) for piece in self.pieces(openmetrics=openmetrics)]

    def _tell_dropped(self) -> None:
        for name, one in self._families.items():
            if self._told.get(name) != one.dropped:
                self._told[name] = one.dropped
                sample = Sample((("family", name),), one.dropped)
                self._dropped.put(name, rendered(DROPPED.name, sample))


class _Block:
    """Some series of a family, which are joined and packed together."""

    __slots__ = ("lines", "part")

    def __init__(self) -> None:
        self.lines: dict[Hashable, bytes] = {}
        self.part: Part | None = None


Rank = tuple[int, bytes, str]
"""Where a key's series stand among those of its family; from their labels alone."""


class _Family:
    """The series of one family, in blocks, and those over the limit beside them.

    While there is room a change costs a look into a dictionary. Only over the limit all keys are
    kept in order, so that it is known whose place is next.
    """

    def __init__(self, family: Family, limit: int) -> None:
        self.family = family
        self.headers = (Part([_header(family, of=family.name)]), Part([_openmetrics(family)]))
        self.dropped = 0
        self._limit = limit
        self._published = 0
        self._place: dict[Hashable, _Block] = {}
        self._blocks: dict[_Block, None] = {}
        self._room: dict[_Block, None] = {}
        self._ordered = False
        self._in: list[Rank] = []
        self._out: list[Rank] = []
        self._keys: dict[Rank, Hashable] = {}
        self._waiting: dict[Hashable, bytes] = {}

    def put(self, key: Hashable, lines: bytes) -> None:
        """Replace the lines of a key; without lines, remove it."""
        if not self._ordered:
            self._publish(key, lines)
            if self._published > self._limit:
                self._order()
            return
        self._forget(key)
        if lines:
            self._admit(key, lines)
        self._settle()

    def restrict(self, limit: int) -> None:
        """Use another limit."""
        self._limit = limit
        if self._ordered:
            self._settle()
        elif self._published > limit:
            self._order()

    def pieces(self) -> Iterator[Part]:
        """Yield the blocks as they are now."""
        for block in self._blocks:
            if block.part is None:
                block.part = Part(tuple(block.lines.values()))
            yield block.part

    def _publish(self, key: Hashable, lines: bytes) -> None:
        """Put lines where they are or where there is room; without lines, remove the key."""
        block = self._place.get(key)
        if block is None:
            if not lines:
                return
            block = next(iter(self._room), None) or _Block()
            self._place[key] = block
            self._blocks[block] = self._room[block] = None
        before = block.lines.pop(key, b"") if not lines else block.lines.get(key, b"")
        self._published += lines.count(b"\n") - before.count(b"\n")
        block.part = None
        if lines:
            block.lines[key] = lines
        else:
            del self._place[key]
        if not block.lines:
            del self._blocks[block]
            self._room.pop(block, None)
        elif len(block.lines) < BLOCK:
            self._room[block] = None
        else:
            self._room.pop(block, None)

    def _order(self) -> None:
        """Begin to keep all keys in order."""
        self._ordered = True
        for key, block in self._place.items():
            rank = _rank(key, block.lines[key])
            self._keys[rank] = key
            self._in.append(rank)
        self._in.sort()
        self._settle()

    def _admit(self, key: Hashable, lines: bytes) -> None:
        rank = _rank(key, lines)
        self._keys[rank] = key
        if self._out and rank > self._out[0]:
            self._wait(rank, lines)
        else:
            insort(self._in, rank)
            self._publish(key, lines)

    def _wait(self, rank: Rank, lines: bytes) -> None:
        insort(self._out, rank)
        self._waiting[self._keys[rank]] = lines
        self.dropped += lines.count(b"\n")

    def _forget(self, key: Hashable) -> None:
        block = self._place.get(key)
        lines = self._waiting.get(key, b"") if block is None else block.lines[key]
        if not lines:
            return
        rank = _rank(key, lines)
        del self._keys[rank]
        ranks = self._out if block is None else self._in
        del ranks[bisect_left(ranks, rank)]
        if block is None:
            del self._waiting[key]
            self.dropped -= lines.count(b"\n")
        else:
            self._publish(key, b"")

    def _settle(self) -> None:
        """Let the last ones wait until the others fit, and the first ones in that fit."""
        while self._published > self._limit:
            rank = self._in.pop()
            key = self._keys[rank]
            lines = self._place[key].lines[key]
            self._publish(key, b"")
            self._wait(rank, lines)
        while self._out:
            rank = self._out[0]
            key = self._keys[rank]
            lines = self._waiting[key]
            if self._published + lines.count(b"\n") > self._limit:
                return
            del self._out[0], self._waiting[key]
            self.dropped -= lines.count(b"\n")
            self._in.append(rank)
            self._publish(key, lines)
        if self._published <= self._limit * RELAXED:
            self._ordered = False
            self._in.clear()
            self._keys.clear()


def _rank(key: Hashable, lines: bytes) -> Rank:
    # By a checksum first, so that what is left out is not all of one namespace.
    labels = lines[: lines.index(b"\n")].rpartition(b" ")[0]
    return (crc32(labels), labels, repr(key))


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
