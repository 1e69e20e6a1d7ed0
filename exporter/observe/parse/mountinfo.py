"""/proc/<pid>/mountinfo: which mounts are a claim's, and which of them have turned read-only.

A line has two sets of options: the mount's own, and behind the separator the file system's. A file
system that was to be written to and no longer can be is `ro` behind the separator only, or says
`emergency_ro` there (ext4 since Linux 6.15, which does not turn `ro` any more). The kubelet's
global mount of a volume is another look at the same file system, and so tells one that was meant to
be read-only, where all of its mounts are, from one that an `mount -o remount,ro` made so.

Blanks in names are octal escapes. What is no line of this grammar is counted; the last line without
an end is half a line, and not read. No text raises.
"""

import re
from collections.abc import Container, Iterable
from typing import NamedTuple

import msgspec

from exporter.observe.model import MountProblem

_OURS = b"kubernetes.io"
"""What a line without it is no business of ours: most of ten thousand are not."""

_VOLUME = re.compile(
    r"/pods/[^/]+/volumes/kubernetes\.io~(?P<plugin>[^/]+)/(?P<name>[^/]+)(?P<mount>/mount)?$"
)
_GLOBAL = re.compile(r"/plugins/kubernetes\.io/[^/]+/")
_BLOCK = re.compile(r"/plugins/kubernetes\.io/csi/volumeDevices/")
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2})")
_FEWEST = 6
"""Fields before the optional ones."""
_BEHIND = 4
"""The separator, and the fields behind it."""

_NO_VOLUMES = frozenset(
    {"configmap", "downward-api", "empty-dir", "git-repo", "host-path", "projected", "secret"}
)
"""Plugins whose volumes are the pod's own, and no claim's."""
_NEVER_WRITTEN = frozenset({"cramfs", "erofs", "iso9660", "romfs", "squashfs"})
"""File systems that nobody can write to, so that being read-only is no failure of theirs."""


class Key(NamedTuple):
    """What makes a mount this one and no later one at the same place."""

    id: int
    device: str
    point: str


class Mounted(msgspec.Struct, frozen=True, gc=False):
    """One mount of a volume. `name` is the PersistentVolume's, as far as the path says.

    `device` is major:minor, `source` what was mounted. `writable` are the mount's own options,
    `read_only`, `emergency` and `shut_down` the file system's.
    """

    id: int
    device: str
    point: str
    name: str
    plugin: str
    fs_type: str
    source: str
    writable: bool
    read_only: bool = False
    emergency: bool = False
    shut_down: bool = False

    @property
    def key(self) -> Key:
        """What tells it from any other mount."""
        return Key(self.id, self.device, self.point)


class Table(NamedTuple):
    """What a node has mounted for claims.

    `writable` are devices of which some mount of the kubelet's may be written to.
    """

    volumes: tuple[Mounted, ...] = ()
    writable: frozenset[str] = frozenset()
    unparsed: int = 0


class VolumeData(msgspec.Struct, frozen=True, rename={"driver": "driverName", "name": "specVolID"}):
    """The kubelet's vol_data.json beside a CSI volume's mount. `ephemeral`: no claim's volume."""

    driver: str = ""
    name: str = ""
    mode: str = msgspec.field(default="", name="volumeLifecycleMode")

    @property
    def ephemeral(self) -> bool:
        """Whether the pod brought it along, so that it has no PersistentVolume."""
        return self.mode == "Ephemeral"


def table(text: bytes) -> Table:
    """Read a mountinfo."""
    volumes: list[Mounted] = []
    writable: set[str] = set()
    unparsed = 0
    lines = text.split(b"\n")
    for line in lines[:-1]:
        if _OURS not in line:
            continue
        fields = line.split(b" ")
        behind = _separator(fields)
        if not behind or not fields[0].isdigit():
            unparsed += 1
            continue
        point, device = _unescaped(fields[4]), _text(fields[2])
        found = _VOLUME.search(point)
        own = b"rw" in fields[5].split(b",")
        if found is None:
            if own and _GLOBAL.search(point) and not _BLOCK.search(point):
                writable.add(device)
            continue
        # Below a CSI volume's directory only `mount` is the volume; in-tree it is the directory.
        plugin = found["plugin"]
        if plugin in _NO_VOLUMES or (plugin == "csi") != bool(found["mount"]):
            continue
        if own:
            writable.add(device)
        options = fields[-1].split(b",")
        volumes.append(
            Mounted(
                id=int(fields[0]),
                device=device,
                point=point,
                name=found["name"],
                plugin=plugin,
                fs_type=_text(fields[behind + 1]),
                source=_unescaped(fields[behind + 2]),
                writable=own,
                read_only=b"ro" in options,
                emergency=b"emergency_ro" in options,
                shut_down=b"shutdown" in options,
            )
        )
    return Table(tuple(volumes), frozenset(writable), unparsed)


def points(text: bytes) -> frozenset[str]:
    """Return every place of a mountinfo at which something of the kubelet's is mounted."""
    lines = (line.split(b" ", 5) for line in text.split(b"\n") if _OURS in line)
    return frozenset(_unescaped(fields[4]) for fields in lines if len(fields) >= _FEWEST)


def problem(
    mounted: Mounted, writable: Container[str], was_writable: Container[Key]
) -> MountProblem | None:
    """Say what the options alone tell to be wrong.

    `writable` are the devices of a Table, `was_writable` the mounts that once were.
    """
    if mounted.shut_down:
        return MountProblem.IO_ERROR
    if mounted.emergency:
        return MountProblem.READ_ONLY
    if not mounted.read_only or mounted.fs_type in _NEVER_WRITTEN:
        return None
    meant = mounted.device not in writable and mounted.key not in was_writable
    return None if meant else MountProblem.READ_ONLY


def written_to(volumes: Iterable[Mounted]) -> frozenset[Key]:
    """Return the mounts that can be written to now."""
    return frozenset(one.key for one in volumes if one.writable and not one.read_only)


def volume_data(text: bytes) -> VolumeData:
    """Read vol_data.json; what cannot be read says nothing."""
    try:
        return msgspec.json.decode(text, type=VolumeData)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return VolumeData()


def _separator(fields: list[bytes]) -> int:
    """Return where the separator is; 0 without one, or with too little behind it."""
    try:
        found = fields.index(b"-", _FEWEST)
    except ValueError:
        return 0
    return found if len(fields) == found + _BEHIND else 0


def _unescaped(field: bytes) -> str:
    if b"\\" in field:
        field = _ESCAPED.sub(lambda found: bytes((int(found[1], 8),)), field)
    return _text(field)


def _text(field: bytes) -> str:
    # As os.fsdecode would, so that the path can be asked for again.
    return field.decode("utf-8", "surrogateescape")
