"""Lists of a node's pods and of PodDisruptionBudgets -> what a drain of the node meets. Pure.

Nothing of a list is left out: a pod or a budget that cannot be read makes the whole list one that
cannot be read, for it may be the one that matters.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exporter.observe.model.drain import Budget, Drain, DrainPod
from exporter.observe.parse.envelope import BareMeta
from exporter.observe.parse.owners import WholeMeta, controller
from exporter.observe.parse.pods import WireClaimSource, WireEphemeral, claim_of
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of a static pod's shadow."""


class WireEmptyDir(msgspec.Struct, gc=False):
    """EmptyDirVolumeSource: its presence is what counts."""


class WireVolume(msgspec.Struct):
    """One entry of a pod's spec.volumes."""

    name: str = ""
    persistentVolumeClaim: WireClaimSource | None = None
    ephemeral: WireEphemeral | None = None
    emptyDir: WireEmptyDir | None = None


class WireSpec(msgspec.Struct):
    """PodSpec."""

    volumes: list[WireVolume] | None = None


class WireStatus(msgspec.Struct):
    """PodStatus."""

    phase: str | None = None


class WirePod(msgspec.Struct):
    """core/v1 Pod."""

    metadata: WholeMeta
    spec: WireSpec | None = None
    status: WireStatus | None = None


class WirePods(msgspec.Struct):
    """PodList."""

    items: list[WirePod] | None


class WireRequirement(msgspec.Struct):
    """LabelSelectorRequirement."""

    key: str
    operator: str
    values: list[str] | None = None


class WireSelector(msgspec.Struct):
    """LabelSelector."""

    matchLabels: dict[str, str] | None = None
    matchExpressions: list[WireRequirement] | None = None


class WireBudgetMeta(BareMeta):
    """ObjectMeta with the number of the spec."""

    generation: int | None = None


class WireBudgetSpec(msgspec.Struct):
    """PodDisruptionBudgetSpec."""

    selector: WireSelector | None = None


class WireBudgetStatus(msgspec.Struct):
    """PodDisruptionBudgetStatus."""

    disruptionsAllowed: int | None = None
    currentHealthy: int | None = None
    desiredHealthy: int | None = None
    observedGeneration: int | None = None


class WireBudget(msgspec.Struct):
    """policy PodDisruptionBudget."""

    metadata: WireBudgetMeta
    spec: WireBudgetSpec | None = None
    status: WireBudgetStatus | None = None


class WireBudgets(msgspec.Struct):
    """PodDisruptionBudgetList."""

    items: list[WireBudget] | None


_pods = msgspec.json.Decoder(WirePods)
_budgets = msgspec.json.Decoder(WireBudgets)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
"""What `drain` raises on texts that are no such lists."""


def drain(node: str, pods: bytes, budgets: bytes, *, beta: bool) -> Drain:
    """Return a node's pods with the budgets that select them.

    `beta`: the budgets are of policy/v1beta1, where an empty selector selects no pod; in v1 it
    selects every pod of the namespace, and one that is missing none. Raises UNREADABLE.
    """
    found = _pods.decode(pods).items or []
    known = _budgets.decode(budgets).items or []
    made = tuple(_pod(wire, known, beta=beta) for wire in found)
    used = {(one.namespace, name) for one in made for name in one.budgets}
    kept = (_budget(one) for one in known if _name(one) in used)
    return Drain(node, made, tuple(sorted(kept, key=lambda one: (one.namespace, one.name))))


def selects(selector: WireSelector | None, labels: Mapping[str, str], *, beta: bool) -> bool:
    """Whether a budget's selector selects a pod of its namespace with these labels.

    ValueError for an operator that is not known.
    """
    if selector is None:
        return False
    equal, others = selector.matchLabels or {}, selector.matchExpressions or []
    if not equal and not others:
        return not beta
    # Every one is looked at: an operator that is not known is never passed over.
    met = [_meets(one, labels) for one in others]
    return all(labels.get(key) == value for key, value in equal.items()) and all(met)


def _meets(one: WireRequirement, labels: Mapping[str, str]) -> bool:
    there, values = one.key in labels, one.values or ()
    match one.operator:
        case "In":
            return there and labels[one.key] in values
        case "NotIn":
            return not there or labels[one.key] not in values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
        case _:
            raise ValueError(f"a selector with the operator {one.operator!r}")


def _pod(wire: WirePod, budgets: Sequence[WireBudget], *, beta: bool) -> DrainPod:
    meta, volumes = wire.metadata, (wire.spec.volumes if wire.spec else None) or []
    owner, labels = controller(meta.ownerReferences), meta.labels or {}
    namespace, name = meta.namespace or "", meta.name or ""
    if not namespace or not name or not meta.uid:
        raise ValueError("a pod without namespace, name or uid")
    selected = (
        one.metadata.name or ""
        for one in budgets
        if one.metadata.namespace == namespace
        and selects(one.spec.selector if one.spec else None, labels, beta=beta)
    )
    return DrainPod(
        namespace,
        name,
        meta.uid,
        (wire.status.phase if wire.status else None) or "",
        owner.kind if owner else "",
        mirror=MIRROR in (meta.annotations or {}),
        deletion=seconds(meta.deletionTimestamp),
        local_data=any(one.emptyDir is not None for one in volumes),
        app=labels.get("app", ""),
        claims=tuple(_claims(name, volumes)),
        budgets=tuple(sorted(selected)),
    )


def _claims(pod: str, volumes: Iterable[WireVolume]) -> Iterable[str]:
    named = (claim_of(pod, one.name, one.persistentVolumeClaim, one.ephemeral) for one in volumes)
    return filter(None, named)


def _budget(one: WireBudget) -> Budget:
    status, (namespace, name) = one.status or WireBudgetStatus(), _name(one)
    # The API server evicts nothing by a count that is older than the budget.
    counted = (status.observedGeneration or 0) >= (one.metadata.generation or 0)
    return Budget(
        namespace,
        name,
        status.disruptionsAllowed if counted else None,
        status.currentHealthy,
        status.desiredHealthy,
    )


def _name(one: WireBudget) -> tuple[str, str]:
    return (one.metadata.namespace or "", one.metadata.name or "")
