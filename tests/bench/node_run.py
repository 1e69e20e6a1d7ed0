"""The role `node` as it ships, started for a measurement and watched from outside through /proc.

Its host is this machine, or a node of a real GlusterFS pool, or this machine with a `gluster` of a
measurement's own. What is measured is decided by the callers. As a program it holds a hung mount.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from local import fuse_mount
from local.processes import free_ports
from tests.bench.figures import own_memory, processor_seconds, resident
from tests.observe.gluster_made import UUIDS, state_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode
    from local.processes import Child, Processes

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120.0
NOBODY = "http://127.0.0.1:9"
INDICES = ".glusterfs/indices/xattrop"
ON_PATH = "/usr/local/sbin"


class NodeRun:
    """From its start to its end, which comes with its processes."""

    def __init__(
        self, processes: Processes, directory: Path, name: str, before: Sequence[str] = ()
    ) -> None:
        """`before` stands before its command."""
        self.name = name
        self.url = ""
        self.child: Child
        self._processes = processes
        self._directory = directory / name
        self._directory.mkdir()
        self._before = before

    def start(self, web: Path | None = None, **settings: object) -> None:
        """Start it; returns when it has looked at everything once."""
        (port,) = free_ports(1)
        self.url = f"{'https' if web else 'http'}://127.0.0.1:{port}"
        common = {
            "listen": f"127.0.0.1:{port}",
            "node": "a",
            "state": str(self._directory),
            "kubernetes": {"server": NOBODY, "service_account_directory": str(self._directory)},
        }
        config = self._directory / "node.json"
        config.write_text(json.dumps(common | settings))
        program = (sys.executable, "-m", "exporter", "node", "--config", config)
        asked = ("--web.config.file", web) if web else ()
        self.child = self._processes.start(
            self.name,
            [*self._before, *program, *asked],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        if web is None:
            self.child.wait_ready(lambda: answers(f"{self.url}/readyz"), READY_SECONDS)

    @property
    def pid(self) -> int:
        """Its own number: what stands before its command may have stayed."""
        found = [self.child.process.pid]
        for pid in found:
            if b"exporter\0node\0" in _command(pid) and b"nsenter" not in _command(pid):
                return pid
            found += _children(pid)
        raise LookupError(self.name)

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far: its own, its commands' and its worker's."""
        pid = self.pid
        return processor_seconds(pid, children=True) + _of_children(pid, processor_seconds)

    @property
    def memory(self) -> float:
        """MiB: what it has resident, and what its worker does not share with it."""
        pid = self.pid
        return resident(pid) + _of_children(pid, own_memory)


def on_pool(processes: Processes, pool: GlusterPool, name: str, node: GlusterNode) -> NodeRun:
    """Return one for a node of a pool: a process of that node, but on the network of outside."""
    before = [str(word) for word in node.space.command((), network=False)]
    return NodeRun(processes, pool.directory, name, before)


def scripted(processes: Processes, directory: Path, name: str, volumes: int) -> NodeRun:
    """Return one that finds a `gluster` which knows so many volumes; start it with `of_script`."""
    where = directory / f"{name}-gluster"
    programs, state = where / "sbin", where / "state"
    for folder in (programs, where / "run", where / "work"):
        folder.mkdir(parents=True)
    names = [f"vol_{number:032x}" for number in range(volumes)]
    for one in names:
        index = where / "bricks" / one / INDICES
        index.mkdir(parents=True)
        (index / "xattrop-0").touch()
    state.write_bytes(state_file(names, str(where / "bricks")))
    (where / "work/glusterd.info").write_text(f"UUID={UUIDS[0]}\noperating-version=100000\n")
    program = programs / "gluster"
    copied = shlex.join(["cp", str(state), str(where / "run/pvmedic-glusterd-state")])
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *get-state*) exec {copied};; esac\necho glusterfs 10.3\n'
    )
    program.chmod(0o755)
    (where / "pid").write_text(f"{os.getpid()}\n")
    mounted = f'mount --bind {shlex.quote(str(programs))} {ON_PATH} && exec "$@"'
    private = ("unshare", "--mount", "--propagation", "private", "sh", "-c", mounted, "sh")
    return NodeRun(processes, directory, name, private)


def of_script(directory: Path, name: str, every: str) -> dict[str, str]:
    """Return the section `gluster` for a scripted one."""
    where = directory / f"{name}-gluster"
    return {
        "work_directory": str(where / "work"),
        "state_directory": str(where / "run"),
        "log_directory": str(where / "log"),
        "pid_file": str(where / "pid"),
        "every": every,
    }


def answers(url: str) -> bool:
    """Say whether a page is there."""
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310 -- loopback
            return True
    except (urllib.error.URLError, OSError):
        return False


def _of_children(pid: int, figure: Callable[[int], float]) -> float:
    """Sum it up; one that ended meanwhile has none."""
    found = 0.0
    for child in _children(pid):
        with suppress(OSError):
            found += figure(child)
    return found


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text().split()]


if __name__ == "__main__":
    with fuse_mount.hung(Path(sys.argv[1])):
        sys.stdout.write("hangs\n")
        sys.stdout.flush()
        sys.stdin.read()
