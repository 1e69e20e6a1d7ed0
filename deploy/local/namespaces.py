"""A process with namespaces of its own, as root: what is started in it ends with it.

The kernel does the tidying: with the first process of a pid namespace all others end, with the last
user of a mount or network namespace its mounts, bridges and cables go. Nothing of it is ever seen
outside, so that nothing can be left over. What happens inside is decided by the callers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.processes import Child, Processes

READY_SECONDS = 10.0
PROGRAMS = ("unshare", "nsenter", "ip", "mount")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""All that commands inside get; GlusterFS takes PYTHON for its own, which make hands down."""
# A shell that stays collects the processes that lose their parents; a brick that was killed must
# not stay as a zombie, which would count as alive.
STAY = "while :; do sleep 3600 & wait; done"
# The proc that is mounted before the script says our number outside.
ANNOUNCE = 'exec 3>"$1"; read -r number rest </proc/self/stat; shift; '


@dataclass(frozen=True)
class Space:
    """Namespaces (mount, network, pid, IPC, host name) and the first process in them."""

    name: str
    child: Child
    pid: int

    @property
    def root(self) -> Path:
        """The root directory as it is inside."""
        return Path(f"/proc/{self.pid}/root")

    def command(self, words: Sequence[str | Path], *, network: bool = True) -> list[str | Path]:
        """Return a command that runs another one inside; on the network of outside, if it must."""
        kinds = ("--mount", "--pid", "--ipc", "--uts", "--root", "--wd")
        net = ("--net",) if network else ()
        return ["nsenter", f"--target={self.pid}", *kinds, *net, "--", *words]

    def network(self, *words: str) -> None:
        """Run `ip` on the network inside, with the processes of outside; raises with its words."""
        command = ["nsenter", f"--target={self.pid}", "--net", "--", "ip", *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"{self.name}: ip {' '.join(words)}: {done.stderr.strip()}"
            raise LocalClusterError(message)

    def run(self, words: Sequence[str | Path], seconds: float = 60.0) -> str:
        """Run a command inside and return what it printed; raises with its words otherwise."""
        done = self.attempt(words, seconds)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()) or f"status {done.returncode}"
            text = " ".join(str(word) for word in words)
            message = f"{self.name}: {text}: {said}"
            raise LocalClusterError(message)
        return done.stdout

    def attempt(
        self, words: Sequence[str | Path], seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever becomes of it; raises when it does not end."""
        try:
            return subprocess.run(
                self.command(words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
                env=ENVIRONMENT,
            )
        except subprocess.TimeoutExpired:
            text = " ".join(str(word) for word in words)
            message = f"{self.name}: {text}: no end after {seconds:.0f} s"
            raise LocalClusterError(message) from None


def why_not() -> str:
    """Say why this machine gives no namespaces to whoever runs this; empty when it may."""
    return lacking(os.geteuid(), os.environ.get("PATH", os.defpath))


def lacking(user: int, path: str) -> str:
    """Say what this user lacks, who finds programs on this path."""
    if user != 0:
        return "mount and network namespaces need root"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"{', '.join(missing)} missing; the packages are util-linux, mount and iproute2"
    return ""


def open_space(processes: Processes, directory: Path, name: str, script: str, *words: str) -> Space:
    """Run a shell script in new namespaces, with `words` as its arguments, and let it stay.

    Raises LocalClusterError when this machine has none to give, or when the script fails.
    """
    if reason := why_not():
        raise LocalClusterError(reason)
    told = directory / f"{name}.pid"
    kinds = ("--mount", "--net", "--pid", "--ipc", "--uts", "--propagation=private")
    unshare = ("unshare", *kinds, "--fork", "--kill-child")
    whole = f'set -eu; {ANNOUNCE}{script}\necho "$number" >&3; exec 3>&-; {STAY}'
    child = processes.start(name, [*unshare, "sh", "-c", whole, "sh", told, *words])
    child.wait_ready(lambda: told.exists() and told.read_text().endswith("\n"), READY_SECONDS)
    return Space(name, child, int(told.read_text()))
