"""gluster_volumes_orphaned as values: three lists in, what some of them lack out."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from exporter.collectors import gluster_volumes_orphaned as collected
from exporter.observe import gluster_orphans, model
from exporter.observe.gluster_orphans import Missing
from exporter.observe.model import Change, Kind, Object
from exporter.observe.signals.base import EVERYTHING
from exporter.observe.signals.gluster_volumes_orphaned import (
    REASONS,
    GlusterVolumesOrphaned,
    subject_of,
)
from tests.signals import made

DETECTOR = GlusterVolumesOrphaned()
POOL = subject_of(made.CLUSTER)
CLASS = model.StorageClass(
    "shared", model.GLUSTERFS, waits=False, expandable=False, heketi=made.HEKETI
)
OTHER = "http://other:8080"
NODES = "abc"
MADE = f"/var/lib/heketi/mounts/vg_{made.CLUSTER}/brick_{made.CLUSTER}/brick"


def brick(host: str, at: str) -> model.Brick:
    """Return a brick that Heketi made: of 1 GiB on the node that tells of it."""
    here = host == at
    size = 2**30 if here else None
    return model.Brick(host, MADE, f"uuid-{host}", local=here, online=here or None, size=size)


def in_gluster(
    *names: str,
    nodes: str = NODES,
    bricks: str = NODES,
    **fields: Any,  # noqa: ANN401 -- fields of any type
) -> list[Object]:
    """Return volumes as these nodes know them, and their glusterds."""
    volumes = [
        msgspec.structs.replace(
            made.gluster_volume(at, name, bricks=tuple(brick(one, at) for one in bricks)), **fields
        )
        for at in nodes
        for name in names
    ]
    return [*(made.glusterd(at, volumes=len(names)) for at in nodes), *volumes]


def in_heketi(*names: str, **fields: object) -> list[Object]:
    """Return a database with these volumes."""
    volumes = [made.heketi_volume(name, **fields) for name in names]
    return [made.heketi(volumes=len(names)), *volumes]


def claimed(*names: str, **fields: object) -> list[Object]:
    """Return PersistentVolumes for these volumes, and their class."""
    volumes = [
        msgspec.structs.replace(
            made.volume(
                f"pv-{name}",
                driver=model.GLUSTERFS,
                handle=name,
                storage_class="shared",
                capacity=2**30,
                created=100.0,
            ),
            **fields,
        )
        for name in names
    ]
    return [CLASS, *volumes]


def missing(*objects: Iterable[Object], pool: str = made.CLUSTER) -> dict[str, Missing]:
    """Return what is missing by the volume's name."""
    view = made.view([obj for some in objects for obj in some])
    found = next(one for one in gluster_orphans.pools(view) if one.name == pool)
    return {one.name: one.missing for one in gluster_orphans.difference(found, view).orphans}


def judged(*objects: Iterable[Object]) -> frozenset[Missing]:
    """Return what can be judged of the only pool."""
    view = made.view([obj for some in objects for obj in some])
    (pool,) = gluster_orphans.pools(view)
    return gluster_orphans.difference(pool, view).judged


ALL = ("vol_all",)
"""A volume that is everywhere, as is one in any pool that lives."""


@pytest.mark.parametrize(
    ("gluster", "heketi", "pv", "expected"),
    [
        (1, 1, 1, None),
        (1, 1, 0, Missing.HEKETI_WITHOUT_PV),
        (1, 0, 1, Missing.PV_WITHOUT_HEKETI),
        (1, 0, 0, Missing.GLUSTER_WITHOUT_HEKETI),
        (0, 1, 1, Missing.PV_WITHOUT_GLUSTER),
        (0, 1, 0, Missing.HEKETI_WITHOUT_GLUSTER),
        (0, 0, 1, Missing.PV_WITHOUT_GLUSTER),
    ],
)
def test_a_volume_is_missed_in_every_direction(
    gluster: int, heketi: int, pv: int, expected: Missing | None
) -> None:
    """Once: in the gravest way."""
    one = ("vol_1",)
    lists = (
        in_gluster(*ALL, *one * gluster),
        in_heketi(*ALL, *one * heketi),
        claimed(*ALL, *one * pv),
    )
    assert missing(*lists) == ({} if expected is None else {"vol_1": expected})
    signal = DETECTOR.decide(POOL, made.view([obj for some in lists for obj in some]))
    assert (signal.reason if signal is not None else None) == (
        None if expected is None else REASONS[expected]
    )


@pytest.mark.parametrize(
    "fields", [{"pending": True}, {"settling": True}, {"block_host": True}], ids=str
)
def test_what_is_under_way_or_holds_others_is_no_orphan(fields: dict[str, bool]) -> None:
    """In no direction."""
    busy = [made.heketi_volume("vol_1", **fields)]
    heketi: list[Object] = [made.heketi(volumes=2), made.heketi_volume("vol_all"), *busy]
    for gluster in ((), ("vol_1",)):
        for pv in ((), ("vol_1",)):
            lists = (in_gluster(*ALL, *gluster), heketi, claimed(*ALL, *pv))
            assert missing(*lists) == {}


def test_a_volume_whose_persistent_volume_went_within_the_hour_is_no_orphan() -> None:
    """Whether or not Gluster still has it; while one names it, that one is looked at."""
    heketi: list[Object] = [
        made.heketi(volumes=2),
        made.heketi_volume("vol_all"),
        made.heketi_volume("vol_1", claimed=True),
    ]
    assert missing(in_gluster(*ALL), heketi, claimed(*ALL)) == {}
    assert missing(in_gluster(*ALL, "vol_1"), heketi, claimed(*ALL)) == {}
    assert missing(in_gluster(*ALL), heketi, claimed(*ALL, "vol_1")) == {
        "vol_1": Missing.PV_WITHOUT_GLUSTER
    }


def test_heketi_s_own_database_is_no_orphan() -> None:
    """It is Heketi's, whichever lists have it."""
    name = model.DATABASE_VOLUME
    assert missing(in_gluster(*ALL, name), in_heketi(*ALL), claimed(*ALL)) == {}
    assert missing(in_gluster(*ALL), in_heketi(*ALL, name), claimed(*ALL)) == {}


def test_a_volume_that_was_made_by_hand_is_no_orphan() -> None:
    """Its bricks are not where Heketi makes them, whether or not it has a PersistentVolume."""
    own = (made.brick_at("/data/vg_own/brick_1/brick"),)
    by_hand: list[Object] = [
        made.glusterd("a", volumes=2),
        made.gluster_volume("a", "vol_own", bricks=own),
    ]
    lists = [*in_gluster(*ALL, nodes="a"), *by_hand]
    assert missing(lists, in_heketi(*ALL), claimed(*ALL)) == {}
    assert missing(lists, in_heketi(*ALL), claimed(*ALL), claimed("vol_own")) == {}


def test_without_bricks_the_name_says_who_made_a_volume() -> None:
    """As in a list of names that a person gives."""
    name = f"vol_{made.CLUSTER}"
    lists = in_gluster(*ALL, name, "vol_own", bricks="")
    found = missing(lists, in_heketi(*ALL), claimed(*ALL))
    assert found == {name: Missing.GLUSTER_WITHOUT_HEKETI}


def test_a_young_persistent_volume_is_not_missed() -> None:
    """Its volume may have come after the lists were made."""
    young = claimed("vol_1", created=9_990.0 - 3_599.0)
    assert missing(in_gluster(*ALL), in_heketi(*ALL), claimed(*ALL), young) == {}
    old = claimed("vol_1", created=9_990.0 - 3_600.0)
    assert missing(in_gluster(*ALL), in_heketi(*ALL), claimed(*ALL), old) == {
        "vol_1": Missing.PV_WITHOUT_GLUSTER
    }


def test_a_persistent_volume_of_a_pool_that_is_not_seen_is_not_missed() -> None:
    """Made by hand, of another Heketi, or of one of two clusters, nobody knows which."""
    by_hand = claimed("vol_1", storage_class="")
    assert missing(in_gluster(*ALL), in_heketi(*ALL), claimed(*ALL), by_hand) == {}
    elsewhere = msgspec.structs.replace(CLASS, name="elsewhere", heketi=OTHER)
    there = [elsewhere, *claimed("vol_1", storage_class="elsewhere")]
    assert missing(in_gluster(*ALL), in_heketi(*ALL), claimed(*ALL), there) == {}
    clusters = (*made.heketi().clusters, model.HeketiCluster("second", ("d",)))
    two: list[Object] = [made.heketi(volumes=1, clusters=clusters), made.heketi_volume("vol_all")]
    assert missing(in_gluster(*ALL), two, claimed(*ALL, "vol_1")) == {}
    pinned = msgspec.structs.replace(CLASS, heketi_clusters=(made.CLUSTER,))
    assert missing(in_gluster(*ALL), two, claimed(*ALL, "vol_1"), [pinned]) == {
        "vol_1": Missing.PV_WITHOUT_GLUSTER
    }


def test_a_csi_handle_and_a_path_with_a_directory_name_volumes_too() -> None:
    """Whoever wrote the PersistentVolume."""
    csi = claimed("vol_1", driver="org.gluster.glusterfs")
    path = claimed("vol_2", handle="/vol_2/directory")
    names = ("vol_1", "vol_2")
    assert (
        missing(in_gluster(*ALL, *names), in_heketi(*ALL, *names), claimed(*ALL), csi, path) == {}
    )


# What cannot be seen


def test_without_heketi_s_database_only_what_gluster_lacks_is_said() -> None:
    """And the pool has the name of its smallest member."""
    lists = (in_gluster(*ALL, "vol_1"), [made.heketi(listed=False)], claimed(*ALL, "vol_2"))
    assert judged(*lists) == {Missing.PV_WITHOUT_GLUSTER}
    assert missing(*lists, pool="uuid-a") == {"vol_2": Missing.PV_WITHOUT_GLUSTER}


def test_without_a_glusterd_only_heketi_and_kubernetes_are_compared() -> None:
    """That a volume is nowhere in Gluster is not said."""
    lists = (in_heketi(*ALL, "vol_1"), claimed(*ALL, "vol_2"))
    assert judged(*lists) == {Missing.HEKETI_WITHOUT_PV, Missing.PV_WITHOUT_HEKETI}
    assert missing(*lists) == {
        "vol_1": Missing.HEKETI_WITHOUT_PV,
        "vol_2": Missing.PV_WITHOUT_HEKETI,
    }


def test_a_node_without_facts_is_no_reason_to_miss_a_volume() -> None:
    """Each node knows the names of all."""
    lists = in_gluster(*ALL, nodes="b")
    silent = [model.Glusterd("a", answers=False), model.Glusterd("c", answers=False)]
    assert missing(lists, silent, in_heketi(*ALL), claimed(*ALL)) == {}
    assert missing(silent, in_heketi(*ALL), claimed(*ALL)) == {}


def test_a_glusterd_that_is_cut_off_is_not_believed() -> None:
    """It does not know what the others did meanwhile."""
    peers = tuple(
        model.Peer(f"uuid-{one}", one, "Peer in Cluster", connected=False) for one in "bc"
    )
    alone: list[Object] = [
        made.glusterd("a", peers=peers, volumes=1),
        made.gluster_volume("a", "vol_old"),
    ]
    assert judged(alone, in_heketi(*ALL), claimed(*ALL)) == {
        Missing.HEKETI_WITHOUT_PV,
        Missing.PV_WITHOUT_HEKETI,
    }


def test_what_nodes_disagree_about_is_not_missed() -> None:
    """One that just came back has still to hear of it."""
    behind = [*in_gluster(*ALL, nodes="ab"), *in_gluster(*ALL, "vol_1", nodes="c")]
    assert missing(behind, in_heketi(*ALL), claimed(*ALL)) == {}
    assert missing(behind, in_heketi(*ALL, "vol_1"), claimed(*ALL, "vol_1")) == {}


def test_lists_that_are_not_here_yet_are_not_empty() -> None:
    """A glusterd and a Heketi come before their volumes."""
    early = [made.glusterd(at, volumes=3) for at in NODES]
    assert judged(early, in_heketi(*ALL)) == {Missing.HEKETI_WITHOUT_PV, Missing.PV_WITHOUT_HEKETI}
    early = [made.glusterd(at) for at in NODES]
    assert judged(early, in_heketi(*ALL)) == {Missing.HEKETI_WITHOUT_PV, Missing.PV_WITHOUT_HEKETI}
    assert judged(in_gluster(*ALL), [made.heketi(volumes=1)]) == {Missing.PV_WITHOUT_GLUSTER}


def test_a_pool_that_has_lost_everything_is_seen() -> None:
    """A glusterd that says it has no volumes is believed."""
    empty = [made.glusterd(at, volumes=0) for at in NODES]
    assert missing(empty, in_heketi(*ALL), claimed(*ALL)) == {"vol_all": Missing.PV_WITHOUT_GLUSTER}


def test_volumes_of_other_clusters_are_not_missed_here() -> None:
    """Whether a PersistentVolume is somewhere else cannot be seen."""
    shared = [made.heketi(volumes=2, shared=True), *in_heketi(*ALL, "vol_1")[1:]]
    lists = (in_gluster(*ALL, "vol_1", "vol_2"), shared, claimed(*ALL))
    assert Missing.HEKETI_WITHOUT_PV not in judged(*lists)
    assert missing(*lists) == {"vol_2": Missing.GLUSTER_WITHOUT_HEKETI}
    signal = DETECTOR.decide(POOL, made.view([obj for some in lists for obj in some]))
    assert signal is not None
    assert any("other clusters" in sentence for sentence in signal.evidence)


# Pools


def test_a_pool_meets_its_heketi_cluster_by_names_of_volumes_too() -> None:
    """Hosts may be written in two ways."""
    unknown = (model.HeketiCluster(made.CLUSTER, ("10.0.0.1",)),)
    heketi: list[Object] = [made.heketi(clusters=unknown, volumes=1), made.heketi_volume("vol_all")]
    view = made.view([*in_gluster(*ALL), *heketi])
    (pool,) = gluster_orphans.pools(view)
    assert (pool.name, len(pool.glusterds)) == (made.CLUSTER, 3)


def test_two_urls_of_one_heketi_are_one_pool() -> None:
    """The cluster's id says so."""
    again = made.heketi(OTHER, volumes=1)
    objects = [*in_gluster(*ALL), *in_heketi(*ALL), again, made.heketi_volume("vol_all")]
    objects.append(msgspec.structs.replace(made.heketi_volume("vol_all"), endpoint=OTHER))
    (pool,) = gluster_orphans.pools(made.view(objects))
    assert len(pool.clusters) == 2
    assert gluster_orphans.difference(pool, made.view(objects)).lists.heketi is not None


def test_two_pools_do_not_mix() -> None:
    """Each is compared with its own Heketi cluster."""
    second = (*made.heketi().clusters, model.HeketiCluster("second", ("d",)))
    heketi: list[Object] = [
        made.heketi(clusters=second, volumes=2),
        made.heketi_volume("vol_all"),
        made.heketi_volume("vol_2", cluster="second"),
    ]
    other: list[Object] = [
        made.glusterd("d", peers=(), volumes=1),
        made.gluster_volume("d", "vol_3", bricks=(brick("d", "d"),)),
    ]
    lists = (in_gluster(*ALL), heketi, other)
    assert missing(*lists) == {"vol_all": Missing.HEKETI_WITHOUT_PV}
    assert missing(*lists, pool="second") == {
        "vol_2": Missing.HEKETI_WITHOUT_GLUSTER,
        "vol_3": Missing.GLUSTER_WITHOUT_HEKETI,
    }


# Sizes, series, touching


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, 2**30),
        ({"replica": 1, "kind": "Distribute"}, 3 * 2**30),
        ({"replica": 1, "disperse": 3, "redundancy": 1}, 2 * 2**30),
    ],
    ids=["replica 3", "distribute", "disperse 2+1"],
)
def test_a_volume_of_gluster_s_own_is_as_large_as_its_bricks_say(
    fields: dict[str, Any], size: int
) -> None:
    """Each node knows the size of its own."""
    objects: list[Object] = [*in_gluster(*ALL, "vol_1", **fields), *in_heketi(*ALL), *claimed(*ALL)]
    view = made.view(objects)
    (pool,) = gluster_orphans.pools(view)
    (orphan,) = gluster_orphans.difference(pool, view).orphans
    assert orphan.size == size


def test_series_count_each_direction_that_could_be_judged() -> None:
    """With zeros; a direction that nobody could see has none."""
    objects = [*in_heketi(*ALL, "vol_1"), *claimed(*ALL)]
    shown = {
        (family.name, dict(sample.labels)["kind"]): sample.value
        for family, sample in collected.series(made.view(objects))
    }
    assert shown == {
        ("pvmedic_gluster_orphaned_volumes", "heketi_without_pv"): 1,
        ("pvmedic_gluster_orphaned_bytes", "heketi_without_pv"): 2**30,
        ("pvmedic_gluster_orphaned_volumes", "pv_without_heketi"): 0,
        ("pvmedic_gluster_orphaned_bytes", "pv_without_heketi"): 0,
    }
    for family, sample in collected.series(made.view(objects)):
        assert tuple(label for label, _ in sample.labels) == family.labels
    assert not list(collected.series(made.view(objects, {Kind.VOLUME: "forbidden"})))


def test_evidence_says_what_was_seen_where_and_names_some() -> None:
    """The role `orphans` names all."""
    many = [f"vol_{n}" for n in range(9)]
    signal = DETECTOR.decide(POOL, made.view([*in_gluster(*ALL, *many), *in_heketi(*ALL)]))
    assert signal is not None
    assert any("9 volumes (9663676416 bytes) are in Gluster" in one for one in signal.evidence)
    assert any("vol_4, ..." in one for one in signal.evidence)
    assert any("glusterd of a, b, c" in one for one in signal.evidence)


def test_a_change_of_what_is_not_compared_touches_nothing() -> None:
    """A brick's heal entries move all the time, and most PersistentVolumes are not Gluster's."""
    volume = made.gluster_volume()
    healing = made.gluster_volume(bricks=made.bricks("a", heal_pending=5))
    assert not DETECTOR.touched(Change(volume, healing), made.view([]))
    assert not DETECTOR.touched(Change(None, made.volume()), made.view([]))
    pv = claimed("vol_1")[1]
    bound = msgspec.structs.replace(pv, phase="Released", version="2")
    assert not DETECTOR.touched(Change(pv, bound), made.view([]))
    for obj in (pv, CLASS, volume, made.glusterd(), made.heketi(), made.heketi_volume()):
        assert list(DETECTOR.touched(Change(None, obj), made.view([]))) == [EVERYTHING]
