"""One object that cannot be read hides neither its page nor what a watch says next."""

import json

import pytest

from exporter.observe.model import Kind, Ref
from exporter.observe.parse import wire

DEEP = b"[" * 5000 + b"]" * 5000
BROKEN = (
    b'{"metadata":{"name":"bad","namespace":"web","resourceVersion":"7","labels":5}}',
    b'{"metadata":{"name":"bad","namespace":"web","resourceVersion":"7","labels":{"a":"\xff"}}}',
    b'{"metadata":{"name":"bad","namespace":"web","resourceVersion":"7"},"spec":"none"}',
)
IDS = ("a wrong type", "not UTF-8", "no spec")
BAD = Ref(Kind.CLAIM, "web", "bad")


def items(*bodies: bytes) -> bytes:
    """Return a page of a list."""
    return b'{"metadata":{"resourceVersion":"9"},"items":[' + b",".join(bodies) + b"]}"


def line(kind: str, body: bytes) -> bytes:
    """Return a line of a watch."""
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}"


@pytest.mark.parametrize("body", BROKEN, ids=IDS)
def test_the_other_499_of_a_page_are_kept(body: bytes) -> None:
    """The one is named, with its version and what is wrong with it."""
    others = [json.dumps({"metadata": {"name": f"c-{n}"}}).encode() for n in range(499)]
    found = wire.page(Kind.CLAIM, items(*others[:200], body, *others[200:]))
    assert len(found.objects) == 499
    assert (found.version, found.skipped) == ("9", 0)
    (unreadable,) = found.unreadable
    assert (unreadable.name, unreadable.version, unreadable.gone) == (BAD, "7", False)
    assert unreadable.error


@pytest.mark.parametrize("body", [b"7", b"{}", b'{"metadata":{"name":5}}', b"null", b"\xff"])
def test_what_has_no_name_is_counted_all_the_same(body: bytes) -> None:
    """Nothing can be said of it but that it is there."""
    good = b'{"metadata":{"name":"good"}}'
    if body == b"\xff":
        with pytest.raises(wire.UndecodableError):
            wire.page(Kind.CLAIM, items(good, body))
        return
    found = wire.page(Kind.CLAIM, items(good, body))
    assert [obj.name for obj in found.objects] == ["good"]
    assert [one.name for one in found.unreadable] == [None]


def test_an_object_nested_without_end_is_no_page() -> None:
    """The decoder gives it up, which is an error of ours like any other."""
    with pytest.raises(wire.UndecodableError):
        wire.page(Kind.CLAIM, items(b'{"metadata":{"name":"deep"},"x":' + DEEP + b"}"))


@pytest.mark.parametrize("body", BROKEN, ids=IDS)
def test_a_watch_names_what_it_cannot_read(body: bytes) -> None:
    """Its version lets the watch go on behind it; that it is gone is still known."""
    for kind, gone in (("ADDED", False), ("MODIFIED", False), ("DELETED", True)):
        found = wire.watched(Kind.CLAIM, line(kind, body))
        assert isinstance(found, wire.Unreadable)
        assert (found.name, found.version, found.gone) == (BAD, "7", gone)


def test_a_line_about_nobody_knows_what_is_no_line() -> None:
    """Who follows must list again: nobody could say what was missed."""
    with pytest.raises(wire.UndecodableError):
        wire.watched(Kind.CLAIM, line("ADDED", b'{"metadata":{}}'))


def test_lines_are_read_in_one_go_only_when_all_are_arrivals() -> None:
    """Anything else is read line by line."""
    good = line("ADDED", b'{"metadata":{"name":"a"}}')
    both = wire.added(Kind.CLAIM, good + b"\n" + good)
    assert both is not None
    assert [obj.name for obj in both] == ["a", "a"]
    for other in (line("MODIFIED", b'{"metadata":{"name":"a"}}'), line("ADDED", BROKEN[0]), b"{"):
        assert wire.added(Kind.CLAIM, good + b"\n" + other) is None
    assert wire.added(Kind.CLAIM, b"") == []
