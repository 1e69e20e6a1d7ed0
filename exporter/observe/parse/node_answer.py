"""What a node tells of itself over HTTP: written by the role that looks, read by the one that asks.

Each kind stands for itself: one that cannot be read, because the other side is newer or older, or
lies, is unseen, and the others are not. A node speaks of itself only. New fields are skipped by
those who do not know them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from exporter.observe.model import FACTS, KIND_OF, Kind, Object
from exporter.observe.parse.wire import UndecodableError

TYPE_OF: Mapping[Kind, type] = {kind: one for one, kind in KIND_OF.items() if kind in FACTS}


class Told(msgspec.Struct, frozen=True):
    """One kind: its objects as looked at `taken` (Unix seconds), or why it is `unseen`."""

    objects: tuple[Object, ...] = ()
    taken: float | None = None
    unseen: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What node `node` told at `taken` (Unix seconds), by kind."""

    node: str
    boot_id: str
    taken: float
    kinds: Mapping[Kind, Told]


class WireTold(msgspec.Struct):
    """Told, with objects whose type is another field's business."""

    objects: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"[]"))
    taken: float | None = None
    unseen: str = ""


class WireAnswer(msgspec.Struct):
    """Answer."""

    node: str
    boot_id: str = ""
    taken: float = 0.0
    kinds: dict[str, WireTold] = msgspec.field(default_factory=dict)


_answer = msgspec.json.Decoder(WireAnswer)
_objects: Mapping[Kind, msgspec.json.Decoder[Any]] = {  # Any: one type for each kind
    kind: msgspec.json.Decoder(tuple[one, ...])  # type: ignore[valid-type]
    for kind, one in TYPE_OF.items()
}


def told(objects: Sequence[Object], taken: float | None, unseen: str) -> bytes:
    """Write one kind."""
    return msgspec.json.encode(
        {"taken": taken, "unseen": unseen, "objects": () if unseen else objects}
    )


def written(
    node: str, boot_id: str, taken: float, kinds: Iterable[tuple[Kind, bytes]]
) -> list[bytes]:
    """Write an answer around kinds that are written already, in pieces that are not copied."""
    head = msgspec.json.encode({"node": node, "boot_id": boot_id, "taken": taken})
    pieces = [head[:-1], b',"kinds":{']
    for number, (kind, body) in enumerate(kinds):
        pieces += [b"," if number else b"", b'"%s":' % kind.encode(), body]
    return [*pieces, b"}}"]


def read(body: bytes, node: str, wanted: Iterable[Kind]) -> Answer:
    """Read what a node says of itself; raises UndecodableError where it is no such answer."""
    try:
        found = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    if found.node != node:
        raise UndecodableError(f"it is node {found.node[:100]!r} that answers, not {node}")
    kinds = {kind: _told(kind, found.kinds.get(kind), node) for kind in sorted(wanted)}
    return Answer(node, found.boot_id, found.taken, kinds)


def _told(kind: Kind, one: WireTold | None, node: str) -> Told:
    if one is None:
        return Told(unseen=f"node {node} says nothing of {kind}")
    if one.unseen:
        return Told(taken=one.taken, unseen=f"node {node}: {one.unseen}")
    try:
        objects = _objects[kind].decode(one.objects)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Told(taken=one.taken, unseen=f"node {node}: cannot read its {kind}: {error}")
    if any(obj.node != node for obj in objects):
        return Told(taken=one.taken, unseen=f"node {node} speaks of other nodes' {kind}")
    return Told(objects, one.taken)
