"""VolumeSnapshots, their contents and classes (snapshot.storage.k8s.io v1, v1beta1)."""

import msgspec

from exporter.observe.model.facts import Failure


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """VolumeSnapshot. None in `ready` and `snapshot_class`: not said.

    `touched` is false while it has neither status nor finalizer: then no snapshot-controller has
    seen it. `claim` or `content` is its source. `error.when` is when this text was first written.
    """

    namespace: str
    name: str
    uid: str
    version: str
    claim: str
    content: str
    snapshot_class: str | None
    created: float | None
    deletion: float | None
    finalizers: tuple[str, ...]
    ready: bool | None
    error: Failure | None
    bound_content: str
    touched: bool
    restore_size: int | None = None


class SnapshotContent(msgspec.Struct, frozen=True, gc=False):
    """VolumeSnapshotContent. `snapshot_namespace`, `snapshot_name` and `snapshot_uid` are its ref.

    `touched` is false while its status is empty: then no driver's sidecar has seen it.
    `being_deleted` is the annotation volumesnapshot-being-deleted.
    """

    name: str
    uid: str
    version: str
    driver: str
    snapshot_namespace: str
    snapshot_name: str
    snapshot_uid: str
    snapshot_class: str
    deletion_policy: str
    created: float | None
    deletion: float | None
    finalizers: tuple[str, ...]
    ready: bool | None
    error: Failure | None
    touched: bool
    being_deleted: bool = False


class SnapshotClass(msgspec.Struct, frozen=True):
    """VolumeSnapshotClass."""

    name: str
    driver: str
    default: bool = False
    version: str = ""
