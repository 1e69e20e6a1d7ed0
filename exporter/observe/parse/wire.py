"""Raw answers of the API server to objects of the model, one decoder per kind.

`UndecodableError` is the one way to fail; the edge turns it into its own error. One object that
cannot be read hides neither the rest of its page nor what a watch says next: it is Unreadable. Most
pods and Events are not kept: no detector reads them, and there are many.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind, Object, Ref
from exporter.observe.parse import (
    claims,
    controllers,
    fencing,
    limits,
    manifests,
    pods,
    snapshots,
    storage,
    volumes,
    workflows,
    workloads,
)
from exporter.observe.parse.envelope import (
    INITIAL_EVENTS_END,
    ListMeta,
    Marked,
    Meta,
    Name,
    Named,
    Status,
    WatchLine,
)

W = TypeVar("W", bound=msgspec.Struct)


class UndecodableError(ValueError):
    """The bytes are not what the API promises; the text says where."""


class Unreadable(msgspec.Struct, frozen=True):
    """An object that cannot be read.

    `name` is None and `version` empty where not even those can be read, which only a list may say;
    `gone` when a watch says that it was removed; `error` says what is wrong with it.
    """

    name: Ref | None
    version: str
    gone: bool
    error: str


class Page(msgspec.Struct, frozen=True):
    """One page of a list.

    `skipped` counts objects that are not kept; `more` continues the list, or is empty.
    """

    objects: tuple[Object, ...]
    skipped: int
    version: str
    more: str
    unreadable: tuple[Unreadable, ...] = ()


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
    """Watched: everything up to this version has been sent.

    `complete` ends the objects with which a streaming list begins.
    """

    version: str
    complete: bool = False


Watched = Put | Removed | Bookmark | Unreadable
Line = Watched | Status
"""What one line of a watch says; a Status is the server's reason to end it."""


class _Codec(NamedTuple):
    one: Callable[[bytes | msgspec.Raw], Object]
    listed: Callable[[bytes], tuple[ListMeta, list[Object]]]
    added: Callable[[bytes | memoryview], list[Object]]


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
    # Any other type of line is an error here.
    added = msgspec.defstruct(
        f"Added{wire.__name__}", [("type", Literal["ADDED"]), ("object", wire)]
    )
    lines: msgspec.json.Decoder[Any] = msgspec.json.Decoder(added)

    def objects(body: bytes) -> tuple[ListMeta, list[Object]]:
        found = many.decode(body)
        items: Iterable[W] = found.items or ()
        return found.metadata or ListMeta(), [_named(convert(item)) for item in items]

    return _Codec(
        lambda body: _named(convert(one.decode(body))),
        objects,
        lambda block: [_named(convert(line.object)) for line in lines.decode_lines(block)],
    )


def _replicated(workload: type[model.Workload]) -> _Codec:
    return _codec(controllers.WireController, controllers.replicated(workload))


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
    Kind.DEPLOYMENT: _replicated(model.Deployment),
    Kind.STATEFUL_SET: _codec(
        controllers.WireController, controllers.replicated(model.StatefulSet)
    ),
    Kind.DAEMON_SET: _codec(controllers.WireController, controllers.daemon_set),
    Kind.REPLICA_SET: _replicated(model.ReplicaSet),
    Kind.REPLICATION_CONTROLLER: _codec(
        controllers.WireController, controllers.replicated(model.ReplicationController)
    ),
    Kind.DEPLOYMENT_CONFIG: _codec(
        controllers.WireController, controllers.replicated(model.DeploymentConfig)
    ),
    Kind.JOB: _codec(controllers.WireJob, controllers.job),
    Kind.CRON_JOB: _codec(controllers.WireCronJob, controllers.cron_job),
    Kind.NOTEBOOK: _codec(controllers.WireController, controllers.notebook),
    Kind.WORKFLOW: _codec(workflows.WireWorkflow, workflows.workflow),
    Kind.CRON_WORKFLOW: _codec(workflows.WireCronWorkflow, workflows.cron_workflow),
    Kind.ROLLOUT: _replicated(model.Rollout),
    Kind.AUTOSCALER: _codec(controllers.WireScaler, controllers.autoscaler),
    Kind.SCALED_OBJECT: _codec(controllers.WireScaler, controllers.scaled_object),
    Kind.QUOTA: _codec(limits.WireQuota, limits.quota),
    Kind.LIMIT_RANGE: _codec(limits.WireLimitRange, limits.limit_range),
    Kind.ATTESTATION: _codec(fencing.WireAttestation, fencing.attestation),
    Kind.NETWORK_FENCE: _codec(fencing.WireNetworkFence, fencing.network_fence),
    Kind.POD_MANIFEST: _codec(manifests.WireManifest, manifests.pod_manifest),
}

KINDS = tuple(_CODECS)
"""The kinds that the API server lists."""


class _Items(msgspec.Struct):
    """A list whose objects are read one by one."""

    metadata: ListMeta | None = None
    items: list[msgspec.Raw] | None = None


_items = msgspec.json.Decoder(_Items)
_line = msgspec.json.Decoder(WatchLine)
_marked = msgspec.json.Decoder(Marked)
_with_name = msgspec.json.Decoder(Named)
_status = msgspec.json.Decoder(Status)

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises: not as promised, not UTF-8, nested without end."""


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
        return _CODECS[kind].one(body)
    except _BROKEN as error:
        raise UndecodableError(str(error)) from error


def page(kind: Kind, body: bytes) -> Page:
    """Read one page of a list; raises UndecodableError when it is no list."""
    unreadable: list[Unreadable] = []
    try:
        meta, objects = _CODECS[kind].listed(body)
    except (*_BROKEN, UndecodableError):
        meta, objects = _one_by_one(kind, body, unreadable)
    keep = tuple(obj for obj in objects if kept(obj))
    more = meta.continue_ or ""
    skipped = len(objects) - len(keep)
    return Page(keep, skipped, meta.resourceVersion or "", more, tuple(unreadable))


def _one_by_one(
    kind: Kind, body: bytes, unreadable: list[Unreadable]
) -> tuple[ListMeta, list[Object]]:
    try:
        found = _items.decode(body)
    except _BROKEN as error:
        raise UndecodableError(str(error)) from error
    objects: list[Object] = []
    for item in found.items or ():
        read = _read(kind, item)
        if isinstance(read, Unreadable):
            unreadable.append(read)
        else:
            objects.append(read)
    return found.metadata or ListMeta(), objects


def _read(kind: Kind, item: msgspec.Raw, *, gone: bool = False) -> Object | Unreadable:
    try:
        return _CODECS[kind].one(item)
    except (*_BROKEN, UndecodableError) as error:
        said = str(error)
    try:
        meta = _with_name.decode(item).metadata or Name()
    except _BROKEN:
        meta = Name()
    name = Ref(kind, meta.namespace or "", meta.name) if meta.name else None
    return Unreadable(name, meta.resourceVersion or "", gone, said)


def added(kind: Kind, block: bytes | memoryview) -> list[Object] | None:
    """Read whole lines of a watch that all say ADDED, in one go; None when any says else."""
    try:
        return _CODECS[kind].added(block)
    except (*_BROKEN, UndecodableError):
        return None


def watched(kind: Kind, line: bytes) -> Line:
    """Read one line of a watch; raises UndecodableError when it is none."""
    try:
        found = _said(kind, _line.decode(line))
    except _BROKEN as error:
        raise UndecodableError(str(error)) from error
    if isinstance(found, Unreadable) and found.name is None:
        # Nobody could say what was missed.
        raise UndecodableError(found.error)
    return found


def _said(kind: Kind, line: WatchLine) -> Line:
    match line.type:
        case "ADDED" | "MODIFIED":
            read = _read(kind, line.object)
            if isinstance(read, Unreadable):
                return read
            return Put(read, read.version, arrived=line.type == "ADDED")
        case "DELETED":
            read = _read(kind, line.object, gone=True)
            return read if isinstance(read, Unreadable) else Removed(read, read.version)
        case "BOOKMARK":
            meta = _marked.decode(line.object).metadata or Meta()
            complete = (meta.annotations or {}).get(INITIAL_EVENTS_END) == "true"
            return Bookmark(meta.resourceVersion or "", complete)
        case "ERROR":
            return _status.decode(line.object)
        case other:
            message = f"a watch line of type {other!r}"
            raise UndecodableError(message)


def _named(obj: Object) -> Object:
    if not obj.name:
        message = "an object without metadata.name"
        raise UndecodableError(message)
    return obj
