"""The note on a Node that it is extended is a series of the exporter, while it is there."""

import pytest

from exporter import collectors
from exporter.collectors import extended_notes
from exporter.observe.model import ROK_EXTENDED, Kind
from tests.signals import made

NOTE = "snapshot-space-exhausted-1a2b-1/uid vol-0new 2027-01-15T08:00:00Z"


@pytest.mark.parametrize(
    ("note", "remediation", "disk", "since"),
    [
        (NOTE, "snapshot-space-exhausted-1a2b-1", "vol-0new", 1_800_000_000.0),
        ("by-hand vol-1 2027-01-15T08:00:00Z", "by-hand", "vol-1", 1_800_000_000.0),
        ("somebody vol-1 yesterday", "somebody", "vol-1", 0.0),
        ("", "", "", 0.0),
    ],
    ids=["ours", "a person's", "no time", "empty"],
)
def test_a_note_says_who_with_which_disk_and_since_when(
    note: str, remediation: str, disk: str, since: float
) -> None:
    """However it is written: a node with the note is never left out."""
    node = made.node("a", annotations={ROK_EXTENDED: note})
    ((family, sample),) = extended_notes.of_node(node)
    assert family.name == "pvmedic_rok_extended_since_timestamp_seconds"
    assert dict(sample.labels) == {"node": "a", "remediation": remediation, "disk": disk}
    assert sample.value == since


def test_a_node_without_a_note_shows_nothing() -> None:
    """Nor does anything that is no Node; and it is among what a Node shows."""
    assert list(extended_notes.of_node(made.node())) == []
    assert list(extended_notes.of_node(made.pod())) == []
    marked = made.node("a", annotations={ROK_EXTENDED: NOTE})
    assert [one.name for one, _ in collectors.OF_OBJECTS[Kind.NODE](marked)] == [
        "pvmedic_rok_extended_since_timestamp_seconds",
    ]
