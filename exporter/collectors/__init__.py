"""What is published of what is seen.

One file per subject; adding one is a file, a line in FAMILIES, and a line in FURTHER if it says
more of a signal's subjects than since when, in OF_OBJECTS if it says something of each object of a
kind, or in DERIVED if it follows from many objects.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from exporter.collectors import (
    expansion_failed,
    extended_notes,
    filesystems,
    gluster,
    gluster_disruption,
    gluster_volumes_orphaned,
    heketi_down,
    multi_attach,
    rok_space,
    rwx_recovery_blocked,
    signals,
    snapshot_space_exhausted,
    undo_notes,
)
from exporter.exposition import DROPPED, Family, Sample
from exporter.observe.model import Kind, Object, Signal, Subject
from exporter.observe.signals import CLUSTER, NODE
from exporter.observe.view import View

CLUSTER_FAMILIES: tuple[Family, ...] = (
    DROPPED,
    signals.COUNT,
    *map(signals.since_family, CLUSTER),
    *multi_attach.FAMILIES,
    *expansion_failed.FAMILIES,
    *rwx_recovery_blocked.FAMILIES,
    *snapshot_space_exhausted.FAMILIES,
    *rok_space.OF_NODE,
    *undo_notes.FAMILIES,
    *extended_notes.FAMILIES,
    *heketi_down.FAMILIES,
    *gluster_volumes_orphaned.FAMILIES,
    *gluster_disruption.FAMILIES,
)

NODE_FAMILIES: tuple[Family, ...] = (
    DROPPED,
    signals.COUNT,
    *map(signals.since_family, NODE),
    *rok_space.OF_SPACE,
    *gluster.FAMILIES,
    *filesystems.FAMILIES,
)

FAMILIES: tuple[Family, ...] = tuple(dict.fromkeys((*CLUSTER_FAMILIES, *NODE_FAMILIES)))
"""Those of both roles, each once."""

Further = Callable[[Subject, Signal | None, View], Iterable[tuple[Family, Sample]]]
"""What else a subject shows; asked at each decision, whether or not the signal holds."""

FURTHER: Mapping[str, Further] = {
    "expansion_failed": expansion_failed.further,
    "heketi_down": heketi_down.further,
    "rwx_recovery_blocked": rwx_recovery_blocked.further,
    "snapshot_space_exhausted": snapshot_space_exhausted.further,
}
"""By the signal's name."""

OfObject = Callable[[Object], Iterable[tuple[Family, Sample]]]
"""What one object shows, healthy or not; its series go with it."""


def _of_node(obj: Object) -> Iterator[tuple[Family, Sample]]:
    yield from rok_space.of_node(obj)
    yield from undo_notes.of_node(obj)
    yield from extended_notes.of_node(obj)


OF_OBJECTS: Mapping[Kind, OfObject] = {
    Kind.NODE: _of_node,
    Kind.ROK_SPACE: rok_space.of_space,
    Kind.GLUSTERD: gluster.of_glusterd,
    Kind.GLUSTER_LOG: gluster.of_log,
    Kind.GLUSTER_VOLUME: gluster.of_volume,
    Kind.GLUSTER_SPACE: gluster.of_space,
    Kind.HEKETI: heketi_down.of_heketi,
    Kind.MOUNT_COUNT: filesystems.of_mounts,
    Kind.KERNEL_LOG: filesystems.of_log,
}
"""By the object's kind."""


class Derived(NamedTuple):
    """What follows from all objects of some kinds; asked anew when one of them changed."""

    kinds: frozenset[Kind]
    series: Callable[[View], Iterable[tuple[Family, Sample]]]
    families: tuple[Family, ...]
    """Where none of these is published nobody asks."""


DERIVED: tuple[Derived, ...] = (
    Derived(
        gluster_volumes_orphaned.KINDS,
        gluster_volumes_orphaned.series,
        gluster_volumes_orphaned.FAMILIES,
    ),
    Derived(gluster_disruption.KINDS, gluster_disruption.series, gluster_disruption.FAMILIES),
)

TOLD: frozenset[Kind] = frozenset(OF_OBJECTS).union(*(one.kinds for one in DERIVED))
"""Kinds whose every change is heard for the sake of these."""
