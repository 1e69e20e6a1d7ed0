"""Lists of one round: fresh enough for each look that uses them, and nothing is held for long."""

import asyncio

import pytest

from exporter.observe.errors import Unreachable
from exporter.observe.kube.api import Listing
from exporter.observe.model import Kind
from exporter.observe.shared_lists import KEPT, KEPT_SECONDS, SharedLists


class Server:
    """Counts what is listed, at a set time. `fails` is raised by the next list."""

    def __init__(self) -> None:
        self.at = 100.0
        self.steady = 0.0
        self.asked: list[tuple[Kind, str, str]] = []
        self.fails: Unreachable | None = None
        self.lists = SharedLists(self.list, lambda: self.at, lambda: self.steady)

    async def list(self, kind: Kind, namespace: str, field_selector: str) -> Listing:
        """List nothing, which takes a second."""
        self.asked.append((kind, namespace, field_selector))
        self.at += 1.0
        self.steady += 1.0
        if self.fails is not None:
            raise self.fails
        return Listing([], str(len(self.asked)), 0, ())

    def look(self, due: float, namespace: str = "", selector: str = "") -> str:
        """Return the version of what a look that was due then gets."""
        asked = self.lists.since(due)(Kind.POD, namespace, selector)
        return asyncio.run(_version(asked))


async def _version(asked: object) -> str:
    assert asyncio.iscoroutine(asked)
    listing = await asked
    assert isinstance(listing, Listing)
    return listing.version


def test_those_who_were_due_before_a_list_was_begun_share_it() -> None:
    """It is as fresh for them as one of their own."""
    server = Server()
    assert [server.look(due) for due in (90.0, 95.0, 100.0)] == ["1", "1", "1"]


def test_who_became_due_after_it_was_begun_gets_a_later_one() -> None:
    """Even while it was under way: what it says may be older than that look may be."""
    server = Server()
    server.look(90.0)
    assert server.look(100.5) == "2"


def test_another_namespace_and_another_selector_are_other_lists() -> None:
    """And what is about one subject alone is not held at all."""
    server = Server()
    seen = [server.look(90.0), server.look(90.0, "web")]
    seen += [server.look(90.0, "", "spec.nodeName=a") for _ in range(2)]
    assert seen == ["1", "2", "3", "4"]


def test_a_clock_that_is_set_back_keeps_no_list_alive() -> None:
    """By that clock it was begun in the future, after whatever becomes due."""
    server = Server()
    server.look(90.0)
    server.at = 10.0
    server.steady = KEPT_SECONDS + 1.0
    assert server.look(10.0) == "2"


def test_a_list_that_failed_is_not_held() -> None:
    """The next look asks for itself."""
    server = Server()
    server.fails = Unreachable("cut")
    with pytest.raises(Unreachable):
        server.look(90.0)
    server.fails = None
    assert server.look(90.0) == "2"


def test_only_so_many_are_held() -> None:
    """The oldest goes first, however many namespaces there are."""
    server = Server()
    for number in range(KEPT + 1):
        server.look(0.0, f"n-{number}")
    before = len(server.asked)
    server.look(0.0, "n-0")
    server.look(0.0, f"n-{KEPT}")
    assert len(server.asked) == before + 1
