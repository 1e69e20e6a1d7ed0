"""Events of the snapshot-controller and of drivers' csi-snapshotters: what about a snapshot failed.

Sources: external-snapshotter 3.0 to 8.7 (signals reference 0.1 and 5.2). The text decides where it
says more than the reason: a missing source claim comes as SnapshotContentCreationFailed. A
controller that lost a write conflict writes Events about nothing; those, and the conflict itself,
are not kept. No text raises.
"""

from collections.abc import Mapping

from exporter.observe.model.facts import Cause, Fact, SnapshotFailed, SnapshotFault
from exporter.observe.model.workloads import KubeEvent
from exporter.observe.parse import causes

_REASONS: Mapping[str, SnapshotFault] = {
    "SnapshotContentCreationFailed": SnapshotFault.OTHER,
    "CreateSnapshotContentFailed": SnapshotFault.OTHER,
    "SnapshotPVCSourceMissing": SnapshotFault.SOURCE_MISSING,
    "SnapshotContentMissing": SnapshotFault.CONTENT_MISSING,
    "SnapshotContentMismatch": SnapshotFault.MISBOUND,
    "SnapshotContentMisbound": SnapshotFault.MISBOUND,
    "SnapshotMisbound": SnapshotFault.MISBOUND,
    "SnapshotBindFailed": SnapshotFault.OTHER,
    "SnapshotHandleSet": SnapshotFault.OTHER,
    "SnapshotStatusUpdateFailed": SnapshotFault.OTHER,
    "SnapshotValidationError": SnapshotFault.OTHER,
    "SnapshotFinalizerError": SnapshotFault.OTHER,
    "ErrorPVCFinalizer": SnapshotFault.OTHER,
    "GetSnapshotClassFailed": SnapshotFault.CLASS_MISSING,
    "SetDefaultSnapshotClassFailed": SnapshotFault.CLASS_MISSING,
    "SnapshotDeletePending": SnapshotFault.DELETION,
    "SnapshotContentObjectDeleteError": SnapshotFault.DELETION,
    "SnapshotDeleteError": SnapshotFault.DELETION,
    "SnapshotCreationFailed": SnapshotFault.CREATION,
    "SnapshotContentCheckandUpdateFailed": SnapshotFault.CREATION,
    "ContentValidationError": SnapshotFault.OTHER,
}

REASONS = tuple(_REASONS)
"""The Events' reasons that `failed` reads."""

_TEXTS: tuple[tuple[str, SnapshotFault], ...] = (
    ("cannot get claim from snapshot", SnapshotFault.SOURCE_MISSING),
    ("not yet bound to a pv", SnapshotFault.SOURCE_NOT_BOUND),
    ("cannot find default snapshot class", SnapshotFault.CLASS_MISSING),
    ("failed to get snapshot class", SnapshotFault.CLASS_MISSING),
    ("volumesnapshotcontent is missing", SnapshotFault.CONTENT_MISSING),
)
"""Lower-case parts of texts, most telling first."""


def failed(message: str, event: KubeEvent) -> Fact | None:
    """Read the text; nothing when it is about nothing, or only says that a write came second."""
    fault = _REASONS.get(event.reason)
    if fault is None or not event.about_name:
        return None
    cause = causes.cause(message)
    if cause is Cause.CONFLICT:
        return None
    return SnapshotFailed(_by_text(message.lower()) or fault, cause)


def _by_text(message: str) -> SnapshotFault | None:
    if "volumesnapshotclass" in message and "not found" in message:
        return SnapshotFault.CLASS_MISSING
    return next((fault for part, fault in _TEXTS if part in message), None)
