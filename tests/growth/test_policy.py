"""Steps, ceilings and quantities: exact in whole bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse.quantities import whole
from remediator.growth.policy import GIB, Allowance, Driver, Growth, allowance, quantity, step_of
from remediator.sizes import Size
from tests.growth.made import NOW, claim


@given(st.integers(0, 10**25))
def test_a_quantity_means_the_bytes_that_it_was_made_from(size: int) -> None:
    """Written and read again, nothing is lost; as the settings write it, too."""
    assert whole(quantity(size)) == size
    assert Size.parse(str(Size(size))) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (1000, "1000"), (10 * GIB, "10Gi"), (3 * GIB // 2, "1536Mi"), (1024**4, "1Ti")],
)
def test_a_quantity_is_written_with_the_largest_whole_unit(size: int, text: str) -> None:
    """As people write sizes."""
    assert quantity(size) == text


@pytest.mark.parametrize(
    ("text", "step"),
    [("20%", 21), ("1%", 2), ("1000%", 1010), ("1Ki", 1024), ("1e3", 1000), ("1500m", 2)],
)
def test_a_step_is_a_quantity_or_a_share_rounded_up(text: str, step: int) -> None:
    """Of 101 bytes."""
    assert step_of(text, 101) == step


@pytest.mark.parametrize("text", ["", "%", "0%", "1001%", "-5%", "1.5%", "0", "-1Gi", "many"])
def test_anything_else_is_no_step(text: str) -> None:
    """And no default takes its place."""
    assert step_of(text, 101) is None


def test_a_claim_without_marks_has_what_the_settings_allow() -> None:
    """A ceiling among it."""
    bare = claim(annotations={})
    found = allowance(bare, Growth(step="10%", ceiling=50 * GIB))
    assert found == Allowance(GIB, 50 * GIB, None)


def test_its_own_ceiling_counts_more_than_the_settings() -> None:
    """Upwards and downwards."""
    found = allowance(claim(), Growth(ceiling=GIB))
    assert isinstance(found, Allowance)
    assert found.ceiling == 100 * GIB


def test_the_longer_cooldown_counts() -> None:
    """Of ours and the driver's; of a driver that nobody lists, ours."""
    growth = Growth(cooldown=60.0, drivers={"slow": Driver(cooldown=90.0), "fast": Driver()})
    assert [growth.cooldown_of(name) for name in ("slow", "fast", "other")] == [90.0, 60.0, 60.0]


@given(text=st.text(max_size=12), percent=st.integers(1, 1000), base=st.integers(0, 10**15))
def test_a_step_is_positive_or_none(text: str, percent: int, base: int) -> None:
    """Whatever stands in an annotation; a share is never less than it says."""
    found = step_of(text, base)
    assert found is None or found > 0 or base == 0
    share = step_of(f"{percent}%", base)
    assert share is not None
    assert share * 100 >= base * percent
    assert share * 100 - base * percent < 100


def test_the_time_of_a_growth_is_read_in_any_zone() -> None:
    """As we write it, and as a person may."""
    for text in ("2027-01-15T08:00:00Z", "2027-01-15T09:00:00+01:00"):
        one = claim(annotations={**claim().annotations, "pvmedic.dev/grown-at": text})
        found = allowance(one, Growth())
        assert isinstance(found, Allowance)
        assert found.grown_at == NOW
