"""The exposition store: what it renders, the real parsers read back."""

import gzip
import math
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from exporter import collectors
from exporter.exposition import BLOCK, DROPPED, Exposition, Family, FamilyType, Sample, rendered
from exporter.kit.packing import gzipped
from exporter.server import Board, SelfMetrics
from local import tools

GAUGE = Family(
    "pvmedic_a_timestamp_seconds", FamilyType.GAUGE, 'Since \\ "when"\nexactly.', ("node",), "a"
)
COUNTER = Family("pvmedic_b_total", FamilyType.COUNTER, "How often.", (), "b")


def sample(value: float, **labels: str) -> Sample:
    """Return a sample."""
    return Sample(tuple(labels.items()), value)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Return promtool; a machine that cannot have it fails here, with a sentence."""
    return tools.ensure(print).promtool


@pytest.fixture
def store() -> Exposition:
    """Return a store of two families."""
    return Exposition([GAUGE, COUNTER])


def body(store: Exposition, *, om: bool = False) -> str:
    """Return the whole text."""
    return b"".join(store.parts(openmetrics=om)).decode() + ("# EOF\n" if om else "")


def test_a_family_has_its_header_even_without_series(store: Exposition) -> None:
    """Who looks for the metric finds its meaning."""
    assert body(store).startswith(
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
            (DROPPED.name, {"family": GAUGE.name}, 0.0),
            (DROPPED.name, {"family": COUNTER.name}, 0.0),
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


def kept(store: Exposition) -> set[str]:
    """Return the nodes whose gauge is published, checking what is said of the others."""
    lines = body(store).splitlines()
    return {line.split('"')[1] for line in lines if line.startswith(GAUGE.name)}


def dropped(store: Exposition) -> int:
    """Return how many series of the gauge are said to be left out."""
    (line,) = [one for one in body(store).splitlines() if f'family="{GAUGE.name}"' in one]
    return int(line.rpartition(" ")[2])


def test_over_the_limit_the_same_series_are_kept_in_whatever_order_they_came() -> None:
    """And how many are not is said; the other family has its own limit."""
    names = [f"node-{number}" for number in range(30)]
    found = []
    for order in (names, names[::-1], names[10:] + names[:10]):
        store = Exposition([GAUGE, COUNTER], limit=10)
        for name in order:
            store.put(GAUGE.name, name, [sample(1, node=name)])
        store.put(COUNTER.name, "y", [sample(3)])
        found.append(kept(store))
        assert dropped(store) == 20
        assert f"{COUNTER.name} 3\n" in body(store)
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 10


def test_a_place_that_becomes_free_is_taken_and_a_larger_limit_takes_all() -> None:
    """By who is next in order; in the end nothing is left out."""
    store = Exposition([GAUGE], limit=2)
    for name in "abcd":
        store.put(GAUGE.name, name, [sample(1, node=name)])
    first = kept(store)
    gone = min(first)
    store.drop(GAUGE.name, gone)
    assert len(kept(store)) == 2
    assert first - {gone} < kept(store)
    assert dropped(store) == 1
    store.limit(3)
    assert kept(store) == set("abcd") - {gone}
    assert dropped(store) == 0
    store.limit(1)
    assert len(kept(store)) == 1
    assert dropped(store) == 2


@given(
    changes=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.booleans()), max_size=60),
    limit=st.integers(1, 12),
)
def test_what_is_published_depends_on_what_is_there_alone(
    changes: list[tuple[int, int, bool]], limit: int
) -> None:
    """However it came about: with several series under a key, other labels, other values."""
    store, there = Exposition([GAUGE], limit), dict[int, list[Sample]]()
    for key, count, other in changes:
        samples = [sample(count, node=f"{key}-{other}-{number}") for number in range(count)]
        store.put(GAUGE.name, key, samples)
        there[key] = samples
    fresh = Exposition([GAUGE], limit)
    for key in sorted(there):
        fresh.put(GAUGE.name, key, there[key])
    assert kept(store) == kept(fresh)
    assert len(kept(store)) <= limit
    assert len(kept(store)) + dropped(store) == sum(map(len, there.values()))
    if len(kept(store)) < limit:
        assert dropped(store) == 0 or max(map(len, there.values())) > 1


def test_many_series_come_and_go_and_no_bytes_stay() -> None:
    """Blocks are filled again and removed."""
    store = Exposition([GAUGE], limit=10 * BLOCK)
    for turn in range(3):
        for number in range(3 * BLOCK):
            store.put(GAUGE.name, number, [sample(turn, node=str(number))])
        for number in range(0, 3 * BLOCK, 2):
            store.drop(GAUGE.name, number)
        assert kept(store) == {str(number) for number in range(1, 3 * BLOCK, 2)}
        pieces = store.pieces(openmetrics=False)
        assert gzip.decompress(b"".join(gzipped(pieces))).decode() == body(store)
    for number in range(3 * BLOCK):
        store.drop(GAUGE.name, number)
    assert kept(store) == set()
    assert len(store.pieces(openmetrics=False)) == 3  # two headers, and what was left out


def test_a_scrape_may_choose_collectors(store: Exposition) -> None:
    """Others' headers are not there either."""
    store.put(GAUGE.name, "x", [sample(1, node="a")])
    store.put(COUNTER.name, "y", [sample(3)])
    chosen = b"".join(map(bytes, store.pieces(openmetrics=False, only=frozenset({"b"}))))
    assert chosen.decode() == (
        "# HELP pvmedic_b_total How often.\n# TYPE pvmedic_b_total counter\npvmedic_b_total 3\n"
    )
    assert store.collectors == {"a", "b", "signals"}


def test_every_family_of_ours_can_be_chosen() -> None:
    """Each names its collector, and the whole is what the board serves."""
    assert all(family.collector for family in collectors.FAMILIES)
    board = Board(SelfMetrics(), began=0.0)
    for om in (False, True):
        everything = b"".join(map(bytes, board.chosen(om, board.collectors)))
        families = {line for line in everything.splitlines() if line.startswith(b"# TYPE")}
        whole = b"".join(board.parts(om))
        assert families == {line for line in whole.splitlines() if line.startswith(b"# TYPE")}
    alone = b"".join(map(bytes, board.chosen(True, frozenset({"multi_attach"}))))  # noqa: FBT003 -- the web's call
    assert alone.endswith(b"# EOF\n")
    assert b"pvmedic_build_info" not in alone
    list(openmetrics(alone.decode()))  # type: ignore[no-untyped-call]


def test_promtool_finds_nothing_to_say(promtool: Path) -> None:
    """`promtool check metrics` is clean for all that the exporter says of itself and of others."""
    board = Board(SelfMetrics(), began=0.0)
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=b"".join(board.parts(openmetrics=False)),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


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


def test_a_kubelet_that_never_answered_has_a_time_as_well() -> None:
    """Else its alert, which asks for an age, would never fire for it."""
    metrics = SelfMetrics()

    def shown() -> bytes:
        whole = metrics.parts(openmetrics=False)
        mark = b"pvmedic_kubelet_last_success_timestamp_seconds{"
        return b"".join(line for line in whole.splitlines() if line.startswith(mark))

    metrics.kubelet("a", "Unreachable")
    first = shown()
    assert b'node="a"' in first
    metrics.kubelet("a", "Unreachable")
    assert shown() == first, "what fails again is no success"
    metrics.kubelet("a", "")
    assert shown() != first
    metrics.kubelet_gone("a")
    assert shown() == b""
    metrics.kubelet("a", "Unreachable")
    assert shown() != b""


def test_a_source_that_was_never_seen_has_a_time_as_well_and_its_node() -> None:
    """Else its alert, which asks for an age and names the node, would never fire for it."""
    metrics = SelfMetrics("node", "worker-3")
    labels = {"source": "rokspace", "node": "worker-3"}

    def seen() -> float | None:
        name = "pvmedic_source_last_success_timestamp_seconds"
        return metrics.registry.get_sample_value(name, labels)

    assert seen() is None
    metrics.looked("rokspace", 1.0, "Unreachable")
    first = seen()
    metrics.looked("rokspace", 1.0, "Unreachable")
    assert seen() == first, "what fails again is no success"
    metrics.looked("rokspace", 1.0, "")
    assert first is not None
    assert (seen() or 0.0) > first
