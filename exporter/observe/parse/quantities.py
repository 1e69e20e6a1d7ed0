"""Kubernetes quantities to whole bytes. A quantity that cannot be read is one that is not there."""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))([A-Za-z]{0,2}|[eE][+-]?[0-9]{1,3})"
)
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
_LARGEST = 10**30


@lru_cache(maxsize=4096)
def whole(text: str | None) -> int | None:
    """Return a quantity as a whole number, rounded up as Kubernetes does; None for nonsense."""
    found = _QUANTITY.fullmatch(text) if text else None
    if found is None:
        return None
    number, suffix = Decimal(found[1]), found[2]
    if suffix in _SUFFIXES:
        scale = _SUFFIXES[suffix]
    elif suffix[1:].lstrip("+-").isdigit():
        scale = Decimal(10) ** max(-60, min(60, int(suffix[1:])))
    else:
        return None
    value = int((number * scale).to_integral_value(ROUND_CEILING))
    return value if -_LARGEST < value < _LARGEST else None
