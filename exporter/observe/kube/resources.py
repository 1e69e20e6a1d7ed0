"""Where each kind lives in the API. A kind is one line here and one decoder in `parse.wire`."""

from collections.abc import Mapping

import msgspec

from exporter.observe.model import Kind


class Resource(msgspec.Struct, frozen=True):
    """`base` is `/api/v1` or `/apis/<group>/<version>`; `older` are tried where it is not there.

    Object by object the older versions look the same as far as they are read. `optional`: a cluster
    may be without it; of any other a 404 is a proxy's or a mistake, and to believe it would be to
    believe that all its objects are gone.
    """

    base: str
    name: str
    namespaced: bool
    older: tuple[str, ...] = ()
    optional: bool = False


_CORE = "/api/v1"
_STORAGE = "/apis/storage.k8s.io/v1"
_STORAGE_OLDER = ("/apis/storage.k8s.io/v1beta1",)
_SNAPSHOT = "/apis/snapshot.storage.k8s.io/v1"
_SNAPSHOT_OLDER = ("/apis/snapshot.storage.k8s.io/v1beta1",)
_APPS = "/apis/apps/v1"
_BATCH = "/apis/batch/v1"
_ARGO = "/apis/argoproj.io/v1alpha1"

RESOURCES: Mapping[Kind, Resource] = {
    Kind.NODE: Resource(_CORE, "nodes", namespaced=False),
    # The same objects, and by their resource it is pods that are meant.
    Kind.POD_MANIFEST: Resource(_CORE, "pods", namespaced=True),
    Kind.POD: Resource(_CORE, "pods", namespaced=True),
    Kind.CLAIM: Resource(_CORE, "persistentvolumeclaims", namespaced=True),
    Kind.VOLUME: Resource(_CORE, "persistentvolumes", namespaced=False),
    Kind.ATTACHMENT: Resource(
        _STORAGE, "volumeattachments", namespaced=False, older=_STORAGE_OLDER
    ),
    Kind.EVENT: Resource(_CORE, "events", namespaced=True),
    Kind.LEASE: Resource("/apis/coordination.k8s.io/v1", "leases", namespaced=True),
    Kind.NAMESPACE: Resource(_CORE, "namespaces", namespaced=False),
    Kind.STORAGE_CLASS: Resource(_STORAGE, "storageclasses", namespaced=False),
    Kind.CSI_NODE: Resource(
        _STORAGE, "csinodes", namespaced=False, older=_STORAGE_OLDER, optional=True
    ),
    Kind.CSI_DRIVER: Resource(
        _STORAGE, "csidrivers", namespaced=False, older=_STORAGE_OLDER, optional=True
    ),
    Kind.SNAPSHOT: Resource(
        _SNAPSHOT, "volumesnapshots", namespaced=True, older=_SNAPSHOT_OLDER, optional=True
    ),
    Kind.SNAPSHOT_CONTENT: Resource(
        _SNAPSHOT, "volumesnapshotcontents", namespaced=False, older=_SNAPSHOT_OLDER, optional=True
    ),
    Kind.SNAPSHOT_CLASS: Resource(
        _SNAPSHOT, "volumesnapshotclasses", namespaced=False, older=_SNAPSHOT_OLDER, optional=True
    ),
    Kind.DEPLOYMENT: Resource(_APPS, "deployments", namespaced=True),
    Kind.STATEFUL_SET: Resource(_APPS, "statefulsets", namespaced=True),
    Kind.DAEMON_SET: Resource(_APPS, "daemonsets", namespaced=True),
    Kind.REPLICA_SET: Resource(_APPS, "replicasets", namespaced=True),
    Kind.REPLICATION_CONTROLLER: Resource(_CORE, "replicationcontrollers", namespaced=True),
    Kind.DEPLOYMENT_CONFIG: Resource(
        "/apis/apps.openshift.io/v1", "deploymentconfigs", namespaced=True, optional=True
    ),
    Kind.JOB: Resource(_BATCH, "jobs", namespaced=True),
    Kind.CRON_JOB: Resource(_BATCH, "cronjobs", namespaced=True, older=("/apis/batch/v1beta1",)),
    Kind.NOTEBOOK: Resource(
        "/apis/kubeflow.org/v1",
        "notebooks",
        namespaced=True,
        older=("/apis/kubeflow.org/v1beta1",),
        optional=True,
    ),
    Kind.WORKFLOW: Resource(_ARGO, "workflows", namespaced=True, optional=True),
    Kind.CRON_WORKFLOW: Resource(_ARGO, "cronworkflows", namespaced=True, optional=True),
    Kind.ROLLOUT: Resource(_ARGO, "rollouts", namespaced=True, optional=True),
    # v1 looks the same as far as it is read; v2 is there from Kubernetes 1.23 on.
    Kind.AUTOSCALER: Resource(
        "/apis/autoscaling/v2",
        "horizontalpodautoscalers",
        namespaced=True,
        older=("/apis/autoscaling/v1",),
    ),
    Kind.SCALED_OBJECT: Resource(
        "/apis/keda.sh/v1alpha1", "scaledobjects", namespaced=True, optional=True
    ),
    Kind.QUOTA: Resource(_CORE, "resourcequotas", namespaced=True),
    Kind.LIMIT_RANGE: Resource(_CORE, "limitranges", namespaced=True),
    Kind.ATTESTATION: Resource(
        "/apis/pvmedic.dev/v1alpha1", "nodeattestations", namespaced=False, optional=True
    ),
    Kind.NETWORK_FENCE: Resource(
        "/apis/csiaddons.openshift.io/v1alpha1", "networkfences", namespaced=False, optional=True
    ),
}
"""Every kind that is listed; the others are not resources of the API."""


def path(kind: Kind, namespace: str = "", name: str = "", base: str = "") -> str:
    """Return the path of a collection, or of one object; namespace empty: all namespaces.

    `base` is another version of the API than the newest.
    """
    resource = RESOURCES[kind]
    middle = f"/namespaces/{namespace}" if resource.namespaced and namespace else ""
    return f"{base or resource.base}{middle}/{resource.name}" + (f"/{name}" if name else "")


class Asked(msgspec.Struct, frozen=True):
    """One request in Kubernetes' words, for messages and counters.

    `name` is empty for a collection.
    """

    verb: str
    resource: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As RBAC would put it: `list pods at cluster scope`, `get pods web/db-0`."""
        if self.resource.startswith("/"):
            where = ""
        elif self.name:
            where = f" {self.namespace}/{self.name}" if self.namespace else f" {self.name}"
        else:
            where = f" in namespace {self.namespace}" if self.namespace else " at cluster scope"
        return f"{self.verb} {self.resource}{where}"


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def asked(method: str, url_path: str, *, watch: bool = False) -> Asked:
    """Read a request's path: `/apis/g/v/namespaces/n/resource/name/subresource`."""
    parts = [part for part in url_path.split("/") if part]
    if parts[:1] not in (["api"], ["apis"]):
        return Asked("get", url_path, "", "")
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    # `/namespaces/x` alone is the Namespace object itself; with more behind it, it is a scope.
    if rest[:1] == ["namespaces"] and len(rest) > 2:  # noqa: PLR2004
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = [*rest, "", "", ""][:3]
    read = "watch" if watch else "get" if name else "list"
    verb = _VERBS.get(method.upper(), read)
    full = f"{resource}/{subresource}" if subresource else resource
    return Asked(verb, full or url_path, namespace, name)
