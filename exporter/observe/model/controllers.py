"""What makes pods, scales them, or owns what does: read to know who uses a claim.

Only a fresh look reads these: no detector does, so the exporter neither watches nor keeps any. What
a template says of claims is kept as it says it; whether it means a given claim is in `users`.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class Owner(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names an object as an ownerReference or a scaleTargetRef does; `group` without its version.

    `uid` is empty where it is not said.
    """

    group: str
    kind: str
    name: str
    uid: str = ""

    @property
    def typed(self) -> str:
        """Kind and group as people write them: `Deployment.apps`, `Pod`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def packed(self) -> str:
        """One text, which costs a pod less than an object; `Kind/name` are its beginning."""
        return f"{self.kind}/{self.name}/{self.group}/{self.uid}"


def unpacked(text: str) -> Owner | None:
    """Return the Owner of `packed`; None for the empty text. No part of it can hold a slash."""
    if not text:
        return None
    kind, name, group, uid = [*text.split("/"), "", "", ""][:4]
    return Owner(group, kind, name, uid)


class ClaimNames(msgspec.Struct, frozen=True):
    """What the pod templates of one workload say of claims.

    `named`: by name; Argo's may hold `{{parameters}}`. `made`: volumeClaimTemplates, whose claims
    are named after them and the workload. `ephemeral`: generic ephemeral volumes, whose claims are
    named `<pod>-<volume>`. `elsewhere`: more of it stands in a template that is not read.
    """

    named: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    ephemeral: tuple[str, ...] = ()
    elsewhere: bool = False


class Keeper(msgspec.Struct, frozen=True):
    """Who puts an object back when it is changed: a GitOps tool, and the name of its own object.

    `namespace` is empty where it is not said. `sure` is False for a label that others write too.
    """

    tool: str
    name: str
    namespace: str = ""
    sure: bool = True


class Workload(msgspec.Struct, frozen=True):
    """What makes pods from a template.

    `replicas` is how many are wanted, None for kinds that have no such number; `current` and
    `ready` are how many there are, None where the kind does not say. `suspended`: makes no new pods
    (suspend; a Notebook's stop annotation). `paused`: does not roll out, but scales. `ended`: will
    never make pods again. `annotations` are ours, and the few that stop a workload or its scaler.
    `node_selector` is a DaemonSet's, whose way to be stopped it is. `template_of` is where an Argo
    Rollout without a template has it from.
    """

    group: ClassVar[str]
    kind: ClassVar[str]

    namespace: str
    name: str
    uid: str
    version: str
    owner: Owner | None = None
    claims: ClaimNames = ClaimNames()
    replicas: int | None = None
    current: int | None = None
    ready: int | None = None
    suspended: bool = False
    paused: bool = False
    ended: bool = False
    deletion: float | None = None
    annotations: Mapping[str, str] = {}
    keepers: tuple[Keeper, ...] = ()
    node_selector: Mapping[str, str] = {}
    template_of: Owner | None = None

    @property
    def reference(self) -> Owner:
        """How an ownerReference to it would name it."""
        return Owner(self.group, self.kind, self.name, self.uid)


class Deployment(Workload, frozen=True):
    """apps/v1 Deployment."""

    group, kind = "apps", "Deployment"


class StatefulSet(Workload, frozen=True):
    """apps/v1 StatefulSet."""

    group, kind = "apps", "StatefulSet"


class DaemonSet(Workload, frozen=True):
    """apps/v1 DaemonSet; `current` is status.currentNumberScheduled."""

    group, kind = "apps", "DaemonSet"


class ReplicaSet(Workload, frozen=True):
    """apps/v1 ReplicaSet."""

    group, kind = "apps", "ReplicaSet"


class ReplicationController(Workload, frozen=True):
    """core/v1 ReplicationController."""

    group, kind = "", "ReplicationController"


class DeploymentConfig(Workload, frozen=True):
    """apps.openshift.io/v1 DeploymentConfig."""

    group, kind = "apps.openshift.io", "DeploymentConfig"


class Job(Workload, frozen=True):
    """batch/v1 Job; `current` is status.active."""

    group, kind = "batch", "Job"


class CronJob(Workload, frozen=True):
    """batch CronJob; `current` is the number of its active Jobs."""

    group, kind = "batch", "CronJob"


class Notebook(Workload, frozen=True):
    """kubeflow.org Notebook: the owner of a StatefulSet of its name."""

    group, kind = "kubeflow.org", "Notebook"


class Workflow(Workload, frozen=True):
    """argoproj.io Workflow."""

    group, kind = "argoproj.io", "Workflow"


class CronWorkflow(Workload, frozen=True):
    """argoproj.io CronWorkflow; `current` is the number of its active Workflows."""

    group, kind = "argoproj.io", "CronWorkflow"


class Rollout(Workload, frozen=True):
    """argoproj.io Rollout."""

    group, kind = "argoproj.io", "Rollout"


class Autoscaler(msgspec.Struct, frozen=True):
    """What changes a workload's replicas.

    `least` and `most` are its bounds; `paused`: somebody told it to leave the number alone, and
    `paused_at` is the number if he said one. `owner` of a HorizontalPodAutoscaler may be KEDA.
    """

    group: ClassVar[str]
    kind: ClassVar[str]

    namespace: str
    name: str
    uid: str
    version: str
    target: Owner
    least: int
    most: int
    owner: Owner | None = None
    paused: bool = False
    paused_at: int | None = None
    annotations: Mapping[str, str] = {}


class HorizontalPodAutoscaler(Autoscaler, frozen=True):
    """autoscaling HorizontalPodAutoscaler. One whose target is at zero leaves it at zero."""

    group, kind = "autoscaling", "HorizontalPodAutoscaler"


class ScaledObject(Autoscaler, frozen=True):
    """keda.sh/v1alpha1 ScaledObject. It raises from zero, unless it is paused."""

    group, kind = "keda.sh", "ScaledObject"


WORKLOADS: tuple[type[Workload], ...] = (
    CronJob,
    CronWorkflow,
    Workflow,
    Job,
    Notebook,
    Rollout,
    DeploymentConfig,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicationController,
    ReplicaSet,
)
"""In the order in which they are named and stopped: first what would start others."""

AUTOSCALERS: tuple[type[Autoscaler], ...] = (HorizontalPodAutoscaler, ScaledObject)
