"""The Events of rok-csi: jobs and their sizes, unpinning, recovered ReadWriteMany volumes.

Grammar: signals reference 10.2 and 10.3. Names stand between a backtick and a single quote, or
between two single quotes. A text may be aggregated, cut, or say several steps at once; the size in
brackets is rounded and never read, ids of jobs and devices are not checked (real ones are
malformed). What a cut text no longer says for certain is left empty. No text raises.
"""

import re

from exporter.observe.model.facts import (
    Fact,
    RokCopy,
    RokJobFailed,
    RokJobStarted,
    RokUnpin,
    RwxClear,
    RwxRecovering,
)
from exporter.observe.model.workloads import KubeEvent

WRITER = "rok-csi"
"""Reasons such as INFO are anybody's: only this component's Events are read."""
NO_SPACE = 28
"""ENOSPC."""
LARGEST = 2**63
"""A size that no machine has: the text is mangled."""

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BLOCKS = r"([0-9]{1,18}) (?:changed )?blocks of size ([0-9]{1,9}) ?([KMGT]iB|B)\b"
_COPY = re.compile(rf"(?:About to copy|Copying) {_BLOCKS}")
_REPORTED = re.compile(rf"Found {_BLOCKS}(?: \([^()]{{0,40}}\))? reported as changed")

_NAME = r"[`'\"]([^`'\"\s]{1,320})['\"]"
_JOB = re.compile(rf"Starting job {_NAME}(?: \(worker {_NAME})?")
_OPCODE = re.compile(r"SCSI command (0[xX][0-9A-Fa-f]{1,4})\b")
_KCQ = re.compile(r"KCQ [`'\"]?([A-Z0-9_]{1,200})")
_ERRNO = re.compile(r"\(errno: [^()]{0,200}\(([0-9]{1,5})\)")
_LOGS = re.compile(r"kubectl logs -n ([^\s`'\"]{1,63}) ([^\s`'\"]{1,253}) -c")
_MARKING = re.compile(
    rf"Marking PVC {_NAME} \(PV {_NAME}\), bound on (?:\w{{1,40}} ){{0,3}}node {_NAME}"
    rf", for unpinning(?: \(unpin reason: {_NAME})?"
)
_UNPINNING = re.compile(rf"Unpinning PVC {_NAME} \(PV {_NAME}\) from node {_NAME}")
_RECOVERING = re.compile(
    rf"About to recover access-server volume {_NAME}(?:.{{0,200}}? RWX volume {_NAME})?",
    re.DOTALL,
)
_CLEAR = re.compile(rf"All Pods using RWX volume {_NAME} are gone")


def started(message: str, event: KubeEvent) -> Fact | None:
    """Read JobStarted."""
    found = _JOB.search(message) if _ours(event) else None
    return RokJobStarted(found[1], found[2] or "") if found is not None else None


def failed(message: str, event: KubeEvent) -> Fact | None:
    """Read JobFailed: out of space only with errno 28 and a KCQ of space allocation."""
    if not _ours(event):
        return None
    opcode, logs = _OPCODE.search(message), _LOGS.search(message)
    kcq, errno = _KCQ.search(message), _errno(message)
    allocation = kcq is not None and "SPACE_ALLOCATION" in kcq[1]
    return RokJobFailed(
        opcode=f"0x{opcode[1][2:].upper()}" if opcode is not None else "",
        errno=errno,
        no_space=errno == NO_SPACE and allocation,
        logs_in=f"{logs[1]}/{logs[2]}" if logs is not None else "",
    )


def said(message: str, event: KubeEvent) -> Fact | None:
    """Read INFO, PROGRESS and WARNING, whose texts share nothing."""
    if not _ours(event):
        return None
    return _rwx(message) or _unpin(message) or _changed(message)


def _ours(event: KubeEvent) -> bool:
    return event.component.startswith(WRITER)


def _errno(message: str) -> int:
    found = _ERRNO.search(message)
    if found is not None:
        return int(found[1])
    # Cut in the middle of the number, the words still say which it is.
    return NO_SPACE if "(errno: No space left on device" in message else 0


def _rwx(message: str) -> Fact | None:
    clear = _CLEAR.search(message)
    if clear is not None:
        return RwxClear(clear[1])
    recovering = _RECOVERING.search(message)
    return RwxRecovering(recovering[1], recovering[2] or "") if recovering is not None else None


def _unpin(message: str) -> Fact | None:
    marking = _MARKING.search(message)
    if marking is not None:
        namespace, _, name = marking[1].partition("/")
        return RokUnpin(namespace, name, marking[2], marking[3], marking[4] or "")
    begun = _UNPINNING.search(message)
    return RokUnpin("", begun[1], begun[2], begun[3], "") if begun is not None else None


def _changed(message: str) -> Fact | None:
    """What is about to be copied, or else what the storage device reports as changed.

    Of several steps in one text the last one counts.
    """
    for pattern, reported in ((_COPY, False), (_REPORTED, True)):
        for blocks, size, unit in reversed(pattern.findall(message)):
            fact = RokCopy(int(blocks), int(size) * _UNITS[unit], reported)
            if fact.block_size > 0 and fact.changed_bytes < LARGEST:
                return fact
    return None
