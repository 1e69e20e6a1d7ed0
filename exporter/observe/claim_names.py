"""Whether what a pod template says of claims means a given claim.

Names are matched by pattern, never by counting up to the replicas: a workload scaled to zero would
use no claim, and a StatefulSet's claims are named after it and a number. Pure.
"""

import re
from collections.abc import Mapping

from exporter.observe import model
from exporter.observe.model import KIND_OF, Kind, Owner, Workload
from exporter.observe.view import View

_KINDS: Mapping[tuple[str, str], Kind] = {
    (cls.group, cls.kind): KIND_OF[cls] for cls in model.WORKLOADS
}


def kind_of(owner: Owner) -> Kind | None:
    """Return the kind that a reference names; None for one that is not known here."""
    return _KINDS.get((owner.group, owner.kind))


def names(workload: Workload, claim: str, view: View) -> bool | None:
    """Whether a workload's templates name a claim: surely, perhaps (False), or not (None)."""
    said = workload.claims
    if workload.template_of is not None:
        kind = kind_of(workload.template_of)
        other = view.workload(kind, workload.namespace, workload.template_of.name) if kind else None
        if other is None:
            return False
        said = other.claims
    if claim in said.named or any(_made(workload, claim, one) for one in said.made):
        return True
    if any(_ephemeral(workload, claim, volume) for volume in said.ephemeral):
        return True
    if said.elsewhere or any("{{" in name and _fits(name, claim) for name in said.named):
        return False
    return None


_ORDINAL = r"(0|[1-9][0-9]*)"
"""Of a StatefulSet's pod; any, for one scaled to zero has the claims of all that it had."""
_RANDOM = r"[bcdfghjklmnpqrstvwxz2456789]{5}"
"""What the API server makes of generateName."""
_REVISION = r"[a-z0-9]{1,10}"

_POD_NAMES: Mapping[type[Workload], str] = {
    model.StatefulSet: _ORDINAL,
    model.Notebook: _ORDINAL,
    model.Deployment: f"{_REVISION}-{_RANDOM}",
    model.Rollout: f"{_REVISION}-{_RANDOM}",
    model.DeploymentConfig: f"[0-9]+-{_RANDOM}",
    model.ReplicaSet: _RANDOM,
    model.ReplicationController: _RANDOM,
    model.DaemonSet: _RANDOM,
    model.Job: f"([0-9]+-)?{_RANDOM}",
    model.CronJob: f"[0-9]+-([0-9]+-)?{_RANDOM}",
}
"""What follows `<workload>-` in the names of its pods. Argo's own are found by their pods alone."""


def _made(workload: Workload, claim: str, template: str) -> bool:
    """Whether a claim is made from this volumeClaimTemplate."""
    match workload:
        case model.Workflow():
            return claim == f"{workload.name}-{template}"
        case model.CronWorkflow():
            # Its workflows are named after the time.
            return _between(claim, f"{workload.name}-", "[0-9]+", f"-{template}")
        case _:
            return _between(claim, f"{template}-{workload.name}-", _ORDINAL, "")


def _ephemeral(workload: Workload, claim: str, volume: str) -> bool:
    pattern = _POD_NAMES.get(type(workload))
    return pattern is not None and _between(claim, f"{workload.name}-", pattern, f"-{volume}")


def _between(text: str, begin: str, pattern: str, end: str) -> bool:
    if not (text.startswith(begin) and text.endswith(end)):
        return False
    return re.fullmatch(pattern, text[len(begin) : len(text) - len(end)]) is not None


def _fits(name: str, claim: str) -> bool:
    """Whether a name with `{{parameters}}` may come out as this claim."""
    fixed = re.split(r"\{\{.*?\}\}", name)
    return re.fullmatch(".*".join(map(re.escape, fixed)), claim) is not None
