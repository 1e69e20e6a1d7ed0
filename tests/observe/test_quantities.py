"""Quantities in every notation of Kubernetes; nonsense is a quantity that is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse.quantities import whole

GI = 1024**3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10Gi", 10 * GI),
        ("1.5Gi", 3 * GI // 2),
        ("1G", 10**9),
        ("1e3", 1000),
        ("1E3", 1000),
        ("2E", 2 * 10**18),
        ("1Ei", 1024**6),
        ("100m", 1),
        ("1", 1),
        (".5Ki", 512),
        ("+3k", 3000),
        ("-1", -1),
        ("", None),
        (None, None),
        ("ten", None),
        ("1Zi", None),
        ("1e", None),
        ("9" * 50, None),
        ("1 Gi", None),
    ],
)
def test_every_notation_of_a_quantity_is_read(text: str | None, value: int | None) -> None:
    """Nonsense is a quantity that is not there; fractions are rounded up as Kubernetes does."""
    assert whole(text) == value


@given(st.text(max_size=40))
def test_no_quantity_raises(text: str) -> None:
    """A whole number or nothing."""
    assert isinstance(whole(text), int | None)
