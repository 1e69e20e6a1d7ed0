"""Stopping an object of a kind that nobody here knows by its `/scale`, and starting it again.

Only kinds that the settings list are looked at so. A scale carries no note: what there was before
is in the record's ledger alone.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.record import LedgerEntry
from remediator.steps.base import (
    DONE,
    GONE,
    KubeWrite,
    Observation,
    Step,
    not_done,
    replicas,
    unseen,
)

WAS = "was"


class _Scaled(Step, frozen=True):
    """`target` is `namespace/name`, `kind` its `Kind.group`.

    `was` is how many replicas it had when it was planned; what counts is what it has when it is
    stopped.
    """

    readings: ClassVar[frozenset[str]] = frozenset({WAS})

    kind: str
    volume_claim: str
    was: int

    @property
    def claim(self) -> tuple[str, str]:
        """Return the claim for whose sake it is stopped."""
        namespace, _ = self.named
        return (namespace, self.volume_claim)

    def found(self, view: View) -> model.Scale | None:
        """Return the scale of the object with this uid, None when it is not there."""
        namespace, name = self.named
        there = view.scale(namespace, f"{self.kind}/{name}")
        return there if there is not None and there.uid == self.uid else None

    def _observed(self, view: View, *, stopped: bool) -> Observation:
        if (blind := unseen(view, Kind.SCALE)) is not None:
            return blind
        there = self.found(view)
        if there is None:
            return GONE
        return DONE if (there.replicas == 0) is stopped else not_done()

    def _write(self, view: View, replicas: int) -> KubeWrite | None:
        there = self.found(view)
        if there is None:
            return None
        meta: Mapping[str, object] = {"uid": self.uid, "resourceVersion": there.version}
        return KubeWrite("PATCH", there.path, {"metadata": meta, "spec": {"replicas": replicas}})


class StopScale(_Scaled, frozen=True):
    """Scale it to zero."""

    owes: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        return f"stop {self.kind} {self.target}, which has {replicas(self.was)}"

    def observe(self, view: View) -> Observation:
        """Say whether it is at zero."""
        return self._observed(view, stopped=True)

    def prior(self, view: View) -> dict[str, str]:
        """Return the replicas that it has."""
        there = self.found(view)
        had = there.replicas if there is not None else 0
        return {WAS: str(had or self.was)}

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch of its scale."""
        return self._write(view, 0)


class StartScale(_Scaled, frozen=True):
    """Scale it to what it had; one that has any by now was started by somebody else."""

    pays: ClassVar[str] = StopScale.__name__

    def sentence(self) -> str:
        """Return what it does."""
        return f"start {self.kind} {self.target} again, with {replicas(self.was)}"

    def recalled(self, ledger: Iterable[LedgerEntry]) -> Self:
        """Return it with the replicas that it had when it was stopped."""
        kept = self.owed(ledger, WAS)
        return self if kept is None else msgspec.structs.replace(self, was=int(kept))

    def observe(self, view: View) -> Observation:
        """Say whether it is to have pods."""
        return self._observed(view, stopped=False)

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch of its scale."""
        return self._write(view, self.was)
