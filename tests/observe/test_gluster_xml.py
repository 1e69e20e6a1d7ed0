"""gluster's XML: peers and volumes, refusals, and whatever else may come instead of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import GlusterVolume, Peer
from exporter.observe.parse import gluster_xml
from exporter.observe.parse.gluster_xml import peers, volumes

OWN, OTHER, THIRD = "u-1", "u-2", "u-3"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OK = "<opRet>0</opRet><opErrno>0</opErrno><opErrstr/>"
PLAIN = b"Connection failed. Please check if gluster daemon is operational.\n"
BOMB = HEAD + (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<cliOutput>{OK}<peerStatus><peer><uuid>&b;</uuid></peer></peerStatus></cliOutput>"
)
OUTSIDE = HEAD + (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    f"<cliOutput>{OK}<peerStatus><peer><uuid>&a;</uuid></peer></peerStatus></cliOutput>"
)


def said(inner: str, result: str = OK) -> bytes:
    """Return an answer."""
    return f"{HEAD}<cliOutput>\n  {result}\n  {inner}\n</cliOutput>\n".encode()


def peer(uuid: str, host: str, connected: int = 1) -> str:
    """Return an element of a peer as gluster prints it."""
    return (
        f"<peer>\n<uuid>{uuid}</uuid>\n<hostname>{host}</hostname>\n"
        f"<hostnames><hostname>{host}</hostname><hostname>10.0.0.1</hostname></hostnames>\n"
        f"<connected>{connected}</connected>\n<state>3</state>\n"
        "<stateStr>Peer in Cluster</stateStr>\n</peer>\n"
    )


LOCALHOST = (
    f"<peer><uuid>{OWN}</uuid><hostname>localhost</hostname><connected>1</connected></peer>\n"
)


def brick(host: str, uuid: str, arbiter: int = 0) -> str:
    """Return an element of a brick: its name stands in it twice."""
    name = f"{host}:/bricks/v"
    return (
        f'<brick uuid="{uuid}">{name}<name>{name}</name><hostUuid>{uuid}</hostUuid>'
        f"<isArbiter>{arbiter}</isArbiter></brick>\n"
    )


def volume(name: str, status: int = 1, bricks: int = 3) -> str:
    """Return an element of a volume with an arbiter."""
    return (
        f"<volume>\n<name>{name}</name>\n<id>id-{name}</id>\n<status>{status}</status>\n"
        f"<statusStr>Started</statusStr>\n<brickCount>{bricks}</brickCount>\n"
        "<replicaCount>3</replicaCount>\n<arbiterCount>1</arbiterCount>\n"
        "<disperseCount>0</disperseCount>\n<redundancyCount>0</redundancyCount>\n"
        "<typeStr>Replicate</typeStr>\n"
        f"<bricks>\n{brick('a', OWN)}{brick('b', OTHER)}{brick('c', THIRD, 1)}</bricks>\n"
        "<options><option><name>cluster.quorum-type</name><value>auto</value></option>\n"
        "<option><name>nfs.disable</name><value>on</value></option></options>\n</volume>\n"
    )


def infos(*each: str) -> bytes:
    """Return an answer to `volume info`."""
    inner = f"{''.join(each)}<count>{len(each)}</count>"
    return said(f"<volInfo><volumes>{inner}</volumes></volInfo>")


def test_pool_list_tells_who_answers_and_who_else_there_is() -> None:
    """The glusterd itself is called localhost there, and is no peer."""
    body = said(f"<peerStatus>{peer(OTHER, 'b')}{peer(THIRD, 'c', 0)}{LOCALHOST}</peerStatus>")
    assert peers(body) == (
        OWN,
        (
            Peer(OTHER, "b", "Peer in Cluster", connected=True),
            Peer(THIRD, "c", "Peer in Cluster", connected=False),
        ),
    )


def test_peer_status_does_not_tell_who_answers() -> None:
    """And says nothing at all when there is nobody else."""
    assert peers(said("<peerStatus/>")) == ("", ())


def test_volume_info_tells_of_volumes() -> None:
    """Counts, bricks in their order, and the options that decide quorum; no state of a brick."""
    found = volumes(infos(volume("v"), volume("w", status=2)), "n1", OWN)
    assert not isinstance(found, str)
    first, second = found
    assert (first.name, first.kind, first.started) == ("v", "Replicate", True)
    assert not second.started
    assert (first.replica, first.arbiter, first.disperse) == (3, 1, 0)
    assert first.options == (("cluster.quorum-type", "auto"),)
    assert [(one.name, one.host_uuid, one.local, one.arbiter) for one in first.bricks] == [
        ("a:/bricks/v", OWN, True, False),
        ("b:/bricks/v", OTHER, False, False),
        ("c:/bricks/v", THIRD, False, True),
    ]
    assert {one.online for one in first.bricks} == {None}


def test_without_our_own_uuid_no_brick_is_ours() -> None:
    """Nothing equals nothing."""
    found = volumes(infos(volume("v").replace(OWN, "")), "n1", "")
    assert not isinstance(found, str)
    assert not any(one.local for one in found[0].bricks)


def test_many_volumes_are_read() -> None:
    """What stands between them does not add up."""
    found = volumes(infos(*(volume(f"v{number}") + " " * 99 for number in range(1000))), "n", OWN)
    assert len(found) == 1000


def test_a_refusal_is_no_empty_pool() -> None:
    """The exit status may be 0 all the same."""
    body = said(
        "<volInfo><volumes><count>0</count></volumes></volInfo>",
        "<opRet>-1</opRet><opErrno>5</opErrno><opErrstr>Another transaction</opErrstr>",
    )
    found = volumes(body, "n1", OWN)
    assert isinstance(found, str)
    assert "Another transaction" in found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        PLAIN,
        b"\x00\xff" * 100,
        said("<volInfo/>")[:-4],
        said("<volInfo/>", result=""),
        said("<weather/>"),
        b"<html></html>",
        BOMB.encode(),
        OUTSIDE.encode(),
        said("<a>" * 20 + "</a>" * 20),
        infos(volume("v", bricks=4)),
        infos(volume("v").replace("<replicaCount>3", "<replicaCount>many")),
        infos(volume("v").replace(":/bricks", "")),
        infos(volume("v" * 70000)),
        b'<?xml version="1.0" encoding="shift_jis"?><cliOutput/>',
    ],
)
def test_what_is_not_an_answer_is_unknown(body: bytes) -> None:
    """Plain text, half an answer, somebody else's XML, entities, nonsense: never an empty pool."""
    assert isinstance(volumes(body, "n1", OWN), str)
    assert isinstance(peers(body), str)


def test_an_answer_that_is_too_large_is_not_read() -> None:
    """Nothing is made of it."""
    assert "bytes" in str(peers(b" " * (gluster_xml.LARGEST + 1)))


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    """Anything at all is an answer or a sentence."""
    assert isinstance(peers(body), tuple | str)


@given(
    st.lists(
        st.sampled_from(
            ["<volume>", "</volume>", "<name>", "</name>", "<bricks>", "</bricks>", "&a;", "x"]
        )
    )
)
def test_no_elements_in_any_order_raise(parts: list[str]) -> None:
    """Nor do gluster's own elements, where they do not belong."""
    found = volumes(said(f"<volInfo>{''.join(parts)}</volInfo>"), "n1", OWN)
    assert isinstance(found, str) or all(isinstance(one, GlusterVolume) for one in found)
