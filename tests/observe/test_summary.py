"""The kubelet's summary: claims are kept, whatever else stands there is not, nothing raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.parse.summary import stats
from exporter.observe.parse.wire import UndecodableError


def body(*volumes: object) -> bytes:
    """Return a summary with one pod that has these volumes."""
    return json.dumps({"node": {"nodeName": "a"}, "pods": [{"volume": list(volumes)}]}).encode()


def test_only_volumes_of_claims_are_kept() -> None:
    """A projected token is a volume too."""
    measured = {
        "time": "2023-11-14T22:13:20Z",
        "availableBytes": 5,
        "capacityBytes": 10,
        "usedBytes": 4,
        "inodes": 7,
        "inodesFree": 6,
        "inodesUsed": 1,
        "name": "data",
        "pvcRef": {"name": "data", "namespace": "web"},
        "volumeHealthStats": {"abnormal": False},
    }
    found = stats("a", body({"name": "token", "capacityBytes": 1}, measured))
    taken = 1_700_000_000.0
    assert found == (model.VolumeStats("web", "data", "a", taken, 10, 5, 4, 7, 6),)


def test_a_claim_that_two_pods_mount_is_one() -> None:
    """Both say the same."""
    ref = {"pvcRef": {"name": "data", "namespace": "web"}}
    assert len(stats("a", body(ref, ref))) == 1


@pytest.mark.parametrize(
    "text", [b"{}", b'{"pods":null}', b'{"pods":[{}]}', b'{"pods":[{"volume":null}]}']
)
def test_nothing_to_say_is_nothing(text: bytes) -> None:
    """A node without pods."""
    assert stats("a", text) == ()


@pytest.mark.parametrize("inner", [b'"\xff"', b"[" * 100_000, b'{"a":' * 100_000])
def test_bytes_that_are_no_text_and_endless_brackets_are_undecodable(inner: bytes) -> None:
    """One mad kubelet must not end the exporter."""
    for body in (inner, b'{"pods":[{"volume":[{"time":' + inner, b'{"other":' + inner):
        with pytest.raises(UndecodableError):
            stats("a", body)


@given(st.binary(max_size=100))
def test_no_answer_raises_anything_but_undecodable(text: bytes) -> None:
    """A proxy's page, half an answer."""
    try:
        stats("a", text)
    except UndecodableError:
        return
