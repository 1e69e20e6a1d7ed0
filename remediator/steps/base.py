"""What every step is: a value that says what to do, and reads from a View whether it is done.

A step is convergent: whether it is done is read from the world alone, so after a crash the engine
looks before it acts. No I/O here: `act` only says what a call would carry, and an actuator sends
it. A step says nothing about when it may be done: guards and handlers do.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Self, TypeAlias

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.cloud import CloudCall
from remediator.record import LedgerEntry

UNDO_ANNOTATION = model.UNDO_ANNOTATION

SHOWN = 5
"""Of many things that are still missing so many are named."""

MERGE_PATCH = "application/merge-patch+json"


class Progress(StrEnum):
    """What the world says about a step."""

    DONE = "Done"
    NOT_DONE = "NotDone"
    GONE = "Gone"
    """The step's object is not there any more, or another one has its name."""
    REFUSED = "Refused"
    """It must not be done any more: what it was planned on has changed."""
    UNKNOWN = "Unknown"


class Observation(msgspec.Struct, frozen=True):
    """How far a step is, and in words what is still missing or why it cannot be told."""

    progress: Progress
    sentence: str = ""


DONE = Observation(Progress.DONE)
GONE = Observation(Progress.GONE, "its object is gone")


def not_done(sentence: str = "") -> Observation:
    """Return that it is not done, and what is missing."""
    return Observation(Progress.NOT_DONE, sentence)


def unknown(sentence: str) -> Observation:
    """Return that nobody can tell, and why."""
    return Observation(Progress.UNKNOWN, sentence)


def refused(sentence: str) -> Observation:
    """Return that it must not be done any more, and why."""
    return Observation(Progress.REFUSED, sentence)


def unseen(view: View, *kinds: Kind) -> Observation | None:
    """Return that nobody can tell, where one of these kinds could not be read."""
    blind = next((kind for kind in kinds if kind in view.unseen), None)
    return unknown(f"cannot see {blind}: {view.unseen[blind]}") if blind is not None else None


def listed(texts: Sequence[str], between: str) -> str:
    """Return the first of many texts, and how many there are more."""
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return between.join(texts[:SHOWN]) + more


def replicas(number: int | str) -> str:
    """Return how many replicas that is, in words."""
    return f"{number} replica{'' if str(number) == '1' else 's'}"


class KubeWrite(msgspec.Struct, frozen=True):
    """One request that changes an object: bound to its uid and version by what `body` carries."""

    method: str
    path: str
    body: Mapping[str, object]
    content_type: str = MERGE_PATCH


class NodeCommand(msgspec.Struct, frozen=True):
    """One command on a node, without a shell; how it ends is no proof: what it changed is seen.

    `seconds` is how long it may take, the command's own bound included.
    """

    node: str
    argv: tuple[str, ...]
    seconds: float


Act: TypeAlias = KubeWrite | NodeCommand | CloudCall
"""What an actuator is told to do. Another kind of call is another type here."""


class Step(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One step. `uid` is its object's; `owner` the Remediation that does it, `name/uid`.

    Fields are texts, numbers and booleans, for they stand as texts in the record.

    readings: fields that move by themselves; they are no part of what a person says yes to.
    owes: its write is a debt until it is taken back. pays: the kind of step whose debt at the same
    object it takes back; without such a debt it is skipped. needs_proof: only on a node that is
    proven dead. final: from here on there is no way back. once: when its call gets no clear answer
    it is not tried again. settles: seconds after an accepted call within which the world must show
    it; 0 where the answer is the proof. repeats: it takes many calls, each harmless when it comes
    twice; `waits_for` is for all of them together, and where `act` has none now, it waits. without:
    kinds that it can do without where they cannot be seen.
    """

    readings: ClassVar[frozenset[str]] = frozenset()
    owes: ClassVar[bool] = False
    pays: ClassVar[str] = ""
    needs_proof: ClassVar[bool] = False
    final: ClassVar[bool] = False
    once: ClassVar[bool] = False
    settles: ClassVar[float] = 0.0
    repeats: ClassVar[bool] = False
    without: ClassVar[frozenset[Kind]] = frozenset()

    target: str
    uid: str
    owner: str

    @property
    def named(self) -> tuple[str, str]:
        """Return namespace and name of a target that is `namespace/name`."""
        namespace, _, name = self.target.partition("/")
        return (namespace, name)

    @property
    def node(self) -> str:
        """Return the node that it works on, empty when none."""
        return ""

    @property
    def claim(self) -> tuple[str, str] | None:
        """Return namespace and name of the claim that it works on, if one."""
        return None

    @property
    def waits_for(self) -> float:
        """Return the seconds for which it waits; 0 for a step that acts, and acts once."""
        return 0.0

    def sentence(self) -> str:
        """Return what it does, for people, as the runbook says it."""
        raise NotImplementedError

    def doing(self, view: View) -> str:
        """Return what its next call does, for people: of a step that repeats, the part."""
        del view
        return self.sentence()

    def observe(self, view: View) -> Observation:
        """Say from a fresh View how far it is."""
        raise NotImplementedError

    def noted(self, view: View) -> bool:
        """Whether our own note says that it was done at some time; people leave notes alone."""
        del view
        return False

    def ours(self, view: View) -> bool:
        """Whether what is done was done by us, and not by somebody else."""
        return self.noted(view)

    def prior(self, view: View) -> dict[str, str]:
        """Return what was there before: what an undo needs to know."""
        del view
        return {}

    def recalled(self, ledger: Iterable[LedgerEntry]) -> Self:
        """Return the step with what only the record knows; that is no part of the plan."""
        del ledger
        return self

    def pays_for(self, entry: LedgerEntry) -> bool:
        """Whether it takes back what an open debt is about."""
        return not entry.closed and (entry.kind, entry.target_uid) == (self.pays, self.uid)

    def owed(self, ledger: Iterable[LedgerEntry], what: str) -> str | None:
        """Return what an open debt that this step pays has kept of before; None where nothing."""
        found = [
            entry.prior[what] for entry in ledger if self.pays_for(entry) and what in entry.prior
        ]
        return found[-1] if found else None

    def act(self, view: View) -> Act | None:
        """Return the call that does it, bound to what the View shows.

        None: its object is not the one that was planned for.
        """
        del view
        return None
