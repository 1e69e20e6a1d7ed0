"""What the kernel of a node said about a mount that failed there. Values in, values out.

The API knows no devices. mount(8) names one in its text, most often as the kernel does; then its
lines are this device's. Where it does not, only lines that a mounted file system never writes are
taken for it, of the same type and within the same minutes, and only if they all say one thing.
"""

from collections.abc import Iterable

from exporter.observe.model import Cause, KernelFault

NEAR_SECONDS = 300.0
"""How far a line may be from the Event: kubelets try every two minutes, and tell less often."""

_OF_MOUNTING = frozenset(
    {Cause.XFS_DUPLICATE_UUID, Cause.XFS_UNSUPPORTED, Cause.FEATURE_UNSUPPORTED}
)
"""What only a mount that is refused is told of."""
_TELLING = (
    Cause.XFS_DUPLICATE_UUID,
    Cause.XFS_UNSUPPORTED,
    Cause.FEATURE_UNSUPPORTED,
    Cause.FILESYSTEM_DAMAGED,
    Cause.IO_ERROR,
    Cause.FILESYSTEM_SHUT_DOWN,
)
"""Most telling first: an error of the device often follows from none, and damage from one."""


def proof(
    faults: Iterable[KernelFault], device: str, fs_type: str, when: float | None
) -> KernelFault | None:
    """Return what explains a mount of this device, of a volume of this type, that failed then."""
    near = [
        fault
        for fault in faults
        if fault.cause in _TELLING and when is not None and _near(fault, when)
    ]
    if device:
        found = [fault for fault in near if fault.device == device]
    else:
        found = [f for f in near if f.cause in _OF_MOUNTING and fs_type and f.fs_type == fs_type]
        if len({fault.cause for fault in found}) > 1:
            return None
    return min(found, key=_rank, default=None)


def _near(fault: KernelFault, when: float) -> bool:
    return fault.first - NEAR_SECONDS <= when <= fault.last + NEAR_SECONDS


def _rank(fault: KernelFault) -> tuple[int, float, str]:
    return (_TELLING.index(fault.cause), -fault.last, fault.name)
