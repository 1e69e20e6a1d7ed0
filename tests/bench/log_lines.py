"""A glusterd log of any length, and the rules that are looked for in it, for other programs too.

Two lines in a hundred mean something; most of those are the floods that a disconnect causes. Lines
are written as they are made: no log is ever held in memory.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tests.observe.gluster_lines import BACKTRACE, UUID_A, UUID_B

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HITS = 0.02
VOLUMES = 5500
A_SECOND = 2000
"""Lines that bear one second."""
DIFFERENT = 20 * A_SECOND


class Rule(NamedTuple):
    """What a kind of line looks like: for mtail and grep -E; how it begins, for grep -F."""

    kind: str
    pattern: str
    word: str


RULES = (
    Rule("not_held", "Lock for (vol |snap |global )?([^ .]+) not held", "Lock for "),
    Rule("not_released", "Lock not released for ([^ .]+)", "Lock not released for "),
    Rule("held_by", "Lock for ([^ .]+) held by ([0-9a-f-]+)", "Lock for "),
    Rule("held_by", "Lock owner mismatch. Lock for (vol )?([^ .]+) held by", "Lock owner mismatch"),
    Rule(
        "held_by",
        "Unable to get lock for uuid: .*, lock held by: ([0-9a-f-]+)",
        "Unable to get lock for uuid",
    ),
    Rule("not_acquired", "Unable to acquire lock for ([^ .]+)", "Unable to acquire lock for "),
    Rule(
        "not_acquired",
        "Failed to acquire lock for (vol )?([^ .]+)",
        "Failed to acquire lock for ",
    ),
    Rule("not_released", "Unable to release lock for ([^ .]+)", "Unable to release lock for "),
    Rule(
        "not_released",
        "Failed to release lock for (vol )?([^ .]+)",
        "Failed to release lock for ",
    ),
    Rule("not_released", "Unlocking failed on ([^ ]+)", "Unlocking failed on "),
    Rule(
        "another_transaction",
        "Another transaction (is|could be) in progress( for [^ .]+)?",
        "Another transaction ",
    ),
    Rule("locking_failed", "Locking failed on ([^ ]+)", "Locking failed on "),
    Rule(
        "peer",
        "Peer <([^<>]*)> .<([^<>]*)>., in state <([^<>]*)>, has disconnected from glusterd",
        "Peer <",
    ),
    Rule("brick", "Brick (.+) has disconnected from glusterd", "Brick "),
    Rule("quorum", "Server quorum (lost|regained) for volume ([^ .]+)", "Server quorum "),
    Rule("start", "Started running ", "Started running "),
)

CALM = (
    (
        "I",
        106487,
        "glusterd-handler.c:1244:__glusterd_handle_cli_list_friends",
        "Received cli list req",
    ),
    (
        "I",
        106499,
        "glusterd-handler.c:4303:__glusterd_handle_status_volume",
        "Received status volume req for volume vol_{volume:032x}",
    ),
    ("I", 0, "rpc-clnt.c:1059:rpc_clnt_connection_init", "setting frame-timeout to 600"),
    (
        "I",
        106163,
        "glusterd-handshake.c:1379:__glusterd_mgmt_hndsk_versions_ack",
        "using the op-version 40100",
    ),
    (
        "I",
        106143,
        "glusterd-pmap.c:282:pmap_registry_bind",
        "adding brick /var/lib/heketi/mounts/vg_1/brick_{volume:032x}/brick on port 49153",
    ),
    (
        "W",
        0,
        "socket.c:593:__socket_rwv",
        "readv on /var/run/gluster/{volume:032x}.socket failed (No data available)",
    ),
    ("I", 106567, "glusterd-svc-mgmt.c:228:glusterd_svc_stop", "nfs service is stopped"),
    (
        "E",
        106061,
        "glusterd-utils.c:10171:glusterd_max_opversion_use_rsp_dict",
        "Maximum supported op-version not set in destination dictionary",
    ),
)
NOTIFY = "glusterd-handler.c:6407:__glusterd_peer_rpc_notify"
UNLOCK = "glusterd-locks.c:845:glusterd_mgmt_v3_unlock"
LOCK = "glusterd-locks.c:583:glusterd_mgmt_v3_lock"
MGMT = "glusterd-mgmt.c:85:gd_mgmt_v3_collate_errors"
FLOOD = (
    ("not_held", "W", -1, UNLOCK, "Lock for vol vol_{volume:032x} not held"),
    ("not_released", "W", 106117, NOTIFY, "Lock not released for vol_{volume:032x}"),
)
SELDOM = (
    ("held_by", "W", -1, LOCK, f"Lock for vol_{{volume:032x}} held by {UUID_B}"),
    ("held_by", "W", -1, UNLOCK, f"Lock owner mismatch. Lock for vol v held by {UUID_B}"),
    (
        "held_by",
        "E",
        106117,
        MGMT,
        f"Unable to get lock for uuid: {UUID_A}, lock held by: {UUID_B}",
    ),
    ("not_acquired", "E", 106118, MGMT, "Unable to acquire lock for vol_{volume:032x}"),
    ("not_acquired", "E", 106118, MGMT, f"Failed to acquire lock for vol v on behalf of {UUID_A}."),
    ("not_released", "E", 106117, MGMT, "Unable to release lock for vol_{volume:032x}"),
    ("not_released", "E", 106117, MGMT, f"Failed to release lock for vol v on behalf of {UUID_A}."),
    (
        "not_released",
        "E",
        106115,
        MGMT,
        "Unlocking failed on node-b. Please check log file for details.",
    ),
    (
        "another_transaction",
        "E",
        106118,
        MGMT,
        "Another transaction is in progress for v. Please try",
    ),
    (
        "locking_failed",
        "E",
        106115,
        MGMT,
        "Locking failed on node-b. Another transaction is in progress",
    ),
    (
        "peer",
        "I",
        106004,
        NOTIFY,
        f"Peer <node-b> (<{UUID_B}>), in state <Peer in Cluster>, has disconnected from glusterd.",
    ),
    ("brick", "I", 106005, NOTIFY, "Brick node-b:/bricks/v has disconnected from glusterd."),
    ("quorum", "C", 106002, MGMT, "Server quorum lost for volume v. Stopping local bricks."),
    (
        "start",
        "I",
        100030,
        "glusterfsd.c:2741:main",
        "Started running /usr/sbin/glusterd version 4.1.7",
    ),
)


def write(path: Path, lines: int) -> Counter[str]:
    """Write a log of so many lines; return how many there are of each kind."""
    told: Counter[str] = Counter()
    made = list(_different(random.Random(5)))  # noqa: S311 -- lines, not secrets
    moments = [f".{number * 1_000_000 // A_SECOND:06d}] " for number in range(A_SECOND)]
    with path.open("w") as file:
        for start in range(0, lines, A_SECOND):
            second = start // A_SECOND
            clock = (
                f"[2021-02-01 {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            )
            at = start % DIFFERENT
            some = made[at : at + min(A_SECOND, lines - start)]
            told.update(kind for kind, _ in some if kind)
            file.writelines(
                f"{clock}{moment}{text}" for moment, (_, text) in zip(moments, some, strict=False)
            )
    return told


def _different(chance: random.Random) -> Iterator[tuple[str, str]]:
    for _ in range(DIFFERENT):
        if chance.random() < HITS:
            hit = chance.choice(FLOOD if chance.random() < 0.9 else SELDOM)
        else:
            hit = ("", *chance.choice(CALM))
        kind, level, number, place, text = hit
        msgid = f"[MSGID: {number}] " if number > 0 else ""
        trace = BACKTRACE if number < 0 else ""
        said = text.format(volume=chance.randrange(VOLUMES) * 2**110)
        yield kind, f"{level} {msgid}[{place}] {trace}0-management: {said}\n"


def mtail_program() -> str:
    """Return the rules as mtail has them."""
    head = "counter lines_total\ncounter told_total by kind\n\n/$/ {\n  lines_total++\n}\n"
    rules = (f'/: {rule.pattern}/ {{\n  told_total["{rule.kind}"]++\n}}\n' for rule in RULES)
    return head + "".join(rules)
