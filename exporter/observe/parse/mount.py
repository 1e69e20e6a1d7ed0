"""The kubelet's FailedMount and FailedMapVolume Events, and its time-out texts of every version."""

import re

from exporter.observe.model.facts import Cause, Fact, MountFailed
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes

_STEP = re.compile(
    r'(?:MountVolume|MapVolume)\.([\w ]+?) failed .*?for volume "([^"\s]+)"?', re.DOTALL
)
_LIST = re.compile(r"unmounted volumes=\[([^\]]*)")


def failed(message: str, event: KubeEvent) -> Fact | None:
    """Read the text."""
    del event
    found = _STEP.search(message)
    if found is not None:
        operation = causes.operation(message)
        return MountFailed(found[2], (), found[1], causes.cause(message), operation)
    unmounted = _LIST.search(message)
    if unmounted is not None:
        return MountFailed("", tuple(unmounted[1].split()), "", Cause.TIMEOUT)
    return None
