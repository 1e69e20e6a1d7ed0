"""What the cluster lets one claim ask for: quotas, LimitRanges, its driver.

A limit that was not seen, or that nobody has counted yet, is a reason to wait, never no limit.
"""

from collections.abc import Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse.limits import STORAGE
from exporter.observe.view import View, Want
from remediator.growth.policy import Growth, quantity

OF_CLASS = ".storageclass.storage.k8s.io/"


class Limit(msgspec.Struct, frozen=True):
    """A size that a claim's request may not exceed, in bytes, and whose it is in words."""

    size: int
    said: str


class Unknown(msgspec.Struct, frozen=True):
    """A limit that cannot be told now, and why."""

    sentence: str


def reads(claim: model.Claim) -> Iterator[Want]:
    """Name what limits this claim, beyond what detectors read."""
    yield Want(Kind.QUOTA, claim.namespace)
    yield Want(Kind.LIMIT_RANGE, claim.namespace)
    if claim.storage_class:
        yield Want(Kind.STORAGE_CLASS, name=claim.storage_class)


def limits(claim: model.Claim, driver: str, growth: Growth, view: View) -> list[Limit] | Unknown:
    """Return every limit of one claim's request, in no order."""
    for kind in (Kind.QUOTA, Kind.LIMIT_RANGE):
        if not view.sees(kind):
            return Unknown(f"cannot see {kind}: {view.unseen[kind]}")
    found: list[Limit] = []
    for quota in view.quotas(claim.namespace):
        for key in _counting(quota, claim):
            left = _left(quota, key)
            if isinstance(left, Unknown):
                return left
            # What it asks for now is counted already.
            size = (claim.requested or 0) + max(0, left)
            said = f"ResourceQuota {quota.name} leaves {quantity(max(0, left))} of {key}"
            found.append(Limit(size, said))
    for one in view.limit_ranges(claim.namespace):
        if one.most is not None:
            said = f"LimitRange {one.name} lets a claim ask for {quantity(one.most)}"
            found.append(Limit(one.most, said))
    largest = growth.largest_of(driver)
    if largest is not None:
        found.append(Limit(largest, f"{driver} makes volumes of at most {quantity(largest)}"))
    return found


def least(claim: model.Claim, view: View) -> int:
    """Return what LimitRanges make a claim ask for at least, bytes."""
    return max((one.least or 0 for one in view.limit_ranges(claim.namespace)), default=0)


def _counting(quota: model.Quota, claim: model.Claim) -> list[str]:
    of_class = f"{claim.storage_class}{OF_CLASS}{STORAGE}" if claim.storage_class else STORAGE
    return [key for key in dict.fromkeys((STORAGE, of_class)) if key in quota.hard]


def _left(quota: model.Quota, key: str) -> int | Unknown:
    hard, used = quota.hard[key], quota.used.get(key)
    if hard is None:
        return Unknown(f"ResourceQuota {quota.name} says nothing readable of {key}")
    if used is None:
        return Unknown(f"ResourceQuota {quota.name} has not been counted yet for {key}")
    return hard - used
