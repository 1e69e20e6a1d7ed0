"""What of several formats a client takes, from its headers: RFC 9110's q-values. Pure.

A header that is nonsense is no error: whoever sends it gets what everybody can read.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
ANYTHING = ("*/*", "text/*", "application/*")
MOST = 64
"""Ranges of a header that are read; more are no client's."""


class Format(NamedTuple):
    """A format that we have, and the versions that it satisfies; empty: none was asked for."""

    content_type: str
    kind: str
    versions: frozenset[str]


FORMATS = (
    Format(OPENMETRICS, "application/openmetrics-text", frozenset({"", "1.0.0", "0.0.1"})),
    Format(TEXT, "text/plain", frozenset({"", "0.0.4"})),
)


class _Range(NamedTuple):
    value: str
    parameters: Mapping[str, str]
    quality: float


def content_type(accept: str) -> str:
    """Return the format that the client likes best; text when it likes none of ours.

    What is asked for by name wins over `*/*` of the same quality, and what was named first over
    what was named later. A client that only takes anything gets text.
    """
    found = [((0.0, False, 0), TEXT)]
    for place, one in enumerate(_ranges(accept)):
        for form in FORMATS:
            named = one.value == form.kind and one.parameters.get("version", "") in form.versions
            general = form.content_type == TEXT and one.value in ANYTHING
            if (named or general) and one.quality > 0:
                found.append(((one.quality, named, -place), form.content_type))
    return max(found)[1]


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client can unpack gzip."""
    qualities = {one.value: one.quality for one in _ranges(accept_encoding)}
    named = max((qualities.get(name, -1.0) for name in ("gzip", "x-gzip")), default=-1.0)
    return named > 0 if named >= 0 else qualities.get("*", 0.0) > 0


def _ranges(header: str) -> Iterator[_Range]:
    for text in header.split(",")[:MOST]:
        value, *rest = (word.strip() for word in text.split(";"))
        parameters = {}
        for word in rest:
            name, _, given = word.partition("=")
            parameters[name.strip().lower()] = given.strip().strip('"')
        yield _Range(value.lower(), parameters, _quality(parameters.get("q", "1")))


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
