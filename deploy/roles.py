"""`python -m roles` writes the remediator's account and roles, from what the program declares.

deploy/manifests/access/remediator.yaml is not written by hand: a right is added where it is needed,
at a handler or in remediator/rights.py, with its reason.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import exec_policy
from exec_policy import Guarded
from remediator.cli.rights import granted
from remediator.rights import MEDIK8S, OWN, ROK, ROK_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remediator.rights import Grant

ACCESS = Path(__file__).parent / "manifests" / "access"
NAME = "pvmedic-remediator"
BEFORE = "before-1.26"
"""What only older API servers need."""
WIDTH = 108
RBAC = "rbac.authorization.k8s.io"
MADE = (
    "# Made by `make generate` from what the program declares (remediator/rights.py, handlers).\n"
)
HEAD = f"""{MADE}\
# The remediator looks afresh at what an alert names, keeps records, writes Events, and patches
# nodes (the out-of-service taint) and what claims ask for. Of what others made it deletes nothing,
# and it runs no command.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {NAME}
  namespace: {OWN}
  labels:
    app.kubernetes.io/name: {NAME}
    app.kubernetes.io/part-of: pvmedic
  # On EKS, name here the IAM role that may call ec2:DescribeInstances (README.md, one folder up):
  # annotations:
  #   eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/pvmedic-remediator
automountServiceAccountToken: false
"""


def generated() -> dict[Path, str]:
    """Return the text of every file that is made here."""
    always = [grant for grant in granted() if grant.before is None]
    spaces = sorted({grant.namespace for grant in always})
    roles = [role(space, (g for g in always if g.namespace == space)) for space in spaces]
    medik8s = role(MEDIK8S.namespace, [MEDIK8S])
    older = role("", (g for g in granted() if g.before is not None), f"{NAME}-{BEFORE}")
    everywhere = role("", (g for g in ROK if not g.namespace), f"{NAME}-rok")
    in_pods = role(ROK_SPACE, (g for g in ROK if g.namespace))
    return {
        ACCESS / "remediator.yaml": "---\n".join([HEAD, *roles]),
        ACCESS / "components" / "medik8s" / "lease.yaml": MADE + medik8s,
        ACCESS / "components" / BEFORE / "pods.yaml": MADE + older,
        ACCESS / "components" / "rok" / "rights.yaml": f"{MADE}{everywhere}---\n{in_pods}",
        ACCESS / "components" / "rok" / "commands.yaml": MADE + exec_policy.text(Guarded()),
    }


def role(namespace: str, grants: Iterable[Grant], name: str = NAME) -> str:
    """Return a role with its binding; the whole cluster's without a namespace."""
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
    namespace: {OWN}
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


def main() -> int:
    """Write the files that have changed, and name them."""
    for path, text in generated().items():
        if not path.is_file() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(ACCESS.parent)}: written anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
