"""Heketi's dump: what a real Heketi 9 wrote, and any other text. Endpoints as people write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import DATABASE_VOLUME, Kind, StorageClass
from exporter.observe.parse import heketi, wire
from exporter.observe.parse.heketi import UndecodableError

RECORDED = Path(__file__).parent / "recorded" / "heketi" / "dump.json"
AT = "http://heketi:8080"
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def recorded() -> dict[str, Any]:
    """Return a fresh copy of the recorded dump, as JSON."""
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


def test_a_real_dump_is_read() -> None:
    """Four volumes in one cluster of three nodes, by both of their names; sizes in bytes."""
    found = heketi.dump(AT, RECORDED.read_bytes())
    (cluster,) = found.clusters
    assert cluster.hosts == ("10.0.0.1", "10.0.0.2", "10.0.0.3", "node-a", "node-b", "node-c")
    volumes = {one.name: one for one in found.volumes}
    assert volumes.keys() == {
        DATABASE_VOLUME,
        "shop_data_1",
        "vol_aa6efd58d53e169433cceb5f7ad79349",
        "vol_11f3a0e545e60c886fd041bc972e25a9",
    }
    assert {one.cluster for one in found.volumes} == {cluster.id}
    assert {one.endpoint for one in found.volumes} == {AT}
    assert volumes["shop_data_1"].size == 2 * 2**30
    assert [one.name for one in found.volumes if one.block_host] == [
        "vol_11f3a0e545e60c886fd041bc972e25a9"
    ]
    assert not any(one.pending for one in found.volumes)


def test_what_an_operation_is_not_over_for_is_pending() -> None:
    """Either the volume says so, or only the operation does (an expansion)."""
    dump = recorded()
    first, second, *_ = dump["volumeentries"]
    dump["volumeentries"][first]["Pending"]["Id"] = "operation"
    dump["pendingoperations"] = {"op": {"Id": "op", "Actions": [{"Change": 9, "Id": second}]}}
    found = heketi.dump(AT, json.dumps(dump).encode())
    assert {one.id for one in found.volumes if one.pending} == {first, second}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"volumeentries":{}}', RECORDED.read_bytes()[:-99]]
)
def test_what_is_no_whole_dump_is_refused(body: bytes) -> None:
    """A cut list would make orphans of what is behind the cut."""
    with pytest.raises(UndecodableError):
        heketi.dump(AT, body)


def test_an_empty_database_is_one() -> None:
    """Restored from nothing: then every volume is missing in it, which is worth knowing."""
    found = heketi.dump(AT, b'{"clusterentries":{},"volumeentries":{}}')
    assert (found.clusters, found.volumes) == ((), ())


@given(st.dictionaries(st.sampled_from(["clusterentries", "volumeentries", "x"]), JUNK), JUNK)
def test_any_json_is_read_or_refused(dump: dict[str, object], info: object) -> None:
    """Nothing else is raised."""
    for body in (dump, {"clusterentries": {}, "volumeentries": {"a": {"Info": info}}}):
        try:
            heketi.dump(AT, json.dumps(body).encode())
        except UndecodableError:
            continue


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Binary and half UTF-8 too."""
    with pytest.raises(UndecodableError):
        heketi.dump(AT, body)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://heketi:8080", "http://heketi:8080"),
        ("http://heketi:8080/", "http://heketi:8080"),
        (" HTTP://Heketi:80/ ", "http://heketi"),
        ("https://heketi.storage.svc:443/api/", "https://heketi.storage.svc/api"),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080"),
        ("http://admin:secret@heketi:8080", "http://heketi:8080"),
        ("heketi:8080", ""),
        ("ftp://heketi", ""),
        ("http://heketi:port", ""),
        ("http://", ""),
        ("", ""),
    ],
)
def test_an_endpoint_is_written_in_one_way(text: str, url: str) -> None:
    """Two spellings are one Heketi, and no password becomes a label."""
    assert heketi.endpoint(text) == url


@given(st.text())
def test_any_text_is_an_endpoint_or_none(text: str) -> None:
    """A StorageClass may say anything."""
    assert heketi.endpoint(text).startswith(("http", ""))


@pytest.mark.parametrize(
    ("provisioner", "endpoint", "pools"),
    [
        ("kubernetes.io/glusterfs", "http://heketi:8080", ("one", "two")),
        ("gluster.org/glusterblock", "http://heketi:8080", ("one", "two")),
        ("somebody.else", "", ()),
    ],
)
def test_a_storage_class_names_its_heketi(
    provisioner: str, endpoint: str, pools: tuple[str, ...]
) -> None:
    """If it is one of Heketi's; nothing of a secret is kept."""
    parameters = {
        "resturl": "http://u:p@heketi:8080/",
        "clusterid": "one, two",
        "restuserkey": "secret",
    }
    body = {"metadata": {"name": "x"}, "provisioner": provisioner, "parameters": parameters}
    found = wire.one(Kind.STORAGE_CLASS, json.dumps(body).encode())
    assert isinstance(found, StorageClass)
    assert (found.heketi, found.heketi_clusters) == (endpoint, pools)
