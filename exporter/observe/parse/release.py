"""Volumes that should be deleted or recycled: Events about them, and what their status says.

In-tree deletion writes the raw error into the Event and into status.message once, when the volume
becomes Failed, and never again; external-provisioner writes only Events, at each try. No text
raises.
"""

from exporter.observe.model.facts import Cause, DeleteFailed, Fact, Failure
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes, provision

VOLUME = "PersistentVolume"


def failed(message: str, event: KubeEvent) -> Fact | None:
    """VolumeFailedDelete and VolumeFailedRecycle."""
    if event.about_kind != VOLUME:
        return None
    return DeleteFailed(_why(message), causes.operation(message))


def in_use(message: str, event: KubeEvent) -> Fact | None:
    """VolumeDelete, Normal: the in-tree plugin waits until the volume is detached."""
    del message
    return DeleteFailed(Cause.STILL_IN_USE) if event.about_kind == VOLUME else None


def failure(message: str | None) -> Failure | None:
    """Read a volume's status.message; None without one."""
    return Failure(_why(message), causes.plain(message)) if message else None


def _why(text: str) -> Cause:
    return Cause.NO_PLUGIN if "No recycler plugin found" in text else provision.why(text)
