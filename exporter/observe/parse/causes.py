"""Error texts of storage operations to a Cause: one table, for objects and Events alike.

Sources: CSI sidecars, kubelet and attach/detach controller of Kubernetes 1.11 to 1.36, ceph-csi 2.0
to 3.12, rok-csi. A text may be aggregated, cut, or carry what Go's formatter leaves of a stray `%`;
a gRPC text may be nested, and then its last code is the cause. No text raises.
"""

import re

from exporter.observe.model.facts import Cause, Failure
from exporter.observe.model.names import LONGEST_TEXT

_AGGREGATED = "(combined from similar events): "
_CODE = re.compile(r"code = (\w{1,30})(?: desc = )?")

_TEXTS: tuple[tuple[str, Cause], ...] = (
    ("cannot publish recovered rwx volume", Cause.RECOVERED_RWX_VOLUME),
    ("already exists", Cause.OPERATION_PENDING),
    ("does not contain driver", Cause.DRIVER_NOT_REGISTERED),
    ("not found in the list of registered csi drivers", Cause.DRIVER_NOT_REGISTERED),
    ("has no nodeid annotation", Cause.DRIVER_NOT_REGISTERED),
    ("external-attacher of", Cause.ATTACHER_SILENT),
    ("attachment timeout for volume", Cause.ATTACHER_SILENT),
    ("filesystem has duplicate uuid", Cause.XFS_DUPLICATE_UUID),
    ("superblock has unknown", Cause.XFS_UNSUPPORTED),
    ("wrong fs type", Cause.WRONG_FS_TYPE),
    ("unexpected inconsistency", Cause.FILESYSTEM_DAMAGED),
    ("fsck", Cause.FILESYSTEM_DAMAGED),
    ("volume attachment is being deleted", Cause.ATTACHMENT_DELETING),
    ("volume attachment has been deleted", Cause.ATTACHMENT_DELETING),
    ("no space left on device", Cause.NO_SPACE),
    ("exceeded quota", Cause.QUOTA),
    ("connection refused", Cause.UNREACHABLE),
    ("no route to host", Cause.UNREACHABLE),
    ("no such host", Cause.UNREACHABLE),
    ("the object has been modified", Cause.CONFLICT),
    ("is still being used", Cause.STILL_IN_USE),
)
"""Lower-case parts of texts, most telling first."""

_PENDING = re.compile(
    r"an operation with the given (?:volume|snapshot) id (\S+) already exists", re.IGNORECASE
)

_CODES = {
    "ResourceExhausted": Cause.NO_SPACE,
    "DeadlineExceeded": Cause.TIMEOUT,
    "Canceled": Cause.TIMEOUT,
    "Unavailable": Cause.UNREACHABLE,
    "NotFound": Cause.NOT_FOUND,
    "PermissionDenied": Cause.PERMISSION,
    "Unauthenticated": Cause.PERMISSION,
    "InvalidArgument": Cause.INVALID,
    "OutOfRange": Cause.INVALID,
    "FailedPrecondition": Cause.PRECONDITION,
    "Aborted": Cause.OPERATION_PENDING,
}


def plain(text: str) -> str:
    """Return a text without the aggregation prefix, cut to what is kept."""
    return text[: LONGEST_TEXT + len(_AGGREGATED)].removeprefix(_AGGREGATED).strip()


def code(text: str) -> str:
    """Return the last gRPC code in a text, the cause; empty when there is none."""
    found = _CODE.findall(text)
    return found[-1] if found else ""


def operation(text: str) -> str:
    """Return the id of "an operation with the given Volume ID ... already exists", or nothing."""
    found = _PENDING.search(text)
    return found[1] if found else ""


def cause(text: str) -> Cause:
    """Say why, from a closed set; Other for what nobody has told us of."""
    small = text.lower()
    if operation(small):
        return Cause.OPERATION_PENDING
    for part, found in _TEXTS:
        if part in small and found is not Cause.OPERATION_PENDING:
            return found
    return _CODES.get(code(text), Cause.OTHER)


def failure(text: str | None, when: float | None = None) -> Failure | None:
    """Read an object's error message; None without one."""
    if not text:
        return None
    return Failure(cause(text), plain(text), when)
