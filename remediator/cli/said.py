"""What a command answers: lines for a person, the same as data, and an exit status. Pure."""

import json
from collections.abc import Iterable

import msgspec

DONE, NO, UNUSABLE, UNANSWERED = 0, 1, 2, 3
"""Exit statuses. NO: the answer is no, such as a void order or a missing right. UNUSABLE: it could
not be run as it was called. UNANSWERED: the API server, or the remediator, could not be reached or
refused."""

STATUSES = (
    "Exit status: 0 done; 1 the answer is no (nothing found, an order that is void, a right that is"
    " missing); 2 it cannot be run like this; 3 the cluster could not be reached, or refused."
)


class Said(msgspec.Struct, frozen=True):
    """One answer. `data` is what `-o json` prints."""

    status: int
    lines: tuple[str, ...]
    data: object = None


def said(status: int, lines: Iterable[str] | str, data: object = None) -> Said:
    """Return an answer of one line or more."""
    return Said(status, (lines,) if isinstance(lines, str) else tuple(lines), data)


def as_json(data: object) -> str:
    """Return data as JSON of ASCII letters only: a foreign text commands no terminal."""
    return json.dumps(msgspec.to_builtins(data), indent=2, ensure_ascii=True)
