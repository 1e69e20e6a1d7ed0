"""What is asked of others while a record waits for hours: every handler's ways, on a set clock.

Reads of the API server are counted as the real look does them: one for each list or object that it
asks for. Nothing is judged here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from remediator.growth.policy import GIB
from remediator.pipeline import Pipeline
from remediator.record import Phase
from tests.growth.cases import record
from tests.pipeline.people import until
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster, Trouble, carry_on, ticks
from tests.story.growth_cluster import GrowthCluster
from tests.story.objects import AUTO
from tests.story.old_cluster import OldCluster
from tests.story.rok_cluster import RokCluster, pod, space
from tests.story.rok_cluster import scene as rok_scene
from tests.story.rok_played import approved, at_step
from tests.story.rwx_cluster import RwxCluster, scene, workload

HOUR = 3600.0
CLOUD = (f"read {Kind.MACHINE}", f"read {Kind.REPAIR_DISKS}")
COMMANDS = f"read {Kind.NODE_DISKS}"
APPROVE = msgspec.structs.replace(AUTO, mode="approve")
Began = tuple[FakeCluster, Pipeline]


class Waiting(NamedTuple):
    """A way to wait: what for, how it begins, and for how many seconds it is watched."""

    handler: str
    what: str
    begun: Callable[[], Began]
    seconds: float = 4 * HOUR


class Spent(NamedTuple):
    """What an hour of waiting takes: looks, and calls by what is asked."""

    looks: float
    calls: dict[str, float]

    @property
    def reads(self) -> float:
        """Calls to the API server that read."""
        asked = sum(n for what, n in self.calls.items() if what.startswith(("read ", "paused")))
        return asked - sum(self.calls.get(what, 0.0) for what in (*CLOUD, COMMANDS))

    @property
    def writes(self) -> float:
        """Calls to the API server that write."""
        return sum(n for what, n in self.calls.items() if what in ("save", "finalize", "apply"))

    @property
    def cloud(self) -> float:
        """Questions to the cloud; what is asked of a machine is four calls."""
        return sum(self.calls.get(what, 0.0) for what in ("power", *CLOUD))

    @property
    def commands(self) -> float:
        """Times that a node is asked about its disks, which is some seven commands."""
        return self.calls.get(COMMANDS, 0.0)


def unproven() -> Began:
    """A node is silent, and its machine runs."""
    cluster = FakeCluster()
    cluster.machine.state = "running"
    cluster.open(made.record())
    return _until(cluster, Phase.DEFERRED)


def held() -> Began:
    """Its taint is on, and the machine stays off."""
    cluster = FakeCluster()
    cluster.open(made.record())
    return _until(cluster, Phase.HOLDING)


def attached() -> Began:
    """Kubernetes 1.22 does not detach the volumes."""
    cluster = OldCluster()
    cluster.detaches = False
    engine = cluster.engine()
    said = "waiting: still attached"
    asyncio.run(carry_on(cluster, engine, lambda: cluster.record().status.message.startswith(said)))
    return cluster, engine


def rwx(users: int = 2, *, over: bool = False) -> Began:
    """Pods of a claim do not end; `over`: until that was given up, and all stays stopped."""
    fields = {"replicas": 1, "current": 1, "ready": 1}
    all_users = [workload(model.Deployment, f"shop-{n}", **fields) for n in range(users)]
    many = msgspec.structs.replace(AUTO, stop_workloads=users, stop_pods=users)
    cluster = RwxCluster(scene(*all_users), many)
    cluster.ends = False
    engine = cluster.engine()
    if over:
        until(cluster, engine, Phase.FAILED)
        return cluster, engine
    said = "waiting: pod"
    asyncio.run(carry_on(cluster, engine, lambda: cluster.record().status.message.startswith(said)))
    return cluster, engine


def unlimited() -> Began:
    """A claim fills up, and its namespace's quota may not be read."""
    cluster = GrowthCluster()
    cluster.unseen = {Kind.QUOTA: "403 Forbidden"}
    return _until(cluster, Phase.DEFERRED)


def asked() -> Began:
    """A claim fills up, and nobody says yes."""
    cluster = GrowthCluster()
    cluster.policy = APPROVE
    return _until(cluster, Phase.AWAITING_APPROVAL)


def too_large() -> Began:
    """An expansion failed, and nobody says yes to a smaller one."""
    cluster = GrowthCluster()
    cluster.policy = APPROVE
    refused = {"requested": 100 * GIB, "resize_status": "ControllerResizeInfeasible"}
    cluster.change(cluster.there, **refused)
    about = record("expansion_failed")
    cluster.name = about.name
    cluster.open(about)
    return _until(cluster, Phase.AWAITING_APPROVAL)


def collected() -> Began:
    """A node's snapshot space is full for now: Rok's garbage collection makes room."""
    cluster = RokCluster(rok_scene(space(300 * GIB, 100 * GIB)))
    return _until(cluster, Phase.DEFERRED)


def extension() -> Began:
    """A disk is needed, and nobody says yes."""
    return _until(RokCluster(), Phase.AWAITING_APPROVAL)


def at(kind: str) -> Began:
    """A node is extended, and a step waits: for Rok's jobs, or for a budget."""
    cluster = RokCluster()
    cluster.succeeds = kind != "AwaitSnapshots"
    cluster.pods = {"shop-1": pod("shop-1", budgets=("shop",))}
    cluster.budgets = (model.Budget("web", "shop", 0, 2, 2),)
    engine = approved(cluster)
    at_step(cluster, engine, kind)
    return cluster, engine


def extended() -> Began:
    """A node is extended, and the plan is given up: it waits for a person."""
    cluster, engine = at("AwaitSnapshots")
    until(cluster, engine, Phase.FAILED)
    return cluster, engine


def _until(cluster: FakeCluster, phase: Phase) -> Began:
    engine = cluster.engine()
    until(cluster, engine, phase)
    return cluster, engine


WAYS = (
    Waiting("node_lost_with_volumes", "for a proof", unproven),
    Waiting("node_lost_with_volumes", "for the machine (Holding)", held),
    Waiting("node_lost_with_volumes", "step: volumes to be detached", attached, 600.0),
    Waiting("rwx_recovery_blocked", "step: pods of 2 users to end", rwx, 1500.0),
    Waiting("rwx_recovery_blocked", "step: pods of 200 users to end", lambda: rwx(200), 1500.0),
    Waiting("rwx_recovery_blocked", "given up, 2 stay stopped", lambda: rwx(over=True)),
    Waiting("volume_filling", "for a quota that is unseen", unlimited),
    Waiting("volume_filling", "for a yes", asked),
    Waiting("expansion_failed", "for a yes", too_large),
    Waiting("snapshot_space_exhausted", "for the garbage collection", collected),
    Waiting("snapshot_space_exhausted", "for a yes", extension),
    Waiting("snapshot_space_exhausted", "step: snapshots", lambda: at("AwaitSnapshots")),
    Waiting("snapshot_space_exhausted", "step: drain", lambda: at("DrainNode"), 1500.0),
    Waiting("snapshot_space_exhausted", "given up, stays extended", extended),
)


def spent(way: Waiting) -> Spent:
    """Wait on, and count."""
    cluster, engine = way.begun()
    # That it waits is written down once.
    asyncio.run(ticks(cluster, engine, 3))
    calls, looks, ends = Counter[str](), 0, cluster.clock + way.seconds

    def count(what: str) -> Trouble:
        calls[what] += 1
        return None, True

    async def wait() -> None:
        nonlocal looks
        while cluster.clock < ends:
            cluster.clock += max(await engine.tick(cluster.name), 0.25)
            looks += 1

    cluster.trouble = count
    asyncio.run(wait())
    an_hour = HOUR / way.seconds
    return Spent(looks * an_hour, {what: n * an_hour for what, n in calls.items()})
