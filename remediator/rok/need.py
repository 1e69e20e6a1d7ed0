"""Whether the node's bytes ask for a disk: what has changed on it against what its space holds."""

import msgspec

from exporter.observe import rok_jobs
from exporter.observe.model import RokSpace
from exporter.observe.rok_jobs import Changed, Key
from exporter.observe.signals.reasons.snapshot_space import need
from exporter.observe.view import View
from remediator.case import Case
from remediator.plan import Declined, Deferred
from remediator.rok_extension import GIB, Decision, decide
from remediator.steps.base import listed

HOUR = 3600.0


class Needed(msgspec.Struct, frozen=True):
    """What has changed, claim by claim; of the `unknown` claims nobody knows. `space` has a size.

    `bytes` is the sum of what is known, upper bounds in full.
    """

    changes: tuple[Changed, ...]
    unknown: tuple[Key, ...]
    space: RokSpace
    size: int

    @property
    def bytes(self) -> int:
        """All that is known to have changed."""
        return sum(one.bytes for one in self.changes)


def gib(size: int) -> str:
    """Return bytes as people compare them."""
    return f"{size / GIB:.1f} GiB"


def decision_on(node: str, view: View) -> Decision:
    """Return what the bytes of a node ask for."""
    changes, failed = rok_jobs.changes_on(node, view), rok_jobs.failures_on(node, view)
    return decide(need(changes, (one.claim for one in failed)), view.rok_space(node))


def asked(node: str, case: Case) -> Needed | Declined | Deferred:
    """Return what is needed where that is a disk; else why there is nothing to do, or not yet."""
    view = case.view
    changes = tuple(rok_jobs.changes_on(node, view))
    failed = {one.claim for one in rok_jobs.failures_on(node, view)}
    unknown = tuple(sorted(failed - {one.claim for one in changes}))
    space = view.rok_space(node)
    total = sum(one.bytes for one in changes)
    match decision_on(node, view):
        case Decision.EXTEND if space is not None and space.size is not None:
            return Needed(changes, unknown, space, space.size)
        case Decision.WAIT if space is not None:
            return _collection(total, space, case)
        case Decision.FITS if space is not None:
            return Deferred(
                f"{gib(total)} have changed on node {node}, and {gib(space.available or 0)} are"
                " free by now: the next attempt succeeds, or the cause is another one"
            )
        case _:
            return Declined(_unknown(node, changes, unknown, space))


def _collection(total: int, space: RokSpace, case: Case) -> Declined | Deferred:
    """Wait for Rok's garbage collection, and not for ever."""
    sentence = (
        f"{gib(total)} have changed: more than the {gib(space.available or 0)} that are free, and"
        f" no more than the {gib(space.size or 0)} of the whole snapshot space"
    )
    since, within = case.record.status.deferred_since, case.policy.rok.collection_within
    if since is not None and case.now - since > within:
        return Declined(
            f"{sentence}; Rok's garbage collection has made no room for {within / HOUR:g} h:"
            " delete VolumeSnapshots that failed and nobody needs, and read the log of Rok's master"
        )
    return Deferred(f"{sentence}: Rok's garbage collection makes the room")


def _unknown(
    node: str, changes: tuple[Changed, ...], unknown: tuple[Key, ...], space: RokSpace | None
) -> str:
    """Say what is not known, and what would make it known: nothing is extended for a hint."""
    if space is None or space.size is None or space.available is None:
        return (
            f"the size of the snapshot space of node {node} is not known: see that pvmedic's node"
            f" role runs there and that Rok's file system is mounted"
        )
    if unknown:
        names = listed([f"{namespace}/{name}" for namespace, name in unknown], ", ")
        return (
            f"how much has changed of {names} is not known, the Events are gone: make a"
            " VolumeSnapshot of it, whose Event `About to copy` tells, and look again; a space that"
            " is only suspected to be too small is never extended"
        )
    total = sum(one.bytes for one in changes)
    return (
        f"at most {gib(total)} have changed, and the space holds {gib(space.size)}: an upper bound"
        " proves nothing. The Event `About to copy` of a job that gets as far as copying tells; a"
        " space that is only suspected to be too small is never extended"
    )
