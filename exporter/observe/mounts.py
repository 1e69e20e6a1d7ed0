"""Looks at what is mounted for claims on this node: mountinfo, and whether each mount answers.

What the kernel's table says is read in a thread, whether a mount answers is asked in a process
(`statfs`): a hung mount is a reason, and never a hang of ours. A mount that is gone when it is
asked has no problem. Of those in trouble the PersistentVolumes are read (`volumes`), so that a
claim can be named.

In a container the host's table and the host's folders lie at other places (`mountinfo`, `root`),
and a mount can only be asked where it has been propagated to us (`mountPropagation:
HostToContainer`); read-only file systems are seen in the table alone.
"""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from exporter.observe import errors
from exporter.observe.bounded import Bounded
from exporter.observe.model import Kind, Mount, MountCount, MountProblem, Object
from exporter.observe.mount_memory import MountMemory
from exporter.observe.parse import mountinfo
from exporter.observe.parse.mountinfo import Key, Mounted, Table
from exporter.observe.statfs import Answers, Asked, Statfs
from exporter.observe.volumes import Volumes

EVERY_SECONDS = 15.0
FILES_SECONDS = 10.0
"""How long reading the kernel's table, and the kubelet's own files, may take."""
LARGEST_VOLUME_DATA = 64 * 1024

_GONE = frozenset({0, errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP})
"""It answers, is no longer there, or is not for us to ask."""
_NOT_OURS = frozenset({errno.EACCES, errno.EPERM})
_PROBLEMS: Mapping[int, MountProblem] = {
    errno.ENOTCONN: MountProblem.NOT_CONNECTED,
    errno.ECONNABORTED: MountProblem.NOT_CONNECTED,
    errno.ESTALE: MountProblem.STALE_HANDLE,
    errno.EIO: MountProblem.IO_ERROR,
    errno.EREMOTEIO: MountProblem.IO_ERROR,
    errno.ENXIO: MountProblem.IO_ERROR,
    errno.ENODEV: MountProblem.IO_ERROR,
    errno.ESHUTDOWN: MountProblem.IO_ERROR,
    errno.EUCLEAN: MountProblem.IO_ERROR,
    errno.EROFS: MountProblem.READ_ONLY,
    errno.ETIMEDOUT: MountProblem.HUNG,
}


class Places(NamedTuple):
    """Where the host's things are for us.

    mountinfo: of a process in the host's mount namespace. root: below which its folders lie.
    own: our own table, of the mounts that have been propagated. devices: /sys/dev/block.
    """

    mountinfo: Path = Path("/proc/1/mountinfo")
    root: Path = Path("/")
    own: Path = Path("/proc/self/mountinfo")
    devices: Path = Path("/sys/dev/block")


class _Trouble(NamedTuple):
    mounted: Mounted
    problem: MountProblem


class _Seen(NamedTuple):
    """The host's table, and which places of it are to be seen below `root`; None: all of them."""

    table: Table
    points: frozenset[str] | None


class Mounts:
    """The source: nothing where no claim is mounted, and then no process either."""

    name = "mounts"
    kinds = frozenset({Kind.MOUNT, Kind.MOUNT_COUNT, Kind.VOLUME})

    def __init__(
        self,
        node: str,
        volumes: Volumes,
        places: Places | None = None,
        statfs: Statfs | None = None,
        state: Path | None = None,
    ) -> None:
        self.node = node
        self.every = EVERY_SECONDS
        self._volumes = volumes
        self._places = places or Places()
        self.statfs = statfs or Statfs()
        self._memory = MountMemory(state)
        self._was_writable: frozenset[Key] = frozenset()
        self._found: list[_Trouble] = []
        self._tables = Bounded(self._seen, "the table of mounts")
        self._names = Bounded(self._troubled, "the kubelet's folder")

    async def look(self) -> Sequence[Object]:
        """Look at all mounts of claims; raises ObserveError when the table cannot be read."""
        seen = await self._tables.ask(FILES_SECONDS)
        table = seen.table
        await self._remember(table)
        if not table.volumes:
            self.statfs.rest()
            await self._volumes.named(())
            return (MountCount(self.node),)
        answers = await self._answers(seen)
        self._found = found = [
            _Trouble(one, problem)
            for one in table.volumes
            if (problem := self._problem(one, table, answers)) is not None
        ]
        troubled = await self._names.ask(FILES_SECONDS) if found else []
        volumes = await self._volumes.named({one.name for one in troubled})
        not_well = {trouble.mounted.key for trouble in found} | answers.unasked
        count = MountCount(
            self.node,
            well=len(table.volumes) - len(not_well),
            troubled=len(found),
            unasked=len(answers.unasked),
            stuck=self.statfs.stuck,
        )
        return (*troubled, count, *volumes)

    def _seen(self) -> _Seen:
        places = self._places
        try:
            # The host's first: what is mounted in between is not missed in ours.
            table = mountinfo.table(places.mountinfo.read_bytes())
            if places.root == Path("/"):
                return _Seen(table, None)
            return _Seen(table, mountinfo.points(places.own.read_bytes()))
        except OSError as error:
            raise _refused(f"{places.mountinfo} cannot be read: {error}", error) from error

    async def _remember(self, table: Table) -> None:
        """Remember which mounts could once be written to."""
        there = {one.key for one in table.volumes}
        self._was_writable |= await self._memory.recall(there)
        self._was_writable &= there
        self._was_writable |= mountinfo.written_to(table.volumes)
        read_only = {one.key for one in table.volumes if one.read_only}
        await self._memory.keep(self._was_writable & read_only)

    async def _answers(self, seen: _Seen) -> Answers:
        """Ask all that we can reach."""
        table, asked = seen.table, seen.table.volumes
        root = os.fsencode(self._places.root).rstrip(b"/")
        if seen.points is not None:
            asked = tuple(
                one
                for one in table.volumes
                if os.fsdecode(root + os.fsencode(one.point)) in seen.points
            )
            if not asked:
                raise errors.Invalid(
                    f"none of {len(table.volumes)} mounts is to be seen below {self._places.root}:"
                    " the folder needs mountPropagation HostToContainer"
                )
        answers = await self.statfs.ask(
            [Asked(one.key, one.device, root + os.fsencode(one.point)) for one in asked]
        )
        if answers.errnos and all(number in _NOT_OURS for number in answers.errnos.values()):
            raise errors.Forbidden(
                f"no mount below {self._places.root} may be asked: the exporter must run as root"
            )
        reached = {one.key for one in asked}
        answers.unasked |= {one.key for one in table.volumes if one.key not in reached}
        return answers

    def _problem(self, one: Mounted, table: Table, answers: Answers) -> MountProblem | None:
        number = answers.errnos.get(one.key, 0)
        if one.key in answers.hung:
            return MountProblem.HUNG
        if number not in _GONE:
            return _PROBLEMS.get(number, MountProblem.OTHER)
        if number in (errno.ENOENT, errno.ENOTDIR):
            return None
        return mountinfo.problem(one, table.writable, self._was_writable)

    def _troubled(self) -> list[Mount]:
        """Return one object a volume: the worst that is wrong with any of its mounts."""
        worst: dict[str, tuple[int, Mount]] = {}
        for mounted, problem in self._found:
            name, driver = mounted.name, f"kubernetes.io/{mounted.plugin}"
            if mounted.plugin == "csi":
                data = self._volume_data(mounted)
                if data.ephemeral:
                    continue
                name, driver = data.name or name, data.driver
            rank = list(MountProblem).index(problem)
            one = Mount(
                node=self.node,
                name=_printable(name),
                problem=problem,
                fs_type=_printable(mounted.fs_type),
                device=_printable(self._device(mounted)),
                driver=driver,
                path=_printable(mounted.point),
            )
            if name not in worst or rank < worst[name][0]:
                worst[name] = (rank, one)
        return [one for _, one in worst.values()]

    def _volume_data(self, mounted: Mounted) -> mountinfo.VolumeData:
        # Beside the mount, so on the kubelet's own file system: it does not hang with the volume.
        inside = mounted.point.removesuffix("/mount").lstrip("/")
        try:
            with (self._places.root / inside / "vol_data.json").open("rb") as file:
                return mountinfo.volume_data(file.read(LARGEST_VOLUME_DATA))
        except OSError:
            return mountinfo.VolumeData()

    def _device(self, mounted: Mounted) -> str:
        """Return the device as the kernel's log calls it: a mapper's name is not its own."""
        try:
            return (self._places.devices / mounted.device).readlink().name
        except OSError:
            return mounted.source.removeprefix("/dev/")


def _printable(name: str) -> str:
    """Return a name without what is no text: it goes into JSON and labels."""
    return name.encode(errors="replace").decode()


def _refused(sentence: str, error: OSError) -> errors.ObserveError:
    if isinstance(error, PermissionError):
        return errors.Forbidden(sentence)
    if isinstance(error, FileNotFoundError):
        return errors.NotFound(sentence)
    return errors.Unreachable(sentence)
