"""Lines of the kernel's log about file systems and their devices: /dev/kmsg to a Cause.

A record is `priority,sequence,microseconds,flags;text`; lines that begin with a blank belong to the
record before, and say nothing here. What anybody but the kernel wrote into its log is not believed.
Texts are those of Linux 3.10 to 6.18: XFS, ext2 to ext4 with their journal, and the block layer,
which knows no file system. A line that says nothing of these is None. No text raises.
"""

import re
from typing import NamedTuple

from exporter.observe.model import Cause

XFS = "xfs"

_RECORD = re.compile(rb"(\d{1,6}),(\d{1,20}),(\d{1,20}),[^;]{0,256};(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_LONGEST = 2048
"""Characters of a text that are read: the kernel's own limit is about a thousand."""

_DEVICE = r"(?P<device>[^\s(),]{1,64})"
_XFS = re.compile(rf"XFS \({_DEVICE}\): (?P<said>.*)", re.DOTALL)
_EXT = re.compile(
    r"(?P<type>EXT[234])-fs (?P<error>error )?(?:warning )?"
    rf"\((?:device )?{_DEVICE}\):? ?(?P<said>.*)",
    re.DOTALL,
)
_JOURNAL = re.compile(
    rf"(?:Aborting journal on device |JBD2: .{{1,80}} (?:for|on) ){_DEVICE}-[0-9]{{1,20}}\b"
)
_BLOCK = re.compile(
    r"(?:\w{1,40}: )?(?:Buffer )?(?:I/O|critical [a-z ]{1,30}|device offline|timeout|protection"
    rf"|reservation conflict|zone resource) error,? (?:on )?dev(?:ice)? {_DEVICE},"
)
_SB_INVALID = re.compile(r"sb validate failed with error (-?\d{1,4})")
_NOT_SUPPORTED = ("-22", "-38")
"""EINVAL and ENOSYS; any other number is a superblock that is broken."""

_OF_XFS: tuple[tuple[str, Cause], ...] = (
    ("filesystem has duplicate uuid", Cause.XFS_DUPLICATE_UUID),
    ("superblock has unknown", Cause.XFS_UNSUPPORTED),
    ("attempted to mount read-only compatible", Cause.XFS_UNSUPPORTED),
    ("can only be safely mounted read only", Cause.XFS_UNSUPPORTED),
    ("or less will currently work", Cause.XFS_UNSUPPORTED),
    ("invalid superblock magic number", Cause.WRONG_FS_TYPE),
    ("bad magic number", Cause.WRONG_FS_TYPE),
    ("corrupt", Cause.FILESYSTEM_DAMAGED),
    ("crc error", Cause.FILESYSTEM_DAMAGED),
    ("internal error", Cause.FILESYSTEM_DAMAGED),
    ("xfs_repair", Cause.FILESYSTEM_DAMAGED),
    ("log mount/recovery failed", Cause.FILESYSTEM_DAMAGED),
    ("shutting down filesystem", Cause.FILESYSTEM_SHUT_DOWN),
    ("initiated shutdown", Cause.FILESYSTEM_SHUT_DOWN),
    ("force_shutdown", Cause.FILESYSTEM_SHUT_DOWN),
    ("been shut down", Cause.FILESYSTEM_SHUT_DOWN),
    ("rectify the problem", Cause.FILESYSTEM_SHUT_DOWN),
    ("i/o error", Cause.IO_ERROR),
    ("failing async write", Cause.IO_ERROR),
)
"""Lower-case parts of texts, most telling first."""

_OF_EXT: tuple[tuple[str, Cause], ...] = (
    ("error count since last fsck", Cause.OTHER),
    ("unsupported optional features", Cause.FEATURE_UNSUPPORTED),
    ("unsupported inode size", Cause.FEATURE_UNSUPPORTED),
    ("can't find ext", Cause.WRONG_FS_TYPE),
    ("remounting filesystem read-only", Cause.REMOUNTED_READ_ONLY),
    ("shut down requested", Cause.FILESYSTEM_SHUT_DOWN),
    ("aborted", Cause.FILESYSTEM_SHUT_DOWN),
    ("i/o error", Cause.IO_ERROR),
    ("read superblock", Cause.IO_ERROR),
    ("corrupt", Cause.FILESYSTEM_DAMAGED),
    ("checksum", Cause.FILESYSTEM_DAMAGED),
    ("bad geometry", Cause.FILESYSTEM_DAMAGED),
    ("no journal found", Cause.FILESYSTEM_DAMAGED),
    ("journal inode is deleted", Cause.FILESYSTEM_DAMAGED),
    ("mounting fs with errors", Cause.FILESYSTEM_DAMAGED),
    ("error recorded from previous mount", Cause.FILESYSTEM_DAMAGED),
    ("in need of filesystem check", Cause.FILESYSTEM_DAMAGED),
)
"""The first one is an old error that the kernel tells of once a day."""


class Record(NamedTuple):
    """One line. `seconds` are since the kernel began."""

    sequence: int
    seconds: float
    by_kernel: bool
    text: str


class Said(NamedTuple):
    """What a line says; `fs_type` is empty where it is the device's."""

    device: str
    fs_type: str
    cause: Cause


def record(line: bytes) -> Record | None:
    """Read one line; None for one that continues another, or is none."""
    found = _RECORD.fullmatch(line)
    if found is None:
        return None
    text = found[4][: 4 * _LONGEST].decode(errors="replace")
    if "\\x" in text:
        text = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text)
    # The facility is in the upper bits, and 0 is the kernel's.
    by_kernel = int(found[1]) >> 3 == 0
    return Record(int(found[2]), int(found[3]) / 1e6, by_kernel, text[:_LONGEST].strip())


def said(text: str) -> Said | None:
    """Return what a text says of a file system or a device; None for all others."""
    text = text[:_LONGEST]
    if text.startswith("XFS"):
        return _of_xfs(text)
    if text.startswith("EXT"):
        return _of_ext(text)
    found = _JOURNAL.match(text)
    if found is not None:
        aborted = text.startswith("Abort")
        cause = Cause.FILESYSTEM_SHUT_DOWN if aborted else Cause.IO_ERROR
        return Said(found["device"], "ext4", cause)
    found = _BLOCK.match(text)
    return Said(found["device"], "", Cause.IO_ERROR) if found is not None else None


def _of_xfs(text: str) -> Said | None:
    found = _XFS.match(text)
    if found is None:
        return None
    small = found["said"].lower()
    invalid = _SB_INVALID.search(small)
    if invalid is not None:
        broken = invalid[1] not in _NOT_SUPPORTED
        cause: Cause | None = Cause.FILESYSTEM_DAMAGED if broken else Cause.XFS_UNSUPPORTED
    else:
        cause = _first(small, _OF_XFS)
    return Said(found["device"], XFS, cause) if cause is not None else None


def _of_ext(text: str) -> Said | None:
    found = _EXT.match(text)
    if found is None:
        return None
    cause = _first(found["said"].lower(), _OF_EXT)
    if cause is None and found["error"]:
        cause = Cause.FILESYSTEM_DAMAGED
    if cause is None or cause is Cause.OTHER:
        return None
    return Said(found["device"], found["type"].lower(), cause)


def _first(small: str, table: tuple[tuple[str, Cause], ...]) -> Cause | None:
    return next((cause for part, cause in table if part in small), None)
