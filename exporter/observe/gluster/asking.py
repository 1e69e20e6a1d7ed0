"""What a glusterd is asked, and what its answers mean. Here all commands are, and no others.

`volume status`, `heal` and the like are transactions of the whole cluster: they take its locks, and
asked often they are the trouble that they look for. `get-state`, `pool list` and `volume info` are
answered by the one glusterd out of its memory. Each command ends by itself (`timeout`), because
what is given up in a container goes on there.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from exporter.observe import errors
from exporter.observe.model import GlusterdProblem, GlusterVolume, Peer
from exporter.observe.parse import gluster_info, gluster_state, gluster_xml
from exporter.observe.shell import Output, Shell

log = logging.getLogger(__name__)

STATE_FILE = "pvmedic-glusterd-state"
"""A fixed name: what a crash leaves is overwritten and removed by the next look."""
GRACE_SECONDS = 3.0
"""How much longer than a command's own end is waited for."""
SMALL = 64 * 1024
SOON_SECONDS = 5.0
"""For what needs no glusterd."""

_GLUSTER = ("gluster", "--mode=script", "--log-file=/dev/null")
VERSION = ("gluster", "--version")
POOL_LIST = (*_GLUSTER, "--xml", "pool", "list")
VOLUME_INFO = (*_GLUSTER, "--xml", "volume", "info")

_TIMED_OUT = (124, 137)
_NO_PROGRAM = (126, 127)
_SHOWN = 300


class Refused(msgspec.Struct, frozen=True):
    """Why there is no answer, and the sentence for it."""

    problem: GlusterdProblem
    why: str


class Answer(msgspec.Struct, frozen=True):
    """What a glusterd says. `lacking`: the sentence why it is not all that there is to know."""

    uuid: str
    op_version: int
    peers: tuple[Peer, ...]
    volumes: tuple[GlusterVolume, ...]
    lacking: str = ""


def get_state(directory: Path) -> tuple[str, ...]:
    """Have glusterd write its state into our file."""
    return (*_GLUSTER, "get-state", "odir", str(directory), "file", STATE_FILE)


def read(path: Path) -> tuple[str, ...]:
    """Print a file."""
    return ("cat", str(path))


def remove(directory: Path) -> tuple[str, ...]:
    """Remove our file."""
    return ("rm", "-f", str(directory / STATE_FILE))


def find(directories: Sequence[str]) -> tuple[str, ...]:
    """Print directories and what is in them."""
    return ("find", *directories, "-maxdepth", "1")


class Asking:
    """Asks the glusterd of one node, over a shell."""

    def __init__(
        self, shell: Shell, directory: Path, seconds: float, steady: Callable[[], float]
    ) -> None:
        self._shell = shell
        self._directory = directory
        self._seconds = seconds
        self._steady = steady
        self._left_behind = False

    async def everything(self, node: str, info: gluster_info.Info) -> Answer | Refused:
        """Return all that it knows; raises ObserveError when nobody could be asked at all."""
        state = await self._state(node)
        if isinstance(state, Refused):
            if state.problem is not GlusterdProblem.STATE_UNWRITABLE:
                return state
            return await self._by_parts(node, info, state.why)
        return Answer(state.uuid, state.op_version, state.peers, state.volumes)

    async def release(self) -> str:
        """Return the release of its command line; empty when it does not say."""
        said = await self.soon(VERSION)
        return gluster_info.release(said) if isinstance(said, bytes) else ""

    async def _state(self, node: str) -> gluster_state.State | Refused:
        try:
            asked = await self._run(get_state(self._directory), SMALL, self._seconds)
            if isinstance(asked, Refused):
                if asked.problem is GlusterdProblem.OTHER:
                    # It has answered: there is no such directory, no room, no such command.
                    return Refused(GlusterdProblem.STATE_UNWRITABLE, asked.why)
                return asked
            path = self._directory / STATE_FILE
            body = await self._run(read(path), gluster_state.LARGEST, self._seconds)
        finally:
            await self._remove()
        if isinstance(body, Refused):
            return Refused(GlusterdProblem.STATE_UNWRITABLE, body.why)
        # Thousands of volumes take long enough that a scrape would wait.
        found = await asyncio.to_thread(gluster_state.state, body, node)
        if isinstance(found, str):
            return Refused(GlusterdProblem.STATE_UNWRITABLE, found)
        return found

    async def _by_parts(self, node: str, info: gluster_info.Info, lacking: str) -> Answer | Refused:
        """Ask for peers and volumes one by one: no state of a brick then, and no quorum."""
        said = await self._run(POOL_LIST, gluster_xml.LARGEST, self._seconds)
        if isinstance(said, Refused):
            return said
        found = gluster_xml.peers(said)
        if isinstance(found, str):
            return Refused(GlusterdProblem.OTHER, f"pool list: {found}")
        uuid, peers = found
        said = await self._run(VOLUME_INFO, gluster_xml.LARGEST, self._seconds)
        if isinstance(said, Refused):
            return said
        volumes = await asyncio.to_thread(gluster_xml.volumes, said, node, uuid or info.uuid)
        if isinstance(volumes, str):
            return Refused(GlusterdProblem.OTHER, f"volume info: {volumes}")
        return Answer(uuid or info.uuid, info.op_version, peers, volumes, lacking)

    async def _remove(self) -> None:
        """Remove our file, whatever happened; where that fails it is overwritten next time."""
        try:
            said = await self.soon(remove(self._directory))
            failed = said.why if isinstance(said, Refused) else ""
        except errors.ObserveError as error:
            failed = str(error)
        if failed and not self._left_behind:
            log.warning("the state file of glusterd stays behind: %s", failed)
        self._left_behind = bool(failed)

    async def listed(self, command: Sequence[str], largest: int) -> bytes | None:
        """Return what `find` prints, also when some of what it is asked for is not there."""
        try:
            said = await self._shell.run(
                _limited(command, self._seconds),
                timeout=self._seconds + GRACE_SECONDS,
                largest=largest,
            )
        except errors.ObserveError:
            return None
        return said.stdout if said.status in (0, 1) else None

    async def soon(self, command: Sequence[str]) -> bytes | Refused:
        """Return what a command prints that says little and waits for nobody."""
        return await self._run(command, SMALL, min(self._seconds, SOON_SECONDS))

    async def _run(self, command: Sequence[str], largest: int, seconds: float) -> bytes | Refused:
        """Return what a command prints, or why it does not count."""
        began = self._steady()
        try:
            said = await self._shell.run(
                _limited(command, seconds), timeout=seconds + GRACE_SECONDS, largest=largest
            )
        except errors.NotFound as error:
            return Refused(GlusterdProblem.NOT_RUNNING, str(error))
        except errors.Garbage as error:
            return Refused(GlusterdProblem.OTHER, str(error))
        except errors.Unreachable as error:
            if self._steady() - began < seconds:
                # The road to it is broken, which tells nothing of it.
                raise
            return Refused(GlusterdProblem.TIMEOUT, str(error))
        late = said.status in _TIMED_OUT or (said.status < 0 and self._steady() - began >= seconds)
        if late:
            why = f"{command[0]} did not end within {seconds:g} s"
            return Refused(GlusterdProblem.TIMEOUT, why)
        return said.stdout if said.status == 0 else _refused(command[0], said)


def _refused(name: str, said: Output) -> Refused:
    words = (said.stdout[:_SHOWN] + said.stderr[:_SHOWN]).decode("utf-8", "replace").strip()
    problem = GlusterdProblem.OTHER
    if said.status in _NO_PROGRAM:
        problem = GlusterdProblem.CLI_MISSING
    elif "Connection failed" in words:
        problem = GlusterdProblem.NOT_ANSWERING
    elif "timed out" in words:
        problem = GlusterdProblem.TIMEOUT
    return Refused(problem, f"{name} ended with {said.status}: {words}")


def _limited(command: Sequence[str], seconds: float) -> Sequence[str]:
    return ("timeout", "-k", "2", f"{seconds:g}", *command)
