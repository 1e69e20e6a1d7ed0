"""What a node shows of Rok: each value only where it is known, and Rok's own words on the Node."""

import json
from collections.abc import Iterable

import msgspec
import pytest

from exporter import collectors
from exporter.collectors import rok_space
from exporter.exposition import Family, Sample
from exporter.observe import model
from exporter.observe.model import Change, Kind, Object
from exporter.observe.parse import wire
from exporter.server import NODE, Board, SelfMetrics
from tests.signals import made

SPACE = model.RokSpace("a", 1000, 600, 350)
GROUP = msgspec.structs.replace(
    SPACE,
    group="rokvg",
    group_size=4000,
    group_free=0,
    disks=3,
    extended=True,
    rebooted=False,
)


def shown(series: Iterable[tuple[Family, Sample]]) -> dict[str, float]:
    """Return the values by name; every one is of node a."""
    found = {}
    for family, sample in series:
        labels = dict(sample.labels)
        assert tuple(labels) == family.labels
        assert labels.pop("node") == "a"
        found["".join([family.name, *labels.values()])] = sample.value
    return found


def node(annotation: object, label: object) -> model.Node:
    """Return a Node on which Rok wrote these, from the wire."""
    meta = {
        "name": "a",
        "annotations": {"rok.arrikto.com/capacity": annotation},
        "labels": {"rok.arrikto.com/max-instance-capacity": label},
    }
    found = wire.one(Kind.NODE, json.dumps({"metadata": meta}).encode())
    assert isinstance(found, model.Node)
    return found


def test_sizes_are_shown_and_nothing_of_a_group_that_is_not_known() -> None:
    """Unknown is no 0."""
    assert shown(rok_space.of_space(SPACE)) == {
        "pvmedic_snapshot_space_size_bytes": 1000,
        "pvmedic_snapshot_space_used_bytes": 600,
        "pvmedic_snapshot_space_available_bytes": 350,
    }


def test_a_group_is_shown_with_its_name_and_whether_it_was_extended() -> None:
    """A node that must be removed is a 1."""
    more = shown(rok_space.of_space(GROUP)).items() - shown(rok_space.of_space(SPACE)).items()
    assert dict(more) == {
        "pvmedic_rok_group_size_bytesrokvg": 4000,
        "pvmedic_rok_group_free_bytesrokvg": 0,
        "pvmedic_rok_group_disksrokvg": 3,
        "pvmedic_rok_node_extended": 1,
        "pvmedic_rok_node_rebooted_since_extension": 0,
    }


@pytest.mark.parametrize(
    ("text", "size"),
    [("1234", 1234), (" 1Gi ", 2**30), ("1.5G", 1_500_000_000), ("12e3", 12_000), ("0", 0)],
)
def test_what_rok_writes_on_a_node_is_read_as_a_quantity(text: str, size: int) -> None:
    """Plain bytes, or with a suffix."""
    assert shown(rok_space.of_node(node(text, text))) == {
        "pvmedic_rok_node_capacity_bytes": size,
        "pvmedic_rok_node_max_instance_capacity_bytes": size,
    }


@pytest.mark.parametrize("text", ["", "-5", "much", "1GiB", "0x10"])
def test_what_is_no_size_is_not_shown(text: str) -> None:
    """Nor a Node on which Rok wrote nothing."""
    assert shown(rok_space.of_node(node(text, text))) == {}
    assert shown(rok_space.of_node(made.node())) == {}


def test_other_objects_show_nothing_here() -> None:
    """Each of the two knows its own kind."""
    assert shown(rok_space.of_space(made.node())) == shown(rok_space.of_node(SPACE)) == {}


@pytest.mark.parametrize("obj", [GROUP, made.node(rok_free=5)], ids=["space", "node"])
def test_one_role_publishes_what_both_may_see(obj: Object) -> None:
    """The cluster role is told of spaces as well, and they are not published twice."""
    found = []
    for role, families in (
        (NODE, collectors.NODE_FAMILIES),
        ("cluster", collectors.CLUSTER_FAMILIES),
    ):
        board = Board(SelfMetrics(role), 0.0, families)
        board.change(Change(None, obj), made.view([obj]))
        said = b"".join(board.parts(False)).decode()  # noqa: FBT003 -- as the web calls it
        found.append([line for line in said.splitlines() if 'node="a"' in line])
    assert [bool(lines) for lines in found] in ([True, False], [False, True])
