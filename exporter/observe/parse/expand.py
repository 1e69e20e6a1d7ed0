"""Events about volumes that should grow: the resizer's, the controller manager's, the kubelet's.

Read in Kubernetes 1.11 to 1.36 and external-resizer 0.1 to 2.3. The kubelet writes about the pod,
newer ones about the claim as well; who wrote about a claim is told by the component or, where that
was lost, by the text. Lost write conflicts are not kept: the next try a second later is the news.
No text raises.
"""

import re

from exporter.observe.model.facts import (
    Cause,
    Fact,
    ResizeFailed,
    ResizeStarted,
    ResizeWaits,
    Stage,
)
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes
from exporter.observe.parse.provision import CLAIM

_VOLUME = re.compile(r'(?:for|resize) volume "?([^"\s:]{1,256})', re.IGNORECASE)
_ON_NODE = ("NodeExpandVolume", "VolumeFSResize", "MountVolume.", "MapVolume.")
_OFFLINE = "only supports offline expansion"


def failed(message: str, event: KubeEvent) -> Fact | None:
    """VolumeResizeFailed."""
    if event.about_kind == "Pod" or event.component == "kubelet" or message.startswith(_ON_NODE):
        return _failed(Stage.NODE, message, event)
    return _failed(Stage.CONTROLLER, message, event)


def node_failed(message: str, event: KubeEvent) -> Fact | None:
    """FileSystemResizeFailed: the kubelet only."""
    return _failed(Stage.NODE, message, event)


def waits(message: str, event: KubeEvent) -> Fact | None:
    """ExternalExpanding, Normal or Warning by version."""
    del message
    return ResizeWaits() if event.about_kind == CLAIM else None


def started(message: str, event: KubeEvent) -> Fact | None:
    """Resizing: the resizer has taken the claim up."""
    del message
    return ResizeStarted(Stage.CONTROLLER) if event.about_kind == CLAIM else None


def node_started(message: str, event: KubeEvent) -> Fact | None:
    """FileSystemResizeRequired: the resizer is done, it is the kubelet's turn."""
    del message
    return ResizeStarted(Stage.NODE) if event.about_kind == CLAIM else None


def _failed(stage: Stage, message: str, event: KubeEvent) -> Fact | None:
    why = causes.cause(message)
    if event.about_kind not in (CLAIM, "Pod") or why is Cause.CONFLICT:
        return None
    found = _VOLUME.search(message)
    return ResizeFailed(
        stage,
        why,
        volume=found[1] if found else "",
        offline=_OFFLINE in message,
        operation=causes.operation(message),
    )
