"""Writes the admission policy that holds the remediator to the commands which its repair runs.

RBAC can say in which namespace's pods an account runs commands, and not which. The policy reads
them: it is made of the forms of the program's own commands (remediator/command_forms.py).
`python -m exec_policy remediator.yaml` prints the one for other names than those that ship.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.kit.settings import read_text
from exporter.observe.disk_commands import RokVolume
from remediator.case import RokPolicy
from remediator.command_forms import forms
from remediator.rights import OWN, ROK_SPACE
from remediator.rok_settings import RokExec
from remediator.settings import Settings

if TYPE_CHECKING:
    from remediator.command_forms import Form

NAME = "pvmedic-commands"


@dataclass(frozen=True)
class Guarded:
    """Whom the policy is about, and where the snapshot space lies; as shipped."""

    account: str = f"system:serviceaccount:{OWN}:pvmedic-remediator"
    namespace: str = ROK_SPACE
    container: str = RokExec().container
    volume: RokVolume = field(default_factory=RokVolume)
    path: str = RokPolicy().path


def of_settings(settings: Settings) -> Guarded:
    """Return what a policy has to be about, for a remediator with these settings."""
    rok = settings.rok
    return Guarded(
        account=f"system:serviceaccount:{settings.namespace}:pvmedic-remediator",
        namespace=rok.exec.namespace or ROK_SPACE,
        container=rok.exec.container,
        volume=rok.place(),
        path=rok.path,
    )


def text(about: Guarded) -> str:
    """Return the policy with its binding, as YAML."""
    container = _container(about.container)
    allowed = "\n        || ".join(map(_expression, forms(about.volume, about.path)))
    return f"""\
# What the remediator may run in Rok Disk Manager's pods: the commands of its repair, argument by
# argument. Nobody else is concerned. With other names in the section `rok` of the settings it must
# have those: `PYTHONPATH=deploy python -m exec_policy remediator.yaml` prints it.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {NAME}
  labels:
    app.kubernetes.io/part-of: pvmedic
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CONNECT]
        resources: [pods/exec]
  matchConditions:
    - name: the-remediator
      expression: request.userInfo.username == '{about.account}'
  variables:
    - name: command
      expression: "object.?command.orValue([])"
    - name: said
      expression: variables.command.join(' ')
  validations:
    - expression: request.namespace == '{about.namespace}'
      message: the remediator runs commands in namespace {about.namespace} only
      reason: Forbidden
{container}    - expression: "!object.?stdin.orValue(false) && !object.?tty.orValue(false)"
      message: the remediator's commands are given nothing to read
      reason: Forbidden
    - expression: >-
        {allowed}
      messageExpression: "'this is none of the commands of the remediator: ' + variables.said"
      message: this is none of the commands of the remediator
      reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {NAME}
  labels:
    app.kubernetes.io/part-of: pvmedic
spec:
  policyName: {NAME}
  validationActions: [Deny]
"""


def _container(name: str) -> str:
    """Return the rule about the container; none where the pods have only one, and nobody says."""
    if not name:
        return ""
    return f"""\
    - expression: object.?container.orValue('') == '{name}'
      message: the remediator runs commands in container {name} only
      reason: Forbidden
"""


def _expression(form: Form) -> str:
    size = f"size(variables.command) == {form.arguments}"
    return f"({size} && variables.said.matches(r'^{form.pattern}$'))"


def main(file: Path) -> int:
    """Print the policy for a remediator's settings; raises SettingsError."""
    settings = read_text(file.read_text(), str(file), Settings)
    sys.stdout.write(text(of_settings(settings)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
