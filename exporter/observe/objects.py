"""The latest version of each object, with the look-ups that detectors need, all of constant cost.

Built for a million objects: no key objects of its own, and an index entry with one object is that
object. What the look-ups mean is said in `view`. No I/O, no clock.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TypeAlias

from exporter.observe import model
from exporter.observe.model import Kind, Object, Ref

_Found: TypeAlias = Object | list[Object]


class _Index:
    """Objects by namespace and key."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, _Found]] = {}

    def add(self, namespace: str, key: str, obj: Object) -> None:
        keys = self._keys.setdefault(namespace, {})
        there = keys.get(key)
        if there is None:
            keys[key] = obj
        elif isinstance(there, list):
            there.append(obj)
        else:
            keys[key] = [there, obj]

    def remove(self, namespace: str, key: str, obj: Object) -> None:
        keys = self._keys.get(namespace)
        there = keys.get(key) if keys is not None else None
        if keys is None or there is None:
            return
        if isinstance(there, list):
            rest = [one for one in there if one is not obj]
            if len(rest) > 1:
                keys[key] = rest
                return
            if rest:
                keys[key] = rest[0]
                return
        elif there is not obj:
            return
        del keys[key]
        if not keys:
            del self._keys[namespace]

    def replace(self, namespace: str, key: str, old: Object, new: Object) -> None:
        keys = self._keys[namespace]
        there = keys[key]
        if isinstance(there, list):
            there[next(n for n, one in enumerate(there) if one is old)] = new
        else:
            keys[key] = new

    def has(self, namespace: str, key: str) -> bool:
        return key in self._keys.get(namespace, {})

    def find(self, namespace: str, key: str) -> list[Object]:
        there = self._keys.get(namespace, {}).get(key)
        if there is None:
            return []
        if isinstance(there, list):
            return sorted(there, key=_in_namespace if hasattr(there[0], "namespace") else _of_all)
        return [there]


_in_namespace = attrgetter("namespace", "name")
_of_all = attrgetter("name")


class Objects:
    """Holds and indexes."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        """Index the given objects."""
        self._all: dict[Kind, dict[str, dict[str, Object]]] = {kind: {} for kind in Kind}
        self._count = dict.fromkeys(Kind, 0)
        self._indexes: dict[str, _Index] = {}
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> Object | None:
        """Store an object and return the version it replaces."""
        kind = model.KIND_OF[type(obj)]
        names = self._all[kind].setdefault(getattr(obj, "namespace", ""), {})
        old = names.get(obj.name)
        names[obj.name] = obj
        if old is None:
            self._count[kind] += 1
            for index, namespace, key in _keys(obj):
                self._index(index).add(namespace, key, obj)
            return None
        before, now = list(_keys(old)), list(_keys(obj))
        if before == now:
            # Nearly always: what an object is found by seldom changes.
            for index, namespace, key in now:
                self._index(index).replace(namespace, key, old, obj)
            return old
        for index, namespace, key in before:
            self._index(index).remove(namespace, key, old)
        for index, namespace, key in now:
            self._index(index).add(namespace, key, obj)
        return old

    def remove(self, name: Ref) -> Object | None:
        """Forget an object and return it, if it was there."""
        names = self._all[name.kind].get(name.namespace, {})
        old = names.pop(name.name, None)
        if old is not None:
            self._count[name.kind] -= 1
            if not names:
                del self._all[name.kind][name.namespace]
            for index, namespace, key in _keys(old):
                self._index(index).remove(namespace, key, old)
        return old

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return one object."""
        names = self._all[kind].get(namespace)
        return names.get(name) if names is not None else None

    def of(self, kind: Kind) -> Iterator[Object]:
        """Iterate over all objects of a kind."""
        for names in self._all[kind].values():
            yield from names.values()

    def within(self, kind: Kind, namespace: str) -> Mapping[str, Object]:
        """Return the objects of a kind in one namespace by name: not a copy, and no index."""
        return self._all[kind].get(namespace, {})

    def count(self, kind: Kind) -> int:
        """Return how many objects of a kind are held."""
        return self._count[kind]

    def indexed(self, index: str, namespace: str, key: str) -> list[Object]:
        """Return the objects under one index key, by namespace and name."""
        found = self._indexes.get(index)
        return found.find(namespace, key) if found is not None else []

    def any(self, index: str, namespace: str, key: str) -> bool:
        """Whether there is an object under one index key."""
        found = self._indexes.get(index)
        return found is not None and found.has(namespace, key)

    def _index(self, name: str) -> _Index:
        found = self._indexes.get(name)
        if found is None:
            found = self._indexes[name] = _Index()
        return found


def _keys(obj: Object) -> Iterator[tuple[str, str, str]]:  # noqa: C901, PLR0912, PLR0915 -- a table
    match obj:
        case model.Pod():
            if obj.node:
                yield ("pods_on", "", obj.node)
            for claim in obj.claims if len(obj.claims) <= 1 else set(obj.claims):
                yield ("pods_of", obj.namespace, claim)
            if obj.plugin is not None:
                yield ("plugins", "", "")
                yield ("plugins_on", "", obj.node)
                yield ("plugins_of", obj.namespace, f"{obj.owner} {bucket(obj.node)}")
        case model.Claim():
            if obj.volume:
                yield ("claims_of", "", obj.volume)
            if obj.data_source is not None:
                source = obj.data_source
                yield ("made_from", source.namespace or obj.namespace, from_key(source))
            if obj.phase == "Pending":
                yield ("pending_of", "", obj.storage_class or "")
            elif obj.growing and obj.storage_class:
                yield ("growing_of", "", obj.storage_class)
        case model.Volume():
            if obj.claim_name:
                yield ("volumes_of", obj.claim_namespace, obj.claim_name)
            if obj.attach_name:
                yield ("in_tree", "", obj.attach_name)
            if obj.undeleted and obj.storage_class:
                yield ("undeleted_of", "", obj.storage_class)
            if obj.driver == model.ROK and obj.affinity:
                yield ("rok_on", "", obj.pinned_to)
            elif obj.gluster_name:
                yield ("gluster_volumes", "", str(bucket(obj.gluster_name)))
        case model.Attachment():
            yield ("attachments_on", "", obj.node)
            if obj.volume:
                yield ("attachments_of", "", obj.volume)
        case model.Node():
            for name in {model.attach_name(unique) for unique in obj.attached} - {""}:
                yield ("in_tree_on", "", name)
        case model.KubeEvent():
            yield (f"events_of {obj.about_kind}", obj.about_namespace, obj.about_name)
        case model.VolumeStats():
            yield ("stats_of", "", obj.node)
        case model.GlusterVolume():
            yield ("gluster_named", "", obj.name)
        case model.Mount():
            yield ("mounts_on", "", obj.node)
            yield ("mounts_of", "", obj.name)
        case model.KernelFault():
            yield ("faults_on", "", obj.node)
        case model.Snapshot():
            if obj.claim:
                yield ("snapshots_of", obj.namespace, obj.claim)
            for name in {obj.content, obj.bound_content} - {""}:
                yield ("snapshots_naming", "", name)
            if not obj.ready:
                yield ("unready_of", "", obj.snapshot_class or "")
        case model.SnapshotContent():
            if obj.snapshot_name:
                yield ("contents_of", obj.snapshot_namespace, obj.snapshot_name)
        case _:
            pass


BUCKETS = 256
"""What would be thousands of objects under one key is spread over so many.

Plugin pods of one owner, so that a sample costs no look at thousands; volumes of Gluster's, so that
a change of one does not.
"""


def bucket(name: str) -> int:
    """Return the key's number for a name: the same in every process."""
    return zlib.crc32(name.encode(errors="replace")) % BUCKETS


def from_key(source: model.DataSource) -> str:
    """Return the key under which claims made from this source are found."""
    return f"{source.kind}/{source.name}"
