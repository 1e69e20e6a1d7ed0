"""The note of the remediator on a Node is a series of the exporter, for as long as it is there."""

import json

from exporter import collectors
from exporter.collectors import undo_notes
from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse import wire
from remediator.steps.base import UNDO_ANNOTATION
from tests.signals import made


def node(**annotations: str) -> model.Node:
    """Return a Node as it comes from the wire."""
    body = {"metadata": {"name": "a", "annotations": annotations}}
    found = wire.one(Kind.NODE, json.dumps(body).encode())
    assert isinstance(found, model.Node)
    return found


def test_a_note_names_the_node_and_the_remediation_that_owes() -> None:
    """The uid behind the slash is for the program, not for a label."""
    ((family, sample),) = undo_notes.of_node(node(**{UNDO_ANNOTATION: "node-lost-1/uid-1"}))
    assert family.name == "pvmedic_undo_noted"
    assert dict(sample.labels) == {"node": "a", "remediation": "node-lost-1"}
    assert sample.value == 1.0


def test_a_node_without_a_note_shows_nothing() -> None:
    """Nor does anything that is no Node."""
    assert list(undo_notes.of_node(node(**{UNDO_ANNOTATION: ""}))) == []
    assert list(undo_notes.of_node(node(other="x"))) == []
    assert list(undo_notes.of_node(made.pod())) == []


def test_it_stands_beside_what_rok_writes_on_a_node() -> None:
    """One kind, two authors."""
    both = node(**{UNDO_ANNOTATION: "node-lost-1/uid-1", "rok.arrikto.com/capacity": "1000"})
    names = {family.name for family, _ in collectors.OF_OBJECTS[Kind.NODE](both)}
    assert names == {"pvmedic_undo_noted", "pvmedic_rok_node_capacity_bytes"}
