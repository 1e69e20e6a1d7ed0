"""gluster_space_low: a file system that a Gluster node needs is nearly full.

How it is recognised: statfs of the root, glusterd's work directory, its logs and the local bricks;
and the bytes of deleted files that Gluster's processes keep open, which no `du` finds and no
deletion brings back until the process lets go. A full work directory is worse than a full brick:
glusterd then writes empty files over its own notes about peers and volumes.

Since: nothing says when. The time is when we first saw it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

FULL, BYTES, INODES, DELETED_OPEN = "Full", "Bytes", "Inodes", "DeletedOpen"

FREE_BYTES_RATIO = 0.10
"""Gluster places no new files on a brick from here on (`cluster.min-free-disk`, 10 %)."""
FREE_INODES_RATIO = 0.05
"""The same for inodes (`cluster.min-free-inodes`, 5 %)."""
DELETED_OPEN_RATIO = 0.10
"""As much again would be free if the processes let go: worth a restart that is planned."""


subject_of = base.node_subject


class GlusterSpaceLow:
    """Sees it.

    Reasons, the worst file system's: Full (no bytes or inodes to speak of), Bytes, Inodes,
    DeletedOpen (deleted files hold a tenth of it). `use` and `path` name it.
    """

    name = "gluster_space_low"
    meaning = "A file system that a Gluster node needs is nearly full."
    subject_labels = ("node",)
    named_labels = ("use", "path")
    reasons = frozenset({FULL, BYTES, INODES, DELETED_OPEN, base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 60.0
    needs = frozenset({Kind.GLUSTER_SPACE})
    helps: frozenset[Kind] = frozenset()
    starts = frozenset({Kind.GLUSTER_SPACE})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the node, if one of its file systems is short."""
        del view
        if not isinstance(obj, model.GlusterSpace) or not any(map(reason_of, obj.spaces)):
            return ()
        return (subject_of(obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the node."""
        del view
        for obj in base.versions(change):
            if isinstance(obj, model.GlusterSpace):
                yield subject_of(obj.name)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node's file systems."""
        del view
        yield Want(Kind.GLUSTER_SPACE, name=subject["node"])

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a file system is short, named after the worst one."""
        found = view.gluster_space(subject["node"])
        short = [one for one in found.spaces if reason_of(one)] if found is not None else []
        if not short:
            return None
        worst = min(short, key=lambda one: (_ORDER.index(reason_of(one)), one.use, one.path))
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason_of(worst),
            named=(("use", worst.use), ("path", worst.path)),
            evidence=tuple(map(_said, short)),
        )


_ORDER = (FULL, BYTES, INODES, DELETED_OPEN)
"""Worst first."""


def reason_of(space: model.Space) -> str:
    """Return why a file system is short; empty when it is not."""
    if space.full:
        return FULL
    if space.available < space.size * FREE_BYTES_RATIO:
        return BYTES
    free, inodes = space.inodes_free, space.inodes
    if free is not None and inodes is not None and free < inodes * FREE_INODES_RATIO:
        return INODES
    held = space.deleted_open or 0
    return DELETED_OPEN if 0 < space.size * DELETED_OPEN_RATIO < held else ""


def _said(space: model.Space) -> str:
    text = f"{space.use} {space.path}: {space.available} of {space.size} bytes are free"
    if space.inodes:
        text += f", {space.inodes_free} of {space.inodes} inodes"
    if space.deleted_open:
        text += f"; {space.deleted_open} bytes are deleted files that are open"
    return text
