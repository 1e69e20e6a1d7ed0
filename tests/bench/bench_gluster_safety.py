"""What it costs to say of every Gluster node whether it may be taken away.

Six nodes that share seed 003's 5,500 volumes of three bricks, and a tenth of them; every node tells
of every volume. BENCH_VOLUMES is the largest number. Printed, not judged.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from exporter.observe import model
from exporter.observe.gluster_safety import safeties
from exporter.observe.model import PEER_IN_CLUSTER, Brick, GlusterVolume, Peer, Space
from tests.bench.figures import machine, spread, tell
from tests.signals import made

if TYPE_CHECKING:
    from exporter.observe.model import Object
    from exporter.observe.view import View

pytestmark = pytest.mark.timeout(600)

VOLUMES = int(os.environ.get("BENCH_VOLUMES", "5500"))
NODES = [f"node-{number}" for number in range(6)]
RUNS = 5
AIM_SECONDS = 0.5


def test_asking_of_all_nodes() -> None:
    """Print processor time for the verdicts on all six nodes."""
    tell(f"\nsafe to disrupt: min, median, max of {RUNS}. {machine()}")
    for volumes in (VOLUMES // 10, VOLUMES):
        view = pool(volumes)
        found = []
        for _ in range(RUNS):
            began = time.process_time()
            verdicts = safeties(view)
            found.append(time.process_time() - began)
            assert all(one.safe for one in verdicts.values())
        tell(f"  {volumes:,} volumes {spread(found, f's; aim {AIM_SECONDS:g} for 5,500')}")


def pool(volumes: int) -> View:
    """Return the facts of a pool that is well."""
    found: list[Object] = []
    for node in NODES:
        peers = (Peer(f"uuid-{n}", n, PEER_IN_CLUSTER, connected=True) for n in NODES if n != node)
        found.append(made.glusterd(node, peers=tuple(peers), volumes=volumes))
        found.append(model.GlusterSpace(node, (Space("root", "/", 1000, 500),)))
        found += (volume(node, number) for number in range(volumes))
    return made.view(found)


def volume(node: str, number: int) -> GlusterVolume:
    """Return a volume of three bricks as one node knows it."""
    hosts = [NODES[(number + place) % len(NODES)] for place in range(3)]
    bricks = tuple(
        Brick(
            host,
            f"/bricks/{number}",
            f"uuid-{host}",
            local=host == node,
            online=True if host == node else None,
            heal_pending=0 if host == node else None,
        )
        for host in hosts
    )
    return made.gluster_volume(node, f"vol_{number:032x}", bricks=bricks)
