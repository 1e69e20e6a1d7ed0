"""Error texts of storage operations to a Cause: one table, for objects and Events alike.

Sources: CSI sidecars, kubelet and attach/detach controller of Kubernetes 1.11 to 1.37, ceph-csi 2.0
to 3.12, rok-csi, the in-tree GlusterFS plugin with Heketi, AWS. A text may be aggregated, cut
anywhere, quoted by Go inside another one, or carry what Go's formatter leaves of a stray `%`; a
gRPC text may be nested, and then its last code is the cause and its first one says who answered.
No text raises, and no text is searched beyond its ends: a megabyte costs what a page costs.
"""

import re

from exporter.observe.model.facts import Cause, Failure
from exporter.observe.model.names import LONGEST_TEXT

_AGGREGATED = "(combined from similar events): "
_END = 4096
"""Characters that are read at each end of a text: routing stands first, the cause last."""

_CODE = re.compile(r"code = (\w{1,24})\b")
_NAMES = frozenset(
    [
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ]
)
"""gRPC's codes. A name that was cut is none."""

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
"""The CSI specification answers Aborted while an earlier call for the volume still runs."""

_PENDING = re.compile(
    r"an operation with the given (?:volume|snapshot) id (\S{1,256}) already exists", re.IGNORECASE
)
_APP_OBJECT = re.compile(
    r'(?:^|: |\[|, )(?:configmap|secret)s? "[^"]{1,256}" not found'
    r'|object "[^"]{0,64}"/"[^"]{0,256}" not registered'
    r"|references non-existent (?:config|secret) key"
    r"|failed to sync (?:configmap|secret) cache"
    r"|couldn't propagate object cache"
)
"""A pod's own ConfigMap or Secret; a secret that the CSI driver needs is storage's business."""
_CLASS = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "[^"]{1,256}" not found')
_FOR_DRIVER = ("secretref", "secret ref", "find the secret", "rpc error", "provision", "heketi")

_TELLING: tuple[tuple[str, Cause], ...] = (
    ("cannot publish recovered rwx volume", Cause.RECOVERED_RWX_VOLUME),
    ("does not contain driver", Cause.DRIVER_NOT_REGISTERED),
    ("not found in the list of registered csi drivers", Cause.DRIVER_NOT_REGISTERED),
    ("has no nodeid annotation", Cause.DRIVER_NOT_REGISTERED),
    ("volume plugin matched", Cause.NO_PLUGIN),
    ("the server could not find the requested resource", Cause.API_MISSING),
    ("external-attacher of", Cause.ATTACHER_SILENT),
    ("attachment timeout for volume", Cause.ATTACHER_SILENT),
    ("filesystem has duplicate uuid", Cause.XFS_DUPLICATE_UUID),
    ("superblock has unknown", Cause.XFS_UNSUPPORTED),
    ("unexpected inconsistency", Cause.FILESYSTEM_DAMAGED),
    ("'fsck' found errors", Cause.FILESYSTEM_DAMAGED),
    ("`fsck` found errors", Cause.FILESYSTEM_DAMAGED),
    ("fsck found errors", Cause.FILESYSTEM_DAMAGED),
    ("structure needs cleaning", Cause.FILESYSTEM_DAMAGED),
    ("wrong fs type", Cause.WRONG_FS_TYPE),
    ("can't read superblock", Cause.IO_ERROR),
    ("volume attachment is being deleted", Cause.ATTACHMENT_DELETING),
    ("volume attachment has been deleted", Cause.ATTACHMENT_DELETING),
    ("attachmentlimitexceeded", Cause.NODE_LIMIT),
    ("exceed max volume count", Cause.NODE_LIMIT),
    ("exceeded quota", Cause.QUOTA),
    ("quota exceeded", Cause.QUOTA),
    ("volumelimitexceeded", Cause.QUOTA),
    ("no space", Cause.NO_SPACE),
    ("insufficientvolumecapacity", Cause.NO_SPACE),
    ("the object has been modified", Cause.CONFLICT),
    ("is still being used", Cause.STILL_IN_USE),
    ("is still attached to node", Cause.STILL_IN_USE),
    ("volumeinuse", Cause.STILL_IN_USE),
    ("currently in-use", Cause.STILL_IN_USE),
    ("has pending clones", Cause.STILL_IN_USE),
    ("another transaction is in progress", Cause.OPERATION_PENDING),
    ("another transaction could be in progress", Cause.OPERATION_PENDING),
    ("is not attached", Cause.NOT_ATTACHED),
    ("volume not attached", Cause.NOT_ATTACHED),
    ("list of volumesinuse", Cause.NOT_ATTACHED),
    ("connection refused", Cause.UNREACHABLE),
    ("no route to host", Cause.UNREACHABLE),
    ("network is unreachable", Cause.UNREACHABLE),
    ("no such host", Cause.UNREACHABLE),
    ("i/o timeout", Cause.UNREACHABLE),
    ("transport endpoint is not connected", Cause.UNREACHABLE),
)
"""Lower-case parts of texts that say more than a gRPC code, most telling first."""

_GENERAL: tuple[tuple[str, Cause], ...] = (
    ("timed out", Cause.TIMEOUT),
    ("timeout", Cause.TIMEOUT),
    ("context deadline exceeded", Cause.TIMEOUT),
    ("context canceled", Cause.TIMEOUT),
    ("rst_stream", Cause.TIMEOUT),
    ("connection reset by peer", Cause.UNREACHABLE),
    ("is forbidden", Cause.PERMISSION),
    ("permission denied", Cause.PERMISSION),
    ("access denied", Cause.PERMISSION),
    ("unauthorizedoperation", Cause.PERMISSION),
    ("invalid jwt token", Cause.PERMISSION),
    ("administrator access required", Cause.PERMISSION),
    ("authorization token not found", Cause.PERMISSION),
    ("not found", Cause.NOT_FOUND),
    ("does not exist", Cause.NOT_FOUND),
)
"""What is read only where there is no code, or one that says nothing (Internal, Unknown)."""


def plain(text: str) -> str:
    """Return a text without the aggregation prefix, cut to what is kept."""
    return text[: LONGEST_TEXT + len(_AGGREGATED)].removeprefix(_AGGREGATED).strip()


def codes(text: str) -> list[str]:
    """Return the gRPC codes of a text in order: the first routes, the last is the cause."""
    return [name for name in _CODE.findall(_ends(text)) if name in _NAMES]


def code(text: str) -> str:
    """Return the last gRPC code in a text, the cause; empty when there is none."""
    found = codes(text)
    return found[-1] if found else ""


def operation(text: str) -> str:
    """Return the id of "an operation with the given Volume ID ... already exists", or nothing."""
    found = _PENDING.search(_ends(text))
    return found[1].strip('"\\') if found else ""


def cause(text: str, *, attaching: bool = False) -> Cause:
    """Say why, from a closed set; Other for what nobody has told us of.

    ResourceExhausted is a full node where a volume was to be attached, a full backend elsewhere.
    """
    ends = _ends(text)
    small = ends.lower()
    if "cannot publish recovered rwx volume" in small:
        return Cause.RECOVERED_RWX_VOLUME
    if _PENDING.search(small):
        return Cause.OPERATION_PENDING
    if _CLASS.search(small):
        return Cause.CLASS_MISSING
    if _APP_OBJECT.search(small) and not any(word in small for word in _FOR_DRIVER):
        return Cause.NOT_STORAGE
    found = next((cause for part, cause in _TELLING if part in small), None)
    if found is None:
        last = code(ends)
        if attaching and last == "ResourceExhausted":
            return Cause.NODE_LIMIT
        found = _CODES.get(last)
    if found is None:
        found = next((cause for part, cause in _GENERAL if part in small), Cause.OTHER)
    return found


def failure(
    text: str | None, when: float | None = None, *, attaching: bool = False
) -> Failure | None:
    """Read an object's error message; None without one."""
    if not text:
        return None
    return Failure(cause(text, attaching=attaching), plain(text), when)


def _ends(text: str) -> str:
    r"""Return what is read of a text, with Go's `\"` and `\n` as they were before it was quoted."""
    if len(text) > 2 * _END:
        text = f"{text[:_END]}\n{text[-_END:]}"
    return text.replace('\\"', '"').replace("\\n", "\n") if "\\" in text else text
