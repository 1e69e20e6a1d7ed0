"""Junk in any one field of a whole object: read, or the one error that there is."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse import wire
from tests.observe.test_wire_storage import WHOLE


def _paths(body: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _paths(value, (*at, key))
    if isinstance(body, list):
        for number, value in enumerate(body):
            yield from _paths(value, (*at, number))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@given(st.sampled_from(sorted(WHOLE)), st.data(), JUNK)
def test_junk_in_any_place_is_read_or_undecodable(
    kind: Kind, data: st.DataObject, junk: object
) -> None:
    """Whatever stands in one field: an object of the model, or the one error there is."""
    body: Any = copy.deepcopy(WHOLE[kind])
    *way, last = data.draw(st.sampled_from([p for p in _paths(body) if p]))
    at = body
    for step in way:
        at = at[step]
    at[last] = junk
    try:
        found = wire.one(kind, json.dumps(body).encode())
    except wire.UndecodableError:
        return
    assert model.KIND_OF[type(found)] is kind
