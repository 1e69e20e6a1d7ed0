"""Which Events are kept, and what their texts say: one reader per reason. No grammar lives here.

An Event whose reason has no reader, or whose text says nothing that is known, is not kept: a
cluster has a hundred thousand of them. A reader gets the text without its aggregation prefix and
the Event as far as it is read, and returns a fact or nothing; it never raises.
"""

from collections.abc import Callable, Mapping

from exporter.observe.model.facts import Fact
from exporter.observe.model.names import Kind
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import attach, expand, mount, provision, release, rok, snapshot_events

Reader = Callable[[str, KubeEvent], Fact | None]

READERS: Mapping[str, Reader] = {
    "FailedAttachVolume": attach.failed,
    "FailedMount": mount.failed,
    "FailedMapVolume": mount.failed,
    "FailedCreatePodSandBox": mount.no_sandbox,
    "JobStarted": rok.started,
    "JobFailed": rok.failed,
    "INFO": rok.said,
    "PROGRESS": rok.said,
    "WARNING": rok.said,
    "ProvisioningFailed": provision.failed,
    "ProvisioningCleanupFailed": provision.orphaned,
    "Provisioning": provision.started,
    "ExternalProvisioning": provision.waits,
    "FailedBinding": provision.unbound,
    "VolumeMismatch": provision.mismatched,
    "VolumeResizeFailed": expand.failed,
    "FileSystemResizeFailed": expand.node_failed,
    "ExternalExpanding": expand.waits,
    "Resizing": expand.started,
    "FileSystemResizeRequired": expand.node_started,
    "VolumeFailedDelete": release.failed,
    "VolumeFailedRecycle": release.failed,
    "VolumeDelete": release.in_use,
    **dict.fromkeys(snapshot_events.REASONS, snapshot_events.failed),
}
"""By the Event's reason."""

NOISE = (
    "BackOff",
    "Completed",
    "Created",
    "FailedScheduling",
    "Killing",
    "LeaderElection",
    "NodeHasSufficientMemory",
    "Pulled",
    "Pulling",
    "SawCompletedJob",
    "ScalingReplicaSet",
    "Scheduled",
    "Started",
    "SuccessfulCreate",
    "SuccessfulDelete",
    "SuccessfulRescale",
    "Unhealthy",
)
"""Reasons that the API server is asked to leave out: the most frequent that we never read."""

SELECTORS = {Kind.EVENT: ",".join(f"reason!={reason}" for reason in NOISE)}
"""Field selectors by kind: of Events not what is frequent and never read."""


def fact(message: str, event: KubeEvent) -> Fact | None:
    """Return what an Event says; None: it is not kept."""
    reader = READERS.get(event.reason)
    return reader(message, event) if reader is not None else None
