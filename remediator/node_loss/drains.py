"""Who drains a node: planned work is told apart from a failure by what its tool writes on the node.

Sources: node-maintenance-operator controllers/taint.go (`medik8s.io/drain`; older ones, and
Harvester: `kubevirt.io/drain`), cluster-autoscaler (`ToBeDeletedByClusterAutoscaler`), Karpenter
(`karpenter.sh/disrupted` from 1.0 on, `karpenter.sh/disruption` before), kured (annotation, with
`--annotate-nodes`). A cordon is a person's or a tool's that names itself nowhere.
"""

import msgspec

from exporter.observe import model

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
"""The taint that the control plane puts on a cordoned node, with its time."""

SHUTDOWN = "node.cloudprovider.kubernetes.io/shutdown"
"""Taint of cloud controllers: the cloud told them that the instance is off, up to minutes ago."""

TAINTS = {
    "medik8s.io/drain": "a NodeMaintenance of medik8s",
    "kubevirt.io/drain": "KubeVirt, or a NodeMaintenance of its own",
    "ToBeDeletedByClusterAutoscaler": "the cluster autoscaler, which removes it",
    "karpenter.sh/disrupted": "Karpenter, which removes it",
    "karpenter.sh/disruption": "Karpenter, which removes it",
}
ANNOTATIONS = {"weave.works/kured-reboot-in-progress": "kured, which boots it anew"}


class Cordon(msgspec.Struct, frozen=True):
    """Somebody took the node out of scheduling before it was lost, or at a time nobody knows."""

    sentence: str


def drained_by(node: model.Node) -> str | None:
    """Return which tool drains the node, in a sentence; None when none says so."""
    keys = [taint.key for taint in node.taints]
    found = [f"{who} (taint {key})" for key, who in TAINTS.items() if key in keys]
    found += [f"{who} (annotation {k})" for k, who in ANNOTATIONS.items() if k in node.annotations]
    return f"node {node.name} is drained by {found[0]}" if found else None


def cordoned(node: model.Node) -> Cordon | None:
    """Return the cordon that looks like planned work.

    One that came after the node was lost is how people keep a sick node empty, and no plan.
    """
    if not node.unschedulable:
        return None
    taint = node.taint(UNSCHEDULABLE)
    added = taint.added if taint is not None else None
    if added is None or node.ready_since is None:
        when = "at a time that is not known"
    elif added > node.ready_since:
        return None
    else:
        when = f"{(node.ready_since - added) / 60:.0f} min before it was lost"
    return Cordon(
        f"somebody cordoned node {node.name} {when}: this may be a planned drain; say yes only if"
        " whoever did agrees that its volumes go to other nodes"
    )
