"""When the programs are built anew, where they lie, and which versions are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import go_build, monitoring
from local.errors import LocalClusterError
from local.tools import cache_directory


def test_the_stamp_changes_with_the_pins_and_with_nothing_else(tmp_path: Path) -> None:
    """The same pins in another checkout share one build; a changed go.sum does not."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        for pins in ("go.mod", "go.sum"):
            (tmp_path / name / pins).write_bytes((go_build.CONTROL_PLANE.path / pins).read_bytes())
    (tmp_path / "there" / "notes.txt").write_text("not a pin")
    ours = go_build.stamp(go_build.CONTROL_PLANE.path)
    assert go_build.stamp(tmp_path / "here") == go_build.stamp(tmp_path / "there") == ours
    with (tmp_path / "there" / "go.sum").open("a") as file:
        file.write("\n")
    assert go_build.stamp(tmp_path / "there") != ours


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    """A complete directory of the right stamp is returned without a word."""
    built = tmp_path / f"controlplane-{go_build.stamp(go_build.CONTROL_PLANE.path)}"
    built.mkdir()
    for program in go_build.CONTROL_PLANE.programs:
        (built / program).touch()
    said: list[str] = []
    assert go_build.ensure(tmp_path, go_build.CONTROL_PLANE, said.append) == built
    assert said == []


def test_the_old_control_plane_calls_itself_what_its_pins_are() -> None:
    """Also in parts: old servers do not take their version apart, and programs read the parts."""
    old = go_build.OLD_CONTROL_PLANE
    assert f"k8s.io/kubernetes {old.kubernetes} " in (old.path / "go.mod").read_text()
    parts = (f"gitVersion={go_build.OLD_VERSION}", "gitMajor=1", "gitMinor=25")
    for part in parts:
        assert old.flags.count(part) == len(go_build.VERSIONED)
    assert go_build.CONTROL_PLANE.flags == go_build.LINKER_FLAGS


@pytest.mark.parametrize(
    ("line", "enough"),
    [
        ("go version go1.26.0 linux/amd64", True),
        ("go version go1.30rc1 linux/arm64", True),
        ("go version go1.25.9 linux/amd64", False),
        ("go version devel +abc", False),
        ("", False),
    ],
)
def test_a_go_tool_chain_is_taken_only_when_new_enough(line: str, *, enough: bool) -> None:
    """The pinned modules need Go 1.26."""
    assert go_build.new_enough(line) is enough


@pytest.mark.parametrize("line", ["prometheus, version 2.33.5 (branch: x)", ""])
def test_an_old_prometheus_is_refused_with_advice(line: str) -> None:
    """The sentence says which version is needed and what to set."""
    with pytest.raises(LocalClusterError, match=r"2\.42 or newer.*PVMEDIC_PROMETHEUS"):
        monitoring.check_version(line)


@pytest.mark.parametrize("version", ["2.42.0+ds", "2.53.1", "3.5.0"])
def test_a_new_enough_prometheus_is_taken(version: str) -> None:
    """2.42 is the first that knows keep_firing_for."""
    monitoring.check_version(f"prometheus, version {version} (branch: x)")


def test_a_path_given_by_hand_must_be_a_program(tmp_path: Path) -> None:
    """A wrong PVMEDIC_PROMTOOL is named instead of replaced."""
    with pytest.raises(LocalClusterError, match=r"PVMEDIC_PROMTOOL is .*not a program"):
        monitoring.ensure(tmp_path, {"PVMEDIC_PROMTOOL": str(tmp_path / "nothing")}, lambda _: None)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PVMEDIC_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/pvmedic"),
        ({}, str(Path.home() / ".cache/pvmedic")),
    ],
)
def test_the_cache_is_where_the_user_says(environ: dict[str, str], expected: str) -> None:
    """Our own variable wins over the desktop's, and that over the home directory."""
    assert cache_directory(environ) == Path(expected)
