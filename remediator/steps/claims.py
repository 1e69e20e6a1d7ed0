"""Steps about a claim, and what it asks for: more, or less again.

When and how much is decided in growth/.
"""

from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.growth.policy import GROWN_AT, quantity
from remediator.steps.base import DONE, GONE, KubeWrite, Observation, Step, not_done, unknown

SEEN_WITHIN = 30.0
"""Seconds within which an accepted request is seen."""


class OfClaim(Step, frozen=True):
    """`target` is `namespace/name` of a claim, `uid` the claim's."""

    @property
    def claim(self) -> tuple[str, str]:
        """Return the claim."""
        return self.named

    def found(self, view: View) -> model.Claim | None:
        """Return the claim with this uid, None when it is not there."""
        there = view.claim(*self.claim)
        return there if there is not None and there.uid == self.uid else None


class _Request(OfClaim, frozen=True):
    """What a claim asks for; `size` in bytes."""

    settles: ClassVar[float] = SEEN_WITHIN

    size: int

    def observe(self, view: View) -> Observation:
        """Say from what the claim asks for whether this was done."""
        if Kind.CLAIM in view.unseen:
            return unknown(f"cannot see claims: {view.unseen[Kind.CLAIM]}")
        there = self.found(view)
        if there is None:
            return GONE
        if there.requested is None:
            return unknown(f"claim {self.target} does not say what it asks for")
        if self.enough(there.requested):
            return DONE
        return not_done(f"it asks for {quantity(there.requested)}")

    def enough(self, requested: int) -> bool:
        """Whether a claim that asks for so many bytes needs nothing of this step."""
        raise NotImplementedError

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch of the request, bound to uid and resourceVersion."""
        there = self.found(view)
        if there is None:
            return None
        namespace, name = self.claim
        meta = {"uid": self.uid, "resourceVersion": there.version, **self.note(view)}
        body = {
            "metadata": meta,
            "spec": {"resources": {"requests": {"storage": quantity(self.size)}}},
        }
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
        return KubeWrite("PATCH", path, body)

    def note(self, view: View) -> dict[str, object]:
        """Return what else is written to the claim's metadata."""
        del view
        return {}


class GrowClaim(_Request, frozen=True):
    """Ask for more. When it was is written on the claim: it outlives our records."""

    def sentence(self) -> str:
        """Return what it does."""
        return f"let claim {self.target} ask for {quantity(self.size)}"

    def enough(self, requested: int) -> bool:
        """Whether as much is asked for already, or more."""
        return requested >= self.size

    def note(self, view: View) -> dict[str, object]:
        """Return the time of this growth."""
        return {"annotations": {GROWN_AT: model.rfc3339(view.taken)}}


class LowerRequest(_Request, frozen=True):
    """Ask for less than before, which Kubernetes takes only while it is more than there is."""

    def sentence(self) -> str:
        """Return what it does."""
        return f"let claim {self.target} ask for {quantity(self.size)} only"

    def enough(self, requested: int) -> bool:
        """Whether so little is asked for already, or less."""
        return requested <= self.size
