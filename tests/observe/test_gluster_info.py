"""Small files and words of a glusterd: read when they are what they should be, else not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse import gluster_info
from exporter.observe.parse.gluster_info import Heal, Info

STAT = b"88 (glusterd) S 1 88 88 0 -1 4194624 5546 81996 2 0 2 14 182 37 20 0 9 0 136193 474693632"


def test_a_glusterd_has_a_uuid_and_a_version() -> None:
    """Either may be missing: it is written when it is first needed."""
    body = b"UUID=6ca2c306-4132-4c5b-b371-a64e2dc512eb\noperating-version=100000\n"
    assert gluster_info.info(body) == Info("6ca2c306-4132-4c5b-b371-a64e2dc512eb", 100000)
    assert gluster_info.info(b"operating-version=31202\n") == Info("", 31202)


@pytest.mark.parametrize(
    ("body", "release"),
    [
        (b"glusterfs 10.3\nRepository revision: git://x\n", "10.3"),
        (b"glusterfs 3.12.15\n", "3.12.15"),
        (b"glusterfs 3.7.0 built on May  4 2015 11:11:11\n", "3.7.0"),
        (b"glusterfs 11.0rc1\n", "11.0rc1"),
        (b"bash: gluster: command not found\n", ""),
        (b"", ""),
    ],
)
def test_a_release_is_read_of_every_version(body: bytes, release: str) -> None:
    """The first word after the program's name."""
    assert gluster_info.release(body) == release


def test_a_process_of_gluster_is_known_by_name_and_start() -> None:
    """Any other process that has got its number is none."""
    assert gluster_info.pid(b"88\n") == 88
    assert gluster_info.started(STAT) == "136193"
    assert gluster_info.started(STAT.replace(b"(glusterd)", b"(a (b) c)")) is None
    assert gluster_info.started(STAT[:40]) is None


def test_indices_are_counted_by_brick() -> None:
    """An empty one is told from none, and what is dirty and pending is pending."""
    body = b"""/b/one/.glusterfs/indices/xattrop
/b/one/.glusterfs/indices/xattrop/xattrop-1
/b/one/.glusterfs/indices/xattrop/g1
/b/one/.glusterfs/indices/xattrop/g2
/b/one/.glusterfs/indices/dirty
/b/one/.glusterfs/indices/dirty/dirty-1
/b/one/.glusterfs/indices/dirty/g2
/b/one/.glusterfs/indices/dirty/g3
/b/two/.glusterfs/indices/xattrop
"""
    found = gluster_info.indices(body, ["/b/one", "/b/two", "/b/three"])
    assert found == {"/b/one": Heal(2, 1), "/b/two": Heal(0)}


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    """Nonsense is nothing."""
    assert isinstance(gluster_info.info(body), Info)
    assert isinstance(gluster_info.release(body), str)
    assert isinstance(gluster_info.pid(body), int | None)
    assert isinstance(gluster_info.started(body), str | None)
    assert gluster_info.indices(body, ["/b"]) in ({}, {"/b": Heal(0)})
