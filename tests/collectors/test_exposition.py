"""The exposition store: what it renders, the real parsers read back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from exporter.exposition import Exposition, Family, FamilyType, Sample, rendered

GAUGE = Family("pvmedic_a_timestamp_seconds", FamilyType.GAUGE, 'Since \\ "when"\nexactly.')
COUNTER = Family("pvmedic_b_total", FamilyType.COUNTER, "How often.")


def sample(value: float, **labels: str) -> Sample:
    """Return a sample."""
    return Sample(tuple(labels.items()), value)


@pytest.fixture
def store() -> Exposition:
    """Return a store of two families."""
    return Exposition([GAUGE, COUNTER])


def body(store: Exposition, *, om: bool = False) -> str:
    """Return the whole text."""
    return b"".join(store.parts(openmetrics=om)).decode() + ("# EOF\n" if om else "")


def test_a_family_has_its_header_even_without_series(store: Exposition) -> None:
    """Who looks for the metric finds its meaning."""
    assert body(store) == (
        '# HELP pvmedic_a_timestamp_seconds Since \\\\ "when"\\nexactly.\n'
        "# TYPE pvmedic_a_timestamp_seconds gauge\n"
        "# HELP pvmedic_b_total How often.\n"
        "# TYPE pvmedic_b_total counter\n"
    )


def test_both_formats_are_read_by_prometheus_own_parsers(store: Exposition) -> None:
    """A counter's family has another name in OpenMetrics, its sample has not."""
    store.put(GAUGE.name, "x", [sample(1795234942.25, node="a")])
    store.put(COUNTER.name, "y", [sample(3)])
    read_openmetrics = openmetrics(body(store, om=True))  # type: ignore[no-untyped-call]
    for found in (list(text(body(store))), list(read_openmetrics)):
        samples = [(s.name, s.labels, s.value) for family in found for s in family.samples]
        assert samples == [
            (GAUGE.name, {"node": "a"}, 1795234942.25),
            (COUNTER.name, {}, 3.0),
        ]


def test_a_key_is_replaced_and_dropped_alone(store: Exposition) -> None:
    """Other keys stay as they are."""
    store.put(GAUGE.name, "x", [sample(1, node="a")])
    store.put(GAUGE.name, "y", [sample(2, node="b")])
    store.put(GAUGE.name, "x", [sample(3, node="a")])
    store.drop(GAUGE.name, "y")
    store.drop(GAUGE.name, "never there")
    assert 'pvmedic_a_timestamp_seconds{node="a"} 3\n' in body(store)
    assert 'node="b"' not in body(store)


def test_a_family_that_was_not_declared_is_a_mistake(store: Exposition) -> None:
    """A typing error in a name must not be published."""
    with pytest.raises(KeyError):
        store.put("pvmedic_c", "x", [sample(1)])


def test_parts_are_of_their_moment(store: Exposition) -> None:
    """They may be joined later, while the store goes on."""
    store.put(GAUGE.name, "x", [sample(1, node="a")])
    parts = store.parts(openmetrics=False)
    store.drop(GAUGE.name, "x")
    assert b'node="a"' in b"".join(parts)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1.5, "1.5"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")],
)
def test_numbers_are_written_as_prometheus_reads_them(value: float, shown: str) -> None:
    """Whole numbers without a fraction."""
    assert rendered("a", sample(value)) == f"a {shown}\n".encode()


@given(value=st.text(), number=st.floats(allow_nan=False))
def test_any_label_value_comes_back_as_it_was(value: str, number: float) -> None:
    """Quotes, backslashes, line ends and the rest of Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        value = "surrogates are no text"
    line = b"# TYPE a gauge\n" + rendered("a", sample(number, pod=value))
    (family,) = text(line.decode())
    assert [(s.labels, s.value) for s in family.samples] == [({"pod": value}, number)]
    (family,) = openmetrics(line.decode() + "# EOF\n")  # type: ignore[no-untyped-call]
    assert family.samples[0].labels == {"pod": value}
