"""What is remembered of a node's Rok: an extended group, a reboot since, since when it is full."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.parse.lvm import VolumeGroup
from exporter.observe.rok_memory import (
    FORGET_SECONDS,
    STAYS_FULL_SECONDS,
    Extension,
    RokMemory,
    filled,
    grown,
    stays_full,
)

patient = settings(deadline=None)
NONE = Extension(extended=False, rebooted=False)
EXTENDED = Extension(extended=True, rebooted=False)
REBOOTED = Extension(extended=True, rebooted=True)
SINCE_UNKNOWN = Extension(extended=True, rebooted=None)
NOT_KNOWN = Extension(extended=None, rebooted=None)

Sight = tuple[int | None, str]
"""How many disks the group had, and in which boot."""


def story(*sights: Sight, made: int | None = None, uuid: str = "g") -> list[Extension]:
    """Return what is said at each look."""
    known, said = RokMemory(), []
    for disks, boot in sights:
        known, extension = grown(known, VolumeGroup("rokvg", uuid, disks=disks), made, boot)
        said.append(extension)
    return said


def test_a_group_that_grows_is_extended_and_stays_so() -> None:
    """Against what was seen first."""
    assert story((2, "a"), (3, "a"), (3, "a")) == [NONE, EXTENDED, EXTENDED]


def test_another_boot_after_it_grew_is_a_reboot_since() -> None:
    """And remains one, however often the node is rebooted."""
    assert story((2, "a"), (3, "a"), (3, "b"), (3, "c"))[1:] == [EXTENDED, REBOOTED, REBOOTED]


def test_a_reboot_before_it_grew_is_none_since() -> None:
    """The boot counts in which it was last seen with no more than it should have."""
    assert story((2, "a"), (2, "b"), (3, "b")) == [NONE, NONE, EXTENDED]


def test_where_nobody_looked_in_between_a_reboot_since_is_not_known() -> None:
    """It may have grown before the reboot or after it; the next reboot is certain."""
    assert story((2, "a"), (3, "b"), (3, "b")) == [NONE, SINCE_UNKNOWN, SINCE_UNKNOWN]
    assert story((2, "a"), (3, "b"), (3, "c"))[-1] == REBOOTED


def test_a_number_that_is_set_tells_at_first_sight() -> None:
    """What came before is not known, though."""
    assert story((3, "a"), (3, "b"), made=2) == [SINCE_UNKNOWN, REBOOTED]
    assert story((2, "a"), (3, "a"), made=2) == [NONE, EXTENDED]
    assert story((2, "a"), (3, "a"), made=3) == [NONE, NONE]


def test_without_a_number_what_is_seen_first_is_how_it_was_made() -> None:
    """Unless it turns out that it was fewer."""
    assert story((3, "a"), (3, "b")) == [NONE, NONE]
    assert story((3, "a"), (2, "a"), (3, "a")) == [NONE, NONE, EXTENDED]


def test_a_disk_that_is_taken_out_again_ends_it() -> None:
    """And the next extension begins anew."""
    assert story((2, "a"), (3, "a"), (2, "b"), (3, "b")) == [NONE, EXTENDED, NONE, EXTENDED]


def test_another_group_of_the_same_name_begins_anew() -> None:
    """The node was set up again."""
    known, _ = grown(RokMemory(), VolumeGroup("rokvg", "old", disks=1), None, "a")
    _, extension = grown(known, VolumeGroup("rokvg", "new", disks=2), None, "a")
    assert extension == NONE


def test_what_cannot_be_read_says_nothing_and_forgets_nothing() -> None:
    """Neither a number of disks that is not said nor a boot that is not."""
    assert story((2, "a"), (None, "a"), (3, "a")) == [NONE, NOT_KNOWN, EXTENDED]
    assert story((2, ""), (3, ""), (3, "a"), (3, "b")) == [
        NONE,
        SINCE_UNKNOWN,
        SINCE_UNKNOWN,
        REBOOTED,
    ]
    assert story((2, "a"), (3, "a"), (3, ""))[-1] == SINCE_UNKNOWN


SIGHTS = st.lists(
    st.tuples(st.none() | st.integers(0, 4), st.sampled_from(("", "a", "b", "c"))), max_size=8
)


@patient
@given(SIGHTS, st.none() | st.integers(0, 4))
def test_a_restart_between_any_two_looks_changes_nothing(
    sights: list[Sight], made: int | None
) -> None:
    """All that matters is in the memory, as the file has it."""
    known, said = RokMemory(), []
    for disks, boot in sights:
        group = VolumeGroup("rokvg", "g", disks=disks)
        known, extension = grown(known, group, made, boot)
        known = msgspec.json.decode(msgspec.json.encode(known), type=RokMemory)
        said.append(extension)
    assert said == story(*sights, made=made)


@patient
@given(SIGHTS, st.integers(0, 4))
def test_with_a_number_that_is_set_only_the_number_says_extended(
    sights: list[Sight], made: int
) -> None:
    """No history can hide it, and only an extended group was rebooted since."""
    for (disks, _), found in zip(sights, story(*sights, made=made), strict=True):
        assert found.extended == (None if disks is None else disks > made)
        assert not found.rebooted or found.extended


def looked(*looks: tuple[float, bool]) -> RokMemory:
    """Return what is known after looks at these times, each with a full space or not."""
    known = RokMemory()
    for now, full in looks:
        known = filled(known, now, full=full)
    return known


def test_a_space_is_full_since_the_first_look_of_an_unbroken_row() -> None:
    """One look with room ends it."""
    assert looked((10.0, True), (40.0, True)).full_since == 10.0
    assert looked((10.0, True), (40.0, False)).full_since is None
    assert looked((10.0, True), (40.0, False), (70.0, True)).full_since == 70.0


@pytest.mark.parametrize("later", [10.0 + FORGET_SECONDS + 1, 5.0])
def test_after_a_gap_or_a_clock_set_back_it_begins_anew(later: float) -> None:
    """It may have been emptied in between."""
    assert looked((10.0, True), (later, True)).full_since == later


def test_it_stays_full_after_hours_only() -> None:
    """Rok's collection of old snapshots has so long."""
    known = RokMemory(saved=0.0, full_since=1000.0)
    assert not stays_full(known, 1000.0 + STAYS_FULL_SECONDS)
    assert stays_full(known, 1001.0 + STAYS_FULL_SECONDS)
    assert not stays_full(RokMemory(), 1e9)
