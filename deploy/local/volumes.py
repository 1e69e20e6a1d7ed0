"""Which volumes of a pod must be attached before it starts, and their names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Object = dict[str, Any]

DRIVER = "ebs.csi.aws.com"
FAULTY_DRIVER = "faulty.csi.pvmedic.dev"  # the one of `csi.py`, with real sidecars


def attachable(
    pod: Object,
    claims: Mapping[tuple[str, str], Object],
    volumes: Mapping[tuple[str, str], Object],
) -> dict[str, str] | None:
    """Return {name of the PersistentVolume: name in a node's volumesAttached} of a pod.

    None while a claim is missing or not bound. Volumes of other drivers need no attaching here.
    """
    found: dict[str, str] = {}
    for name in claim_names(pod):
        claim = claims.get((pod["metadata"]["namespace"], name), {})
        volume_name = claim.get("spec", {}).get("volumeName", "")
        volume = volumes.get(("", volume_name))
        if volume is None or claim.get("status", {}).get("phase") != "Bound":
            return None
        csi = volume["spec"].get("csi", {})
        if (driver := csi.get("driver")) in {DRIVER, FAULTY_DRIVER}:
            found[volume_name] = f"kubernetes.io/csi/{driver}^{csi['volumeHandle']}"
    return found


def claim_names(pod: Object) -> list[str]:
    """Return the claims that a pod names."""
    volumes = pod["spec"].get("volumes", ())
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    ]


def attached_to(node: str, attachments: Iterable[Object]) -> set[str]:
    """Return the PersistentVolumes that are attached to a node and not being detached."""
    return {
        attachment["spec"]["source"]["persistentVolumeName"]
        for attachment in attachments
        if attachment["spec"]["nodeName"] == node
        and attachment.get("status", {}).get("attached")
        and "deletionTimestamp" not in attachment["metadata"]
    }
