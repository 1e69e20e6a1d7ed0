"""volume_filling: the next size of a claim, or why it stays as it is.

The next size is a whole GiB, larger than what is there, and above no limit: the claim's ceiling,
quotas, LimitRanges, its driver's largest volume, and what one plan may create.
"""

import math
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.growth.limits import Limit, Unknown, limits
from remediator.growth.policy import GIB, Allowance, Growth, allowance, quantity

FREE_AFTER = 0.2
"""The share of a file system that should be free once it has grown: twice what is too little."""

STATEFUL_SET = "StatefulSet/"


class Grow(msgspec.Struct, frozen=True):
    """The claim's next size, bytes; `creates` is what that adds, GiB; what a person should know."""

    size: int
    creates: int
    findings: tuple[str, ...]


class Never(msgspec.Struct, frozen=True):
    """Not without a person: a sentence that says what to change, and what to type, if much."""

    sentence: str
    commands: str = ""


class Later(msgspec.Struct, frozen=True):
    """Not yet; `until` is Unix seconds where that is known."""

    sentence: str
    until: float | None = None


Answer: TypeAlias = Grow | Never | Later


def grown(claim: model.Claim, view: View, growth: Growth, cap: int, now: float) -> Answer:
    """Return what may be done about a claim that is filling up.

    `cap` is GiB that one plan may create; `now` Unix seconds.
    """
    return (
        _claim_forbids(claim)
        or _class_forbids(claim, view)
        or _pending(claim)
        or _within(claim, view, growth, cap, now)
    )


def waiting(claim: model.Claim | None, view: View) -> str:
    """Say what a claim still waits for; empty when it has what it asks for, or is gone.

    Empty as well while only its next mount is missing: see `mount_missing`.
    """
    if claim is None or not claim.growing or mount_missing(claim, view):
        return ""
    return f"it has {quantity(claim.capacity or 0)} and waits for {quantity(claim.requested or 0)}"


def mount_missing(claim: model.Claim, view: View) -> bool:
    """Whether the volume is as large as asked, and no pod is there whose kubelet does the rest.

    That is no failure (expansion_failed does not show it), and nobody can hurry it.
    """
    volume = view.volume_of(claim)
    if not claim.growing or volume is None or volume.capacity is None:
        return False
    mounted = any(p.node and not p.ended for p in view.pods_of(claim.namespace, claim.name))
    return volume.capacity >= (claim.requested or 0) and not mounted


def _claim_forbids(claim: model.Claim) -> Never | Later | None:
    if claim.deletion is not None:
        return Later("the claim is being deleted")
    if claim.phase != "Bound" or claim.requested is None or claim.capacity is None:
        return Later("the claim is not Bound, or does not say how large it is")
    if claim.block:
        return Never("it is a block volume: who uses it has to make room in it")
    return None


def _class_forbids(claim: model.Claim, view: View) -> Never | Later | None:
    if not claim.storage_class:
        return Never("it has no StorageClass, and Kubernetes grows only claims of one")
    if not view.sees(Kind.STORAGE_CLASS):
        return Later(f"cannot see {Kind.STORAGE_CLASS}: {view.unseen[Kind.STORAGE_CLASS]}")
    found = view.storage_class(claim.storage_class)
    if found is None:
        return Never(f"its StorageClass {claim.storage_class} is gone: create it anew first")
    if not found.expandable:
        return Never(
            f"StorageClass {found.name} does not allow expansion: if {found.provisioner} can, set"
            " allowVolumeExpansion: true on it"
        )
    return None


def _pending(claim: model.Claim) -> Later | None:
    if claim.growing:
        return Later(
            f"it has {quantity(claim.capacity or 0)} and asks for"
            f" {quantity(claim.requested or 0)} already: never more while that is pending"
        )
    if claim.condition("Resizing") or claim.condition("FileSystemResizePending"):
        return Later("its last expansion is not over yet")
    if claim.condition("ModifyingVolume"):
        return Later("its volume is being modified")
    return None


def _within(claim: model.Claim, view: View, growth: Growth, cap: int, now: float) -> Answer:
    allowed = allowance(claim, growth)
    if isinstance(allowed, str):
        return Never(allowed)
    klass = view.storage_class(claim.storage_class or "")
    volume = view.volume_of(claim)
    driver = volume.driver if volume is not None else klass.provisioner if klass else ""
    until = None if allowed.grown_at is None else allowed.grown_at + growth.cooldown_of(driver)
    if until is not None and now < until:
        return Later(f"it was grown lately: not again before {model.rfc3339(until)}", until)
    known = limits(claim, driver, growth, view)
    if isinstance(known, Unknown):
        return Later(known.sentence)
    base = max(claim.requested or 0, claim.capacity or 0)
    of_claim = Limit(allowed.ceiling, f"its ceiling is {quantity(allowed.ceiling)}")
    of_plan = Limit(base + cap * GIB, f"one plan may create {cap} GiB")
    narrowest = min([of_claim, *known, of_plan], key=lambda limit: limit.size)
    most = narrowest.size // GIB * GIB
    if most <= base:
        return Never(
            f"{narrowest.said}, and it has {quantity(base)}:"
            " raise that, or let the owner of the workload make room"
        )
    wanted = _wanted(claim, view, base, allowed)
    size = min(wanted, most)
    return Grow(size, -(-(size - base) // GIB), _findings(claim, view, wanted, size, narrowest))


def _wanted(claim: model.Claim, view: View, base: int, allowed: Allowance) -> int:
    """Return the size after as many steps as it takes: one that leaves it full helps nobody."""
    enough = base * _full(claim, view) / (1 - FREE_AFTER)
    steps = max(1, -(-math.ceil(enough - base) // allowed.step))
    return -(-(base + steps * allowed.step) // GIB) * GIB


def _full(claim: model.Claim, view: View) -> float:
    """Return the used share of bytes, or of inodes where that is more; 0 when not measured."""
    return max((share for _, share in _used(claim, view)), default=0.0)


def _used(claim: model.Claim, view: View) -> Iterator[tuple[str, float]]:
    """Yield of what how much is used, 0 to 1, where its kubelet has measured it."""
    stats = view.volume_stats(claim.namespace, claim.name)
    if stats is None:
        return
    measured = {
        "bytes": (stats.available, stats.capacity),
        "inodes": (stats.inodes_free, stats.inodes),
    }
    for what, (free, all_) in measured.items():
        if free is not None and all_:
            yield what, 1 - free / all_


def _findings(
    claim: model.Claim, view: View, wanted: int, size: int, narrowest: Limit
) -> tuple[str, ...]:
    found = [f"it has {quantity(claim.capacity or 0)}; {narrowest.said}"]
    for what, share in _used(claim, view):
        if what == "bytes" and claim.capacity:
            then = share * claim.capacity / size
            found.append(f"{share:.0%} of its bytes are used; of {quantity(size)} it is {then:.0%}")
        elif share > 1 - FREE_AFTER:
            found.append(f"{share:.0%} of its {what} are used")
    if size < wanted:
        found.append(f"{quantity(wanted)} would be needed, so this helps for a short time only")
    owners = {pod.owner for pod in view.pods_of(claim.namespace, claim.name)}
    sets = sorted(one.removeprefix(STATEFUL_SET) for one in owners if one.startswith(STATEFUL_SET))
    found += [
        f"the volumeClaimTemplate of StatefulSet {name} stays as it is: new replicas begin small"
        for name in sets
    ]
    return tuple(found)
