"""What `gluster --xml pool list`, `peer status` and `volume info` print: peers and volumes.

Read as a stream, so that thousands of volumes are never a tree in memory. gluster declares no
document type, so none is accepted, and with it no entity. Words that are no XML (the command line
prints plain text when it does not reach its glusterd) are unknown, never "none". No bytes raise.
"""

import re
from collections.abc import Callable
from xml.parsers import expat

from exporter.observe.model.gluster import Brick, GlusterVolume, Peer
from exporter.observe.parse.gluster_state import QUORUM_OPTIONS

LARGEST = 64 * 1024 * 1024
"""Bytes. A volume of three bricks takes 2,500."""
DEEPEST = 16
LONGEST_TEXT = 65536

_SHOWN = 200
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_STARTED = "1"


class _Unfit(Exception):
    """Why the answer cannot be used; never leaves this module."""


def peers(body: bytes) -> tuple[str, tuple[Peer, ...]] | str:
    """Read `pool list` or `peer status`: the glusterd's own uuid ("" in the latter), its peers.

    A str is the sentence why it cannot be used.
    """
    found: list[Peer] = []
    own = []

    def peer(said: _Element) -> None:
        uuid, host = said.one("uuid"), said.one("hostname")
        if host == "localhost":
            own.append(uuid)
        else:
            found.append(Peer(uuid, host, said.one("stateStr"), said.one("connected") == "1"))

    failed = _read(body, "peerStatus", "peer", peer)
    return failed or ((own or [""])[-1], tuple(found))


def volumes(body: bytes, node: str, uuid: str) -> tuple[GlusterVolume, ...] | str:
    """Read `volume info`, asked of the glusterd of `node`, which has this uuid.

    A str is the sentence why it cannot be used.
    """
    found: list[GlusterVolume] = []
    failed = _read(body, "volInfo", "volume", lambda said: found.append(_volume(said, node, uuid)))
    return failed or tuple(found)


def _volume(said: "_Element", node: str, uuid: str) -> GlusterVolume:
    bricks = said.inner("bricks", "brick")
    if len(bricks) != said.number("brickCount"):
        raise _Unfit(f"volume {said.one('name')} is said without some of its bricks")
    options = {one.one("name"): one.one("value") for one in said.inner("options", "option")}
    return GlusterVolume(
        node,
        said.one("name"),
        said.one("id"),
        said.one("typeStr"),
        said.one("status") == _STARTED,
        tuple(_brick(one, uuid) for one in bricks),
        said.number("replicaCount"),
        said.number("arbiterCount"),
        said.number("disperseCount"),
        said.number("redundancyCount"),
        "",
        tuple(sorted((k, v) for k, v in options.items() if k in QUORUM_OPTIONS)),
    )


def _brick(said: "_Element", uuid: str) -> Brick:
    host, colon, path = said.one("name").partition(":/")
    if not colon:
        raise _Unfit("a brick has no path")
    whose = said.one("hostUuid")
    local = whose == uuid != ""
    return Brick(host, "/" + path, whose, local, arbiter=said.one("isArbiter") == "1")


class _Element:
    """An element that is kept until it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: list[_Element] = []

    def one(self, name: str) -> str:
        """Return the text of a child; of several the last one's; empty without it."""
        return next((one.text for one in reversed(self.children) if one.name == name), "")

    def number(self, name: str) -> int:
        """Return a child's whole number; 0 without it, as in versions that do not know it."""
        text = self.one(name) or "0"
        if not _NUMBER.fullmatch(text):
            raise _Unfit(f"{name} is {text[:_SHOWN]!r}, which is no number")
        return int(text)

    def inner(self, name: str, child: str) -> "list[_Element]":
        """Return the children of one name within a child."""
        outer = [one for one in self.children if one.name == name]
        return [one for each in outer for one in each.children if one.name == child]


class _Reader:
    """Hears expat's events; says each `item` to `take` when it has ended, and forgets it."""

    def __init__(self, holder: str, item: str, take: Callable[[_Element], None]) -> None:
        self.holder = holder
        self.item = item
        self.result = ""
        self.why = ""
        self.held = False
        self._take = take
        self._open: list[_Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        del attributes
        if len(self._open) >= DEEPEST:
            raise _Unfit("it is too deep")
        if not self._open and name != "cliOutput":
            raise _Unfit(f"it is <{name[:_SHOWN]}>")
        self.held = self.held or name == self.holder
        if self._open:
            # What stands between elements is white space, and it grows with their number.
            self._open[-1].text = ""
        self._open.append(_Element(name))

    def text(self, text: str) -> None:
        """Take words of the element that is open."""
        element = self._open[-1]
        element.text += text
        if len(element.text) > LONGEST_TEXT:
            raise _Unfit(f"the text of {element.name} is too long")

    def end(self, name: str) -> None:
        """End an element: keep it only where an item is being read."""
        element = self._open.pop()
        element.text = element.text.strip()
        if name == self.item:
            self._take(element)
        elif any(one.name == self.item for one in self._open):
            self._open[-1].children.append(element)
        elif name == "opRet":
            self.result = element.text
        elif name == "opErrstr":
            self.why = element.text

    def refuse(self, *what: object) -> None:
        """Accept no document type."""
        del what
        raise _Unfit("it declares a document type")


def _read(body: bytes, holder: str, item: str, take: Callable[[_Element], None]) -> str:
    """Return why an answer cannot be used; empty when `take` has got all there is."""
    if len(body) > LARGEST:
        return f"the answer has {len(body)} bytes, and at most {LARGEST} are read"
    reader = _Reader(holder, item, take)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(body, True)  # noqa: FBT003 -- expat's word for "this is all"
    except expat.ExpatError as error:
        plain = body[:_SHOWN].decode("utf-8", "replace").strip()
        return f"the answer is no XML ({error}): {plain}"
    except _Unfit as unfit:
        return f"the answer is not gluster's: {unfit}"
    if reader.result != "0":
        return f"gluster refused ({reader.result or 'no result'}): {reader.why[:_SHOWN]}"
    return "" if reader.held else f"the answer has no {holder}"
