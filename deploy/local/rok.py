"""Plays Rok on one node: snapshots and unpins its volumes while there is room, and guards them.

It is no Rok: Rok cannot be had. What it says are Rok's own texts, what it needs is room in a real
file system, and what it changes are real objects:

* a VolumeSnapshot of a volume here that is not ready is tried again and again, as the snapshot
  controller does;
* while the node is cordoned, every volume that is pinned to it is snapshotted and unpinned. All
  jobs run beside each other, and all need room at once;
* what a failed copy leaves stays, so that the next job cannot even clone the old snapshot; then
  Rok's garbage collection takes it away;
* an unpinned volume is made anew under its name and for its claim, without its node: an API server
  lets nobody change the affinity of a PersistentVolume, and Rok's own Events name the same volume
  before and after it has moved. For a moment its claim is Lost; the claim is touched, so that the
  binder looks at once and not in its next round of 15 s;
* a rok-csi-guard pod and its PodDisruptionBudget hold the node until none is pinned to it.

Not known of the real one: what it says when a job succeeds (here: nothing), and what becomes of a
volume that a pod still uses (`Used`).
"""

from __future__ import annotations

import asyncio
import enum
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local import rok_objects, rok_texts
from local.api import Api
from local.background import Background
from local.closing import Closing
from local.kubelet import TROUBLE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from local.rok_space import Space

Object = dict[str, Any]
Claim = tuple[str, str]
"""Namespace and name."""
VOLUMES = "/api/v1/persistentvolumes"
SNAPSHOTS = "/apis/snapshot.storage.k8s.io/v1"
LOOK_EVERY = 0.5
LITTLE = 256
"""Blocks that change between a snapshot and the next one."""
POD = "rok-csi-node-ndlvl"


class Used(enum.Enum):
    """What becomes of a volume on a cordoned node while a pod there uses it."""

    LEAVES = "leaves"
    """It is snapshotted and unpinned as if nobody did."""
    STAYS = "stays"
    """It is snapshotted, or fails to be, and unpinned only once nobody uses it."""
    WAITS = "waits"
    """Nothing is tried before nobody uses it."""


@dataclass(frozen=True)
class Pace:
    """Seconds: of a job's step, and between an attempt and the next. Real ones take minutes.

    A step is longer than a second, for Events have whole seconds, and of two in one nobody knows
    which is newer.
    """

    step: float = 1.05
    again: float = 3.0


@dataclass
class Job:
    """One attempt; `ended` and `failed` (the SCSI command) are filled in. Times: Unix seconds."""

    kind: str
    claim: Claim
    blocks: int
    began: float
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: float = 0.0
    failed: str = ""


@dataclass(frozen=True)
class _Work:
    """What is to be done: a snapshot of a claim's volume, or the claim's volume off its node."""

    about: Object
    claim: Claim
    volume: Object

    @property
    def snapshots(self) -> bool:
        return bool(self.about["kind"] == "VolumeSnapshot")

    @property
    def key(self) -> tuple[str, ...]:
        metadata = self.about["metadata"]
        return (self.about["kind"], metadata["namespace"], metadata["name"])


class Rok(Closing):
    """Lives from when it is made; `jobs` are all attempts so far."""

    def __init__(
        self,
        server: str,
        context: ssl.SSLContext,
        node: str,
        space: Space,
        changed: Mapping[Claim, int],
        pace: Pace | None = None,
        *,
        used: Used = Used.LEAVES,
    ) -> None:
        """Begin. `changed`: blocks of 4 KiB by claim since its last snapshot."""
        self.jobs: list[Job] = []
        self._node = node
        self._space = space
        self._changed = dict(changed)
        self._pace = pace or Pace()
        self._used = used
        self._due: dict[tuple[str, ...], float] = {}
        self._busy: dict[Claim, asyncio.Task[None]] = {}
        self._moved: list[Object] = []
        self._guarded: bool | None = None
        self._background = Background()
        self._api = self._background.run(_api(server, context))
        self._life = self._background.run(self._begin())

    def close(self) -> None:
        """End, in the middle of whatever is going on."""
        self._background.run(self._end())
        self._background.close()

    async def _begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._live())

    async def _end(self) -> None:
        tasks = (self._life, *self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._api.close()

    async def _live(self) -> None:
        while True:
            try:
                await self._look()
            except TROUBLE:
                self._guarded = None
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        node = await self._api.get(f"/api/v1/nodes/{self._node}")
        if node is None:
            return
        listed = (await self._api.call("GET", VOLUMES))["items"]
        volumes = [one for one in listed if rok_objects.pinned(one, self._node)]
        await self._guard(held=bool(volumes))
        cordoned = bool(node["spec"].get("unschedulable"))
        work = await self._snapshots([*volumes, *self._moved])
        if cordoned:
            work += await self._unpinnings(volumes)
        for one in work:
            if one.claim not in self._busy and self._due.get(one.key, 0.0) <= time.monotonic():
                self._busy[one.claim] = asyncio.create_task(self._work(one))

    async def _guard(self, *, held: bool) -> None:
        """Let the guard's budget allow its eviction, or not."""
        if held is self._guarded:
            return
        for path, body in rok_objects.guard(self._node) if held else ():
            await self._api.create(path, body)
        await self._api.patch(*rok_objects.budget(self._node, least=int(held)))
        self._guarded = held

    async def _snapshots(self, volumes: list[Object]) -> list[_Work]:
        by_claim = {rok_objects.claim_of(one): one for one in volumes}
        listed = await self._api.get(f"{SNAPSHOTS}/volumesnapshots") or {"items": []}
        found = []
        for one in listed["items"]:
            source = one["spec"]["source"].get("persistentVolumeClaimName", "")
            claim = (one["metadata"]["namespace"], source)
            ready = one.get("status", {}).get("readyToUse", True)
            if not ready and "deletionTimestamp" not in one["metadata"] and claim in by_claim:
                about = {
                    **one,
                    "kind": "VolumeSnapshot",
                    "apiVersion": "snapshot.storage.k8s.io/v1",
                }
                found.append(_Work(about, claim, by_claim[claim]))
        return found

    async def _unpinnings(self, volumes: list[Object]) -> list[_Work]:
        used = await self._in_use() if self._used is Used.WAITS else set()
        found = []
        for one in volumes:
            space, name = rok_objects.claim_of(one)
            path = f"/api/v1/namespaces/{space}/persistentvolumeclaims/{name}"
            claim = await self._api.get(path) if name else None
            if claim is not None and (space, name) not in used:
                found.append(_Work(claim, (space, name), one))
        return found

    async def _in_use(self) -> set[Claim]:
        """Return the claims that pods on the node use."""
        where = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self._node}"
        return {
            (pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"])
            for pod in (await self._api.call("GET", where))["items"]
            for volume in pod["spec"].get("volumes", ())
            if "persistentVolumeClaim" in volume
        }

    async def _work(self, work: _Work) -> None:
        """Make one attempt; the next one is due some time after it has failed."""
        try:
            done = await self._attempt(work)
            if done and work.snapshots:
                await self._ready(work)
            elif done and await self._may_leave(work):
                await self._unpin(work)
        except TROUBLE:
            pass
        finally:
            self._due[work.key] = time.monotonic() + self._pace.again
            self._busy.pop(work.claim, None)

    async def _may_leave(self, work: _Work) -> bool:
        return self._used is not Used.STAYS or work.claim not in await self._in_use()

    async def _attempt(self, work: _Work) -> bool:
        """Copy what has changed; say so, and whether there was room."""
        blocks = self._changed.get(work.claim, LITTLE)
        job = Job(str(work.about["kind"]), work.claim, blocks, time.time())
        self.jobs.append(job)
        try:
            await self._first_words(work, job)
            await asyncio.sleep(self._pace.step)
            if self._space.available() < rok_texts.DEVICE_BLOCK:
                await self._say(work, "PROGRESS", rok_texts.CLONING)
                await asyncio.sleep(self._pace.step)
                await self._fail(work, job, rok_texts.CLONE)
                self._collect()
                return False
            await self._say(work, "PROGRESS", rok_texts.UPLOADING)
            await self._say(work, "INFO", rok_texts.found(blocks))
            await self._say(work, "PROGRESS", rok_texts.about_to_copy(blocks))
            if not await self._copy(work, job):
                await self._fail(work, job, rok_texts.WRITE)
                return False
        finally:
            job.ended = time.time()
        self._space.drop(job.name)
        self._changed[work.claim] = LITTLE
        return True

    async def _first_words(self, work: _Work, job: Job) -> None:
        volume = work.volume["metadata"]["name"]
        if not work.snapshots:
            space, claim = work.claim
            marking = rok_texts.marking(space, claim, volume, self._node)
            await self._say(work, "INFO", marking)
            await self._say(work, "INFO", rok_texts.unpinning(claim, volume, self._node))
        await self._say(work, "JobStarted", rok_texts.started(job.name, self._node))
        await self._say(work, "PROGRESS", rok_texts.BEGINNING)
        if not work.snapshots:
            await self._say(work, "INFO", rok_texts.marked(volume))
        handle = work.volume["spec"]["csi"]["volumeHandle"]
        await self._say(work, "INFO", rok_texts.before(handle))
        await self._say(work, "PROGRESS", rok_texts.TAKING)
        await self._say(work, "INFO", rok_texts.after(job.name))

    async def _copy(self, work: _Work, job: Job) -> bool:
        size = job.blocks * rok_texts.BLOCK
        for fifths in range(1, 6):
            await asyncio.sleep(self._pace.step if fifths == 1 else self._pace.step / 4)
            try:
                self._space.copy(job.name, size * fifths // 5)
            except OSError:
                await asyncio.sleep(self._pace.step)
                return False
            if fifths < len(rok_texts.PERCENT):
                await self._say(work, "PROGRESS", rok_texts.copying(job.blocks, fifths))
        return True

    async def _fail(self, work: _Work, job: Job, command: str) -> None:
        job.failed = command
        await self._say(work, "JobFailed", rok_texts.failed(command, POD))

    def _collect(self) -> None:
        """Take away what failed jobs have left."""
        for job in self.jobs:
            if job.failed:
                self._space.drop(job.name)

    async def _say(self, work: _Work, reason: str, text: str) -> None:
        path, body = rok_objects.event(work.about, reason, text, time.time())
        await self._api.call("POST", path, body)

    async def _ready(self, work: _Work) -> None:
        status = {"status": {"readyToUse": True}}
        _, space, name = work.key
        where = f"{SNAPSHOTS}/namespaces/{space}/volumesnapshots/{name}/status"
        content = work.about["status"]["boundVolumeSnapshotContentName"]
        await self._api.patch(f"{SNAPSHOTS}/volumesnapshotcontents/{content}/status", status)
        await self._api.patch(where, status)

    async def _unpin(self, work: _Work) -> None:
        """Make the volume anew without its node, and let the binder see it."""
        metadata = work.volume["metadata"]
        path = f"{VOLUMES}/{metadata['name']}"
        await self._api.delete(path, {"preconditions": {"uid": metadata["uid"]}})
        # Its protection comes back as long as nobody has asked for its deletion, and not after.
        await self._api.patch(path, {"metadata": {"finalizers": None}})
        await self._api.call("POST", VOLUMES, rok_objects.unpinned(work.volume))
        self._moved.append(work.volume)
        _, space, name = work.key
        claim = f"/api/v1/namespaces/{space}/persistentvolumeclaims/{name}"
        touched = 0
        while ((await self._api.call("GET", claim)).get("status") or {}).get("phase") != "Bound":
            touched += 1
            note = {rok_objects.TOUCHED: str(touched)}
            await self._api.patch(claim, {"metadata": {"annotations": note}})
            await asyncio.sleep(0.02)


async def _api(server: str, context: ssl.SSLContext) -> Api:
    return Api(server, context)
