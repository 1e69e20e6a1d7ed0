"""The View: everything observed at one moment, indexed, with what could not be seen.

`Objects` holds and indexes; `View` is how pure code reads it. A View over a cache that changes is
valid until the next change is put in, so whoever holds one must not await in between. No I/O, no
clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind, Object, Ref

T = TypeVar("T")


class Want(msgspec.Struct, frozen=True):
    """One read.

    An object by name, or without a name all of a kind, in a namespace, by field selector.
    """

    kind: Kind
    namespace: str = ""
    name: str = ""
    field_selector: str = ""


class Objects:
    """The latest version of each object, with the look-ups that detectors need.

    All of constant cost.
    """

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        """Index the given objects."""
        self._all: dict[Kind, dict[Ref, Object]] = {kind: {} for kind in Kind}
        self._index: dict[tuple[str, str, str], dict[Ref, Object]] = defaultdict(dict)
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> Object | None:
        """Store an object and return the version it replaces."""
        name = model.ref(obj)
        old = self.remove(name)
        self._all[name.kind][name] = obj
        for key in _keys(obj):
            self._index[key][name] = obj
        return old

    def remove(self, name: Ref) -> Object | None:
        """Forget an object and return it, if it was there."""
        old = self._all[name.kind].pop(name, None)
        if old is not None:
            for key in _keys(old):
                found = self._index[key]
                found.pop(name, None)
                if not found:
                    del self._index[key]
        return old

    def get(self, name: Ref) -> Object | None:
        """Return one object."""
        return self._all[name.kind].get(name)

    def of(self, kind: Kind) -> Iterator[Object]:
        """Iterate over all objects of a kind."""
        return iter(self._all[kind].values())

    def count(self, kind: Kind) -> int:
        """Return how many objects of a kind are held."""
        return len(self._all[kind])

    def indexed(self, index: str, namespace: str, name: str) -> list[Object]:
        """Return the objects under one index key, by name."""
        found = self._index.get((index, namespace, name))
        return [found[key] for key in sorted(found)] if found else []


def _keys(obj: Object) -> Iterator[tuple[str, str, str]]:
    match obj:
        case model.Pod():
            if obj.node:
                yield ("pods_on", "", obj.node)
            for claim in set(obj.claims):
                yield ("pods_of", obj.namespace, claim)
        case model.Attachment():
            yield ("attachments_on", "", obj.node)
            if obj.volume:
                yield ("attachments_of", "", obj.volume)
        case _:
            pass


class View:
    """Reads over Objects. `unseen` maps a kind that could not be observed to the sentence why."""

    def __init__(
        self, objects: Objects, taken: float, unseen: Mapping[Kind, str] | None = None
    ) -> None:
        """Wrap objects observed at `taken`."""
        self._objects = objects
        self.taken = taken
        self.unseen: Mapping[Kind, str] = unseen or {}

    def _get(self, wanted: type[T], kind: Kind, namespace: str, name: str) -> T | None:
        found = self._objects.get(Ref(kind, namespace, name))
        return found if isinstance(found, wanted) else None

    def _indexed(self, wanted: type[T], index: str, namespace: str, name: str) -> list[T]:
        found = self._objects.indexed(index, namespace, name)
        return [obj for obj in found if isinstance(obj, wanted)]

    def node(self, name: str) -> model.Node | None:
        """Return a Node."""
        return self._get(model.Node, Kind.NODE, "", name)

    def nodes(self) -> list[model.Node]:
        """Return all Nodes."""
        return [obj for obj in self._objects.of(Kind.NODE) if isinstance(obj, model.Node)]

    def pod(self, namespace: str, name: str) -> model.Pod | None:
        """Return a Pod."""
        return self._get(model.Pod, Kind.POD, namespace, name)

    def claim(self, namespace: str, name: str) -> model.Claim | None:
        """Return a PersistentVolumeClaim."""
        return self._get(model.Claim, Kind.CLAIM, namespace, name)

    def volume(self, name: str) -> model.Volume | None:
        """Return a PersistentVolume."""
        return self._get(model.Volume, Kind.VOLUME, "", name)

    def lease(self, namespace: str, name: str) -> model.Lease | None:
        """Return a Lease."""
        return self._get(model.Lease, Kind.LEASE, namespace, name)

    def namespace(self, name: str) -> model.Namespace | None:
        """Return a Namespace."""
        return self._get(model.Namespace, Kind.NAMESPACE, "", name)

    def attachments(self) -> list[model.Attachment]:
        """Return all VolumeAttachments."""
        found = self._objects.of(Kind.ATTACHMENT)
        return [obj for obj in found if isinstance(obj, model.Attachment)]

    def attachments_on(self, node: str) -> list[model.Attachment]:
        """Return the VolumeAttachments that name this node."""
        return self._indexed(model.Attachment, "attachments_on", "", node)

    def attachments_of(self, volume: str) -> list[model.Attachment]:
        """Return the VolumeAttachments of this PersistentVolume."""
        return self._indexed(model.Attachment, "attachments_of", "", volume)

    def pods_on(self, node: str) -> list[model.Pod]:
        """Return the pods with claims that are bound to this node."""
        return self._indexed(model.Pod, "pods_on", "", node)

    def pods_of(self, namespace: str, claim: str) -> list[model.Pod]:
        """Return the pods that use this claim."""
        return self._indexed(model.Pod, "pods_of", namespace, claim)

    def volume_of(self, claim: model.Claim) -> model.Volume | None:
        """Return the volume that a claim is bound to."""
        return self.volume(claim.volume) if claim.volume else None
