"""What a lost node holds: claims, drivers, volumes that live on it; and whether it still beats."""

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.signals.base import claim_of
from exporter.observe.signals.node_lost_with_volumes import (
    HEARTBEATS,
    claims_on,
    exclusive_claims,
    holds,
)
from exporter.observe.view import View

NOT_A_MACHINE = ("/zone", "/region", "failure-domain.beta.kubernetes.io/zone")
"""Ends of topology keys that say where a machine stands, not which one it is."""


def taken(node: str, view: View) -> tuple[tuple[str, str], ...]:
    """Return the claims that only this node can have and that somebody wants.

    Its pod may be gone while the volume still is attached. A pod that has ended wants nothing.
    """
    pods = [pod for pod in view.pods_on(node) if not pod.ended]
    found = {claim for pod in pods for claim in exclusive_claims(pod, view)}
    held = {claim_of(a, view) for a in view.attachments_on(node) if holds(a, view)}
    wanted = {c for c in held if c and any(not pod.ended for pod in view.pods_of(*c))}
    return tuple(sorted(found | wanted))


def uids(claims: tuple[tuple[str, str], ...], view: View) -> tuple[str, ...]:
    """Return the uid of each claim, empty for one that is not there."""
    found = (view.claim(namespace, name) for namespace, name in claims)
    return tuple(claim.uid if claim is not None else "" for claim in found)


def still_beating(node: model.Node, view: View) -> str | None:
    """Return what says that the kubelet lives, or why nobody can tell."""
    lease = view.lease(HEARTBEATS, node.name)
    if Kind.LEASE in view.unseen:
        return "the node's heartbeat Lease could not be read"
    if lease is None or lease.renewed is None or node.ready_since is None:
        return None
    if lease.renewed > node.ready_since:
        return (
            f"the kubelet of {node.name} has renewed its Lease after the Ready condition changed:"
            " it is not dead"
        )
    return None


def drivers(node: str, view: View) -> tuple[str, ...]:
    """Return the drivers, in-tree ones among them, that have a volume there: each writes."""
    attached = {attachment.driver for attachment in view.attachments_on(node)}
    return tuple(sorted(attached | {volume.driver for volume in _volumes(node, view)}))


def bound_to_node(node: model.Node, view: View, removable: frozenset[str]) -> str | None:
    """Return which volume lives on the node itself; those of `removable` drivers may go with it."""
    for volume in _volumes(node.name, view):
        if volume.driver in removable:
            continue
        if volume.on_node or any(_names(term, node, view) for term in volume.affinity):
            return (
                f"volume {volume.name} ({volume.driver}) lives on node {node.name} itself:"
                " another node cannot have it, and taking it away may lose data"
            )
    return None


def _volumes(node: str, view: View) -> list[model.Volume]:
    found = {a.volume: view.volume(a.volume) for a in view.attachments_on(node) if a.volume}
    for namespace, name in claims_on(node, view):
        claim = view.claim(namespace, name)
        if claim is not None and claim.volume:
            found[claim.volume] = view.volume(claim.volume)
    return [volume for _, volume in sorted(found.items()) if volume is not None]


def _names(term: model.NodeTerm, node: model.Node, view: View) -> bool:
    """Whether an affinity term pins to one machine rather than to where it stands."""
    if term.operator != "In" or term.key.endswith(NOT_A_MACHINE):
        return False
    if term.field:
        return node.name in term.values
    # This machine alone, or none that is known: a Node that lost its label may be the one meant.
    meant = {other.name for other in view.nodes() if other.labels.get(term.key) in term.values}
    return meant <= {node.name}
