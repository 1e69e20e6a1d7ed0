"""The beginning of a streaming list: whole when the server says so, and not before."""

import json

from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Kind
from exporter.observe.parse import wire
from exporter.observe.parse.envelope import INITIAL_EVENTS_END, Status
from exporter.observe.parse.initial import Initial

END = {"metadata": {"resourceVersion": "9", "annotations": {INITIAL_EVENTS_END: "true"}}}


def lines(*said: tuple[str, object]) -> bytes:
    """Return lines of a watch."""
    return b"\n".join(json.dumps({"type": t, "object": obj}).encode() for t, obj in said)


def pod(name: str, version: str = "5", claim: str = "data") -> dict[str, object]:
    """Return a pod on the wire; without a claim it is not kept."""
    volumes = [{"persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return {"metadata": {"name": name, "resourceVersion": version}, "spec": {"volumes": volumes}}


def taken(*blocks: bytes) -> Initial:
    """Return what was gathered from blocks."""
    initial = Initial(Kind.POD)
    for block in blocks:
        assert initial.take(block) is None
    return initial


def versions(initial: Initial) -> dict[str, str]:
    """Return the objects' names and versions."""
    return {obj.name: obj.version for obj in initial.result()[0]}


def test_it_is_whole_when_its_end_is_marked() -> None:
    """Another bookmark marks nothing; the version is the mark's."""
    initial = taken(b"", lines(("ADDED", pod("a")), ("ADDED", pod("b", claim=""))))
    assert initial.began
    assert not initial.whole
    assert initial.take(lines(("BOOKMARK", {"metadata": {"resourceVersion": "8"}}))) is None
    assert not initial.whole
    assert initial.take(lines(("ADDED", pod("c")), ("BOOKMARK", END))) is None
    assert (initial.whole, initial.version, initial.skipped) == (True, "9", 1)
    assert versions(initial) == {"a": "5", "c": "5"}


def test_what_changes_meanwhile_is_in_the_list_as_it_is_now() -> None:
    """Changed, gone, begun to be kept, ceased to be kept."""
    first = [("ADDED", pod(name)) for name in ("changed", "gone", "ceases")]
    plain = [("ADDED", pod(name, claim="")) for name in ("begins", "plain-gone", "plain")]
    later = [
        ("MODIFIED", pod("changed", "6")),
        ("DELETED", pod("gone", "6")),
        ("MODIFIED", pod("ceases", "6", claim="")),
        ("MODIFIED", pod("begins", "6")),
        ("DELETED", pod("plain-gone", "6", claim="")),
        ("MODIFIED", pod("plain", "6", claim="")),
    ]
    initial = taken(lines(*first, *plain), lines(*later, ("BOOKMARK", END)))
    assert versions(initial) == {"changed": "6", "begins": "6"}
    assert initial.skipped == 2, "ceases and plain"


def test_what_goes_and_comes_again_meanwhile_is_there() -> None:
    """A StatefulSet's pod has its predecessor's name; so does a claim that is made anew."""
    unreadable = {"metadata": {"name": "c", "resourceVersion": "6"}, "spec": 5}
    first = [("ADDED", pod(name)) for name in ("a", "c")] + [("ADDED", pod("b", claim=""))]
    gone = [("DELETED", pod("a", "6")), ("DELETED", pod("b", "6", "")), ("DELETED", unreadable)]
    again = [("ADDED", pod("a", "7")), ("ADDED", pod("b", "7", "")), ("ADDED", pod("c", "7"))]
    new = [("ADDED", pod("d", "8")), ("ADDED", pod("e", "8", "")), ("BOOKMARK", END)]
    for blocks in ((first, gone, again, new), ([*first, *gone, *again, *new],)):
        initial = taken(*(lines(*block) for block in blocks))
        assert versions(initial) == {"a": "7", "c": "7", "d": "8"}
        assert initial.skipped == 2, "b and e"


def test_what_cannot_be_read_is_named_and_what_is_gone_is_gone() -> None:
    """The older version of an object that cannot be read any more stays."""
    broken = {"metadata": {"name": "a", "resourceVersion": "6"}, "spec": 5}
    gone = {"metadata": {"name": "b", "resourceVersion": "6"}, "spec": 5}
    changes = lines(("MODIFIED", broken), ("DELETED", gone), ("BOOKMARK", END))
    initial = taken(lines(("ADDED", pod("a")), ("ADDED", pod("b"))), changes)
    assert versions(initial) == {"a": "5"}
    assert [one.name and one.name.name for one in initial.result()[1]] == ["a"]


def test_the_servers_no_is_handed_on() -> None:
    """It ends the list, whatever came before."""
    initial = taken(lines(("ADDED", pod("a"))))
    said = initial.take(lines(("ERROR", {"code": 410, "message": "old"})))
    assert isinstance(said, Status)
    assert not initial.whole


@given(st.binary())
def test_no_bytes_raise_anything_but_undecodable(block: bytes) -> None:
    """Whatever a broken proxy makes of it."""
    try:
        Initial(Kind.POD).take(block)
    except wire.UndecodableError:
        return
