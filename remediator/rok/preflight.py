"""All that is looked at before the first step, in one value; or why there is no plan."""

import msgspec

from exporter.observe import model
from remediator.case import Case
from remediator.plan import Declined, Deferred
from remediator.rok.drains import Leaving, drained
from remediator.rok.group import Storage, barred, storage
from remediator.rok.machine import Elsewhere, Placed, largest, placed
from remediator.rok.need import Needed, asked
from remediator.rok_extension import Refused, Sized, grown_to, size

NOT_ALLOWED = "commands on nodes are not allowed by the settings (rok.exec)"


class Extendable(msgspec.Struct, frozen=True):
    """A node that may be extended. `extents` is what the logical volume has afterwards."""

    node: model.Node
    needed: Needed
    storage: Storage
    place: Placed | Elsewhere
    leaves: Leaving
    sized: Sized
    extents: int


def preflight(case: Case) -> Extendable | Declined | Deferred:
    """Look at everything; the first thing that speaks against it is the answer."""
    name = case.signal.subject["node"]
    needed = asked(name, case)
    if not isinstance(needed, Needed):
        return needed
    node = case.view.node(name)
    if node is None:
        return Declined(
            f"node {name} is gone: what had changed since the last snapshots is lost with it"
        )
    if not case.policy.rok.namespace:
        return Declined(NOT_ALLOWED)
    no = barred(node, case)
    return no if no is not None else _looked(node, needed, case)


def _looked(node: model.Node, needed: Needed, case: Case) -> Extendable | Declined | Deferred:
    """Look at what is on the node, where its machine is, and who uses it."""
    there = storage(node.name, case.view, case.policy.rok)
    if not isinstance(there, Storage):
        return there
    place = placed(node, there.serials, case)
    if not isinstance(place, Placed | Elsewhere):
        return place
    leaves = drained(node.name, case.view)
    if not isinstance(leaves, Leaving):
        return leaves
    sized = _sized(there, needed, place, case)
    if isinstance(sized, Refused):
        return Declined(sized.why)
    extents = grown_to(there.extents, sized.bytes, there.extent_bytes)
    return Extendable(node, needed, there, place, leaves, sized, extents)


def _sized(
    there: Storage, needed: Needed, place: Placed | Elsewhere, case: Case
) -> Sized | Refused:
    cap = case.policy.capacity_cap
    return size(
        there.group_bytes,
        needed.bytes,
        margin_percent=case.policy.rok.margin_percent,
        cap_gib=cap,
        largest_gib=largest(place.like.type) if isinstance(place, Placed) else cap,
    )
