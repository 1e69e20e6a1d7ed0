"""Panels in one style, made with Grafana's own builders. No query and no signal is decided here."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from grafana_foundation_sdk.builders import (
    common as common_builders,
)
from grafana_foundation_sdk.builders import (
    dashboard as build,
)
from grafana_foundation_sdk.builders import (
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel: TypeAlias = stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel

DATA_SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOKS = "https://pvmedic.dev/runbooks/"
AGE, NUMBER, RATE = "dtdurations", "none", "cps"
WIDE, HALF, THIRD = 24, 12, 8


def tiles(title: str, text: str, expr: str, legend: str, width: int, unit: str = NUMBER) -> Panel:
    """Return one coloured number a series: red from 1 on."""
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(unit)
        .no_value("0" if unit == NUMBER else "-")
        .thresholds(_steps("green", (1, "red")))
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME if legend else _VALUE)
        .with_target(_query(expr, "A", legend).instant())
        .height(8)
        .span(width)
    )


def counted(title: str, text: str, expr: str, legend: str) -> Panel:
    """Return how often something was, one number a series; it is neither good nor bad."""
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(NUMBER)
        .decimals(0)
        .no_value("0")
        .color_mode(common.BigValueColorMode.NONE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .with_target(_query(expr, "A", legend).instant())
        .height(8)
        .span(HALF)
    )


def quantiles(title: str, text: str, lines: Sequence[tuple[str, str]]) -> Panel:
    """Return how long something took over time, given as query and legend."""
    found = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit("s")
        .min(0)
        .height(8)
        .span(HALF)
    )
    for letter, (expr, legend) in zip("ABC", lines, strict=False):
        found.with_target(_query(expr, letter, legend).range())
    return found


def timeline(
    title: str, text: str, expr: str, legend: str, good: int = 0, width: int = WIDE
) -> Panel:
    """Return states over time; `good` is the value that is green, 0 or 1."""
    colours = ("green", (1, "red")) if good == 0 else ("red", (1, "green"))
    return (
        statetimeline.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(NUMBER)
        .thresholds(_steps(*colours))
        .color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        .merge_values(True)  # noqa: FBT003 -- the builder's own signature
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(common_builders.VizLegendOptions().show_legend(show_legend=False))
        .with_target(_query(expr, "A", legend).range())
        .height(8)
        .span(width)
    )


def lines(title: str, text: str, expr: str, legend: str, unit: str, width: int = HALF) -> Panel:
    """Return values over time."""
    return (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(unit)
        .min(0)
        .with_target(_query(expr, "A", legend).range())
        .height(8)
        .span(width)
    )


def threshold(
    title: str, text: str, lines: Sequence[tuple[str, str]], limit: float, width: int = WIDE
) -> Panel:
    """Return values over time, given as query and legend, with a red line at a limit."""
    found = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(NUMBER)
        .min(0)
        .thresholds(_steps("green", (limit, "red")))
        .thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(
                common.GraphThresholdsStyleMode.DASHED
            )
        )
        .height(8)
        .span(width)
    )
    for letter, (expr, legend) in zip("ABC", lines, strict=False):
        found.with_target(_query(expr, letter, legend).range())
    return found


def rows(
    title: str,
    text: str,
    columns: Mapping[str, str],
    values: Sequence[tuple[str, str, str]],
    runbook: str,
    width: int = WIDE,
) -> Panel:
    """Return a table of what is so now.

    `columns` are labels and what people call them; `values` are query, name and unit, the first
    one sorted by. `runbook` is a page's name, or refers to a label's column.
    """
    found = (
        table.Panel()
        .title(title)
        .description(text)
        .datasource(DATA_SOURCE)
        .unit(values[0][2])
        .no_value("-")
        .filterable(filterable=True)
        .data_links([_link("Runbook", RUNBOOKS + runbook)])
        .sort_by(
            [common_builders.TableSortByFieldState().display_name(values[0][1]).desc(desc=True)]
        )
        .height(8)
        .span(width)
    )
    names = dict(columns)
    for letter, (expr, name, unit) in zip("ABC", values, strict=False):
        query = _query(expr, letter, "").format(PromQueryFormat.TABLE).instant()
        found.with_target(query)
        names[f"Value #{letter}" if len(values) > 1 else "Value"] = name
        found.override_by_name(name, [dashboard.DynamicConfigValue("unit", unit)])
    if len(values) > 1:
        found.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    return found.with_transformation(_organized(names))


def row(title: str) -> build.Row:
    """Return a heading."""
    return build.Row(title)


_VALUE = common.BigValueTextMode.VALUE


def _query(expr: str, letter: str, legend: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).ref_id(letter).datasource(DATA_SOURCE)
    return query.legend_format(legend) if legend else query


def _steps(first: str, *more: tuple[float, str]) -> build.ThresholdsConfig:
    steps = [dashboard.Threshold(None, first)]
    steps += [dashboard.Threshold(value, colour) for value, colour in more]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _link(title: str, url: str) -> build.DashboardLink:
    return build.DashboardLink(title).url(url).target_blank(target_blank=True)


def _organized(names: Mapping[str, str]) -> dashboard.DataTransformerConfig:
    """Return what orders and names the columns; Prometheus' own time is none of the subject's."""
    return dashboard.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate(names)},
            "renameByName": {old: new for old, new in names.items() if old != new},
        },
    )
