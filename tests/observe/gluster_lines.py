"""Lines of a glusterd log, as its versions write them. Values only, for the tests of the log."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

T0 = 1_612_147_290.0
"""2021-02-01 02:41:30 UTC."""
UUID_A = "1f2f2b3a-9c41-4a3c-8f5e-0a0d3c1b2e4f"
UUID_B = "7c6e5d4c-3b2a-4190-8877-665544332211"
BACKTRACE = (
    "(-->/usr/lib64/glusterfs/4.1.7/xlator/mgmt/glusterd.so(+0x2431a) [0x7fce6671a31a]"
    " -->/usr/lib64/glusterfs/4.1.7/xlator/mgmt/glusterd.so(+0x2e550) [0x7fce66724550]"
    " -->/usr/lib64/glusterfs/4.1.7/xlator/mgmt/glusterd.so(+0xe86b3) [0x7fce667de6b3] ) "
)
NOTIFY = "glusterd-handler.c:6407:__glusterd_peer_rpc_notify"
UNLOCK = "glusterd-locks.c:845:glusterd_mgmt_v3_unlock"
LOCK = "glusterd-locks.c:583:glusterd_mgmt_v3_lock"


class Style(NamedTuple):
    """How a version writes a line."""

    zone: str = ""
    trailing: str = ""
    msgids: bool = True
    local: tzinfo = UTC

    def time(self, at: float) -> str:
        """Return a time."""
        moment = datetime.fromtimestamp(at, self.local)
        return f"{moment:%Y-%m-%d %H:%M:%S.%f}{self.zone}"

    def line(self, at: float, level: str, place: str, text: str, msgid: int = 0) -> bytes:
        """Return a line; those with a backtrace never have a number."""
        number = f"[MSGID: {msgid}] " if msgid and self.msgids else ""
        trace = "" if msgid else BACKTRACE
        said = f"[{self.time(at)}] {level} {number}[{place}] {trace}0-management: {text}"
        return f"{said}{self.trailing}\n".encode()

    def not_held(self, at: float, volume: str) -> bytes:
        """What unlocking says of a lock that nobody has."""
        return self.line(at, "W", UNLOCK, f"Lock for vol {volume} not held")

    def not_released(self, at: float, volume: str) -> bytes:
        """What follows it while a peer's locks are let go."""
        return self.line(at, "W", NOTIFY, f"Lock not released for {volume}", 106117)

    def held(self, at: float, volume: str, holder: str) -> bytes:
        """A lock that another has."""
        return self.line(at, "W", LOCK, f"Lock for {volume} held by {holder}")

    def disconnected(
        self, at: float, host: str, uuid: str, state: str = "Peer in Cluster"
    ) -> bytes:
        """A peer went away."""
        text = f"Peer <{host}> (<{uuid}>), in state <{state}>, has disconnected from glusterd."
        return self.line(at, "I", NOTIFY, text, 106004)

    def quorum(self, at: float, volume: str, *, lost: bool) -> bytes:
        """Server quorum turned."""
        place = "glusterd-server-quorum.c:354:glusterd_do_volume_quorum_action"
        turn = "lost" if lost else "regained"
        then = "Stopping" if lost else "Starting"
        text = f"Server quorum {turn} for volume {volume}. {then} local bricks."
        return self.line(at, "C", place, text, 106002 if lost else 106003)

    def calm(self, at: float) -> bytes:
        """A line that means nothing here."""
        place = "glusterd-handler.c:1244:__glusterd_handle_cli_list_friends"
        return self.line(at, "I", place, "Received cli list req", 106487)


V3_12 = Style(trailing=" ")
V4_1 = Style()
V10 = Style(zone=" +0000")
STYLES = (V3_12, V4_1, V10, Style(msgids=False))


def flood(style: Style, at: float, volumes: int, host: str = "node-b", uuid: str = UUID_B) -> bytes:
    """Return what one disconnect writes."""
    lines = [style.disconnected(at, host, uuid)]
    for number in range(volumes):
        moment = at + number * 0.0002
        lines += [
            style.not_held(moment, f"vol_{number}"),
            style.not_released(moment, f"vol_{number}"),
        ]
    return b"".join(lines)
