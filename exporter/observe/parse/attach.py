"""The attach/detach controller's FailedAttachVolume Events: held elsewhere, or failed."""

import re

from exporter.observe.model.facts import AttachFailed, Fact
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes, multi_attach

_VOLUME = re.compile(r'for volume "([^"\s]+)"?')


def failed(message: str, event: KubeEvent) -> Fact | None:
    """Read the text; a Multi-Attach text is a fact of its own."""
    del event
    held = multi_attach.blocked(message)
    if held is not None:
        return held
    found = _VOLUME.search(message)
    if found is None:
        return None
    return AttachFailed(found[1], causes.cause(message, attaching=True))
