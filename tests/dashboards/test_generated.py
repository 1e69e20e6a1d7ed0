"""The generated files are what the generator writes today, and it says what it lacks."""

from pathlib import Path

import pytest

from dashboards.__main__ import HERE, generated, main
from dashboards.alerts import ROOT, seconds
from dashboards.boards import BOARDS
from tests.dashboards.documents import FILES, boards

GENERATED = generated()


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_every_generated_file_is_up_to_date(path: Path) -> None:
    """If it is not: make generate."""
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing: make generate"
    assert path.read_text() == GENERATED[path], f"{path.relative_to(ROOT)}: make generate"


def test_there_is_no_dashboard_that_nobody_generates() -> None:
    """Every JSON file beside the generator is its work."""
    assert set(FILES) == {HERE / f"{board.name}.json" for board in BOARDS}


def test_generating_twice_gives_the_same() -> None:
    """Nothing in it depends on a set's order or on the time."""
    assert generated() == GENERATED


def test_what_lacks_the_builder_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """And writes nothing, instead of half of it."""
    assert main("no_such_builder") == 1
    assert "no_such_builder is missing: make setup" in capsys.readouterr().err


def test_uids_stay_and_differ() -> None:
    """A bookmark holds, and no dashboard replaces another."""
    uids = {name: board["uid"] for name, board in boards().items()}
    assert uids == {name: f"pvmedic-{name}" for name in uids}
    assert all(len(uid) <= 40 for uid in uids.values()), "Grafana takes 40 characters"


@pytest.mark.parametrize(
    ("text", "value"), [("0s", 0), ("15s", 15), ("5m", 300), ("1h30m", 5400), ("1d", 86400)]
)
def test_a_rule_s_duration_is_read(text: str, value: float) -> None:
    """As Prometheus writes them."""
    assert seconds(text) == value
