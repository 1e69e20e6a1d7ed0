"""One node of a GlusterFS pool: a root file system of its own, a network cable, a glusterd.

Its root is this machine's, read-only below a small tmpfs: what is written there is the node's own,
and it can be filled. Who the other nodes are is known to `gluster`.
"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from local import namespaces
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.namespaces import Space
    from local.processes import Processes

ROOT_SIZE, BRICKS_SIZE = "64m", "64m"
PID_FILE = Path("run/glusterd.pid")
LOG = Path("var/log/glusterfs/glusterd.log")
COMMAND_LOG = Path("var/log/glusterfs/cmd_history.log")
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
work=$1 tree=$2 name=$3 root_size=$4 bricks_size=$5; shift 5
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
for shown; do mkdir -p ".$shown"; mount --rbind "$shown" ".$shown"; done
hostname "$name"
ip link set lo up
pivot_root . old
cd /
umount -l /old
"""


class GlusterNode:
    """A running node; glusterd does not run until `start`."""

    def __init__(self, space: Space, address: str) -> None:
        """Take the namespaces of a node; `open_node` is the way in."""
        self.space = space
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

    def start(self, level: str = "INFO") -> None:
        """Start glusterd, and with it the bricks that should run; returns when it answers."""
        self.run("glusterd", f"--pid-file=/{PID_FILE}", f"--log-level={level}")

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

    def power_off(self) -> None:
        """End every process of the node at once; `start` is the boot that follows."""
        with contextlib.suppress(LocalClusterError):  # the shell ends with what it kills
            self.run("sh", "-c", "kill -KILL -1")
        self.run("sh", "-c", "umount -l /client/* 2>/dev/null; rm -rf /run/*")

    def kill_brick(self, volume: str) -> None:
        """End the node's brick processes of a volume (SIGKILL)."""
        pids = " ".join(f"/run/gluster/vols/{volume}/*.pid".split())
        self.run("sh", "-c", f"kill -KILL $(cat {pids})")

    def mount(self, volume: str) -> Path:
        """Mount a volume in the node, as clients do; returns where, as seen in the node."""
        where = Path("/client") / volume
        self.run("mkdir", "-p", where)
        self.run("glusterfs", f"--volfile-server={self.name}", f"--volfile-id={volume}", where)
        return where

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


def open_node(
    processes: Processes, directory: Path, tree: Path, name: str, hosts: Mapping[str, str]
) -> GlusterNode:
    """Make a node without a cable; `hosts` are the addresses of all."""
    work = directory / name
    work.mkdir()
    shown = (str(directory),)
    space = namespaces.open_space(
        processes,
        directory,
        name,
        SCRIPT,
        str(work),
        str(tree),
        name,
        ROOT_SIZE,
        BRICKS_SIZE,
        *shown,
    )
    node = GlusterNode(space, hosts[name])
    lines = [f"{address} {host}\n" for host, address in hosts.items()]
    (node.root / "etc/hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
    (node.root / "etc/glusterfs/glusterd.vol").write_text(VOLFILE)
    return node
