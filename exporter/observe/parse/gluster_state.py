"""The file that `gluster get-state` writes, of GlusterFS 3.12 to 11: all that a glusterd knows.

Lines of `key: value` under `[sections]`; keys carry numbers (`Volume1.Brick2.path`). What is not
known here is passed over. glusterd reports success also when the disk was full, so a file counts
only when its end is there and every volume has what it must have: half a pool would be a lie. No
bytes raise.
"""

import re
from collections.abc import Iterator

import msgspec

from exporter.observe.model.gluster import Brick, GlusterVolume, Peer

LARGEST = 48 * 1024 * 1024
"""Bytes. A volume of three bricks takes two thousand, so these are more than 20,000 volumes."""
QUORUM_OPTIONS = frozenset(
    {
        "cluster.quorum-type",
        "cluster.quorum-count",
        "cluster.server-quorum-type",
        "cluster.server-quorum-ratio",
        "disperse.quorum-count",
    }
)

_OPTION = rb"(?:cluster\.(?:server-)?|disperse\.)quorum-[a-z]{1,9}"
_GLOBAL = re.compile(rb"^(MYUUID|op-version): (.*)$", re.MULTILINE)
_GLOBAL_OPTION = re.compile(rb"^(" + _OPTION + rb"): (.*)$", re.MULTILINE)
_PEER = re.compile(
    rb"^Peer([0-9]{1,9})\.(primary_hostname|uuid|state|connected|othernames): ?(.*)$", re.MULTILINE
)
_VOLUME = re.compile(
    rb"^Volume([0-9]{1,9})\.(?:"
    rb"Brick([0-9]{1,9})\.(path|hostname|is_arbiter|status|spacefree|spacetotal)"
    rb"|(name|id|type|status|brickcount|(?:replica|arbiter|disperse|redundancy)_count"
    rb"|quorum_status)"
    rb"|options\.(" + _OPTION + rb")"
    rb"): ?(.*)$",
    re.MULTILINE,
)
_COUNTS = (
    b"brickcount",
    b"replica_count",
    b"arbiter_count",
    b"disperse_count",
    b"redundancy_count",
)
_NEEDED = (b"name", b"id", b"type", b"status", b"quorum_status")
_NUMBER = re.compile(rb"([0-9]{1,18})(?:Bytes)?")


class State(msgspec.Struct, frozen=True):
    """What a glusterd knows: itself, its peers, its volumes."""

    uuid: str
    op_version: int
    peers: tuple[Peer, ...]
    volumes: tuple[GlusterVolume, ...]


class _Unfit(Exception):
    """Why the file cannot be used; never leaves this module."""


class _Volume:
    """The lines of one volume so far."""

    def __init__(self) -> None:
        self.said: dict[bytes, bytes] = {}
        self.options: dict[str, str] = {}
        self.bricks: list[dict[bytes, bytes]] = []


def state(body: bytes, node: str) -> State | str:
    """Read the file that the glusterd of `node` wrote.

    A str is the sentence why it cannot be used: it is cut off, or something else altogether.
    """
    if len(body) > LARGEST:
        return f"the state file has {len(body)} bytes, and at most {LARGEST} are read"
    try:
        return _state(body, node)
    except _Unfit as unfit:
        return str(unfit)


def _state(body: bytes, node: str) -> State:
    said = {found[1]: found[2] for found in _GLOBAL.finditer(body, *_section(body, b"Global"))}
    if b"\n[Misc]\n" not in body:
        raise _Unfit("the state file is cut off: its last section is not there")
    uuid = _text(said.get(b"MYUUID", b""))
    if not uuid:
        raise _Unfit("the state file does not say whose it is")
    peers, hosts = _peers(body)
    own = {
        _text(found[1]): _text(found[2])
        for found in _GLOBAL_OPTION.finditer(body, *_section(body, b"Global options"))
    }
    made = _Making(node, uuid, hosts, {k: v for k, v in own.items() if k in QUORUM_OPTIONS})
    volumes = tuple(made.volume(one) for one in _volumes(body))
    return State(uuid, _number(said.get(b"op-version")) or 0, peers, volumes)


def _section(body: bytes, name: bytes) -> tuple[int, int]:
    """Return where the lines of a section begin and end."""
    header = b"[" + name + b"]\n"
    if body.startswith(header):
        start = len(header)
    else:
        found = body.find(b"\n" + header)
        if found < 0:
            raise _Unfit(f"the state file is cut off or none: it has no section {_text(name)}")
        start = found + 1 + len(header)
    # An empty section's next header follows at once: its line feed is before `start`.
    end = body.find(b"\n[", start - 1)
    return start, max(start, end if end >= 0 else len(body))


def _peers(body: bytes) -> tuple[tuple[Peer, ...], dict[str, str]]:
    """Return the peers, and whose uuid each host name is."""
    found: list[dict[bytes, bytes]] = []
    for match in _PEER.finditer(body, *_section(body, b"Peers")):
        _at(found, match[1], "peers")[match[2]] = match[3]
    peers, hosts = [], {}
    for said in found:
        if not {b"primary_hostname", b"uuid", b"state", b"connected"} <= said.keys():
            raise _Unfit("the state file has lost lines of a peer")
        uuid = _text(said[b"uuid"])
        names = [said[b"primary_hostname"], *said.get(b"othernames", b"").split(b",")]
        hosts.update({_text(name): uuid for name in names if name})
        peers.append(
            Peer(uuid, _text(names[0]), _text(said[b"state"]), said[b"connected"] == b"Connected")
        )
    return tuple(peers), hosts


def _volumes(body: bytes) -> Iterator[_Volume]:
    """Yield the volumes one by one, so that never more than one is held as lines."""
    number, volume = 0, _Volume()
    for match in _VOLUME.finditer(body, *_section(body, b"Volumes")):
        which, brick, of_brick, of_volume, option, value = match.groups()
        if int(which) != number:
            if number:
                yield volume
            if int(which) != number + 1:
                raise _Unfit(
                    f"the state file has lost lines: volume {number} is followed by"
                    f" volume {int(which)}"
                )
            number, volume = number + 1, _Volume()
        if brick is not None:
            _at(volume.bricks, brick, "bricks")[of_brick] = value
        elif of_volume is not None:
            volume.said[of_volume] = value
        else:
            volume.options[_text(option)] = _text(value)
    if number:
        yield volume


def _at(found: list[dict[bytes, bytes]], number: bytes, what: str) -> dict[bytes, bytes]:
    """Return the lines of a numbered thing; numbers come one after the other, from 1."""
    which = int(number)
    if which == len(found) + 1:
        found.append({})
    if which != len(found) or not which:
        raise _Unfit(f"the state file has lost lines: {what} {len(found)} and {which} in a row")
    return found[-1]


class _Making:
    """Makes volumes of their lines. Texts that come again and again are kept once."""

    def __init__(
        self, node: str, uuid: str, hosts: dict[str, str], options: dict[str, str]
    ) -> None:
        self._node = node
        self._uuid = uuid
        self._hosts = hosts
        self._options = options
        self._known: dict[bytes, str] = {}
        self._sets: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}

    def volume(self, lines: _Volume) -> GlusterVolume:
        """Return one volume."""
        said = lines.said
        for key in (*_NEEDED, *_COUNTS):
            if key not in said:
                raise _Unfit(f"the state file has lost lines: a volume has no {_text(key)}")
        bricks, replica, arbiter, disperse, redundancy = (_count(said[key]) for key in _COUNTS)
        if bricks != len(lines.bricks):
            raise _Unfit(
                f"the state file has lost lines: volume {_text(said[b'name'])} has"
                f" {len(lines.bricks)} of {bricks} bricks"
            )
        options = tuple(sorted({**self._options, **lines.options}.items()))
        return GlusterVolume(
            self._node,
            _text(said[b"name"]),
            _text(said[b"id"]),
            self._once(said[b"type"]),
            said[b"status"] == b"Started",
            tuple(self._brick(one) for one in lines.bricks),
            replica,
            arbiter,
            disperse,
            redundancy,
            self._once(said[b"quorum_status"]),
            self._sets.setdefault(options, options),
        )

    def _brick(self, said: dict[bytes, bytes]) -> Brick:
        # A host name may be an IPv6 address; the path begins with a slash.
        host, colon, path = said.get(b"path", b"").partition(b":/")
        if not colon:
            raise _Unfit("the state file has lost lines: a brick has no path")
        name = self._once(host)
        status = said.get(b"status")
        local = status is not None
        # Both are 0 when glusterd could not ask the brick's file system.
        size, free = _number(said.get(b"spacetotal")), _number(said.get(b"spacefree"))
        return Brick(
            name,
            "/" + _text(path),
            self._uuid if local else self._hosts.get(name, ""),
            local,
            _ONLINE.get(status) if status is not None else None,
            arbiter=b"is_arbiter" in said,
            size=size or None,
            free=free if size else None,
        )

    def _once(self, raw: bytes) -> str:
        found = self._known.get(raw)
        return found if found is not None else self._known.setdefault(raw, _text(raw))


_ONLINE = {b"Started": True, b"Stopped": False, b"Starting": False, b"Stopping": False}
"""A brick that is starting serves nobody; glusterd calls it started once it has answered."""


def _count(raw: bytes) -> int:
    found = _number(raw)
    if found is None:
        raise _Unfit(f"the state file has {_text(raw[:40])!r} where a number should be")
    return found


def _number(raw: bytes | None) -> int | None:
    found = _NUMBER.fullmatch(raw) if raw is not None else None
    return int(found[1]) if found is not None else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
