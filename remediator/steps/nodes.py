"""Keeping a node to ourselves: no scaling down, no new pods, and a note that it is extended.

Each change has a note of its own on the Node, in the same request: what somebody else has done
looks the same without it, and is not ours to take back. `UNDO_ANNOTATION` says that any of them is
there. What becomes of the node's machine is in machines.py.
"""

from collections.abc import Mapping
from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.rok_jobs import changes_on
from exporter.observe.view import View
from remediator import rok_disk
from remediator.rok_extension import GIB
from remediator.steps.base import (
    DONE,
    GONE,
    UNDO_ANNOTATION,
    KubeWrite,
    Observation,
    Step,
    not_done,
    refused,
    unknown,
    unseen,
)

SCALE_DOWN = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
"""Annotation: the cluster autoscaler does not remove a node on which it is `true`."""
SCALE_DOWN_NOTE = model.OURS + "undo-scale-down"
"""Which Remediation put SCALE_DOWN on the node, `name/uid`."""
SCALE_DOWN_WAS = model.OURS + "undo-scale-down-was"
"""What SCALE_DOWN was before; missing where there was none."""
CORDON_NOTE = model.OURS + "undo-cordon"
"""Which Remediation cordoned the node, `name/uid`."""
EXTENDED = model.ROK_EXTENDED

_NOTES = (SCALE_DOWN_NOTE, CORDON_NOTE)


def uid_of(owner: str) -> str:
    """Return the Remediation's uid of `name/uid`."""
    return owner.partition("/")[2]


class OfNode(Step, frozen=True):
    """`target` is a node, `uid` its own."""

    @property
    def node(self) -> str:
        """Return the node."""
        return self.target

    def found(self, view: View) -> model.Node | None:
        """Return the Node with this uid, None when it is not there."""
        there = view.node(self.target)
        return there if there is not None and there.uid == self.uid else None

    def looked(self, view: View, *kinds: Kind) -> Observation | None:
        """Return that nobody can tell, or that the node is gone; None where it can be told."""
        if (blind := unseen(view, Kind.NODE, *kinds)) is not None:
            return blind
        return GONE if self.found(view) is None else None

    def carries(self, view: View, note: str) -> bool:
        """Whether a note of ours is on the node."""
        node = self.found(view)
        return node is not None and node.annotations.get(note) == self.owner

    def marked(self, view: View) -> bool:
        """Whether the node has our note that it is extended."""
        node = self.found(view)
        return node is not None and (node.extended_by or ("",))[0] == self.owner

    def patch(
        self, view: View, notes: Mapping[str, str | None], spec: Mapping[str, object] | None = None
    ) -> KubeWrite | None:
        """Return the patch of annotations and spec, bound to uid and resourceVersion."""
        node = self.found(view)
        if node is None:
            return None
        meta = {"uid": self.uid, "resourceVersion": node.version, "annotations": dict(notes)}
        body: dict[str, object] = {"metadata": meta}
        if spec is not None:
            body["spec"] = spec
        return KubeWrite("PATCH", f"/api/v1/nodes/{self.target}", body)

    def without_note(self, view: View, note: str) -> dict[str, str | None]:
        """Return what takes a note away, and the common one with the last."""
        node = self.found(view)
        notes: dict[str, str | None] = {note: None}
        if node is not None and not any(one in node.annotations for one in _NOTES if one != note):
            notes[UNDO_ANNOTATION] = None
        return notes


class ProtectNode(OfNode, frozen=True):
    """Keep the cluster autoscaler from removing the node while we work on it."""

    owes: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        return f"keep the cluster autoscaler from removing node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether the annotation is there, whoever put it there."""
        if (other := self.looked(view)) is not None:
            return other
        node = self.found(view)
        there = node is not None and node.annotations.get(SCALE_DOWN) == "true"
        return DONE if there else not_done(f"annotation {SCALE_DOWN} is not there")

    def noted(self, view: View) -> bool:
        """Whether we put it there."""
        return self.carries(view, SCALE_DOWN_NOTE)

    def prior(self, view: View) -> dict[str, str]:
        """Return what the annotation said before."""
        node = self.found(view)
        return {"was": node.annotations.get(SCALE_DOWN, "") if node is not None else ""}

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that puts it there, with our note."""
        was = self.prior(view)["was"]
        notes = {
            SCALE_DOWN: "true",
            SCALE_DOWN_NOTE: self.owner,
            UNDO_ANNOTATION: self.owner,
            **({SCALE_DOWN_WAS: was} if was else {}),
        }
        return self.patch(view, notes)


class UnprotectNode(OfNode, frozen=True):
    """Put the annotation back as it was, if it still is as we left it."""

    pays: ClassVar[str] = ProtectNode.__name__

    def sentence(self) -> str:
        """Return what it does."""
        return f"let the cluster autoscaler remove node {self.target} again"

    def observe(self, view: View) -> Observation:
        """Say whether nothing of ours is left of it."""
        if (other := self.looked(view)) is not None:
            return other
        return not_done() if self.carries(view, SCALE_DOWN_NOTE) else DONE

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch."""
        node = self.found(view)
        if node is None:
            return None
        notes = {**self.without_note(view, SCALE_DOWN_NOTE), SCALE_DOWN_WAS: None}
        if node.annotations.get(SCALE_DOWN) == "true":
            notes[SCALE_DOWN] = node.annotations.get(SCALE_DOWN_WAS)
        return self.patch(view, notes)


class Cordon(OfNode, frozen=True):
    """Take the node out of scheduling: Rok begins to unpin every volume that lives on it."""

    owes: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        return f"cordon node {self.target}: Rok begins to unpin every volume on it"

    def observe(self, view: View) -> Observation:
        """Say whether it is cordoned, whoever did it."""
        if (other := self.looked(view)) is not None:
            return other
        node = self.found(view)
        return DONE if node is not None and node.unschedulable else not_done("it takes new pods")

    def noted(self, view: View) -> bool:
        """Whether we cordoned it."""
        return self.carries(view, CORDON_NOTE)

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that cordons it, with our note."""
        notes = {CORDON_NOTE: self.owner, UNDO_ANNOTATION: self.owner}
        return self.patch(view, notes, {"unschedulable": True})


class Uncordon(OfNode, frozen=True):
    """Let the node have new pods again; one that somebody uncordoned loses our note only."""

    pays: ClassVar[str] = Cordon.__name__

    def sentence(self) -> str:
        """Return what it does."""
        return f"uncordon node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether nothing of ours is left of it."""
        if (other := self.looked(view)) is not None:
            return other
        return not_done() if self.carries(view, CORDON_NOTE) else DONE

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch."""
        node = self.found(view)
        if node is None:
            return None
        spec = {"unschedulable": None} if node.unschedulable else None
        return self.patch(view, self.without_note(view, CORDON_NOTE), spec)


class MarkExtended(OfNode, frozen=True):
    """Write on the node that it is extended, before the first write to LVM.

    Whoever finds the node knows by it that it must go, though our records were lost. `gib` is the
    planned disk: where more has changed by now than it holds, it is refused, for pods could write
    until the cordon. The debt ends with the node.
    """

    owes: ClassVar[bool] = True

    gib: int

    def sentence(self) -> str:
        """Return what it does."""
        return f"write on node {self.target} that it is extended and has to be removed"

    def observe(self, view: View) -> Observation:
        """Say whether the note is there, and whether the disk still is large enough."""
        needed = (Kind.EVENT, Kind.SNAPSHOT, Kind.CLAIM, Kind.VOLUME)
        if (other := self.looked(view, *needed)) is not None:
            return other
        if self.noted(view):
            return DONE
        changed = changed_on(self.target, view)
        if changed > self.gib * GIB:
            return refused(
                f"{changed} bytes have changed on it by now, and the disk has {self.gib} GiB"
            )
        if not view.node_disks(self.target):
            return unknown(f"nobody asked for the disks of node {self.target}")
        return not_done("the note is not there")

    def noted(self, view: View) -> bool:
        """Whether our note is there."""
        return self.marked(view)

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch that writes owner, disk and time."""
        made = view.repair_disks(uid_of(self.owner))
        disk = made.disks[0].volume_id if made is not None and made.disks else "by-hand"
        note = f"{self.owner} {disk} {model.rfc3339(view.taken)}"
        return self.patch(view, {EXTENDED: note})


class UnmarkExtended(OfNode, frozen=True):
    """Take the note away: only while no disk of ours carries a label of LVM's."""

    pays: ClassVar[str] = MarkExtended.__name__

    def sentence(self) -> str:
        """Return what it does."""
        return f"take the note off node {self.target} that it is extended"

    def observe(self, view: View) -> Observation:
        """Say whether our note is gone, and whether it may go."""
        if (other := self.looked(view, Kind.NODE_DISKS)) is not None:
            return other
        if not self.marked(view):
            return DONE
        disks = view.node_disks(self.target)
        if disks is None:
            return unknown(f"nobody asked for the disks of node {self.target}")
        if rok_disk.ours(disks.labelled, uid_of(self.owner)) is not None:
            return refused("a disk of ours carries LVM's label: the node is extended")
        return not_done()

    def act(self, view: View) -> KubeWrite | None:
        """Return the patch."""
        if self.observe(view).sentence:
            return None
        return self.patch(view, {EXTENDED: None})


def changed_on(node: str, view: View) -> int:
    """Return the bytes that are known to have changed on a node; upper bounds count in full."""
    return sum(one.bytes for one in changes_on(node, view))
