"""What people allow a claim to become: annotations on it, and settings where it says nothing.

An annotation that cannot be read is never replaced by a default: whoever wrote it meant something.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from exporter.observe import model
from exporter.observe.parse.quantities import whole

GIB = 1024**3

STEP = model.OURS + "grow-step"
"""Annotation: by how much a claim grows at a time, a quantity or a percentage of its size."""

CEILING = model.OURS + "grow-ceiling"
"""Annotation: the quantity above which a claim is never grown."""

GROWN_AT = model.OURS + "grown-at"
"""Annotation that we write with every growth: when, as Kubernetes writes times."""

_PERCENT = re.compile(r"([0-9]{1,4})%")
_SUFFIXES = (("Ti", 1024**4), ("Gi", GIB), ("Mi", 1024**2), ("Ki", 1024))
MOST_PERCENT = 1000

EBS = "ebs.csi.aws.com"
"""AWS' driver: volumes of at most 16 TiB (gp2, io1, st1; others more), changed once in 6 h."""


class Driver(msgspec.Struct, frozen=True):
    """What a driver can: `largest` is bytes, None for not known; `cooldown` seconds, see Growth."""

    largest: int | None = None
    cooldown: float = 0.0


class Growth(msgspec.Struct, frozen=True):
    """What the settings allow.

    `step`: a quantity or a percentage, for claims that name none. `ceiling`: bytes, the same; None:
    a claim without a ceiling of its own is never grown. `cooldown`: seconds after a growth in which
    a claim is not grown again; a driver's own is longer or does not count. `drivers` by name.
    """

    step: str = "20%"
    ceiling: int | None = None
    cooldown: float = 3600.0
    drivers: Mapping[str, Driver] = msgspec.field(
        default_factory=lambda: {EBS: Driver(16 * 1024**4, 6 * 3600.0)}
    )

    def cooldown_of(self, driver: str) -> float:
        """Return the longer one of ours and the driver's."""
        return max(self.cooldown, self.drivers.get(driver, Driver()).cooldown)

    def largest_of(self, driver: str) -> int | None:
        """Return the largest volume of a driver, bytes; None: not known."""
        return self.drivers.get(driver, Driver()).largest


class Allowance(msgspec.Struct, frozen=True):
    """What one claim may: grow by `step` bytes at a time, never above `ceiling` bytes.

    `grown_at` is when we grew it last, Unix seconds.
    """

    step: int
    ceiling: int
    grown_at: float | None


def allowance(claim: model.Claim, growth: Growth) -> Allowance | str:
    """Return what a claim may, or the sentence why it may not grow at all."""
    base = max(claim.requested or 0, claim.capacity or 0)
    marks = claim.annotations
    step = step_of(marks.get(STEP, growth.step), base)
    if step is None:
        return (
            f"the annotation {STEP} is {marks.get(STEP)!r}:"
            " write a quantity such as 10Gi or a percentage such as 20%"
        )
    ceiling = whole(marks[CEILING]) if CEILING in marks else growth.ceiling
    if CEILING in marks and (ceiling is None or ceiling <= 0):
        return f"the annotation {CEILING} is {marks[CEILING]!r}: write a quantity such as 500Gi"
    if ceiling is None:
        return (
            f"nobody has said how large it may become: annotate it {CEILING}=<size>,"
            " or set growth.ceiling for all claims"
        )
    grown = _time(marks[GROWN_AT]) if GROWN_AT in marks else None
    if GROWN_AT in marks and grown is None:
        return (
            f"the annotation {GROWN_AT} is {marks[GROWN_AT]!r}, so nobody can tell when it was"
            " grown last: remove the annotation"
        )
    return Allowance(step, ceiling, grown)


def step_of(text: str, base: int) -> int | None:
    """Return a step in bytes, rounded up; None for what is no step. `base` is bytes."""
    percent = _PERCENT.fullmatch(text)
    if percent is not None:
        share = int(percent[1])
        return -(-base * share // 100) if 0 < share <= MOST_PERCENT else None
    found = whole(text)
    return found if found is not None and found > 0 else None


def quantity(size: int) -> str:
    """Return bytes as the shortest whole quantity of Kubernetes: `1536Mi`, `10Gi`, `1000`."""
    for suffix, scale in _SUFFIXES:
        if size and size % scale == 0:
            return f"{size // scale}{suffix}"
    return str(size)


def _time(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None
