"""One node of a GlusterFS pool: a root file system of its own, a network cable, a glusterd.

Its root is this machine's, read-only below a small tmpfs: what is written there is the node's own,
and it can be filled. Who the other nodes are is known to `gluster`.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local import namespaces
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.namespaces import Space
    from local.processes import Processes

ROOT_SIZE, BRICKS_SIZE = "64m", "64m"
PID_FILE = Path("run/glusterd.pid")
LOG = Path("var/log/glusterfs/glusterd.log")
COMMAND_LOG = Path("var/log/glusterfs/cmd_history.log")
POLL_SECONDS = 0.05
LINES = 15
FILLER = Path("var/log/filler")
# What ships: keepalive 10 s and 2 s nine times, so that a pulled cable is noticed after half a
# minute; locks end after 180 s.
KEEPALIVE, LOCK_SECONDS = 1, 30
VOLFILE = f"""volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
    option transport-type socket
    option transport.socket.keepalive-time {KEEPALIVE}
    option transport.socket.keepalive-interval {KEEPALIVE}
    option transport.socket.keepalive-count 2
    option transport.tcp-user-timeout 2
    option transport.socket.read-fail-log off
    option transport.socket.listen-port 24007
    option ping-timeout 0
    option event-threads 1
    option lock-timer {LOCK_SECONDS}
    option max-port 60999
end-volume
"""
SCRIPT = """
work=$1 tree=$2 name=$3 root_size=$4 bricks_size=$5
mount -t tmpfs -o "size=$root_size,mode=755" pvmedic "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" pvmedic "$work/root"
cd "$work/root"
mount -t overlay -o "lowerdir=$tree/usr:/usr" pvmedic usr
rm -rf etc/glusterfs var/lib/glusterd var/log/glusterfs run
mkdir -p etc/glusterfs var/lib/glusterd var/log/glusterfs run bricks client old
cp -r "$tree/etc/glusterfs" etc
mount -t tmpfs -o "size=$bricks_size,mode=755" pvmedic bricks
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t proc proc proc
hostname "$name"
ip link set lo up
pivot_root . old
cd /
umount -l /old
"""


class GlusterNode:
    """A running node; glusterd does not run until `start`."""

    def __init__(self, space: Space, address: str, level: str) -> None:
        """Take the namespaces of a node; `open_node` is the way in."""
        self.space = space
        self._level = level
        self.name = space.name
        self.address = address

    @property
    def root(self) -> Path:
        """Its root directory, as a path of this machine."""
        return self.space.root

    @property
    def log(self) -> Path:
        """Its glusterd's log, as a path of this machine."""
        return self.root / LOG

    def run(self, *words: str | Path, seconds: float = 60.0) -> str:
        """Run a command in the node and return what it printed; raises LocalClusterError."""
        return self.space.run(words, seconds)

    def gluster(self, *words: str, seconds: float = 60.0) -> str:
        """Run the gluster command and return what it printed; raises LocalClusterError."""
        return self.run("gluster", "--mode=script", *words, seconds=seconds)

    def start(self) -> None:
        """Start glusterd, and with it the bricks that should run; returns when it answers."""
        words = ("glusterd", f"--pid-file=/{PID_FILE}", f"--log-level={self._level}")
        if self.space.attempt(words).returncode != 0:
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            end = "\n".join(lines[-LINES:])
            message = f"the glusterd of {self.name} did not start; its log ends:\n{end}"
            raise LocalClusterError(message)

    def stop(self) -> None:
        """Let glusterd end by itself (SIGTERM); bricks stay."""
        self._signal(signal.SIGTERM)
        self._gone()

    def kill(self) -> None:
        """End glusterd at once (SIGKILL); bricks stay, and so does its pid file."""
        self._signal(signal.SIGKILL)
        self._gone()

    def freeze(self) -> None:
        """Stop glusterd where it is (SIGSTOP): connections stay, answers do not come."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a stopped glusterd go on."""
        self._signal(signal.SIGCONT)

    def mend(self) -> None:
        """Make the node as it should be, whatever was done to it."""
        self.empty_root()
        alive = 'kill -CONT "$(cat "$0")" && kill -0 "$(cat "$0")"'
        if self.space.attempt(["sh", "-c", alive, f"/{PID_FILE}"]).returncode != 0:
            self.start()

    def power_off(self) -> None:
        """End every process of the node at once; `start` is the boot that follows."""
        with contextlib.suppress(LocalClusterError):  # the shell ends with what it kills
            self.run("sh", "-c", "kill -KILL -1")
        self.run("sh", "-c", "umount -l /client/* 2>/dev/null; rm -rf /run/*")

    def kill_brick(self, volume: str) -> None:
        """End the node's brick processes of a volume (SIGKILL)."""
        self.run("sh", "-c", f"kill -KILL $(cat /run/gluster/vols/{volume}/*.pid)")

    @contextlib.contextmanager
    def mounted(self, volume: str) -> Iterator[Path]:
        """Mount a volume in the node, as clients do; gives where, as seen in the node."""
        where = Path("/client") / volume
        self.run("mkdir", "-p", where)
        self.run("glusterfs", f"--volfile-server={self.name}", f"--volfile-id={volume}", where)
        try:
            yield where
        finally:
            self.run("umount", "--lazy", where)

    def begin(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start a command in the node and do not wait for its end."""
        nothing = subprocess.DEVNULL
        command = self.space.command(words)
        return subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, env=namespaces.ENVIRONMENT
        )

    def hold_lock(self, volume: str) -> subprocess.Popen[bytes]:
        """Begin a change of a volume that waits for a frozen peer; returns when its locks are held.

        Of two that begin at once one gets the lock, and the other ends because it does not.
        """
        two = [self.begin(*change(volume, value)) for value in ("5", "7")]
        deadline = time.monotonic() + LOCK_SECONDS
        while all(one.poll() is None for one in two):
            if time.monotonic() > deadline:
                message = f"{self.name} gets no lock of {volume}"
                raise LocalClusterError(message)
            time.sleep(POLL_SECONDS)
        return next(one for one in two if one.poll() is None)

    def fill_root(self) -> None:
        """Write to the root file system until there is no room."""
        self.space.attempt(["sh", "-c", f"cat /dev/zero >/{FILLER}"])

    def empty_root(self) -> None:
        """Give the room back that `fill_root` took."""
        self.run("rm", "-f", f"/{FILLER}")

    def _pid(self) -> str:
        return (self.root / PID_FILE).read_text().strip()

    def _signal(self, number: signal.Signals) -> None:
        self.run("kill", f"-{number.value}", self._pid())

    def _gone(self) -> None:
        self.run("sh", "-c", f"while kill -0 {self._pid()} 2>/dev/null; do sleep 0.02; done")


def change(volume: str, value: str) -> tuple[str, ...]:
    """Return a command that changes a volume, and needs its lock on every node for that."""
    return ("gluster", "--mode=script", "volume", "set", volume, "network.ping-timeout", value)


def open_node(
    processes: Processes,
    directory: Path,
    tree: Path,
    name: str,
    hosts: Mapping[str, str],
    level: str,
) -> GlusterNode:
    """Make a node without a cable, in the run's directory; `hosts` are the addresses of all."""
    work = directory / name
    work.mkdir()
    words = (str(work), str(tree), name, ROOT_SIZE, BRICKS_SIZE)
    space = namespaces.open_space(processes, directory, name, SCRIPT, *words)
    node = GlusterNode(space, hosts[name], level)
    lines = [f"{address} {host}\n" for host, address in hosts.items()]
    (node.root / "etc/hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
    (node.root / "etc/glusterfs/glusterd.vol").write_text(VOLFILE)
    return node
