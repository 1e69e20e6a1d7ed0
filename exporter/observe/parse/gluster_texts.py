"""What the texts in a glusterd log say, without what stands before them in the line.

One rule a wording: how it begins, its grammar, what it means. A text of no rule is nothing, and so
is one that begins like a rule's and goes on otherwise (`Lock for vol x successfully held by`).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from exporter.observe.model.gluster_lines import (
    BrickGone,
    GlusterdStarted,
    LockError,
    LogFact,
    PeerGone,
    QuorumTurned,
)

RELEASES = b"__glusterd_peer_rpc_notify"
"""The function in which glusterd lets go the locks of a peer that went away, volume by volume."""


class Said(NamedTuple):
    """How a text came: last and first time, how often, and the function that wrote it."""

    at: float
    first: float
    times: int
    function: bytes


class Rule(NamedTuple):
    """A wording."""

    begins: bytes
    grammar: re.Pattern[bytes]
    means: Callable[[re.Match[bytes], Said], LogFact]


def fact(text: bytes, said: Said) -> LogFact | None:
    """Return what a text says."""
    for rule in RULES:
        if text.startswith(rule.begins):
            found = rule.grammar.match(text)
            if found is not None:
                return rule.means(found, said)
    return None


def _word(found: re.Match[bytes], group: str) -> str:
    return found[group].decode(errors="replace")


def _lock(kind: str) -> Callable[[re.Match[bytes], Said], LogFact]:
    def means(found: re.Match[bytes], said: Said) -> LogFact:
        named = {name: word.decode(errors="replace") for name, word in found.groupdict(b"").items()}
        return LockError(
            said.at,
            kind,
            named.get("volume", ""),
            named.get("holder", "").lower(),
            named.get("peer", ""),
            said.function == RELEASES,
            said.times,
        )

    return means


def _peer_gone(found: re.Match[bytes], said: Said) -> LogFact:
    host, uuid, state = _word(found, "host"), _word(found, "uuid").lower(), _word(found, "state")
    return PeerGone(said.at, host, uuid, state, said.first, said.times)


def _brick_gone(found: re.Match[bytes], said: Said) -> LogFact:
    return BrickGone(said.at, _word(found, "brick"), said.times)


def _quorum(found: re.Match[bytes], said: Said) -> LogFact:
    return QuorumTurned(said.at, _word(found, "volume"), lost=found["turn"] == b"lost")


def _started(found: re.Match[bytes], said: Said) -> LogFact:
    del found
    return GlusterdStarted(said.at)


_VOLUME = rb"(?:(?:vol|snap|global) )?(?P<volume>[^ .]{1,255}+)"
"""Neither volumes nor snapshots have dots in their names."""
_UUID = rb"[0-9a-fA-F-]{36}"
_HOLDER = rb"(?P<holder>" + _UUID + rb")"
_PEER = rb"(?P<peer>\S{1,255}?)\.?"
_ANOTHER = b"Another transaction "
_BUSY = rb"(?:is|could be) in progress(?: for (?P<volume>[^ .]{1,255}+))?(?:\.|\s|$)"


def _rule(begins: bytes, rest: bytes, means: Callable[[re.Match[bytes], Said], LogFact]) -> Rule:
    return Rule(begins, re.compile(re.escape(begins) + rest), means)


RULES = (
    _rule(b"Lock for ", _VOLUME + rb" not held$", _lock("not_held")),
    _rule(b"Lock not released for ", _VOLUME + rb"$", _lock("not_released")),
    _rule(b"Lock for ", _VOLUME + rb" held by " + _HOLDER + rb"$", _lock("held_by")),
    _rule(
        b"Lock owner mismatch. Lock for ",
        _VOLUME + rb" held by " + _HOLDER + rb"$",
        _lock("held_by"),
    ),
    _rule(
        b"Unable to get lock for uuid: ",
        _UUID + rb", lock held by: " + _HOLDER + rb"$",
        _lock("held_by"),
    ),
    _rule(b"Unable to acquire lock for ", _VOLUME + rb"\.?$", _lock("not_acquired")),
    _rule(b"Failed to acquire lock for ", _VOLUME + rb"\.?(?:\s|$)", _lock("not_acquired")),
    _rule(b"Unable to release lock for ", _VOLUME + rb"\.?$", _lock("not_released")),
    _rule(b"Failed to release lock for ", _VOLUME + rb"\.?(?:\s|$)", _lock("not_released")),
    _rule(b"Unlocking failed on ", _PEER + rb"(?:\s|$)", _lock("not_released")),
    _rule(
        b"Unlocking failed for operation volume ",
        rb".{1,64}? on peer " + _PEER + rb"$",
        _lock("not_released"),
    ),
    _rule(
        b"Locking failed on ",
        _PEER + rb"(?:\s+(?:" + _ANOTHER + _BUSY + rb"|.*$)|$)",
        _lock("locking_failed"),
    ),
    _rule(_ANOTHER, _BUSY, _lock("another_transaction")),
    _rule(
        b"Peer <",
        rb"(?P<host>[^<>]{0,255})> \(<(?P<uuid>[^<>]{0,64})>\), in state <(?P<state>[^<>]{0,64})>,"
        rb" has disconnected from glusterd",
        _peer_gone,
    ),
    _rule(b"Brick ", rb"(?P<brick>\S.{0,4096}?) has disconnected from glusterd", _brick_gone),
    _rule(
        b"Server quorum ",
        rb"(?P<turn>lost|regained) for volume (?P<volume>[^ .]{1,255}+)\.(?:\s|$)",
        _quorum,
    ),
    _rule(b"Started running ", rb"", _started),
)

_FIRST = re.escape(bytes(sorted({rule.begins[0] for rule in RULES})))
NO_RULE = rb"(?!\(|[%s](?:%s))" % (
    _FIRST,
    b"|".join(sorted({re.escape(rule.begins[1:]) for rule in RULES})),
)
"""A pattern that matches nowhere else than before a text of no rule; a bracket may hide one."""
