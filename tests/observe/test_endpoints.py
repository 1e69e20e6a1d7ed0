"""Which pod of a headless Service is on which node."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.parse import endpoints
from exporter.observe.parse.endpoints import NodePod
from exporter.observe.parse.wire import UndecodableError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def end(node: str | None, address: str, **conditions: bool | None) -> dict[str, object]:
    """Return an endpoint."""
    return {"nodeName": node, "addresses": [address], "conditions": conditions}


def pods(*slices: object) -> dict[str, NodePod]:
    """Read slices."""
    return endpoints.pods(msgspec.json.encode({"items": slices}))


def slice_of(*ends: object, ports: object = ({"port": 9821},)) -> dict[str, object]:
    """Return a slice with one port, unless it has others."""
    return {"endpoints": ends, "ports": ports}


def test_each_node_has_one_pod_of_all_slices() -> None:
    """However they are spread; an address without a node is nobody's."""
    found = pods(slice_of(end("a", "10.0.0.1")), slice_of(end("b", "fd00::1"), end(None, "10.1")))
    assert found == {"a": NodePod("a", "10.0.0.1", 9821), "b": NodePod("b", "fd00::1", 9821)}


@pytest.mark.parametrize("turned", [False, True])
def test_while_pods_are_replaced_the_one_that_stays_is_asked(*, turned: bool) -> None:
    """Ready before others, one that is about to go last; else always the same."""
    rows = [
        [end("a", "10.0.0.9", ready=True), end("a", "10.0.0.1", ready=False)],
        [end("b", "10.0.0.9", ready=False), end("b", "10.0.0.1", ready=True, terminating=True)],
        [end("c", "10.0.0.9"), end("c", "10.0.0.99")],
    ]
    ends = [one for row in rows for one in (row[::-1] if turned else row)]
    assert {pod.address for pod in pods(slice_of(*ends)).values()} == {"10.0.0.9"}


def test_a_pod_that_is_not_ready_is_asked_all_the_same() -> None:
    """It says of each kind whether it has been seen."""
    assert "a" in pods(slice_of(end("a", "10.0.0.1", ready=False, terminating=None)))


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        ([{"name": "metrics", "port": 1}], 1),
        ([{"name": "metrics", "port": 1}, {"name": "facts", "port": 2}], 2),
        ([{"name": "metrics", "port": 1}, {"name": "other", "port": 2}], 0),
        ([{"name": "metrics", "port": None}], 0),
        ([], 0),
        (None, 0),
    ],
)
def test_the_port_is_the_only_one_or_the_one_of_that_name(ports: object, port: int) -> None:
    """Without it there is nobody to ask."""
    found = pods(slice_of(end("a", "10.0.0.1"), ports=ports))
    assert [pod.port for pod in found.values()] == ([port] if port else [])


def test_older_api_servers_have_endpoints() -> None:
    """The same pods; a ready one before one that is not."""
    subsets = [
        {"addresses": [{"ip": "10.0.0.9", "nodeName": "a"}], "ports": [{"port": 9821}]},
        {
            "addresses": [{"ip": "10.0.0.3"}, {"nodeName": "c"}],
            "notReadyAddresses": [
                {"ip": "10.0.0.1", "nodeName": "a"},
                {"ip": "10.0.0.2", "nodeName": "b"},
            ],
            "ports": [{"name": "facts", "port": 1}, {"name": "metrics", "port": 2}],
        },
        {},
    ]
    found = endpoints.pods_of_endpoints(msgspec.json.encode({"subsets": subsets}))
    assert found == {"a": NodePod("a", "10.0.0.9", 9821), "b": NodePod("b", "10.0.0.2", 1)}
    assert endpoints.pods_of_endpoints(b'{"subsets":null}') == {}


@given(st.binary())
def test_bytes_are_slices_or_refused(body: bytes) -> None:
    """Nothing else is raised than what says so."""
    for read in (endpoints.pods, endpoints.pods_of_endpoints):
        with suppress(UndecodableError):
            read(body)


@given(JSON, JSON)
@settings(max_examples=40)
def test_any_slices_are_read_or_refused(ends: object, ports: object) -> None:
    """Whatever an API server may leave out."""
    with suppress(UndecodableError):
        pods({"endpoints": ends, "ports": ports})
    subset = {"addresses": ends, "notReadyAddresses": ends, "ports": ports}
    with suppress(UndecodableError):
        endpoints.pods_of_endpoints(msgspec.json.encode({"subsets": [subset]}))
