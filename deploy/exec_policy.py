"""Writes the admission policy that holds the remediator to the commands which its repair runs.

RBAC can say in which namespace's pods an account runs commands, and not which. The policy reads
them: it is made of the forms of the program's own commands (remediator/command_forms.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.observe.disk_commands import RokVolume
from remediator.case import RokPolicy
from remediator.command_forms import forms
from remediator.rights import OWN, ROK_SPACE
from remediator.rok_settings import RokExec

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


def text(about: Guarded) -> str:
    """Return the policy with its binding, as YAML."""
    allowed = "\n        || ".join(map(_expression, forms(about.volume, about.path)))
    return f"""\
# What the remediator may run in Rok Disk Manager's pods: the commands of its repair, argument by
# argument. Nobody else is concerned. With other names in the section `rok` of the settings change
# them here, too.
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
    - expression: object.?container.orValue('') == '{about.container}'
      message: the remediator runs commands in container {about.container} only
      reason: Forbidden
    - expression: "!object.?stdin.orValue(false) && !object.?tty.orValue(false)"
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


def _expression(form: Form) -> str:
    size = f"size(variables.command) == {form.arguments}"
    return f"({size} && variables.said.matches(r'^{form.pattern}$'))"
