"""Volumes that not every list has: Gluster's own, Heketi's database, PersistentVolumes.

Values in, values out, for the detector and the collector of gluster_volumes_orphaned and for the
role `orphans`. What is absent counts only where the whole list was seen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View

YOUNG_SECONDS = 3600.0
"""A PersistentVolume that is younger than this may not have been in the lists yet."""

MADE_BY_HEKETI = re.compile(r"/vg_[0-9a-f]{32}/brick_[0-9a-f]{32}/")
"""In the path of each brick that Heketi made, by the ids of device and brick."""

NAMED_BY_HEKETI = re.compile(r"vol_[0-9a-f]{32}")
"""How Heketi names a volume that nobody else names."""


class Missing(StrEnum):
    """Which list has a volume and which does not; the gravest first. Each volume is in one."""

    PV_WITHOUT_GLUSTER = "pv_without_gluster"
    HEKETI_WITHOUT_GLUSTER = "heketi_without_gluster"
    PV_WITHOUT_HEKETI = "pv_without_heketi"
    GLUSTER_WITHOUT_HEKETI = "gluster_without_heketi"
    HEKETI_WITHOUT_PV = "heketi_without_pv"


_GRAVITY = {missing: number for number, missing in enumerate(Missing)}


class Pool(msgspec.Struct, frozen=True):
    """Glusterds that are peers of each other, and the Heketi clusters (endpoint, id) they make up.

    `name` is the id of the Heketi cluster: it stays whatever nodes come and go, and is what
    heketi-cli takes. A pool that no Heketi shows has the smallest uuid of its members.
    """

    name: str
    glusterds: tuple[model.Glusterd, ...] = ()
    clusters: tuple[tuple[str, str], ...] = ()


class Orphan(msgspec.Struct, frozen=True, gc=False):
    """A volume that some list lacks. `claim` is the PersistentVolume's, where there is one."""

    missing: Missing
    name: str
    size: int | None
    id: str = ""
    volume: str = ""
    claim: str = ""


class Lists(msgspec.Struct, frozen=True):
    """What was seen of a pool; None: not seen as a whole.

    `told` is what each glusterd that tells knows; `gluster` are the names that all of them know,
    `some` those that any does. `looked` is when the oldest dump of Heketi's that is used was made.
    """

    told: tuple[Mapping[str, model.GlusterVolume], ...]
    gluster: frozenset[str] | None
    some: frozenset[str]
    heketi: Mapping[str, model.HeketiVolume] | None
    claimed: Mapping[str, model.Volume]
    ours: frozenset[str]
    looked: float | None
    shared: bool


class Difference(msgspec.Struct, frozen=True):
    """The volumes of a pool that some list lacks, gravest first, and what could be judged."""

    pool: Pool
    lists: Lists
    judged: frozenset[Missing]
    orphans: tuple[Orphan, ...]


def pools(view: View) -> list[Pool]:
    """Return every pool that a glusterd or a Heketi shows, by name."""
    groups = _groups(view.glusterds())
    clusters = {
        (heketi.name, cluster.id): frozenset(cluster.hosts)
        for heketi in sorted(view.heketis(), key=lambda one: one.name)
        if listed(heketi, view)
        for cluster in heketi.clusters
    }
    rest = dict(clusters)
    found: dict[str, Pool] = {}
    for group in groups:
        ours = [key for key, hosts in rest.items() if _meet(group, key, hosts, view)]
        for key in ours:
            del rest[key]
        name = min((cluster for _, cluster in ours), default=min(_members(group)))
        found[name] = Pool(name, group, tuple(ours))
    for endpoint, cluster in rest:
        # The same cluster may be shown under two URLs of its Heketi.
        known = found.get(cluster, Pool(cluster))
        found[cluster] = msgspec.structs.replace(
            known, clusters=(*known.clusters, (endpoint, cluster))
        )
    return [found[name] for name in sorted(found)]


def listed(heketi: model.Heketi, view: View) -> bool:
    """Whether all that a Heketi's database holds is here: it comes after the Heketi itself."""
    held = (len(view.heketi_volumes(heketi.name, cluster.id)) for cluster in heketi.clusters)
    return heketi.listed and sum(held) >= heketi.volumes


def difference(pool: Pool, view: View) -> Difference:
    """Return what some list of a pool lacks."""
    lists = _lists(pool, view)
    judged = frozenset(_judged(lists, view))
    orphans = sorted(_orphans(lists, judged), key=lambda one: (_GRAVITY[one.missing], one.name))
    return Difference(pool, lists, judged, tuple(orphans))


def _judged(lists: Lists, view: View) -> Iterator[Missing]:
    """Name what can be proven: what has it and what has it not were both seen."""
    if not view.sees(Kind.VOLUME):
        return
    if lists.gluster is not None:
        yield Missing.PV_WITHOUT_GLUSTER
    if lists.heketi is not None:
        yield Missing.PV_WITHOUT_HEKETI
        if not lists.shared:
            yield Missing.HEKETI_WITHOUT_PV
    if lists.gluster is not None and lists.heketi is not None:
        yield Missing.HEKETI_WITHOUT_GLUSTER
        yield Missing.GLUSTER_WITHOUT_HEKETI


def _orphans(lists: Lists, judged: frozenset[Missing]) -> Iterator[Orphan]:
    heketi = lists.heketi or {}
    for name in {*(lists.gluster or ()), *heketi, *lists.claimed}:
        if name == model.DATABASE_VOLUME:
            continue
        missing = _missing(name, lists)
        if missing not in judged:
            continue
        known, claimed = heketi.get(name), lists.claimed.get(name)
        size = known.size if known is not None else _size(name, lists.told)
        if size is None and claimed is not None:
            size = claimed.capacity
        yield Orphan(
            missing,
            name,
            size,
            known.id if known is not None else "",
            claimed.name if claimed is not None else "",
            f"{claimed.claim_namespace}/{claimed.claim_name}"
            if claimed is not None and claimed.claim_name
            else "",
        )


def _missing(name: str, lists: Lists) -> Missing | None:
    """Return what a volume lacks; None where it lacks nothing, or nothing that is proven."""
    known = lists.heketi.get(name) if lists.heketi is not None else None
    if known is not None and (known.pending or known.settling or known.block_host):
        return None
    claimed = lists.claimed.get(name)
    gone = lists.gluster is not None and name not in lists.some
    if claimed is not None:
        return _of_claimed(name, claimed, lists, gone=gone)
    if known is not None and known.claimed:
        return None
    if known is not None:
        return Missing.HEKETI_WITHOUT_GLUSTER if gone else Missing.HEKETI_WITHOUT_PV
    here = lists.gluster is not None and name in lists.gluster
    return Missing.GLUSTER_WITHOUT_HEKETI if here and heketis(lists.told[0][name]) else None


def _of_claimed(name: str, claimed: model.Volume, lists: Lists, *, gone: bool) -> Missing | None:
    """Return what a PersistentVolume of this pool lacks, unless it is too young to tell."""
    known = lists.heketi is not None and name in lists.heketi
    if lists.looked is not None and _young(claimed, lists.looked):
        return None
    if gone and (known or name in lists.ours):
        return Missing.PV_WITHOUT_GLUSTER
    if known or lists.heketi is None:
        return None
    if lists.gluster is not None and name in lists.gluster:
        # One that a person made by hand has nothing to do with Heketi.
        return Missing.PV_WITHOUT_HEKETI if heketis(lists.told[0][name]) else None
    return Missing.PV_WITHOUT_HEKETI if name in lists.ours else None


def _young(claimed: model.Volume, looked: float) -> bool:
    return claimed.created is not None and claimed.created > looked - YOUNG_SECONDS


def heketis(volume: model.GlusterVolume) -> bool:
    """Whether a Heketi made this volume: by where its bricks are, else by its name."""
    if volume.bricks:
        return all(MADE_BY_HEKETI.search(brick.path) for brick in volume.bricks)
    return NAMED_BY_HEKETI.fullmatch(volume.name) is not None


def _lists(pool: Pool, view: View) -> Lists:
    shown = [one for endpoint, _ in pool.clusters if (one := view.heketi(endpoint)) is not None]
    heketi = {
        name: volume
        for endpoint, cluster in pool.clusters
        for name, volume in view.heketi_volumes(endpoint, cluster).items()
    }
    claimed = {volume.gluster_name: volume for volume in view.gluster_claimed()}
    told = _told(pool, view)
    classes = _classes(pool, view)
    return Lists(
        told=told,
        gluster=frozenset.intersection(*map(frozenset, told)) if told else None,
        some=frozenset().union(*told),
        heketi=heketi if pool.clusters else None,
        claimed=claimed,
        ours=frozenset(name for name, one in claimed.items() if one.storage_class in classes),
        looked=min((one.looked for one in shown if one.looked is not None), default=None),
        shared=any(one.shared for one in shown),
    )


def _classes(pool: Pool, view: View) -> frozenset[str]:
    """Return the StorageClasses whose volumes can be in no other pool."""
    makers = {
        heketi.name: {cluster.id for cluster in heketi.clusters}
        for heketi in view.heketis()
        if listed(heketi, view)
    }
    # Without Heketi's database, only where there is no other pool that they could be in.
    alone = not pool.clusters and not makers and len(pools(view)) == 1
    found: set[str] = set()
    for one in view.storage_classes():
        possible = makers.get(one.heketi, set())
        possible = possible & set(one.heketi_clusters) if one.heketi_clusters else possible
        in_it = len(possible) == 1 and (one.heketi, *possible) in pool.clusters
        if in_it or (alone and view.heketi(one.heketi) is not None):
            found.add(one.name)
    return frozenset(found)


def _told(pool: Pool, view: View) -> tuple[Mapping[str, model.GlusterVolume], ...]:
    """Return what each glusterd knows; nothing where the list was not seen as a whole.

    Each node knows the names of all, unless it is cut off: more than half of the pool must be
    connected to one that tells.
    """
    told: list[Mapping[str, model.GlusterVolume]] = []
    whole = False
    for glusterd in pool.glusterds:
        known = view.gluster_by_name(glusterd.name)
        if len(known) < (1 if glusterd.volumes is None else glusterd.volumes):
            continue
        told.append(known)
        connected = 1 + sum(peer.connected for peer in glusterd.peers)
        whole = whole or 2 * connected > 1 + len(glusterd.peers)
    return tuple(told) if whole else ()


def _size(name: str, told: Iterable[Mapping[str, model.GlusterVolume]]) -> int | None:
    """Return how much fits into a volume.

    Each node knows the sizes of its own bricks; Heketi makes all bricks of a volume alike.
    """
    views = [known[name] for known in told if name in known]
    sizes = [brick.size for one in views for brick in one.bricks if brick.size is not None]
    if not sizes:
        return None
    volume = views[0]
    copies, parts = max(1, volume.replica), max(0, volume.disperse)
    useful = sum(not brick.arbiter for brick in volume.bricks) / max(1, copies - volume.arbiter)
    if parts:
        useful = len(volume.bricks) * (parts - volume.redundancy) / parts
    return round(max(0.0, useful) * sum(sizes) / len(sizes))


def _groups(glusterds: Iterable[model.Glusterd]) -> list[tuple[model.Glusterd, ...]]:
    """Return the glusterds that answer, those of one pool together."""
    groups: list[tuple[set[str], list[model.Glusterd]]] = []
    for one in sorted(glusterds, key=lambda one: one.name):
        if not one.answers or not one.uuid:
            continue
        members, ours = _members((one,)), [one]
        for known in [group for group in groups if group[0] & members]:
            groups.remove(known)
            members |= known[0]
            ours = known[1] + ours
        groups.append((members, ours))
    return [tuple(sorted(ours, key=lambda one: one.name)) for _, ours in groups]


def _members(group: Iterable[model.Glusterd]) -> set[str]:
    """Return the uuids of all members of a pool, those that are not seen themselves too."""
    return {
        uuid for one in group for uuid in (one.uuid, *(peer.uuid for peer in one.peers)) if uuid
    }


def _meet(
    group: tuple[model.Glusterd, ...], key: tuple[str, str], hosts: frozenset[str], view: View
) -> bool:
    """Whether a Heketi cluster is this pool: by the names of its nodes, else of its volumes."""
    names = {peer.hostname for one in group for peer in one.peers} | {one.name for one in group}
    known = next((found for one in group if (found := view.gluster_by_name(one.name))), {})
    if known:
        names |= {brick.host for brick in known[min(known)].bricks}
    if names & hosts:
        return True
    return not known.keys().isdisjoint(view.heketi_volumes(*key).keys() - {model.DATABASE_VOLUME})
