"""expansion_failed: the smaller size that a claim may ask for, or why a person has to do it.

A request is lowered only where both the API server and the resizer know how, and only after a final
failure: otherwise the resizer goes on asking for the larger size, and the volume may become that
large. Never to what the claim has or less, and never while only the node's step is missing.
Kubernetes 1.32 to 1.36, external-resizer 1.13 to 2.3; the claim's own status shows such a resizer.
"""

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.growth.growing import Later, Never
from remediator.growth.limits import least
from remediator.growth.policy import GIB, Growth, quantity
from remediator.growth.retain import procedure

FIRST_VERSION = (1, 32)
"""From here on RecoverVolumeExpansionFailure is on unless somebody turned it off."""

NODE_INFEASIBLE = "NodeResizeInfeasible"
FINAL = frozenset({"ControllerResizeInfeasible", NODE_INFEASIBLE})
CONTROLLER_ERROR = "ControllerResizeError"
NODE_PENDING = "FileSystemResizePending"

_WAIT = {
    "NoSpace": "the back end is full: make room there, it is tried again by itself",
    "QuotaExceeded": "a quota at the back end is used up: raise it, it is tried again by itself",
    "Timeout": "the back end does not answer in time, and may still do it",
    "InProgress": "it has been taken up, and nobody has reported an error lately",
    "NoResizer": "nobody has taken it up: see that the driver's csi-resizer runs",
}
"""What is not repaired by asking for less, by the reason of the signal."""

_PERSON = {
    "OfflineOnly": "this driver grows only what no pod uses: stop the pods until it has grown",
    "ClassForbids": "its StorageClass does not allow expansion any more: allow it again",
}


class Lower(msgspec.Struct, frozen=True):
    """The size to ask for, bytes: less than now, more than there is."""

    size: int
    findings: tuple[str, ...]


def lowered(
    claim: model.Claim, reason: str, view: View, growth: Growth, server: tuple[int, int] | None
) -> Lower | Never | Later:
    """Return what may be done about an expansion that failed.

    `reason` is the signal's; `server` the API server's (major, minor), None when unread.
    """
    volume = view.volume_of(claim)
    if claim.deletion is not None or not claim.growing:
        return Later("it is going, or asks for no more than it has")
    if volume is None or server is None:
        what = "its volume" if volume is None else "the API server's version"
        return Later(f"{what} could not be read")
    if _only_node(claim, volume):
        return Never(
            "only the node's step is missing: restart a pod that uses it; a claim made anew would"
            " hide that the file system never grew"
        )
    if reason in _PERSON:
        return Never(_PERSON[reason])
    seen = claim.resize_status or claim.condition(CONTROLLER_ERROR)
    if server >= FIRST_VERSION and seen:
        return _smaller(claim, view, growth) if _final(claim) else _not_final(claim, reason)
    if reason in _WAIT:
        return Later(_WAIT[reason])
    who = (
        "its csi-resizer is older than 1.13"
        if server >= FIRST_VERSION
        else f"Kubernetes {server[0]}.{server[1]} is older than 1.32"
    )
    sentence = f"{who} and cannot take a request back: a person makes the claim anew"
    return Never(sentence, procedure(claim, volume, view))


def _only_node(claim: model.Claim, volume: model.Volume) -> bool:
    if claim.resize_status == NODE_INFEASIBLE:
        return False
    done = volume.capacity is not None and volume.capacity >= (claim.requested or 0)
    pending = claim.condition(NODE_PENDING) is not None
    return done or pending or claim.resize_status.startswith("Node")


def _final(claim: model.Claim) -> bool:
    return claim.resize_status in FINAL or claim.condition(CONTROLLER_ERROR) is not None


def _not_final(claim: model.Claim, reason: str) -> Later:
    asked = quantity(claim.requested or 0)
    why = _WAIT.get(reason, f"its status is {claim.resize_status}")
    return Later(f"no final failure: {why}. Whatever is asked for now, it may still become {asked}")


def _smaller(claim: model.Claim, view: View, growth: Growth) -> Lower | Never | Later:
    if not view.sees(Kind.LIMIT_RANGE):
        return Later(f"cannot see {Kind.LIMIT_RANGE}: {view.unseen[Kind.LIMIT_RANGE]}")
    has, asks = claim.capacity or 0, claim.requested or 0
    lowest = max((has // GIB + 1) * GIB, -(-least(claim, view) // GIB) * GIB)
    if lowest >= asks:
        return Never(
            f"it has {quantity(has)} and asks for {quantity(asks)}, and no whole GiB that may be"
            " asked for is between: make the back end give that much"
        )
    volume = view.volume_of(claim)
    driver = volume.driver if volume is not None else ""
    largest = growth.largest_of(driver)
    most = largest // GIB * GIB if largest is not None else lowest
    known = lowest <= most < asks
    why = (
        f"the settings say that {driver} makes volumes of at most {quantity(most)}"
        if known and largest is not None
        else "nobody knows how much the back end would give, so it is the next GiB above"
    )
    told = f"it has {quantity(has)} and asks for {quantity(asks)}; only more than it has is allowed"
    again = "if this size is refused as well, only the back end can help"
    return Lower(most if known else lowest, (told, why, again))
