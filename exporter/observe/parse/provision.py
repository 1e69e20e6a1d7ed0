"""Events about claims that get no volume, provisioners' and the volume controller's, as facts.

Read in Kubernetes 1.5 to 1.36 and external-provisioner 1.0 to 6.3. Events of the same reason about
other kinds of objects are somebody else's. A text may be aggregated, cut at any length or carry
what Go's formatter leaves of a stray `%`; none raises. Why an operation failed is read in `causes`;
here is only what claims and volumes alone can say.
"""

import re

from exporter.observe.model.facts import (
    BindFailed,
    Binding,
    Cause,
    Fact,
    ProvisionFailed,
    ProvisionStarted,
    ProvisionWaits,
)
from exporter.observe.model.names import LONGEST_TEXT
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes

CLAIM = "PersistentVolumeClaim"

_NO_CLASS = re.compile(
    r'storageclass(?:es)?(?:\.storage\.k8s\.io)? \\?"[^"]{0,256}" not found', re.IGNORECASE
)
_WAITED_FOR = re.compile(r"provisioner ['\"]([^'\"\s]{1,256})")
_POPULATOR = "external populator"


def why(text: str) -> Cause:
    """Say why, as `causes.cause`; a StorageClass that is not there is a cause of its own."""
    if _NO_CLASS.search(text[:LONGEST_TEXT]):
        return Cause.CLASS_MISSING
    return causes.cause(text)


def failed(message: str, event: KubeEvent) -> Fact | None:
    """ProvisioningFailed, of every provisioner."""
    if event.about_kind != CLAIM:
        return None
    return ProvisionFailed(why(message), causes.operation(message))


def orphaned(message: str, event: KubeEvent) -> Fact | None:
    """ProvisioningCleanupFailed: a volume that no object knows was left at the back end."""
    if event.about_kind != CLAIM:
        return None
    return ProvisionFailed(why(message), causes.operation(message), orphan=True)


def started(message: str, event: KubeEvent) -> Fact | None:
    """Provisioning: taken up, or left to a populator by the provisioner."""
    if event.about_kind != CLAIM:
        return None
    return ProvisionWaits() if _POPULATOR in message else ProvisionStarted()


def waits(message: str, event: KubeEvent) -> Fact | None:
    """ExternalProvisioning, in all three wordings since Kubernetes 1.5."""
    if event.about_kind != CLAIM:
        return None
    found = _WAITED_FOR.search(message)
    return ProvisionWaits(found[1] if found else "")


def unbound(message: str, event: KubeEvent) -> Fact | None:
    """FailedBinding: Normal where no volume fits, Warning where the wanted one is taken."""
    if event.about_kind != CLAIM:
        return None
    if "no persistent volumes available" in message:
        return BindFailed(Binding.NO_VOLUME)
    return BindFailed(Binding.TAKEN) if "already bound" in message else None


def mismatched(message: str, event: KubeEvent) -> Fact | None:
    """VolumeMismatch: the volume that a claim names does not fit it."""
    del message
    return BindFailed(Binding.MISMATCH) if event.about_kind == CLAIM else None
