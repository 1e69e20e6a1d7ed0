"""What changes in the scene of Rok fits the file system whose sizes are told, however large."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from demo.rok import LEAST_GAP, SHARES, Room
from local.rok_texts import BLOCK


@given(st.integers(0, 2**50), st.integers(LEAST_GAP, 2**50))
@settings(deadline=None)
def test_what_changed_is_first_more_than_is_free_and_then_more_than_there_is(
    available: int, gap: int
) -> None:
    """With as much between as others may write while the scene is played."""
    room = Room(Path("/"), available + gap, available)
    blocks = room.changed()
    assert set(blocks) == {"notebook", *SHARES}
    assert min(blocks.values()) > 0
    total = sum(blocks.values()) * BLOCK
    assert available + LEAST_GAP // 4 < total < room.size - LEAST_GAP // 4
    assert room.too_much() * BLOCK > room.size
