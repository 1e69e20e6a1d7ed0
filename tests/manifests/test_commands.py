"""The admission policy over the remediator's commands, as it ships and for other names."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import exec_policy
from exporter.kit.settings import read_text
from exporter.observe.disk_commands import RokVolume
from remediator.command_forms import forms
from remediator.settings import Settings
from tests.manifests.shipped import HERE

SHIPPED = HERE / "access" / "components" / "rok" / "commands.yaml"
LEAST = "webhook: {token_file: t}\n"
OTHER = f"""{LEAST}
namespace: medic
rok:
  exec: {{namespace: disks, container: rdm}}
  lvm: []
  group: vg.1
  volume: lv
  path: /srv/rok
"""


def policy(text: str) -> Any:  # noqa: ANN401 -- what YAML holds
    """Return the policy of a text with its binding."""
    found, binding = yaml.safe_load_all(text)
    assert binding["spec"] == {
        "policyName": found["metadata"]["name"],
        "validationActions": ["Deny"],
    }
    return found["spec"]


def test_the_shipped_one_is_that_of_the_shipped_settings() -> None:
    """Whoever names only Rok Disk Manager's namespace needs no other."""
    named = f"{LEAST}rok: {{exec: {{namespace: rok-system}}}}\n"
    about = exec_policy.of_settings(read_text(named, "r.yaml", Settings))
    assert policy(exec_policy.text(about)) == policy(SHIPPED.read_text())


def test_it_is_about_our_account_alone_and_fails_closed() -> None:
    """And about commands in containers, whatever is asked of the same pods otherwise."""
    found = policy(SHIPPED.read_text())
    (condition,) = found["matchConditions"]
    assert condition["expression"].endswith("'system:serviceaccount:pvmedic:pvmedic-remediator'")
    (rule,) = found["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"]) == (["CONNECT"], ["pods/exec"])
    assert found["failurePolicy"] == "Fail"
    assert {one["reason"] for one in found["validations"]} == {"Forbidden"}


def test_it_has_every_form_of_a_command_and_nothing_else() -> None:
    """One expression each, of so many arguments and this pattern."""
    *_, commands = (one["expression"] for one in policy(SHIPPED.read_text())["validations"])
    assert commands.split(" || ") == [
        f"(size(variables.command) == {form.arguments} && "
        f"variables.said.matches(r'^{form.pattern}$'))"
        for form in forms(RokVolume(), "/mnt/data")
    ]


def test_other_names_are_those_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed from the very file that the program reads."""
    file = tmp_path / "remediator.yaml"
    file.write_text(OTHER)
    assert exec_policy.main(file) == 0
    printed = capsys.readouterr().out
    found = policy(printed)
    assert "'system:serviceaccount:medic:pvmedic-remediator'" in str(found["matchConditions"])
    namespace, container, _, commands = (one["expression"] for one in found["validations"])
    assert namespace == "request.namespace == 'disks'"
    assert container.endswith("== 'rdm'")
    assert r" vgextend vg\.1 " in commands
    assert "lvm" not in commands
    assert "^xfs_growfs /srv/rok$" in commands
    assert "rokvg" not in commands


def test_pods_with_one_container_need_no_name_of_it() -> None:
    """The settings may leave it out; the program names whichever it finds."""
    unnamed = OTHER.replace("container: rdm", "container: ''")
    about = exec_policy.of_settings(read_text(unnamed, "r.yaml", Settings))
    rules = [one["expression"] for one in policy(exec_policy.text(about))["validations"]]
    assert len(rules) == 3
    assert not any("container" in rule for rule in rules)
