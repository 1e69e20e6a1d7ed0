"""Raw answers of the API server to objects of the model, one decoder per kind.

`UndecodableError` is the one way to fail; the edge turns it into its own error. Most pods and
Events are not kept: no detector reads them, and there are many.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind, Object
from exporter.observe.parse import claims, pods, snapshots, storage, volumes, workloads
from exporter.observe.parse.envelope import ListMeta, Marked, Meta, Status, WatchLine

W = TypeVar("W", bound=msgspec.Struct)


class UndecodableError(ValueError):
    """The bytes are not what the API promises; the text says where."""


class Page(msgspec.Struct, frozen=True):
    """One page of a list.

    `skipped` counts objects that are not kept; `more` continues the list, or is empty.
    """

    objects: tuple[Object, ...]
    skipped: int
    version: str
    more: str


class Put(msgspec.Struct, frozen=True):
    """Watched: an object is there in this version; `arrived` when it was not there before."""

    object: Object
    version: str
    arrived: bool


class Removed(msgspec.Struct, frozen=True):
    """Watched: an object is gone."""

    object: Object
    version: str


class Bookmark(msgspec.Struct, frozen=True):
    """Watched: everything up to this version has been sent."""

    version: str


Watched = Put | Removed | Bookmark
Line = Watched | Status
"""What one line of a watch says; a Status is the server's reason to end it."""


class _Codec(NamedTuple):
    one: Callable[[bytes | msgspec.Raw], Object]
    page: Callable[[bytes], Page]


def _codec(wire: type[W], convert: Callable[[W], Object]) -> _Codec:
    one = msgspec.json.Decoder(wire)
    listed = msgspec.defstruct(
        f"{wire.__name__}List",
        [
            ("metadata", ListMeta | None, None),
            # Built from a value, which static typing cannot follow.
            ("items", list[wire] | None, None),  # type: ignore[valid-type]
        ],
    )
    many: msgspec.json.Decoder[Any] = msgspec.json.Decoder(listed)

    def page(body: bytes) -> Page:
        found = many.decode(body)
        meta = found.metadata or ListMeta()
        items: Iterable[W] = found.items or ()
        objects = [convert(item) for item in items]
        keep = tuple(obj for obj in objects if kept(obj))
        skipped = len(objects) - len(keep)
        return Page(keep, skipped, meta.resourceVersion or "", meta.continue_ or "")

    return _Codec(lambda body: convert(one.decode(body)), page)


_CODECS: Mapping[Kind, _Codec] = {
    Kind.NODE: _codec(workloads.WireNode, workloads.node),
    Kind.POD: _codec(pods.WirePod, pods.pod),
    Kind.CLAIM: _codec(claims.WireClaim, claims.claim),
    Kind.VOLUME: _codec(volumes.WireVolume, volumes.volume),
    Kind.ATTACHMENT: _codec(volumes.WireAttachment, volumes.attachment),
    Kind.EVENT: _codec(workloads.WireEvent, workloads.event),
    Kind.LEASE: _codec(workloads.WireLease, workloads.lease),
    Kind.NAMESPACE: _codec(workloads.WireNamespace, workloads.namespace),
    Kind.STORAGE_CLASS: _codec(storage.WireStorageClass, storage.storage_class),
    Kind.CSI_NODE: _codec(storage.WireCsiNode, storage.csi_node),
    Kind.CSI_DRIVER: _codec(storage.WireCsiDriver, storage.csi_driver),
    Kind.SNAPSHOT: _codec(snapshots.WireSnapshot, snapshots.snapshot),
    Kind.SNAPSHOT_CONTENT: _codec(snapshots.WireContent, snapshots.content),
    Kind.SNAPSHOT_CLASS: _codec(snapshots.WireSnapshotClass, snapshots.snapshot_class),
}

KINDS = tuple(_CODECS)
"""The kinds that the API server lists."""

_line = msgspec.json.Decoder(WatchLine)
_marked = msgspec.json.Decoder(Marked)
_status = msgspec.json.Decoder(Status)


def kept(obj: Object) -> bool:
    """Whether some detector may read this object.

    A pod when it uses claims or is a CSI node plugin, an Event when its text says something.
    """
    match obj:
        case model.Pod():
            return bool(obj.claims) or obj.plugin is not None
        case model.KubeEvent():
            return obj.fact is not None
        case _:
            return True


def one(kind: Kind, body: bytes) -> Object:
    """Read one object; raises UndecodableError."""
    try:
        return _named(_CODECS[kind].one(body))
    except msgspec.MsgspecError as error:
        raise UndecodableError(str(error)) from error


def page(kind: Kind, body: bytes) -> Page:
    """Read one page of a list; raises UndecodableError."""
    try:
        return _CODECS[kind].page(body)
    except msgspec.MsgspecError as error:
        raise UndecodableError(str(error)) from error


def watched(kind: Kind, line: bytes) -> Line:
    """Read one line of a watch; raises UndecodableError."""
    try:
        found = _line.decode(line)
        match found.type:
            case "ADDED" | "MODIFIED":
                obj = _named(_CODECS[kind].one(found.object))
                return Put(obj, obj.version, arrived=found.type == "ADDED")
            case "DELETED":
                obj = _named(_CODECS[kind].one(found.object))
                return Removed(obj, obj.version)
            case "BOOKMARK":
                meta = _marked.decode(found.object).metadata or Meta()
                return Bookmark(meta.resourceVersion or "")
            case "ERROR":
                return _status.decode(found.object)
            case other:
                message = f"a watch line of type {other!r}"
                raise UndecodableError(message)
    except msgspec.MsgspecError as error:
        raise UndecodableError(str(error)) from error


def _named(obj: Object) -> Object:
    if not obj.name:
        message = "an object without metadata.name"
        raise UndecodableError(message)
    return obj
