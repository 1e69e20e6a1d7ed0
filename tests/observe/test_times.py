"""Times of the API to Unix seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse.times import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T22:13:20.500000Z", 1_700_000_000.5),
        ("2023-11-14T22:13:20.500000123Z", 1_700_000_000.5),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000.0),
        ("2023-11-14T22:13:20", 1_700_000_000.0),
    ],
)
def test_a_time_is_read(text: str, expected: float) -> None:
    """With and without fractions and offsets; without a zone it is UTC."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z", "yesterday"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    """Nothing, Go's zero time, nonsense."""
    assert seconds(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Whatever a writer put there."""
    assert seconds(text) is None or isinstance(seconds(text), float)
