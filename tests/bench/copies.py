"""How one stored object becomes many: other names, uids and times of the same length. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.observe.model import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = ("gp-abc", "gp-def", "gp-ghi", "gp-jkl", "gp-mno")
NAMESPACES = 100
PODS_A_NODE = 100
UID_TAIL = "-12d0-4d4e-9d2b-6f6a3cfe0c10"
FIRST_TIME = 1_790_000_000
_THEN = 1_780_000_000
NOW = rfc3339(_THEN)
"""The time that a sample's own status speaks of."""

TOKENS = {
    "node": "ip-10-xxx-xxx.example.internal",
    "namespace": "team-xx",
    "claim": "data-database-xxxxxx",
    "pod": "database-xxxxxx",
    "volume": "pvc-xxxxxxxx-6b1d-4f0e-9c55-2f6d0f3c1a77",
    "attachment": f"csi-{'x' * 64}",
    "class": "gp-xxx",
    "handle": "vol-xxxxxxxxxxxxxxxxx",
    "address": "10.177.177.177",
    "claim_uid": f"7d8c1c60{UID_TAIL}",
}
"""What is another text of the same length in every copy: a longer one before one that it holds."""


def names(number: int) -> dict[str, str]:
    """Return what stands for each token in the objects of one pod; `node` is its node's."""
    return {
        "node": node(number // PODS_A_NODE),
        "namespace": f"team-{number % NAMESPACES:02d}",
        "pod": f"database-{number:06d}",
        "claim": f"data-database-{number:06d}",
        "volume": f"pvc-{number:08x}-6b1d-4f0e-9c55-2f6d0f3c1a77",
        "attachment": f"csi-{number:064x}",
        "class": CLASSES[number % len(CLASSES)],
        "handle": f"vol-{number:017x}",
        "claim_uid": f"{number:08x}{UID_TAIL}",
        "uid": f"{number:08x}{UID_TAIL}",
        "address": f"10.{100 + number // 10_000}.{100 + number // 100 % 100}.{100 + number % 100}",
    }


def node(number: int) -> str:
    """Return the name of a node."""
    return f"ip-10-{number // 1000:03d}-{number % 1000:03d}.example.internal"


def of_node(number: int) -> dict[str, str]:
    """Return what stands for each token in the objects of one node or class."""
    return {**names(number), "node": node(number)}


def parts(stored: bytes, uid: str, seconds: int) -> list[bytes]:
    """Split what is stored so that every second part names what changes from copy to copy."""
    for token, text in (*TOKENS.items(), ("uid", uid)):
        stored = stored.replace(text.encode(), _mark(token))
    for second in (_THEN, *range(seconds - 2, seconds + 30)):
        stored = stored.replace(varint(second), _mark("time"))
    return stored.split(_MARK)


def copy(of: list[bytes], values: Mapping[str, bytes]) -> bytes:
    """Put the values in; each is as long as what it stands for, so no length in between changes."""
    made = of.copy()
    made[1::2] = [values[token.decode()] for token in of[1::2]]
    return b"".join(made)


def varint(seconds: int) -> bytes:
    """Return a time as the API server stores it: five bytes, from 1978 to 3058."""
    found = []
    while seconds > 0x7F:
        found.append(seconds & 0x7F | 0x80)
        seconds >>= 7
    return bytes([*found, seconds])


_MARK = b"<<copy>>"


def _mark(token: str) -> bytes:
    return _MARK + token.encode() + _MARK
