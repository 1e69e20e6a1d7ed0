"""Packaging: one version, pins with hashes that name no index, a Makefile that stays small."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.alerts.rules import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = sorted(ROOT.glob("requirements*.txt"))
MOST_TARGETS = 11


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_has_hashes(path: Path) -> None:
    """Each requirement is one version with a hash; no line is an option such as an index."""
    text = path.read_text().replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        assert re.match(r"^[a-z0-9][a-z0-9._\[\],-]*==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), (
            line
        )


def test_development_uses_the_versions_that_are_shipped() -> None:
    """What is in both files is the same version in both."""
    pinned = re.compile(r"^([a-z0-9._-]+)==(\S+)", flags=re.MULTILINE)
    shipped = dict(pinned.findall((ROOT / "requirements.txt").read_text()))
    used = dict(pinned.findall((ROOT / "requirements-dev.txt").read_text()))
    assert shipped.items() <= used.items()


@pytest.mark.parametrize("command", PROJECT["scripts"])
def test_every_command_exists(command: str) -> None:
    """A console script names a function that is there."""
    module, _, function = PROJECT["scripts"][command].partition(":")
    assert callable(getattr(import_module(module), function))


def test_the_makefile_stays_small_and_explains_itself() -> None:
    """At most eleven targets, each with a line for `make help`."""
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    assert targets is not None
    names = targets[1].split()
    assert len(names) <= MOST_TARGETS
    assert re.findall(r"^([a-z]+):.*## ", text, flags=re.MULTILINE) == names


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    """CHANGELOG.md begins with Unreleased."""
    headings = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
