"""The house rules that a linter does not know: sizes, names, walls, and what may not be written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.alerts.rules import ROOT

SPLIT_AT = 400
FOLDERS = ("exporter", "remediator", "dashboards", "deploy", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "manager", "service", "misc"}

# Spelled apart, so that this file does not name them either.
FORBIDDEN = {
    "a package registry's host": tuple(
        ".".join(parts)
        for parts in (("pypi", "org"), ("pythonhosted", ""), ("npmjs", ""), ("proxy", "golang"))
    ),
    "an image registry's host": tuple(
        ".".join(parts)
        for parts in (("docker", "io"), ("ghcr", "io"), ("quay", "io"), ("registry", "k8s", "io"))
    ),
    "a path of one machine": ("/root/", "/home/", "/work/"),
}


def name_of(path: Path) -> str:
    """Return a file's path in the repository."""
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    """Return the files that git keeps, or all if this is no git checkout."""
    done = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 -- git is wherever the user has it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = filter(None, done.stdout.split("\0"))
    return [path for name in names if (path := ROOT / name).is_file()] or MODULES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_why_it_exists_and_is_small(path: Path) -> None:
    """A module has a docstring, at most 400 lines, and a name that says something."""
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert text.count("\n") <= SPLIT_AT, "split it"
    assert path.stem not in SAY_NOTHING


def test_no_package_lies_under_tests() -> None:
    """An __init__.py there would hide the package of the same name."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_test_patches_what_it_tests() -> None:
    """Code that must be patched to be tested is in the wrong file."""
    patches = re.compile(
        r"^\s*(from unittest\.mock import .*\bpatch|import unittest\.mock)", re.MULTILINE
    )
    assert [name_of(path) for path in MODULES if patches.search(path.read_text())] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_names(what: str) -> None:
    """No file that git keeps ties the project to a host or to a machine."""
    found = [
        f"{name_of(path)}: {word}"
        for path in tracked()
        if path != Path(__file__)
        for word in FORBIDDEN[what]
        if word in path.read_text(errors="replace")
    ]
    assert found == []


def test_the_walls_of_the_house_hold() -> None:
    """import-linter keeps every contract of pyproject.toml; it would silence our loggers here."""
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
