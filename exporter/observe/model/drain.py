"""A node as a drain sees it: its pods, and the budgets over them. No I/O, no clock.

Read in a repair's fresh look only. The exporter keeps of a pod without claims nothing at all.
"""

import msgspec


class DrainPod(msgspec.Struct, frozen=True):
    """core/v1 Pod. `owner` is the kind of the controller that owns it, empty for a bare pod.

    `mirror`: a static pod, which the kubelet makes anew. `deletion` as in `Pod`. `local_data`: it
    has emptyDir volumes, which are lost with it. `budgets` are the names of the
    PodDisruptionBudgets of its namespace that select it.
    """

    namespace: str
    name: str
    uid: str
    phase: str
    owner: str = ""
    mirror: bool = False
    deletion: float | None = None
    local_data: bool = False
    app: str = ""
    """Its label `app`: how Rok's own pods are told."""
    claims: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Succeeded or Failed: its containers have stopped for good."""
        return self.phase in ("Succeeded", "Failed")


class Budget(msgspec.Struct, frozen=True):
    """policy PodDisruptionBudget. `allowed` is status.disruptionsAllowed, None when not counted."""

    namespace: str
    name: str
    allowed: int | None
    healthy: int | None = None
    wanted: int | None = None


class Drain(msgspec.Struct, frozen=True):
    """All pods that are bound to a node (`name`), and the budgets that select any of them."""

    name: str
    pods: tuple[DrainPod, ...]
    budgets: tuple[Budget, ...] = ()
    version: str = ""

    def budgets_of(self, pod: DrainPod) -> tuple[Budget, ...]:
        """Return the budgets that select a pod; the API server evicts none that has several."""
        return tuple(
            one
            for one in self.budgets
            if one.namespace == pod.namespace and one.name in pod.budgets
        )
