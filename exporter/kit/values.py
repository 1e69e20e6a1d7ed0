"""Settings that are written as text but are not text: each type reads itself.

A type with a class method `parse(text)` that raises ValueError with a sentence is understood by the
reader.
"""

import re
from typing import NamedTuple, Self

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
LARGEST_PORT = 65535


class Duration(float):
    """Seconds, written with a unit: `30s`, `5m`, `1h30m`, `250ms`, `2d`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read one; a bare number is refused, because nobody can tell its unit."""
        if isinstance(text, int | float) and not isinstance(text, bool):
            # A ValueError, because to who reads settings a wrong type is a wrong value.
            raise ValueError(f"a duration needs a unit: write {text}s, {text}m or {text}h")  # noqa: TRY004
        if not isinstance(text, str) or not _WHOLE.fullmatch(text):
            raise ValueError(f"{text!r} is not a duration: write number and unit, as in 30s or 5m")
        return cls(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))

    def __str__(self) -> str:
        """As it is written: `90s`."""
        return f"{float(self):.3f}".rstrip("0").rstrip(".") + "s"


class Address(NamedTuple):
    """A listen address, written `HOST:PORT`; port 0 asks for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read one; an IPv6 host stands in brackets."""
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not an address: write HOST:PORT")  # noqa: TRY004
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r} is not an address: an IPv6 host stands in brackets")
        if not colon or not host or not port.isascii() or not port.isdigit():
            raise ValueError(f"{text!r} is not an address: write HOST:PORT, as in 0.0.0.0:9821")
        if int(port) > LARGEST_PORT:
            raise ValueError(f"{text!r} is not an address: a port is at most {LARGEST_PORT}")
        return cls(host, int(port))

    def __str__(self) -> str:
        """As it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
