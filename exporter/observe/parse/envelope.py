"""What surrounds objects on the wire: metadata, lists, watch lines, Status. No kind of object.

Unknown fields are skipped by the decoder without being built. Every field may be missing or null:
the API promises neither, and a field that is not there must not hide the rest of a list.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from sys import intern
from types import MappingProxyType

import msgspec

from exporter.observe.model.names import OURS
from exporter.observe.parse.times import seconds

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""Annotation of the bookmark that ends the objects with which a streaming list begins."""


class BareMeta(msgspec.Struct, gc=False):
    """ObjectMeta without labels and annotations, which are long and seldom read."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815 -- the wire's own name
    creationTimestamp: str | None = None  # noqa: N815
    deletionTimestamp: str | None = None  # noqa: N815
    finalizers: list[str] | None = None


class WireWriter(msgspec.Struct, gc=False):
    """One entry of managedFields, for its time."""

    time: str | None = None


class WrittenMeta(BareMeta):
    """ObjectMeta of what says by whom and when it was written, without labels and annotations."""

    managedFields: list[WireWriter] | None = None  # noqa: N815 -- the wire's own name


def written(meta: WrittenMeta) -> float | None:
    """Return when anybody last wrote, which Kubernetes < 1.18 does not say."""
    times = [seconds(writer.time) for writer in meta.managedFields or ()]
    return max((time for time in times if time is not None), default=None)


class Meta(BareMeta, gc=False):
    """ObjectMeta."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class ListMeta(msgspec.Struct):
    """ListMeta."""

    resourceVersion: str | None = None  # noqa: N815
    continue_: str | None = msgspec.field(name="continue", default=None)


class WatchLine(msgspec.Struct):
    """One line of a watch; the object is decoded once its type is known."""

    type: str
    object: msgspec.Raw


class Marked(msgspec.Struct):
    """Any object, for its metadata only."""

    metadata: Meta | None = None


class Name(msgspec.Struct):
    """What identifies an object: read where the rest of it cannot be."""

    name: str | None = None
    namespace: str | None = None
    resourceVersion: str | None = None  # noqa: N815


class Named(msgspec.Struct):
    """Any object, for its name only."""

    metadata: Name | None = None


class Status(msgspec.Struct):
    """metav1.Status: how the API server says no."""

    code: int | None = None
    reason: str | None = None
    message: str | None = None


_status = msgspec.json.Decoder(Status)


def status(body: bytes) -> Status:
    """Read a Status; an empty one when the body is something else."""
    try:
        return _status.decode(body)
    except msgspec.MsgspecError:
        return Status()


_NOTHING: Mapping[str, str] = MappingProxyType({})


def ours(meta: Meta) -> Mapping[str, str]:
    """Return our annotations and labels in one.

    A label's `disabled` is not overruled by an annotation.
    """
    found = {key: value for key, value in (meta.labels or {}).items() if key.startswith(OURS)}
    for key, value in (meta.annotations or {}).items():
        if key.startswith(OURS) and found.get(key) != "disabled":
            found[key] = value
    return found or _NOTHING


def shared(text: str | None) -> str:
    """Return the one copy of a text that many objects carry: a namespace, a node, a class."""
    return intern(text) if text else ""


@lru_cache(maxsize=4096)
def _one_copy(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(intern, texts))


def several(texts: Iterable[str] | None) -> tuple[str, ...]:
    """Return the one copy of a list that many objects carry: access modes, finalizers."""
    return _one_copy(tuple(texts)) if texts else ()
