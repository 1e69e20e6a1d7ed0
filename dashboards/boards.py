"""Which dashboards there are, and what is on each.

A signal that no dashboard asks for by name is on the one of claims; a metric that no panel asks for
is on the one of pvmedic itself. So nothing that is published can be forgotten.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards import panels, queries, repairs
from dashboards.published import EXPORTER, REMEDIATOR, Published, published, since_name
from exporter.observe.signals import DETECTORS
from exporter.observe.signals.base import Detector

Part: TypeAlias = panels.Panel | build.Row

TAG = "pvmedic"
REST = "claims"
"""The dashboard of signals that none asks for."""

SIGNALS: Mapping[str, frozenset[str]] = {
    "attachments": frozenset(
        {"node_lost_with_volumes", "multi_attach", "volume_attached_twice", "attachment_stuck"}
    ),
    "csi": frozenset({"csi_driver_unregistered", "csi_operation_stuck", "mount_failing"}),
    "gluster": frozenset(
        {
            "glusterd_unresponsive",
            "gluster_peer_flapping",
            "gluster_lock_errors",
            "gluster_brick_offline",
            "gluster_heal_pending",
            "gluster_quorum_lost",
            "gluster_space_low",
            "gluster_volumes_orphaned",
            "heketi_down",
        }
    ),
    "filesystems": frozenset({"filesystem_readonly"}),
    "rok": frozenset({"rwx_recovery_blocked", "snapshot_space_exhausted"}),
}

MANY: Mapping[str, tuple[str, str]] = {
    "pvmedic_gluster_brick_online": ("{} == 0", " Shown are those that do not."),
    "pvmedic_gluster_volume_quorum_met": ("{} == 0", " Shown are those that do not."),
    "pvmedic_gluster_heal_pending_entries": ("topk(50, {})", " Shown are the 50 with most."),
}
"""Metrics that have thousands of series: which of them a panel shows, and that it says so."""

SHORT = {
    "persistentvolumeclaim": "Claim",
    "persistentvolume": "Volume",
    "volumesnapshotclass": "Snapshot class",
    "volumesnapshot": "Snapshot",
    "volumeattachment": "Attachment",
    "storageclass": "Storage class",
}
"""What people call a label, where its own name does not say it."""


FIRST: Mapping[str, tuple[str, ...]] = {"gluster": ("pvmedic_gluster_disruption_safe",)}
"""Metrics of 0 or 1 that are no one signal's, by the dashboard on which they come first."""

REPAIR_BOARD = "repairs"
HUMAN = "pvmedic_remediation_needs_human_since_timestamp_seconds"
OWED = "pvmedic_remediation_holding_since_timestamp_seconds"
REPAIRS = "pvmedic_remediation_in_progress"
ELSEWHERE = {
    *repairs.METRICS,
    HUMAN,
    OWED,
    REPAIRS,
    "pvmedic_signals",
    *(one for names in FIRST.values() for one in names),
}
"""On the overview or first on another dashboard, so not again."""


RATIOS = {
    "pvmedic_snapshot_space_changed_ratio": (
        "pvmedic_snapshot_space_available_bytes",
        "pvmedic_snapshot_space_size_bytes",
    ),
}
"""Ratios with two thresholds: 1, and the quotient of these two metrics."""


class Board(msgspec.Struct, frozen=True):
    """One dashboard: its file and uid, its title, and what it is for."""

    name: str
    title: str
    text: str


BOARDS = (
    Board("overview", "overview", "What is wrong with storage now, and what is done about it."),
    Board("attachments", "node loss and attachments", "Volumes that cannot go where they must."),
    Board("claims", "claims and snapshots", "Claims, their volumes and their snapshots."),
    Board("csi", "CSI drivers", "Drivers that do not answer, and mounts that fail."),
    Board(
        "filesystems", "node file systems", "What is mounted on nodes, and what their kernels say."
    ),
    Board("rok", "Rok snapshot space", "Rok: what snapshots need and have, and RWX recovery."),
    Board(
        "gluster", "Gluster", "Peers, locks, bricks, heal, quorum and space; Heketi and orphans."
    ),
    Board(
        REPAIR_BOARD,
        "repairs",
        "What waits and for whom, what auto would have done, how long repairs take, who leads.",
    ),
    Board("self", "pvmedic itself", "Whether both programs see, hear and act."),
)


def documents() -> dict[str, str]:
    """Return each dashboard as JSON, by file name."""
    return {f"{board.name}.json": _json(board) for board in BOARDS}


def _json(board: Board) -> str:
    made = (
        build.Dashboard(f"pvmedic / {board.title}")
        .uid(f"pvmedic-{board.name}")
        .description(board.text)
        .tags([TAG, "storage", "kubernetes"])
        .timezone("utc")
        .readonly()
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .link(_siblings())
    )
    for number, part in enumerate(_parts(board), start=1):
        if isinstance(part, build.Row):
            made.with_row(part.id(number))
        else:
            made.with_panel(part.id(number))
    made.with_variable(_data_source())
    asked = _encoded(made.build().panels)
    for label, variable in _variables().items():
        # One that no query asks for would only seem to narrow something.
        if label in queries.TARGET or f"${label}" in asked:
            made.with_variable(variable)
    return _encoded(made.build()) + "\n"


def _encoded(what: object) -> str:
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(what)


def _parts(board: Board) -> Iterator[Part]:
    if board.name == "overview":
        yield from _overview()
    elif board.name == "self":
        yield from _self()
    elif board.name == REPAIR_BOARD:
        yield from repairs.parts({metric.name: metric for metric in published()}, _columns)
    else:
        yield from _first(FIRST.get(board.name, ()))
        yield from _signals([one for one in DETECTORS if _place(one.name) == board.name])


def _place(signal: str) -> str:
    return next((board for board, names in SIGNALS.items() if signal in names), REST)


def _first(names: Iterable[str]) -> Iterator[Part]:
    by_name = {metric.name: metric for metric in published()}
    for metric in (by_name[name] for name in names):
        title = _title(metric.name.removeprefix("pvmedic_"))
        expr, legend = queries.plain(metric), queries.legend(metric)
        yield panels.timeline(title, metric.meaning, expr, legend, good=1)


def _signals(detectors: list[Detector]) -> Iterator[Part]:
    if not detectors:
        return
    yield panels.timeline(
        "Subjects with each failure",
        "How many subjects have it; a gap is a time in which nobody could know.",
        queries.counts(one.name for one in detectors),
        "{{signal}}",
    )
    metrics = published()
    for one in detectors:
        yield panels.row(_title(one.name))
        reasons = ", ".join(sorted(one.reasons))
        yield panels.rows(
            f"{_title(one.name)}: subjects",
            f"{one.meaning} Reasons: {reasons}. The alert and the runbook have the same name.",
            _columns((*one.subject_labels, "reason", *one.named_labels)),
            [(queries.signal_rows(one), "Age", panels.AGE)],
            one.name,
        )
        for metric in metrics:
            if metric.signal == one.name:
                ratio = metric.name in RATIOS
                yield _ratio(metric, metrics) if ratio else _panel(metric, one.name)


def _overview() -> Iterator[Part]:
    yield panels.tiles(
        "Failures now",
        "Subjects with each kind of failure. A kind that is not here cannot be judged now.",
        queries.counts(),
        "{{signal}}",
        18,
    )
    yield panels.tiles(
        "Oldest failure", "How long the oldest one has lasted.", queries.oldest(), "", 6, panels.AGE
    )
    yield panels.timeline(
        "Failures over time",
        "How many subjects have each kind; a gap is a time in which nobody could know.",
        queries.counts(),
        "{{signal}}",
    )
    yield panels.rows(
        "By kind",
        "How many subjects, and how long the oldest one has lasted. The link is the runbook.",
        {"signal": "signal"},
        [
            (queries.counts(), "Subjects", panels.NUMBER),
            (queries.oldest_by_signal(), "Oldest", panels.AGE),
        ],
        "${__data.fields.signal}",
        panels.HALF,
    )
    seen = queries.selector("pvmedic_collector_success", ("collector",))
    yield panels.rows(
        "What cannot be seen",
        "Kinds of failure that cannot be judged: no alert about them means nothing.",
        {"collector": "Kind"},
        [(f"min by (collector) ({seen}) == 0", "Sees", panels.NUMBER)],
        "source_unseen",
        panels.HALF,
    )
    yield panels.row("What is done about it")
    by_name = {metric.name: metric for metric in published()}
    for name, title, runbook in (
        (HUMAN, "Waits for a person", "human_needed"),
        (OWED, "Changes of ours that are not taken back", "undo_owed"),
    ):
        metric = by_name[name]
        yield panels.rows(
            title,
            metric.meaning,
            _columns(label for label in metric.labels),
            [(queries.ages(metric), "Age", panels.AGE)],
            runbook,
        )
    running = by_name[REPAIRS]
    yield panels.rows(
        "Repairs that are under way",
        running.meaning,
        _columns(running.labels),
        [(queries.plain(running), "Running", panels.NUMBER)],
        "repair_running",
    )


def _self() -> Iterator[Part]:
    since = {since_name(one.name) for one in DETECTORS}
    ours = [
        one
        for one in published()
        if one.name not in since | ELSEWHERE and not one.signal and not one.process
    ]
    groups = {
        "Both programs": [one for one in ours if len(one.programs) > 1],
        "The exporter": [one for one in ours if one.programs == (EXPORTER,)],
        "The remediator": [one for one in ours if one.programs == (REMEDIATOR,)],
        "The processes": [one for one in published() if one.process],
    }
    for title, metrics in groups.items():
        yield panels.row(title)
        for metric in metrics:
            yield _panel(metric, "")


def _panel(metric: Published, runbook: str) -> Part:
    """Return the panel that fits what a metric is."""
    title = _title(metric.name.removeprefix("pvmedic_"))
    legend = "{{role}}" if metric.process else queries.legend(metric)
    shown, note = MANY.get(metric.name, ("{}", ""))
    plain, meaning = shown.format(queries.plain(metric)), metric.meaning + note
    if metric.unit == "always 1":
        columns = _columns((*metric.labels, "job"))
        values = [(queries.plain(metric), "Is", panels.NUMBER)]
        return panels.rows(title, metric.meaning, columns, values, runbook, panels.HALF)
    if metric.unit == "0 or 1":
        return panels.timeline(title, meaning, plain, legend, good=1, width=panels.HALF)
    if metric.unit == "Unix seconds":
        expr = queries.ages(metric)
        return panels.lines(f"{title}: age", metric.meaning, expr, legend, panels.AGE)
    if metric.type == "counter":
        a_second = f"{title}: per second"
        return panels.lines(a_second, metric.meaning, queries.plain(metric), legend, panels.RATE)
    unit = {"bytes": "bytes", "seconds": "s"}.get(metric.unit, panels.NUMBER)
    return panels.lines(title, meaning, plain, legend, unit)


def _ratio(metric: Published, metrics: Iterable[Published]) -> Part:
    """Return a ratio with its two thresholds: a line for each subject, and one at 1."""
    by_name = {one.name: one for one in metrics}
    part, whole = (by_name[name] for name in RATIOS[metric.name])
    return panels.threshold(
        _title(metric.name.removeprefix("pvmedic_")),
        metric.meaning,
        [
            (queries.plain(metric), " ".join(f"{{{{{label}}}}}" for label in metric.labels)),
            (queries.quotient(part, whole), f"{{{{node}}}} {_title(_last(part)).lower()}"),
        ],
        1,
    )


def _last(metric: Published) -> str:
    return metric.name.removesuffix("_bytes").rpartition("_")[2]


def _title(name: str) -> str:
    for end in ("_total", "_timestamp_seconds", "_seconds", "_bytes"):
        name = name.removesuffix(end)
    words = name.replace("_", " ").replace("csi ", "CSI ").replace("rwx ", "RWX ")
    return words[0].upper() + words[1:]


def _columns(labels: Iterable[str]) -> dict[str, str]:
    return {label: SHORT.get(label) or _title(label) for label in labels}


def _siblings() -> build.DashboardLink:
    return (
        build.DashboardLink("pvmedic")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _data_source() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _variables() -> dict[str, build.QueryVariable]:
    """Return what narrows the queries.

    A target always has job and instance; a subject may have no namespace or node, so that all of
    them must match nothing, too.
    """
    since = queries.selector("", (), queries.SINCE)
    targets = {
        label: _variable(label, f"label_values(pvmedic_build_info, {label})", ".+")
        for label in queries.TARGET
    }
    return targets | {
        label: _variable(label, f"label_values({since}, {label})", ".*")
        for label in queries.SUBJECT_VARIABLES
    }


def _variable(label: str, query: str, everything: str) -> build.QueryVariable:
    return (
        build.QueryVariable(label)
        .label(label.capitalize())
        .query(query)
        .datasource(panels.DATA_SOURCE)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(everything)
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )
