"""File systems that hang while others are asked: they alone are unknown, and nothing piles up."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from exporter.observe.gluster.apart import MOST_HUNG, Apart

SOON = 0.05


@pytest.fixture
def dead() -> Iterator[threading.Event]:
    """Return what hangs until it is set; it is, when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_what_hangs_is_left_out_and_not_asked_again(dead: threading.Event) -> None:
    """What comes after it is asked at the next look, and it again once it has answered."""
    asked: list[str] = []

    def ask(name: str) -> str | None:
        asked.append(name)
        if name == "hung":
            dead.wait()
        return None if name == "none" else name.upper()

    async def looks() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        apart, names = Apart("tests"), ["a", "none", "hung", "b"]
        first = await apart.each(ask, names, SOON)
        second = await apart.each(ask, names, 10.0)
        dead.set()
        third = dict(second)
        async with asyncio.timeout(10.0):
            while "hung" not in third:
                third = await apart.each(ask, names, 10.0)
        return first, second, third

    first, second, third = asyncio.run(looks())
    assert first == {"a": "A"}
    assert second == {"a": "A", "b": "B"}
    assert third == {"a": "A", "b": "B", "hung": "HUNG"}
    # Nothing is asked for those who gave up.
    assert asked[:3] == ["a", "none", "hung"]


def test_so_many_hang_at_most(dead: threading.Event) -> None:
    """Then nothing is asked any more, until some have answered."""

    def ask(name: str) -> str:
        dead.wait()
        return name

    async def looks() -> int:
        apart = Apart("hanging disks")
        for number in range(MOST_HUNG + 3):
            assert await apart.each(ask, [f"disk {number}"], SOON) == {}
        return sum(one.name == "hanging disks" for one in threading.enumerate())

    assert asyncio.run(looks()) == MOST_HUNG


def test_what_raises_is_raised() -> None:
    """A mistake is not hidden."""

    def ask(name: str) -> str:
        raise ValueError(name)

    with pytest.raises(ValueError, match="x"):
        asyncio.run(Apart("tests").each(ask, ["x"], 10.0))
