"""What a person types to make a claim anew that asks for less: commands filled with real names.

For clusters that cannot take a request back. Each command is one line, and above it stands what
must be true before it is typed. Order and checks: the reclaim policy is proven to be Retain before
the claim goes, everything that is deleted or changed is bound to its uid, and the new claim asks
for no more than the volume has.
"""

import json

from exporter.observe import model
from exporter.observe.view import View
from remediator.growth.policy import quantity

BEFORE = model.OURS + "reclaim-policy-before"
"""Annotation on a volume: the policy to restore."""

RETAIN = "Retain"
DROPPED = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "managedFields",
    "generation",
    "selfLink",
)
BINDING = ("pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller")
"""Annotations that would make the new claim look bound to a volume that does not know it: Lost."""


def procedure(claim: model.Claim, volume: model.Volume, view: View) -> str:
    """Return the commands, one a line, with what to check before each as comment lines."""
    space, name, pv = claim.namespace, claim.name, volume.name
    size = min(claim.capacity or 0, volume.capacity or claim.capacity or 0)
    path = f"/api/v1/namespaces/{space}/persistentvolumeclaims/{name}"
    saved = f"{space}-{name}.yaml"
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": claim.uid},
    }
    proven = "{.spec.persistentVolumeReclaimPolicy} {.metadata.uid} {.spec.claimRef.uid}"
    anew = f"kubectl patch --local -f {saved} --type merge -o json -p {_quoted(_anew(pv, size))}"
    lines = [
        f"# Stop {_users(claim, view)}. Go on when this says `Used By: <none>`.",
        f"kubectl -n {space} describe pvc {name}",
        *_keep(volume),
        f"# Go on only if this prints: {RETAIN} {volume.uid} {claim.uid}",
        f"kubectl get pv {pv} {_printing(proven)}",
        "# Save the claim; everything after this can be done again from the file.",
        f"kubectl -n {space} get pvc {name} -o yaml > {saved}",
        "# Go on only if this prints a line.",
        f"grep 'uid: {claim.uid}' {saved}",
        "# Delete this very claim.",
        f"echo {_quoted(options)} | kubectl delete --raw {path} -f -",
        "# Go on when it is gone; if that takes minutes, a pod still uses it.",
        f"kubectl -n {space} wait --for=delete pvc/{name} --timeout=5m",
        "# Go on only if this prints: Released",
        f"kubectl get pv {pv} {_printing('{.status.phase}')}",
        "# Let the volume wait for a new claim of the same name, and for no other.",
        f"kubectl patch pv {pv} --type json -p {_quoted(_unbound(claim))}",
        f"# Make the claim anew: the same, but {quantity(size)}.",
        f"{anew} | kubectl create -f -",
        f"# Go on when this prints: Bound {pv}",
        f"kubectl -n {space} get pvc {name} {_printing('{.status.phase} {.spec.volumeName}')}",
        *_restore(volume),
        f"# Start again {_users(claim, view)}.",
    ]
    return "\n".join(lines)


def _keep(volume: model.Volume) -> list[str]:
    if volume.reclaim_policy == RETAIN:
        return []
    patch = {
        "metadata": {"annotations": {BEFORE: volume.reclaim_policy}},
        "spec": {"persistentVolumeReclaimPolicy": RETAIN},
    }
    return [
        "# Keep the volume whatever happens to its claim, and write down what its policy was.",
        f"kubectl patch pv {volume.name} -p {_quoted(patch)}",
    ]


def _restore(volume: model.Volume) -> list[str]:
    if volume.reclaim_policy == RETAIN:
        return []
    patch = {
        "metadata": {"annotations": {BEFORE: None}},
        "spec": {"persistentVolumeReclaimPolicy": volume.reclaim_policy},
    }
    return [
        "# Only once it is Bound: give the volume its policy back.",
        f"kubectl patch pv {volume.name} -p {_quoted(patch)}",
    ]


def _unbound(claim: model.Claim) -> list[dict[str, str]]:
    return [
        {"op": "test", "path": "/spec/claimRef/uid", "value": claim.uid},
        {"op": "remove", "path": "/spec/claimRef/uid"},
        {"op": "remove", "path": "/spec/claimRef/resourceVersion"},
    ]


def _anew(volume: str, size: int) -> dict[str, object]:
    return {
        "metadata": {**dict.fromkeys(DROPPED), "annotations": dict.fromkeys(BINDING)},
        "spec": {
            "volumeName": volume,
            "dataSource": None,
            "dataSourceRef": None,
            "resources": {"requests": {"storage": quantity(size)}},
        },
        "status": None,
    }


def _users(claim: model.Claim, view: View) -> str:
    pods = view.pods_of(claim.namespace, claim.name)
    owners = sorted({pod.owner or f"Pod/{pod.name}" for pod in pods})
    named = ", ".join(f"{owner} in {claim.namespace}" for owner in owners)
    return named or f"whatever uses {claim.namespace}/{claim.name}"


def _printing(path: str) -> str:
    return f"-o jsonpath='{path}{{\"\\n\"}}'"


def _quoted(value: object) -> str:
    return "'" + json.dumps(value, separators=(",", ":")) + "'"
