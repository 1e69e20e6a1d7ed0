"""The rules of Grafana's dashboard-linter, by their names, none left out.

The linter itself is a Go program that not every machine can get, so its rules are said again here.
"""

import json
import re
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.dashboards.documents import TARGETS, Target, boards, panels

BOARDS = boards()
PANELS = [
    pytest.param(board, panel, id=f"{board['title']}: {panel['title']}")
    for board in BOARDS.values()
    for panel in panels(board)
]
EVERY_BOARD = pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board["title"])
EVERY_PANEL = pytest.mark.parametrize(("board", "panel"), PANELS)
EVERY_TARGET = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
UNITS = {"none", "s", "bytes", "cps", "dtdurations"}
"""Those in use, all of them known to Grafana."""
SELECTOR = re.compile(r"([a-z_]*)\{([^}]*)\}(\[[^]]*\])?")


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a dashboard's variables by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


@EVERY_BOARD
def test_template_datasource_rule(board: dict[str, Any]) -> None:
    """The data source is a variable named and labelled as everywhere."""
    (one,) = (v for v in variables(board).values() if v["type"] == "datasource")
    assert (one["name"], one["label"], one["query"]) == ("datasource", "Data source", "prometheus")


@EVERY_BOARD
@pytest.mark.parametrize("name", ["job", "instance"])
def test_template_job_rule_and_template_instance_rule(board: dict[str, Any], name: str) -> None:
    """Job and instance are variables of which several can be chosen."""
    one = variables(board)[name]
    assert one["type"] == "query"
    assert one["datasource"]["uid"] == "${datasource}"
    assert one["label"] == name.capitalize()
    assert one["multi"]
    assert one["allValue"] == ".+"


@EVERY_BOARD
def test_template_label_promql_rule(board: dict[str, Any]) -> None:
    """A variable's values come from label_values of a selector."""
    for one in variables(board).values():
        if one["type"] == "query":
            assert re.fullmatch(r"label_values\((\w+|\w*\{.+\}), \w+\)", one["query"])


@EVERY_BOARD
def test_template_on_time_change_reload_rule(board: dict[str, Any]) -> None:
    """Another time range has other values."""
    assert {v["refresh"] for v in variables(board).values() if v["type"] == "query"} == {2}


@EVERY_BOARD
def test_template_unused_rule(board: dict[str, Any]) -> None:
    """A variable that no query asks for would only seem to narrow something."""
    asked = json.dumps(board.get("panels", []))
    for name in variables(board).keys() - {"datasource", "job", "instance"}:
        assert f"${name}" in asked


@EVERY_BOARD
def test_uneditable_rule(board: dict[str, Any]) -> None:
    """What is changed in the browser would be lost with the next release."""
    assert board["editable"] is False


@EVERY_PANEL
def test_panel_datasource_rule(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Panels and their queries use the chosen data source."""
    del board
    asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert {source["uid"] for source in asked} == {"${datasource}"}


@EVERY_PANEL
def test_panel_title_description_rule(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """A panel says what it shows."""
    del board
    assert panel["title"].strip()
    assert panel["description"].strip()


@EVERY_PANEL
def test_panel_units_rule(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """A panel has a unit that Grafana knows."""
    del board
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@EVERY_PANEL
def test_panel_no_targets_rule(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """A panel asks something."""
    del board
    assert panel["targets"]


@EVERY_TARGET
def test_target_rate_interval_rule(target: Target) -> None:
    """A range is as long as the panel's resolution asks for, or as its title says."""
    ranges = {found[3] for found in SELECTOR.finditer(target.expr) if found[3]}
    week = "over a week" in target.panel
    assert ranges <= ({"[7d]"} if week else {"[$__rate_interval]"})
    assert not week or "rate(" not in target.expr


@EVERY_TARGET
@pytest.mark.parametrize("name", ["job", "instance"])
def test_target_job_rule_and_target_instance_rule(target: Target, name: str) -> None:
    """Every selector can be narrowed to one target; only tooltips of labels need none."""
    selectors = list(SELECTOR.finditer(target.expr))
    assert selectors
    assert all(f'{name}=~"${name}"' in found[2] for found in selectors)


@EVERY_TARGET
def test_target_counter_agg_rule(target: Target) -> None:
    """A counter is never shown as it is."""
    for found in SELECTOR.finditer(target.expr):
        if found[1].endswith("_total"):
            assert target.expr[: found.start()].endswith(("rate(", "increase(")), found[1]


@EVERY_TARGET
def test_no_gauge_is_taken_for_a_counter(target: Target) -> None:
    """The rate of a gauge means nothing."""
    for found in SELECTOR.finditer(target.expr):
        if target.expr[: found.start()].endswith("rate("):
            assert found[1].endswith(("_total", "_bucket"))


@EVERY_BOARD
def test_a_dashboard_is_what_grafana_s_models_know(board: dict[str, Any]) -> None:
    """Grafana's own models read it; there is no Grafana here to ask."""
    read = Dashboard.from_json(board)
    assert read.uid == board["uid"]
    assert read.schema_version >= 36
    assert len(read.panels or ()) == len(board.get("panels", ()))


@EVERY_BOARD
def test_a_dashboard_is_one_of_the_family(board: dict[str, Any]) -> None:
    """In UTC, tagged, linked with the others by the tag, with panels that do not overlap."""
    assert board["timezone"] == "utc"
    assert "pvmedic" in board["tags"]
    (link,) = board["links"]
    assert link["type"] == "dashboards"
    assert link["tags"] == ["pvmedic"]
    taken = [
        (x, y)
        for panel in board.get("panels", ())
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert all(x < 24 for x, _ in taken)
    ids = [panel["id"] for panel in board.get("panels", ())]
    assert len(ids) == len(set(ids))
