"""What becomes of one debt: taken back now, not yet, or not ours any more. Values only.

Who decides is the handler that made it; who does it is verification.
"""

from typing import TypeAlias

import msgspec

from remediator.steps.base import Step


class Wait(msgspec.Struct, frozen=True):
    """An undo that may not be done yet; `step` is what a person may demand all the same."""

    sentence: str
    step: Step | None = None


class Closed(msgspec.Struct, frozen=True):
    """An undo that is not ours to do any more."""

    sentence: str


class Back(msgspec.Struct, frozen=True):
    """An undo that may be done now, and why."""

    step: Step
    sentence: str


Undo: TypeAlias = Wait | Closed | Back
