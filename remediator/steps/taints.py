"""Taints on nodes: put one, with a note of who owes its removal, and take ours off again."""

from typing import ClassVar

from exporter.observe import model
from exporter.observe.view import View
from remediator.steps.base import (
    DONE,
    GONE,
    UNDO_ANNOTATION,
    KubeWrite,
    Observation,
    Step,
    not_done,
    unseen,
)


class _Taint(Step, frozen=True):
    """What putting a taint and taking it off have in common."""

    key: str
    value: str
    effect: str

    @property
    def node(self) -> str:
        """Return the node."""
        return self.target

    def noted(self, view: View) -> bool:
        """Whether our note is on the node: it came with the taint, and people leave notes."""
        node = view.node(self.target)
        return node is not None and node.annotations.get(UNDO_ANNOTATION) == self.owner

    def _there(self, node: model.Node) -> bool:
        return any(self._is(taint) for taint in node.taints)

    def _is(self, taint: model.Taint) -> bool:
        return (taint.key, taint.value, taint.effect) == (self.key, self.value, self.effect)

    def _text(self) -> str:
        return f"taint {self.key}={self.value}:{self.effect}"

    def _write(
        self, view: View, note: str | None, further: tuple[dict[str, str], ...]
    ) -> KubeWrite | None:
        """Return the patch that leaves all other taints, bound to uid and resourceVersion."""
        node = view.node(self.target)
        if node is None or node.uid != self.uid:
            return None
        kept = [_wire(taint) for taint in node.taints if not self._is(taint)]
        meta = {
            "uid": self.uid,
            "resourceVersion": node.version,
            "annotations": {UNDO_ANNOTATION: note},
        }
        body = {"metadata": meta, "spec": {"taints": [*kept, *further]}}
        return KubeWrite("PATCH", f"/api/v1/nodes/{self.target}", body)


class AddTaint(_Taint, frozen=True):
    """Put a taint on the node with this uid. `owner` is the Remediation that will take it back."""

    owes: ClassVar[bool] = True
    needs_proof: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        return f"put {self._text()} on node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether the taint is there; unseen nodes are unknown."""
        node = view.node(self.target)
        if (blind := unseen(view, model.Kind.NODE)) is not None:
            return blind
        if node is None or node.uid != self.uid:
            return GONE
        return DONE if self._there(node) else not_done()

    def ours(self, view: View) -> bool:
        """Whether the taint is there: its value is our record's name."""
        return self.observe(view) is DONE

    def prior(self, view: View) -> dict[str, str]:
        """Return by which boot the node is known: a later one shows a power cycle."""
        node = view.node(self.target)
        return {"bootID": node.boot_id if node is not None else "", "taint": ""}

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that adds taint and note."""
        taint = {"key": self.key, "value": self.value, "effect": self.effect}
        return self._write(view, self.owner, (taint,))


class RemoveTaint(_Taint, frozen=True):
    """Take our taint off again: only if it still has our value."""

    pays: ClassVar[str] = AddTaint.__name__

    def sentence(self) -> str:
        """Return what it does."""
        return f"take {self._text()} off node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether the taint is gone; with the Node it is."""
        node = view.node(self.target)
        if (blind := unseen(view, model.Kind.NODE)) is not None:
            return blind
        if node is None or node.uid != self.uid:
            return DONE
        return not_done() if self._there(node) else DONE

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that removes taint and note."""
        return self._write(view, None, ())


def _wire(taint: model.Taint) -> dict[str, str]:
    wire = {"key": taint.key, "value": taint.value, "effect": taint.effect}
    if taint.added is not None:
        wire["timeAdded"] = model.rfc3339(taint.added)
    return wire
