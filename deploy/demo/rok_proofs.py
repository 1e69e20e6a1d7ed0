"""What is proven of a repair of Rok's snapshot space, from what is left and from who was asked.

Nothing of it is pvmedic's own word: LVM, the file system, EC2 and the API server are looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo.rok_stage import CHANGED
from local import rok_disks
from local.rok_objects import claim_of
from local.rok_texts import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.rok_stage import RokStage

Json = Any
ACTS = ("pvcreate", "vgextend", "lvextend", "resize2fs")
"""The commands that change something, in their order."""
WRITES = {"CreateVolume": 1, "AttachVolume": 1, "TerminateInstanceInAutoScalingGroup": 1}
"""How often EC2 is to have done what."""


@dataclass(frozen=True)
class Proof:
    """A sentence, and whether it is so."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class Before:
    """What there was before: sizes in bytes, what EC2 had done, and the group's machines."""

    group: int
    volume: int
    space: int
    writes: dict[str, int]
    members: int

    @classmethod
    def of(cls, stage: RokStage) -> Before:
        """Look."""
        cloud, disks = stage.cluster.cloud, stage.disks
        members = len(cloud.members(stage.scaling_group))
        return cls(
            disks.group()[0], disks.volume_size(), disks.space.size(), cloud.writes(), members
        )


def proofs(stage: RokStage, before: Before, record: Json) -> Iterator[Proof]:
    """Look at everything once."""
    yield from _disks(stage, before)
    yield from _rok(stage)
    yield from _end(stage, before)
    ledger = record["status"].get("ledger", ())
    paid = all(one.get("closed") for one in ledger)
    yield Proof(paid, f"nothing is owed: {len(ledger)} debts were paid")


def acts(stage: RokStage) -> tuple[str, ...]:
    """Return the commands that changed something on the node, in the order in which they came."""
    words = (word for one in stage.face.ran for word in one.arguments)
    return tuple(word for word in words if word in ACTS)


def writes(stage: RokStage, before: Before) -> dict[str, int]:
    """Return what EC2 has done since."""
    now = stage.cluster.cloud.writes()
    return {one: count - before.writes.get(one, 0) for one, count in now.items()}


def _disks(stage: RokStage, before: Before) -> Iterator[Proof]:
    disks = stage.disks
    group, count, _ = disks.group()
    volume, space = disks.volume_size(), disks.space.size()
    grown = group > before.group and volume > before.volume and space > before.space
    sizes = (
        f"volume group {_gib(before.group)} -> {_gib(group)} on {count} disks;"
        f" {rok_disks.VOLUME} {_gib(before.volume)} -> {_gib(volume)}; its file system"
        f" {_gib(before.space)} -> {_gib(space)}"
    )
    yield Proof(grown, sizes)
    done = writes(stage, before)
    once = {name: done.get(name, 0) for name in WRITES}
    said = ", ".join(f"{name} {count} time" for name, count in once.items())
    yield Proof(once == WRITES, f"one disk, one attachment, one end; EC2 did: {said}")
    found = Counter(acts(stage))
    asked = len(stage.face.ran) - found.total()
    said = ", ".join(f"{name} {count} time{'s' * (count > 1)}" for name, count in found.items())
    commands = f"commands on the node: {said}; {asked} that only asked"
    yield Proof(tuple(found) == ACTS, commands)


def _rok(stage: RokStage) -> Iterator[Proof]:
    failed = [job for job in stage.rok.jobs if job.failed]
    done = [job for job in stage.rok.jobs if job.ended and not job.failed]
    copied = _gib(sum(job.blocks for job in done) * BLOCK)
    last = {job.claim: job for job in stage.rok.jobs if job.ended}
    over = len(last) == len(CHANGED) and not any(job.failed for job in last.values())
    jobs = f"{len(failed)} of Rok's jobs failed, then {len(done)} succeeded and copied {copied}"
    yield Proof(bool(failed) and over, jobs)
    listed = (stage.cluster.get("/api/v1/persistentvolumes") or {"items": []})["items"]
    there = [one for one in listed if claim_of(one)[0] == stage.ground.space]
    left = not stage.pinned() and len(there) == len(CHANGED)
    yield Proof(left, f"all {len(there)} volumes have left node {stage.node}")
    running = ("get", "pods", "--field-selector=status.phase=Running", "-o", "name")
    pods = stage.ground.kubectl(*running).split()
    yield Proof(len(pods) == len(stage.users), f"{len(pods)} workloads run on other nodes")


def _end(stage: RokStage, before: Before) -> Iterator[Proof]:
    cloud = stage.cluster.cloud
    gone = (
        stage.cluster.get(f"/api/v1/nodes/{stage.node}") is None
        and cloud.state(stage.instance) == "terminated"
        and not cloud.attached(stage.instance)
        and not stage.first_disks & set(cloud.disks())
    )
    yield Proof(gone, f"node {stage.node}, machine {stage.instance} and its disks are gone")
    members = cloud.members(stage.scaling_group)
    fewer = stage.instance not in members and len(members) == before.members - 1
    sizes = f"the scaling group has {len(members)} machines of {before.members}, no new one"
    yield Proof(fewer, sizes)


def _gib(number: int) -> str:
    return f"{number / 2**30:.2f} GiB"
