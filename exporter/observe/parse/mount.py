"""The kubelet's FailedMount and FailedMapVolume Events, and its time-out texts of every version.

A failed step names its volume; a time-out names the pod volumes that are still missing, up to
Kubernetes 1.27 (later ones only log it). Any other text of these reasons still says that some mount
of the pod failed. A text may be aggregated, or cut at any length; no text raises.
"""

import re

from exporter.observe.model.facts import Cause, Fact, MountFailed, SandboxFailed
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes

_STEP = re.compile(
    r"""
    (?: MountVolume | MapVolume ) \. (?P<step> [\w\ ]{1,60}? ) \ failed \b [^"]{0,80}?
    for\ volume \ "? (?P<volume> [^"\s]{1,253} ) "?
    (?: \ \( spec\.Name: \ "? (?P<spec> [^"\s)]{1,253} ) )?
    """,
    re.VERBOSE,
)
"""Up to Kubernetes 1.7 the volume's unique name stands first and its own in brackets."""
_LIST = re.compile(r"(?:unmounted|failed to process) volumes=\[([^\]]{0,4096})(\])?")
_DEVICE = re.compile(
    r"(?:superblock on|mount|mounting) /dev/((?:[shv]|xv)d[a-z]{1,3}[0-9]{0,3}|rbd[0-9p]{1,8}"
    r"|nvme[0-9]{1,4}n[0-9p]{1,8}|(?:dm-|loop|nbd|drbd|mmcblk|md)[0-9p]{1,8})(?![\w/-])"
)
"""Only what the kernel calls so: a mapper's or an rbd's symbolic name is another one there."""
_HEAD = 8192
"""Characters of a text in which volumes are named."""


def failed(message: str, event: KubeEvent) -> Fact | None:
    """Read the text of a failed mount."""
    del event
    head = message[:_HEAD]
    step = _STEP.search(head)
    if step is not None:
        operation = causes.operation(message)
        volume = step["spec"] or step["volume"]
        cause = causes.cause(message)
        return MountFailed(volume, (), step["step"], cause, operation, _device(message))
    unmounted: dict[str, None] = {}
    for found in _LIST.finditer(head):
        names = found[1].split()
        # Without the bracket the text was cut, and its last name perhaps as well.
        unmounted |= dict.fromkeys(names if found[2] else names[:-1])
    return MountFailed("", tuple(unmounted), "", _cause(message, head))


def no_sandbox(message: str, event: KubeEvent) -> Fact:
    """Read FailedCreatePodSandBox: the pod's volumes are mounted, its network is not there."""
    del message, event
    return SandboxFailed()


def _device(message: str) -> str:
    found = _DEVICE.search(message[:_HEAD])
    return found[1] if found is not None else ""


def _cause(message: str, head: str) -> Cause:
    """Say why from what follows the lists: names in them are anybody's."""
    found = causes.cause(message[head.rfind("]") + 1 :])
    return Cause.TIMEOUT if found is Cause.OTHER and "timeout expired" in head else found
