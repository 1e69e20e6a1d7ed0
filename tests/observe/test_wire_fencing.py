"""Wire to model: what says that a node is off, or shut out of its storage."""

import json
from typing import Any

import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse import wire

AT = 1_800_000_000.0
WHEN = "2027-01-15T08:00:00Z"
ATTESTATION: dict[str, Any] = {
    "metadata": {"name": "a-off-x", "resourceVersion": "7", "creationTimestamp": WHEN},
    "spec": {
        "node": "a",
        "nodeUID": "uid-a",
        "power": "Off",
        "attester": "ann",
        "expires": "2027-01-15T09:00:00Z",
        "note": "I pulled the plug",
    },
}
NETWORK_FENCE: dict[str, Any] = {
    "metadata": {
        "name": "fence-a",
        "resourceVersion": "7",
        "creationTimestamp": WHEN,
        "deletionTimestamp": WHEN,
    },
    "spec": {
        "driver": "rook-ceph.rbd.csi.ceph.com",
        "fenceState": "Unfenced",
        "cidrs": ["10.0.0.7/32"],
        "secret": {"name": "s", "namespace": "rook-ceph"},
    },
    "status": {"result": "Succeeded", "message": "unfencing operation successful"},
}


def one(kind: Kind, body: object) -> model.Object:
    """Decode one object."""
    return wire.one(kind, json.dumps(body).encode())


def test_a_persons_word_is_kept_with_its_times() -> None:
    """What counts is decided elsewhere."""
    assert one(Kind.ATTESTATION, ATTESTATION) == model.Attestation(
        "a-off-x", "7", "a", "uid-a", "Off", "ann", AT, AT + 3600.0
    )


@pytest.mark.parametrize("expires", [None, "soon"])
def test_a_word_that_does_not_say_when_it_ends_has_ended(expires: str | None) -> None:
    """Nobody can tell for how long it was meant."""
    spec = {**ATTESTATION["spec"], "expires": expires}
    found = one(Kind.ATTESTATION, {**ATTESTATION, "spec": spec})
    assert isinstance(found, model.Attestation)
    assert found.expires == 0.0


def test_a_fence_is_kept_with_what_its_last_operation_came_to() -> None:
    """Whichever it was: the message alone says."""
    assert one(Kind.NETWORK_FENCE, NETWORK_FENCE) == model.NetworkFence(
        name="fence-a",
        version="7",
        driver="rook-ceph.rbd.csi.ceph.com",
        state="Unfenced",
        cidrs=("10.0.0.7/32",),
        result="Succeeded",
        message="unfencing operation successful",
        created=AT,
        deletion=AT,
    )


def test_a_fence_is_meant_to_be_closed_unless_it_says_otherwise() -> None:
    """The definition's default; one of a class names no driver."""
    spec = {"networkFenceClassName": "ceph", "cidrs": None}
    assert one(Kind.NETWORK_FENCE, {"metadata": {"name": "f"}, "spec": spec}) == model.NetworkFence(
        "f", "", "", "Fenced", (), "", "", None, None
    )
