"""Rok's snapshot space of this node: its file system's sizes, and the volume group that it lies in.

Sizes are statfs', asked so that a file system that hangs is a sentence and never a hang of ours.
The group is LVM's own report, by a Shell, which is opt-in: whoever may ask LVM may read disks. A
node without Rok shows nothing. Nothing here changes anything: LVM is asked to take no lock.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe import errors, model, rok_memory
from exporter.observe.bounded import Bounded
from exporter.observe.model import Kind, Object, RokSpace
from exporter.observe.parse import lvm
from exporter.observe.parse.lvm import VolumeGroup
from exporter.observe.rok_memory import RokMemory
from exporter.observe.shell import Shell
from exporter.observe.shell.pod import ExecSettings

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's own, the same in every container, and what a Node's status.nodeInfo.bootID has."""
LARGEST = 1024 * 1024
"""Bytes of LVM's report: it has less than 1 KB a group."""
SAVE_SECONDS = 60.0


class RokSettings(msgspec.Struct, frozen=True):
    """The section `rok`."""

    path: Annotated[
        Path, setting("Where Rok's snapshot space is mounted. Where it is not there, Rok is not.")
    ] = Path("/mnt/data/rok")
    group: Annotated[str, setting("The volume group that it lies in.")] = "rokvg"
    disks: Annotated[
        int | None,
        setting(
            "How many disks Rok Disk Manager makes that group of; more say that somebody extended"
            " it. Without it, the fewest that were ever seen here."
        ),
    ] = None
    lvm: Annotated[
        tuple[str, ...],
        setting(
            "The words that begin a command of LVM's, as in [lvm]; `vgs` and its arguments follow."
            " Without any, LVM is not asked: it reads the node's disks."
        ),
    ] = ()
    exec: Annotated[
        ExecSettings,
        setting("In which pods LVM is asked, such as Rok Disk Manager's; on this host without."),
    ] = ExecSettings()
    timeout: Annotated[
        Duration, setting("How long the file system, and LVM, may take to answer.", unit="duration")
    ] = Duration(10)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if not self.path.is_absolute():
            yield ("path", "must begin with /")
        if self.disks is not None and self.disks < 1:
            yield ("disks", "must be at least 1")
        if self.timeout <= 0:
            yield ("timeout", "must be more than 0s")
        if self.exec.namespace and not self.lvm:
            yield ("lvm", "must say what is run in those pods")


class Sizes(msgspec.Struct, frozen=True):
    """A file system's, in bytes, as `df -B1` has them."""

    size: int
    used: int
    available: int


class Rok:
    """The source.

    `shell` runs LVM's command, where the settings have one; None: it is not asked. `state` is a
    file that keeps what a restart would forget; None: it is forgotten.
    """

    name = "rokspace"
    kinds = frozenset({Kind.ROK_SPACE})
    every = 30.0

    def __init__(
        self,
        node: str,
        settings: RokSettings,
        shell: Shell | None = None,
        state: Path | None = None,
        *,
        boot_id: Path = BOOT_ID,
        sizes: Callable[[Path], Sizes | None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._node = node
        self._settings = settings
        self._shell = shell if settings.lvm else None
        self._state = state
        self._boot_id = boot_id
        self._clock = clock
        measure, path = sizes or sizes_of, settings.path
        self._sizes = Bounded(lambda: measure(path), f"the file system of {path}")
        self._known: RokMemory | None = None
        self._saved = RokMemory()
        self._unwritable = False

    async def look(self) -> Sequence[Object]:
        """Return the space, or nothing on a node without Rok."""
        group, unseen = None, "LVM is not asked on this node"
        if self._shell is not None:
            try:
                group = await self._group(self._shell)
                unseen = "" if group else f"LVM knows no volume group {self._settings.group}"
            except errors.ObserveError as error:
                unseen = str(error)
        try:
            sizes = await self._sizes.ask(self._settings.timeout)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise errors.Unreachable(f"the file system of {self._settings.path}: {why}") from error
        if sizes is None and group is None:
            return ()
        space = RokSpace(self._node, *(None, None, None) if sizes is None else _tuple(sizes))
        return [await self._remembering(space, group, unseen)]

    async def _group(self, shell: Shell) -> VolumeGroup | None:
        command = [*self._settings.lvm, *VGS]
        said = await shell.run(command, timeout=self._settings.timeout, largest=LARGEST)
        found = lvm.groups(said.stdout)
        if said.status != 0 or found is None:
            why = said.stderr.decode(errors="replace").strip()[: model.LONGEST_TEXT]
            reason = why or "no report that can be read"
            raise errors.Garbage(f"{' '.join(command[:2])} ended with {said.status}: {reason}")
        ours = [one for one in found if one.name == self._settings.group]
        if len(ours) > 1:
            raise errors.Garbage(f"there are {len(ours)} volume groups {self._settings.group}")
        return ours[0] if ours else None

    async def _remembering(
        self, space: RokSpace, group: VolumeGroup | None, unseen: str
    ) -> RokSpace:
        now, boot = self._clock(), _text(self._boot_id)
        known = self._known
        if known is None:
            known = self._saved = await asyncio.to_thread(read, self._state)
        known = rok_memory.filled(known, now, full=space.full)
        extension = rok_memory.UNKNOWN
        if group is not None:
            known, extension = rok_memory.grown(known, group, self._settings.disks, boot)
        self._known = known
        await self._keep(known)
        return msgspec.structs.replace(
            space,
            group=group.name if group else "",
            group_size=group.size if group else None,
            group_free=group.free if group else None,
            disks=group.disks if group else None,
            extended=extension.extended,
            rebooted=extension.rebooted,
            boot_id=boot,
            group_unseen=unseen,
            full_since=known.full_since,
            stays_full=rok_memory.stays_full(known, now),
        )

    async def _keep(self, known: RokMemory) -> None:
        """Write what is known where it changed, and now and then that it still is so."""
        before = msgspec.structs.replace(self._saved, saved=known.saved)
        if self._state is None or (
            before == known and known.saved - self._saved.saved < SAVE_SECONDS
        ):
            return
        try:
            await asyncio.to_thread(write, self._state, known)
        except OSError as error:
            if not self._unwritable:
                log.warning("the state file %s cannot be written: %s", self._state, error)
            self._unwritable = True
        else:
            self._saved, self._unwritable = known, False


VGS = (
    *("vgs", "--readonly", "--reportformat", "json", "--units", "b", "--nosuffix"),
    *("--options", ",".join(lvm.COLUMNS)),
)
"""Reads metadata from the disks and takes no lock."""


def sizes_of(path: Path) -> Sizes | None:
    """Return what df would say; None where there is no such path. May hang with its file system."""
    try:
        found = os.statvfs(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    block = found.f_frsize or found.f_bsize
    used = (found.f_blocks - found.f_bfree) * block
    return Sizes(found.f_blocks * block, used, found.f_bavail * block)


def read(state: Path | None) -> RokMemory:
    """Return what an earlier run wrote; a file that cannot be read is told of, and is none."""
    if state is None:
        return RokMemory()
    try:
        return msgspec.json.decode(state.read_bytes(), type=RokMemory)
    except FileNotFoundError:
        return RokMemory()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("the state file %s cannot be read and is begun anew: %s", state, error)
        return RokMemory()


def write(state: Path, known: RokMemory) -> None:
    """Replace the file in one step; raises OSError."""
    beside = state.with_name(f"{state.name}.new")
    beside.write_bytes(msgspec.json.encode(known))
    beside.replace(state)


def _tuple(sizes: Sizes) -> tuple[int, int, int]:
    return (sizes.size, sizes.used, sizes.available)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
