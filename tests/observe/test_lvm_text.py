"""LVM's report of volume groups: several, none, two of one name, and anything else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.parse.lvm import LARGEST, VolumeGroup, groups, whole

patient = settings(deadline=None)
ROKVG: dict[str, object] = {
    "vg_name": "rokvg",
    "vg_uuid": "SOoOpf-h9Kt-XZPH-hTee-dAUZ-EIj5-6SEAKo",
    "vg_size": "159383552",
    "vg_free": "4194304",
    "pv_count": "2",
}
UUID = "SOoOpf-h9Kt-XZPH-hTee-dAUZ-EIj5-6SEAKo"
FOUND = VolumeGroup("rokvg", UUID, 159383552, 4194304, 2)
RECORDED = b"""
  {
      "report": [
          {
              "vg": [
                  {"vg_name":"rokvg", "vg_uuid":"SOoOpf-h9Kt-XZPH-hTee-dAUZ-EIj5-6SEAKo", \
"vg_size":"159383552", "vg_free":"4194304", "pv_count":"2"}
              ]
          }
      ]
  }

"""
"""What LVM 2.03.16 wrote."""


def report(*rows: dict[str, object]) -> bytes:
    """Return a report of these rows."""
    return json.dumps({"report": [{"vg": list(rows)}], "log": [{"log_seq_num": "1"}]}).encode()


def test_a_group_is_read_with_sizes_in_bytes_and_its_disks() -> None:
    """As LVM wrote it."""
    assert groups(RECORDED) == (FOUND,)


def test_numbers_without_quotes_are_the_same() -> None:
    """The format json_std of newer versions."""
    plain = {**ROKVG, "vg_size": 159383552, "vg_free": 4194304.0, "pv_count": 2}
    assert groups(report(plain)) == (FOUND,)


def test_no_group_is_an_answer() -> None:
    """And not the same as none that can be read."""
    assert groups(report()) == ()
    assert groups(b'{"report": []}') == ()
    assert groups(b'{"report": [{}]}') == ()


def test_several_groups_are_in_the_order_of_their_names() -> None:
    """Also from several reports."""
    other = {**ROKVG, "vg_name": "data", "vg_uuid": "x"}
    assert groups(report(ROKVG, other)) == (
        VolumeGroup("data", "x", 159383552, 4194304, 2),
        FOUND,
    )


def test_a_row_that_comes_twice_is_one_group_and_a_copied_disk_makes_two() -> None:
    """The uuid tells them apart."""
    assert groups(report(ROKVG, ROKVG)) == (FOUND,)
    both = groups(report(ROKVG, {**ROKVG, "vg_uuid": "copy"}))
    assert both is not None
    assert [one.name for one in both] == ["rokvg", "rokvg"]


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1g", "0x10", str(LARGEST), "9" * 400, "\u0663"])
def test_what_is_no_number_is_not_known_and_hides_nothing_else(text: str) -> None:
    """A group with one odd column is a group all the same."""
    found = groups(report({**ROKVG, "vg_free": text}))
    assert found == (VolumeGroup("rokvg", UUID, 159383552, None, 2),)


def test_a_row_without_a_name_is_no_group() -> None:
    """A disk outside of any group has such a row."""
    assert groups(report({"vg_name": "", "pv_count": "1"}, {"pv_count": "1"}, ROKVG)) == (FOUND,)


@pytest.mark.parametrize(
    "said",
    [b"", b"{}", b"[]", b"null", RECORDED[:90], b'{"report": 7}', b"\xff", b"[" * 5000],
    ids=["nothing", "empty", "a list", "null", "half", "a number", "binary", "deep"],
)
def test_what_is_no_report_is_none(said: bytes) -> None:
    """And no exception."""
    assert groups(said) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("report", "vg", *ROKVG)) | st.text(max_size=4), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@patient
@given(JSON)
def test_any_json_is_read_without_an_exception(value: object) -> None:
    """Whatever is there."""
    for one in groups(json.dumps(value).encode()) or ():
        assert one.name


@patient
@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_exception(said: bytes) -> None:
    """Also what is no text."""
    groups(said)


@patient
@given(st.integers(0, LARGEST - 1))
def test_every_size_is_read_to_the_byte(size: int) -> None:
    """In quotes and without."""
    assert whole(str(size)) == whole(f" {size} ") == whole(size) == size


@patient
@given(st.floats() | st.integers() | st.text(max_size=30))
def test_anything_else_is_a_size_or_not_known(number: float | str) -> None:
    """Never negative, never too large."""
    found = whole(number)
    assert found is None or 0 <= found < LARGEST
