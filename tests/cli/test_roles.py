"""pvmedic roles: what the settings make necessary beyond the roles that ship, as YAML to apply."""

from pathlib import Path

import pytest
import yaml

from exporter.kit.settings import read_text
from remediator.cli.__main__ import main
from remediator.cli.roles import asked_for, more
from remediator.settings import Settings

LEAST = "webhook: {token_file: /t}\n"
FARM = """
namespace: medic
medik8s_leases: health
stopping:
  scalable: [{kind: Farm, group: example.com, version: v1, resource: farms}]
"""


def test_the_role_is_exactly_the_scales_that_the_settings_list() -> None:
    """Bound to the account in the namespace that the settings name."""
    answer = asked_for(read_text(LEAST + FARM, "r.yaml", Settings))
    role, binding = yaml.safe_load_all("\n".join(answer.lines))
    assert role["rules"] == [
        {"apiGroups": ["example.com"], "resources": ["farms/scale"], "verbs": ["get", "patch"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "pvmedic-remediator-scales"
    (account,) = binding["subjects"]
    assert (account["name"], account["namespace"]) == ("pvmedic-remediator", "medic")


def test_without_such_settings_there_is_no_role() -> None:
    """What is printed can be applied all the same."""
    answer = asked_for(read_text(LEAST, "r.yaml", Settings))
    assert list(yaml.safe_load_all("\n".join(answer.lines))) == []


def test_check_access_asks_for_what_the_settings_make_necessary() -> None:
    """And for bare pods where somebody says that they are ours."""
    found = more(read_text(LEAST + FARM, "r.yaml", Settings), ("web",))
    assert (found.medik8s, found.bare_pods) == ("health", ("web",))
    assert found.scalable == (("example.com", "farms"),)


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without asking any server."""
    file = tmp_path / "r.yaml"
    file.write_text(LEAST + FARM)
    assert main(["roles", str(file)]) == 0
    assert "farms/scale" in capsys.readouterr().out
