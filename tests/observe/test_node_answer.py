"""What one node's exporter writes, the other reads: whole, kind by kind, and believing no lies."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.model import FACTS, Kind, Object
from exporter.observe.parse import node_answer
from exporter.observe.parse.node_answer import Told
from exporter.observe.parse.wire import UndecodableError
from tests.signals.worlds import TYPICAL

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def of_node(node: str) -> dict[Kind, tuple[Object, ...]]:
    """Return what a node typically shows, by kind."""
    return {
        kind: tuple(obj for obj in TYPICAL[kind] if getattr(obj, "node", "") == node)
        for kind in FACTS
    }


def written(node: str, kinds: dict[Kind, bytes]) -> bytes:
    """Write an answer."""
    return b"".join(node_answer.written(node, "boot", 10.0, kinds.items()))


def told(node: str = "a") -> bytes:
    """Return all that node `a` shows, as told by a node."""
    objects = of_node("a")
    return written(node, {k: node_answer.told(some, 5.0, "") for k, some in objects.items()})


def test_every_kind_travels_whole() -> None:
    """Nothing is lost on the way, of no kind that a node shows."""
    objects = of_node("a")
    assert all(objects.values())
    found = node_answer.read(told(), "a", FACTS)
    assert (found.node, found.boot_id, found.taken) == ("a", "boot", 10.0)
    assert found.kinds == {kind: Told(some, 5.0) for kind, some in objects.items()}


def test_what_is_unseen_says_why_and_the_rest_is_seen() -> None:
    """Kind by kind, with the node's name."""
    body = written(
        "a",
        {
            Kind.MOUNT: node_answer.told(TYPICAL[Kind.MOUNT], 5.0, "hung"),
            Kind.GLUSTERD: node_answer.told((), 6.0, ""),
        },
    )
    found = node_answer.read(body, "a", {Kind.MOUNT, Kind.GLUSTERD, Kind.ROK_SPACE}).kinds
    assert found[Kind.MOUNT] == Told((), 5.0, "node a: hung")
    assert found[Kind.GLUSTERD] == Told((), 6.0)
    assert found[Kind.ROK_SPACE].unseen == "node a says nothing of rokspace"


def test_a_node_speaks_of_itself_only() -> None:
    """Else one that was taken over could speak for all."""
    found = node_answer.read(told("b"), "b", FACTS).kinds
    assert all("speaks of other nodes'" in one.unseen for one in found.values())
    assert not any(one.objects for one in found.values())
    with pytest.raises(UndecodableError, match="it is node 'b' that answers, not a"):
        node_answer.read(told("b"), "a", FACTS)


def test_one_kind_that_cannot_be_read_hides_no_other() -> None:
    """The other side may be older, or newer: a new field is passed over."""
    newer = b'{"objects":[{"name":"a","answers":true,"later":[{}]}],"taken":1,"more":{}}'
    older = b'{"objects":[{"name":"a"}],"taken":1}'
    body = written("a", {Kind.GLUSTERD: newer, Kind.ROK_SPACE: older})
    found = node_answer.read(body, "a", {Kind.GLUSTERD, Kind.ROK_SPACE}).kinds
    assert len(found[Kind.GLUSTERD].objects) == 1
    assert "node a: cannot read its rokspace" in found[Kind.ROK_SPACE].unseen


@given(st.binary())
def test_bytes_are_an_answer_or_refused(body: bytes) -> None:
    """Nothing else is raised than what says so."""
    with suppress(UndecodableError):
        node_answer.read(body, "a", FACTS)


@given(JSON, JSON)
@settings(max_examples=40)
def test_any_objects_are_read_or_unseen(objects: object, taken: object) -> None:
    """Whatever stands where objects should."""
    body = msgspec.json.encode(
        {"node": "a", "kinds": {kind: {"objects": objects, "taken": taken} for kind in FACTS}}
    )
    with suppress(UndecodableError):
        for one in node_answer.read(body, "a", FACTS).kinds.values():
            assert one.unseen or not one.objects


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"node":"a","kinds":' + b"[" * 100_000])
def test_endless_brackets_are_refused(body: bytes) -> None:
    """As any nonsense is."""
    with pytest.raises(UndecodableError):
        node_answer.read(body, "a", FACTS)
