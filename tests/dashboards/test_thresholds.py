"""A ratio with two thresholds: what is free of the whole, and the whole itself, a red line."""

import pytest

from dashboards.boards import RATIOS
from tests.dashboards.documents import TARGETS, boards, panels


@pytest.mark.parametrize("metric", RATIOS)
def test_a_ratio_is_drawn_beside_both_of_its_thresholds(metric: str) -> None:
    """For each node, in one panel, so that nobody has to compare two."""
    (ratio,) = (one for one in TARGETS if metric in one.metrics)
    beside = [one for one in TARGETS if (one.board, one.panel) == (ratio.board, ratio.panel)]
    part, whole = RATIOS[metric]
    (moving,) = (one for one in beside if one != ratio)
    assert moving.metrics == {part, whole}
    assert moving.expr.index(part) < moving.expr.index(" / ") < moving.expr.index(whole)
    assert all(f"by (node{more}" in one.expr for one, more in ((ratio, ","), (moving, ")")))
    (panel,) = (one for one in panels(boards()[ratio.board]) if one["title"] == ratio.panel)
    options = panel["fieldConfig"]["defaults"]
    steps = [(step["value"], step["color"]) for step in options["thresholds"]["steps"]]
    assert steps == [(None, "green"), (1, "red")]
    assert options["custom"]["thresholdsStyle"]["mode"] == "dashed"
