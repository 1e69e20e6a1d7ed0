"""The objects with which a streaming list begins, gathered until the server says: these are all.

Until then half a list is no list: `whole` says so. No I/O, no clock.
"""

from exporter.observe.model import Kind, Object, Ref, ref
from exporter.observe.parse import wire
from exporter.observe.parse.envelope import Status


class Initial:
    """What has arrived so far.

    `began` once there was an answer. `version` is where to watch from, once `whole`.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.began = False
        self._objects: list[Object] = []
        self._unreadable: list[wire.Unreadable] = []
        self._changes: list[wire.Put | wire.Removed | wire.Unreadable] = []
        self.skipped = 0
        self.whole = False
        self.version = ""

    def take(self, block: bytes | memoryview) -> Status | None:
        """Take whole lines; a Status is the server's reason to end. Raises UndecodableError."""
        self.began = True
        # After a change order counts: what is gone may come again.
        objects = None if self._changes else wire.added(self.kind, block)
        if objects is not None:
            keep = [obj for obj in objects if wire.kept(obj)]
            self._objects += keep
            self.skipped += len(objects) - len(keep)
            return None
        for line in bytes(block).split(b"\n"):
            if line.strip() and not self.whole:
                said = self._line(wire.watched(self.kind, line))
                if said is not None:
                    return said
        return None

    def _line(self, found: wire.Line) -> Status | None:
        match found:
            case Status():
                return found
            case wire.Bookmark(complete=True):
                self.whole = True
                self.version = found.version
            case wire.Bookmark():
                pass
            case wire.Unreadable(gone=False):
                self._unreadable.append(found)
            case wire.Put(arrived=True) if not self._changes:
                if wire.kept(found.object):
                    self._objects.append(found.object)
                else:
                    self.skipped += 1
            case wire.Put() | wire.Removed() | wire.Unreadable():
                # What changes while the list is under way comes after its object, before the end.
                self._changes.append(found)
        return None

    def result(self) -> tuple[list[Object], tuple[wire.Unreadable, ...]]:
        """Return the objects in their newest versions, and what cannot be read; ask once."""
        if not self._changes:
            return self._objects, tuple(self._unreadable)
        newest: dict[Ref, Object] = {ref(obj): obj for obj in self._objects}
        for change in self._changes:
            if isinstance(change, wire.Unreadable):
                if change.name is not None:
                    newest.pop(change.name, None)
                continue
            name = ref(change.object)
            held = newest.pop(name, None) is not None
            there = isinstance(change, wire.Put)
            arrived = isinstance(change, wire.Put) and change.arrived
            if there and wire.kept(change.object):
                newest[name] = change.object
            self.skipped += (there and name not in newest) - (not held and not arrived)
        return list(newest.values()), tuple(self._unreadable)
