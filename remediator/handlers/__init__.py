"""The handlers, one line each.

Adding a power to the product is one file here and one line in this tuple.
"""

from remediator.handlers.base import Handler
from remediator.handlers.expansion_failed import ExpansionFailed
from remediator.handlers.node_lost_with_volumes import NodeLostWithVolumes
from remediator.handlers.rwx_recovery_blocked import RwxRecoveryBlocked
from remediator.handlers.snapshot_space_exhausted import SnapshotSpaceExhausted
from remediator.handlers.volume_filling import VolumeFilling

HANDLERS: tuple[Handler, ...] = (
    NodeLostWithVolumes(),
    RwxRecoveryBlocked(),
    SnapshotSpaceExhausted(),
    VolumeFilling(),
    ExpansionFailed(),
)


def handler_of(signal: str) -> Handler | None:
    """Return the handler for a signal."""
    return next((handler for handler in HANDLERS if handler.name == signal), None)
