"""Which pod a command runs in and how it ended, from any text."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse import remote
from exporter.observe.parse.remote import Chosen, NoPod

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary())
def test_bytes_are_an_answer_or_refused(body: bytes) -> None:
    """Nothing else is raised than what says so."""
    for read in (lambda: remote.only(body, ""), lambda: remote.ended(body)):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            read()


@given(JSON, JSON, JSON)
def test_any_pod_is_chosen_or_not_for_a_reason(meta: object, spec: object, status: object) -> None:
    """Whatever an API server may leave out."""
    body = msgspec.json.encode({"items": [{"metadata": meta, "spec": spec, "status": status}]})
    try:
        found = remote.only(body, "")
    except msgspec.MsgspecError:
        return
    assert isinstance(found, Chosen) or found.why


@pytest.mark.parametrize("body", [b"{}", b'{"items":null}', b'{"items":[]}'])
def test_an_empty_list_has_no_pod(body: bytes) -> None:
    """However it is spelled."""
    assert remote.only(body, "") == NoPod("no pod matches")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"status":"Success"}', 0),
        (b'{"details":{"causes":[{"reason":"ExitCode","message":"42"}]}}', 42),
        (b'{"message":"m","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}', "m"),
        (b'{"message":"m","details":{"causes":[{"reason":"Else","message":"1"}]}}', "m"),
        (b'{"reason":"InternalError"}', "InternalError"),
        (b'{"details":{"causes":null}}', "no reason given"),
    ],
)
def test_an_end_is_a_status_or_a_sentence(body: bytes, status: int | str) -> None:
    """Only a number that is one counts."""
    assert remote.ended(body) == status
