"""Wire to model: what limits the size of claims, and how many volumes a node can have."""

import json
from typing import Any

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse import wire

GI = 1024**3

QUOTA: dict[str, Any] = {
    "metadata": {"name": "storage", "namespace": "web", "resourceVersion": "7"},
    "spec": {
        "hard": {
            "requests.storage": "100Gi",
            "fast.storageclass.storage.k8s.io/requests.storage": "1e10",
            "persistentvolumeclaims": "5",
            "requests.cpu": "2",
        }
    },
    "status": {"hard": {"requests.storage": "90Gi"}, "used": {"requests.storage": "40Gi"}},
}
LIMIT_RANGE: dict[str, Any] = {
    "metadata": {"name": "sizes", "namespace": "web"},
    "spec": {
        "limits": [
            {"type": "Container", "max": {"cpu": "2"}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2T"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "1T"}},
        ]
    },
}


def test_a_quota_is_what_it_says_of_storage() -> None:
    """Number of claims and other resources are not kept; what is not counted yet is not there."""
    assert wire.one(Kind.QUOTA, json.dumps(QUOTA).encode()) == model.Quota(
        "web",
        "storage",
        {
            "requests.storage": 100 * GI,
            "fast.storageclass.storage.k8s.io/requests.storage": 10**10,
        },
        {"requests.storage": 40 * GI},
        version="7",
    )


def test_a_quota_that_is_no_quantity_is_kept_as_unknown() -> None:
    """Whoever asks must not take it for no limit."""
    found = wire.one(
        Kind.QUOTA, json.dumps({**QUOTA, "spec": {"hard": {"requests.storage": "plenty"}}}).encode()
    )
    assert isinstance(found, model.Quota)
    assert found.hard == {"requests.storage": None}


def test_a_limit_range_is_the_narrowest_that_it_says_of_claims() -> None:
    """Containers have limits of their own."""
    found = wire.one(Kind.LIMIT_RANGE, json.dumps(LIMIT_RANGE).encode())
    assert found == model.LimitRange("web", "sizes", least=GI, most=10**12)
    assert wire.one(Kind.LIMIT_RANGE, b'{"metadata": {"name": "n"}}') == model.LimitRange("", "n")


def test_how_many_volumes_of_a_driver_a_node_can_have() -> None:
    """Only where its CSINode says so."""
    drivers = [
        {"name": "e", "allocatable": {"count": 25}},
        {"name": "f", "allocatable": {}},
        {"name": "g"},
    ]
    body = {"metadata": {"name": "a"}, "spec": {"drivers": drivers}}
    found = wire.one(Kind.CSI_NODE, json.dumps(body).encode())
    assert found == model.CsiNode("a", ("e", "f", "g"), limits={"e": 25})
