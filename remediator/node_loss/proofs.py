"""What proves a node dead, or its storage closed to it, beside the power of its machine.

A person's word (NodeAttestation) speaks for every driver. A NetworkFence of csi-addons speaks for
its own driver only: it closes that storage to the node's addresses, and nothing else. A word does
not outlive a sign of life. Whoever asks has made sure that the node is not Ready.
"""

from ipaddress import ip_address, ip_network

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from exporter.observe.view import View

FENCED = "fencing operation successful"
"""status.message of a NetworkFence that is closed (csi-addons >= 0.9). Its `result` says Succeeded
for an unfenced one as well; older versions write this text for both, and are told apart by nothing.
"""


def word(node: model.Node, view: View, now: float) -> tuple[model.Attestation | None, str]:
    """Return the person's word that counts now, or why the newest one there is does not."""
    mine = [one for one in view.attestations() if one.node == node.name]
    refused = ""
    for one in sorted(mine, key=lambda found: (found.created, found.name), reverse=True):
        why = _void(one, node, view, now)
        if not why:
            return one, ""
        refused = refused or f"the word of {one.attester} ({one.name}) does not count: {why}"
    return None, refused


def _void(one: model.Attestation, node: model.Node, view: View, now: float) -> str:
    """Return why a word does not count; empty when it does."""
    lease = view.lease(HEARTBEATS, node.name)
    renewed = lease.renewed if lease is not None else None
    reasons = {
        f"it says that the power is {one.power}": one.power != "Off",
        "it is for another Node of this name": one.node_uid != node.uid,
        "it is from the future": one.created > now,
        "it has expired": now >= one.expires,
        "the node's Ready condition has changed since": node.ready_since is None
        or one.created < node.ready_since,
        "the node's heartbeat Lease could not be read": Kind.LEASE in view.unseen,
        "the kubelet has renewed its Lease since": renewed is not None and renewed >= one.created,
    }
    return next((why for why, void in reasons.items() if void), "")


def fences(node: model.Node, view: View) -> dict[str, str]:
    """Return the drivers whose storage is closed to the node, each with the fence's name."""
    return {one.driver: one.name for one in view.network_fences() if _closes(one, node)}


def _closes(one: model.NetworkFence, node: model.Node) -> bool:
    """Whether a fence is closed, since the node was lost, for each of its addresses."""
    if not one.driver or (one.state, one.result) != ("Fenced", "Succeeded"):
        return False
    if one.message != FENCED or one.deletion is not None:
        return False
    if one.created is None or node.ready_since is None or one.created < node.ready_since:
        return False
    return bool(node.internal_ips) and all(_covers(one, ip) for ip in node.internal_ips)


def _covers(one: model.NetworkFence, address: str) -> bool:
    try:
        ip = ip_address(address)
        # In versions of IP apart nothing is within anything.
        return any(ip in ip_network(cidr, strict=False) for cidr in one.cidrs)
    except ValueError:
        return False
