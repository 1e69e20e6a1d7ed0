"""What single lines of the glusterd log say. Values only: reading and counting are elsewhere.

`at` is the time of the line in Unix seconds; of a text that glusterd folded (`repeated N times
between`) it is the last time, `first` the earliest, and `times` says how often it came.
"""

from typing import TypeAlias

import msgspec


class LockError(msgspec.Struct, frozen=True, gc=False):
    """A lock was not there, not given or not given back: `kind` is one of `LOCK_KINDS`.

    `volume`, `holder` (uuid of a glusterd) and `peer` are empty where the text has none. `release`:
    said by the function that lets go the locks of a peer that went away.
    """

    at: float
    kind: str
    volume: str = ""
    holder: str = ""
    peer: str = ""
    release: bool = False
    times: int = 1


class PeerGone(msgspec.Struct, frozen=True, gc=False):
    """A peer has disconnected from this glusterd; `state` is what it was to it."""

    at: float
    hostname: str
    uuid: str
    state: str
    first: float
    times: int = 1


class BrickGone(msgspec.Struct, frozen=True, gc=False):
    """A brick has disconnected from this glusterd."""

    at: float
    brick: str
    times: int = 1


class QuorumTurned(msgspec.Struct, frozen=True, gc=False):
    """A volume has lost its server quorum, or has it again."""

    at: float
    volume: str
    lost: bool


class GlusterdStarted(msgspec.Struct, frozen=True, gc=False):
    """Glusterd began anew: the locks that it gave are gone."""

    at: float


LogFact: TypeAlias = LockError | PeerGone | BrickGone | QuorumTurned | GlusterdStarted


class Scanned(msgspec.Struct, frozen=True):
    """What some whole lines said, in their order. `unparsed` began like a line and were none."""

    lines: int
    unparsed: int
    facts: tuple[LogFact, ...] = ()
