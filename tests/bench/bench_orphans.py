"""How long comparing three lists takes: 5,500 volumes known to three nodes, for 100 claims.

The pool of seed 003 with the dump that a real Heketi writes. BENCH_VOLUMES is the number. Printed,
and judged by one aim: well under a second, whatever changes.
"""

import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from exporter.collectors import gluster_volumes_orphaned as collected
from exporter.observe import model
from exporter.observe.model import Change, Object
from exporter.observe.objects import Objects
from exporter.observe.parse import heketi
from exporter.observe.signals.gluster_volumes_orphaned import GlusterVolumesOrphaned, subject_of
from exporter.observe.view import View
from local import heketi as played
from tests.bench.figures import MEBIBYTE, machine, spread, tell
from tests.signals import made

VOLUMES = int(os.environ.get("BENCH_VOLUMES", "5500"))
CLAIMS, NODES, RUNS = 100, ("a", "b", "c"), 5
LIMIT_SECONDS = 1.0
AT = made.HEKETI
RECORDED = Path(__file__).parents[1] / "observe" / "recorded" / "heketi" / "dump.json"


def dump() -> bytes:
    """Return Heketi's answer as large as it really is: each volume with three bricks."""
    whole = played.dump(NODES, map(str, range(VOLUMES)))
    bricks = list(msgspec.json.decode(RECORDED.read_bytes())["brickentries"].values())
    whole["brickentries"] = {str(number): bricks[number % 3] for number in range(3 * VOLUMES)}
    return msgspec.json.format(msgspec.json.encode(whole), indent=4)


def cluster(body: bytes) -> Iterator[Object]:
    """Yield the seed's pool: every volume in Gluster and Heketi, few with a claim."""
    found = heketi.dump(AT, body)
    shown = made.heketi(AT, clusters=found.clusters, volumes=len(found.volumes))
    yield shown
    yield from found.volumes
    yield model.StorageClass("shared", model.GLUSTERFS, False, False, heketi=AT)  # noqa: FBT003
    for node in NODES:
        yield made.glusterd(node, volumes=VOLUMES)
        for one in found.volumes:
            path = f"/var/lib/heketi/mounts/vg_{made.CLUSTER}/brick_{one.id}/brick"
            bricks = tuple(
                model.Brick(host, path, host, local=host == node, size=2**30) for host in NODES
            )
            yield made.gluster_volume(node, one.name, bricks=bricks)
    for one in found.volumes[:CLAIMS]:
        yield made.volume(
            f"pv-{one.id}", driver=model.GLUSTERFS, handle=one.name, storage_class="shared"
        )


def test_comparing_three_lists() -> None:
    """Print processor time and peak memory of each step; none may take a second."""
    body = dump()
    everything = list(cluster(body))
    objects = Objects(everything)
    view = View(objects, 0.0)
    detector, pool = GlusterVolumesOrphaned(), subject_of(played.identity("pool"))
    signal = detector.decide(pool, view)
    assert signal is not None
    assert signal.evidence[0].startswith(f"{VOLUMES - CLAIMS} volumes")
    heads = [one for one in everything if isinstance(one, model.Heketi | model.Glusterd)]
    steps: dict[str, Callable[[], object]] = {
        "reading Heketi's dump": lambda: heketi.dump(AT, body),
        "deciding the pool": lambda: detector.decide(pool, view),
        "its series": lambda: list(collected.series(view)),
        "suspects of a full pass": lambda: [list(detector.suspects(x, view)) for x in heads],
        f"{len(everything):,} changes": lambda: {
            subject for x in everything for subject in detector.touched(Change(None, x), view)
        },
        "holding all and letting them go": lambda: held_and_gone(everything),
    }
    tell(f"\norphans: min, median, max of {RUNS}. {machine()}")
    tell(f"  {VOLUMES:,} volumes, {CLAIMS} claims, 3 nodes; dump {len(body) / MEBIBYTE:.1f} MiB")
    for what, work in steps.items():
        spent = [seconds(work) for _ in range(RUNS)]
        tell(f"    {what:<33}{spread(spent, 's')}")
        assert min(spent) < LIMIT_SECONDS, what
    tracemalloc.start()
    detector.decide(pool, view)
    peak = tracemalloc.get_traced_memory()[1] / MEBIBYTE
    tracemalloc.stop()
    tell(f"    peak memory of deciding, beside the objects: {peak:.1f} MiB")


def held_and_gone(everything: list[Object]) -> None:
    """Hold all objects and let them go one by one, as when Heketi and the nodes are gone."""
    objects = Objects(everything)
    for one in everything:
        objects.remove(model.ref(one))


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began
