"""`python -m roles` writes the remediator's account and roles, from what the program declares.

deploy/manifests/access/remediator.yaml is not written by hand: a right is added where it is needed,
at a handler or in remediator/rights.py, with its reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

import exec_policy
from exec_policy import Guarded
from remediator.cli.rights import granted
from remediator.cli.roles import NAME, role, unbound
from remediator.rights import BARE_PODS, MEDIK8S, OWN, ROK, ROK_SPACE

ACCESS = Path(__file__).parent / "manifests" / "access"
BEFORE = "before-1.26"
"""What only older API servers need."""
BARE = "bare-pods"
"""What is bound in the namespaces that want it, and nowhere else."""
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
        ACCESS / "components" / BARE / "pods.yaml": MADE + unbound([BARE_PODS], f"{NAME}-{BARE}"),
        ACCESS / "components" / "rok" / "rights.yaml": f"{MADE}{everywhere}---\n{in_pods}",
        ACCESS / "components" / "rok" / "commands.yaml": MADE + exec_policy.text(Guarded()),
    }


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
