"""The arithmetic of extending Rok's snapshot space, with the numbers of Rok's own guide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import RokSpace
from exporter.observe.signals.reasons.snapshot_space import Need
from remediator.rok_extension import (
    GIB,
    MIB,
    Decision,
    Refused,
    Sized,
    decide,
    extents_of,
    free_device,
    grown_to,
    size,
    slot,
)

CHANGED = 53_941_051 * 4096
"""`About to copy 53941051 changed blocks of size 4KiB (206GiB)`."""
TOTAL = 164 * GIB
EXTENT = 4 * MIB


def space(available: int | None, *, stays_full: bool = False) -> RokSpace:
    """Return a node's space of 164 GiB."""
    used = None if available is None else TOTAL - available
    return RokSpace("a", TOTAL, used, available, stays_full=stays_full)


@pytest.mark.parametrize(
    ("needed", "found", "decision"),
    [
        (Need(CHANGED, CHANGED), space(0), Decision.EXTEND),
        (Need(CHANGED, None), space(0), Decision.EXTEND),
        (Need(TOTAL, TOTAL), space(0), Decision.WAIT),
        (Need(TOTAL + 1, TOTAL + 1), space(0), Decision.EXTEND),
        (Need(0, TOTAL), space(TOTAL - 1), Decision.WAIT),
        (Need(0, TOTAL - 1), space(TOTAL - 1), Decision.FITS),
        (Need(0, CHANGED), space(0), Decision.UNKNOWN),
        (Need(0, None), space(0, stays_full=True), Decision.UNKNOWN),
        (Need(CHANGED, CHANGED), space(None), Decision.UNKNOWN),
        (Need(CHANGED, CHANGED), None, Decision.UNKNOWN),
    ],
)
def test_a_disk_is_needed_only_where_all_that_is_known_says_so(
    needed: Need, found: RokSpace | None, decision: Decision
) -> None:
    """More than the whole space holds, exactly; what is suspected extends nothing."""
    assert decide(needed, found) is decision


def sized(group: int, changed: int, cap: int = 4096, largest: int = 16_384) -> Sized | Refused:
    """Size with a margin of a quarter."""
    return size(group, changed, margin_percent=25, cap_gib=cap, largest_gib=largest)


@pytest.mark.parametrize(
    ("group", "changed", "gib"),
    [
        (600 * GIB, CHANGED, 1200),
        # What `vgs --units G` calls 600: the guide's 1200 GiB are 1000-based GB taken for GiB.
        (600 * 10**9, CHANGED, 1118),
        (600 * GIB - EXTENT, CHANGED, 1200),
        (50 * GIB, CHANGED, 258),
        (50 * GIB, 80 * GIB, 100),
        (50 * GIB, 80 * GIB + 1, 101),
        (1, 0, 1),
    ],
)
def test_a_disk_is_twice_the_group_or_what_changed_with_a_margin(
    group: int, changed: int, gib: int
) -> None:
    """Whichever is more, in bytes, rounded up to what can be bought."""
    found = sized(group, changed)
    assert isinstance(found, Sized)
    assert found.gib == gib
    assert found.bytes == gib * GIB


def test_a_disk_that_may_not_be_so_large_is_refused_and_not_cut() -> None:
    """By the settings, by its type; and where nothing is known of the group."""
    assert isinstance(sized(600 * GIB, CHANGED, cap=1200), Sized)
    over = sized(600 * GIB, CHANGED, cap=1199)
    assert isinstance(over, Refused)
    assert "1200 GiB" in over.why
    assert "1199 GiB" in over.why
    large = sized(600 * GIB, CHANGED, largest=1000)
    assert isinstance(large, Refused)
    assert "1000 at most" in large.why
    assert isinstance(sized(0, CHANGED), Refused)
    assert isinstance(sized(GIB, -1), Refused)


def test_the_guide_s_disk_has_one_extent_less_than_it_asks_for() -> None:
    """`lvextend -L +1200G` wants 307,200; 42,896 extents grew to 350,096 by one that was free."""
    assert extents_of(1200 * GIB, EXTENT) == 307_199
    assert grown_to(42_896, 1200 * GIB, EXTENT) == 350_095
    assert extents_of(128 * MIB, EXTENT) == 31
    assert extents_of(MIB, EXTENT) == extents_of(0, EXTENT) == 0
    with pytest.raises(ValueError, match="no extent"):
        extents_of(GIB, 0)


@given(st.integers(0, 2**50), st.sampled_from([MIB, EXTENT, 32 * MIB]))
def test_extents_fit_into_the_disk_and_no_more_would(disk: int, extent: int) -> None:
    """With the MiB that is LVM's own."""
    count = extents_of(disk, extent)
    assert count == 0 or count * extent + MIB <= disk
    assert (count + 1) * extent + MIB > disk


def test_a_device_name_is_one_that_nothing_has() -> None:
    """From the end, for the CSI driver begins at the other one; sd and xvd are one name."""
    assert free_device([]) == "/dev/xvddz"
    assert free_device(["/dev/xvda", "/dev/xvdaa", "/dev/xvddz"]) == "/dev/xvddy"
    assert free_device(["/dev/sddz"], avoid=["xvddy"]) == "/dev/xvddx"
    every = [f"/dev/xvd{a}{b}" for a in "bcd" for b in "abcdefghijklmnopqrstuvwxyz"]
    assert free_device(every[1:]) == "/dev/xvdba"
    assert free_device(every) is None


@pytest.mark.parametrize(
    ("limit", "attached", "why"),
    [
        (25, 23, ""),
        (25, 24, "24 of at most 25"),
        (25, 30, "30 of at most 25"),
        (None, 0, "not known"),
    ],
)
def test_a_slot_stays_free(limit: int | None, attached: int, why: str) -> None:
    """For the next pod; an unknown limit is no room."""
    found = slot(limit, attached)
    assert (found is None) == (why == "")
    assert found is None or why in found.why
