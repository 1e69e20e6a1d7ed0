"""Roles as YAML, from what the program declares: those that ship, and one that settings ask for."""

import textwrap
from collections.abc import Iterable

from remediator.cli.rights import More, scales
from remediator.cli.said import DONE, Said, said
from remediator.rights import OWN, Grant
from remediator.settings import Settings

NAME = "pvmedic-remediator"
WIDTH = 108
RBAC = "rbac.authorization.k8s.io"


def asked_for(settings: Settings) -> Said:
    """Return the role that these settings make necessary beyond those that ship."""
    grants = list(scales(more(settings).scalable))
    if not grants:
        return said(DONE, "# These settings need no role beyond those that ship.")
    return said(DONE, role("", grants, f"{NAME}-scales", settings.namespace))


def more(settings: Settings, bare_pods: tuple[str, ...] = ()) -> More:
    """Return what settings make necessary, and what they do not say: where bare pods are ours."""
    kinds = tuple((one.group, one.resource) for one in settings.stopping.scalable)
    return More(settings.medik8s_leases, bare_pods, kinds, settings.rok.exec.namespace)


def unbound(grants: Iterable[Grant], name: str) -> str:
    """Return a role of the whole cluster without a binding: to be bound namespace by namespace."""
    return f"{_head('ClusterRole', '', name)}rules:\n{''.join(map(_rule, grants))}"


def role(namespace: str, grants: Iterable[Grant], name: str = NAME, own: str = OWN) -> str:
    """Return a role with its binding; the whole cluster's without a namespace.

    `own` is the namespace of the account.
    """
    kind = "Role" if namespace else "ClusterRole"
    head = _head(kind, namespace, name)
    rules = "".join(map(_rule, grants))
    return f"""{head}rules:
{rules}---
{_head(f"{kind}Binding", namespace, name)}roleRef:
  apiGroup: {RBAC}
  kind: {kind}
  name: {name}
subjects:
  - kind: ServiceAccount
    name: {NAME}
    namespace: {own}
"""


def _head(kind: str, namespace: str, name: str) -> str:
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"""apiVersion: {RBAC}/v1
kind: {kind}
metadata:
  name: {name}
{where}  labels:
    app.kubernetes.io/name: {NAME}
    app.kubernetes.io/part-of: pvmedic
"""


def _rule(grant: Grant) -> str:
    why = textwrap.wrap(grant.why, WIDTH, break_on_hyphens=False, break_long_words=False)
    group = grant.group or '""'
    lines = [
        *(f"  # {line}" for line in why),
        f"  - apiGroups: [{group}]",
        f"    resources: [{', '.join(grant.resources)}]",
        *([f"    resourceNames: [{', '.join(grant.names)}]"] if grant.names else []),
        f"    verbs: [{', '.join(grant.verbs)}]",
    ]
    return "\n".join(lines) + "\n"
