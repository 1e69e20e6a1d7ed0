"""A node's pods and budgets over a scripted API server, and every way in which they stay unseen."""

import asyncio

import pytest

from exporter.observe import errors
from exporter.observe.drain import BUDGETS, OLDER, PODS, DrainReader
from exporter.observe.model import Drain, Kind
from exporter.observe.objects import Objects
from exporter.observe.view import Want
from tests.edges.fake_api_server import FakeApiServer, said, streamed

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "status": {"phase": "Running"}}
ALL = {"metadata": {"name": "b", "namespace": "n"}, "spec": {"selector": {}}}
ITEMS = {"items": [POD]}


def read(server: FakeApiServer) -> Drain:
    """Read it once."""

    async def run() -> Drain:
        async with server.api() as api:
            (found,) = await DrainReader(api).ask(Want(Kind.DRAIN, name="node-a"), Objects())
            assert isinstance(found, Drain)
            return found

    return asyncio.run(run())


@pytest.fixture
def node(server: FakeApiServer) -> FakeApiServer:
    """Return a server with a pod on the node, and a budget over all pods of its namespace."""
    server.json(PODS, ITEMS)
    server.json(BUDGETS, {"items": [ALL]})
    return server


def test_all_pods_of_the_node_are_read_with_their_budgets(node: FakeApiServer) -> None:
    """By one list each."""
    (one,) = read(node).pods
    assert one.budgets == ("b",)
    assert [request.path_qs for request in node.requests] == [
        f"{PODS}?fieldSelector=spec.nodeName%3Dnode-a",
        BUDGETS,
    ]


def test_before_1_21_budgets_are_v1beta1_and_an_empty_selector_selects_nothing(
    server: FakeApiServer,
) -> None:
    """The newer version's 404 is the server's own."""
    server.json(PODS, ITEMS)
    server.json(OLDER, {"items": [ALL]})
    (one,) = read(server).pods
    assert one.budgets == ()


@pytest.mark.parametrize("path", [PODS, BUDGETS])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (409, errors.Conflict),
        (410, errors.Gone),
        (429, errors.Throttled),
        (500, errors.ServerFailed),
        (503, errors.ServerFailed),
    ],
)
def test_a_list_that_is_refused_leaves_the_drain_unseen(
    node: FakeApiServer, path: str, status: int, error: type[errors.ObserveError]
) -> None:
    """Whichever of the two: a drain without budgets would be another one."""
    node.answer(path, said({"message": "no"}, status))
    with pytest.raises(error):
        read(node)


def test_budgets_that_do_not_exist_at_all_are_no_empty_list(server: FakeApiServer) -> None:
    """Neither version: something stands before the API server."""
    server.json(PODS, ITEMS)
    with pytest.raises(errors.NotInstalled):
        read(server)


def test_a_proxy_s_404_is_not_believed(node: FakeApiServer) -> None:
    """It does not lead to the older version either."""
    node.answer(BUDGETS, said("<html>nothing here", 404))
    with pytest.raises(errors.Garbage, match="not the API server's"):
        read(node)


@pytest.mark.parametrize("path", [PODS, BUDGETS])
def test_a_list_that_is_cut_off_is_none(node: FakeApiServer, path: str) -> None:
    """Half of the budgets would allow more than all of them."""
    node.answer(path, streamed('{"items": [', cut=True))
    with pytest.raises(errors.Unreachable):
        read(node)


@pytest.mark.parametrize("path", [PODS, BUDGETS])
def test_an_answer_that_cannot_be_read_is_garbage(node: FakeApiServer, path: str) -> None:
    """The sentence says what was asked for."""
    node.answer(path, said("<html>"))
    with pytest.raises(errors.Garbage, match="node node-a and the PodDisruptionBudgets"):
        read(node)
