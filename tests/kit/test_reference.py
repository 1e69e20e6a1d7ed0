"""The printed reference: every setting of both programs, with its sentence, unit and default."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from exporter.kit.described import fields_of, is_section, leaves, without_none
from exporter.kit.reference import reference
from exporter.kit.settings import read_text
from exporter.settings import Settings as ExporterSettings
from remediator.settings import Settings as RemediatorSettings

ROOT = Path(__file__).parents[2]
PROGRAMS = {"exporter": ExporterSettings, "remediator": RemediatorSettings}
each = pytest.mark.parametrize("into", PROGRAMS.values(), ids=PROGRAMS)


def sections(into: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return a struct and all sections in it."""
    inner = [field.type for field in fields_of(into).values() if is_section(field.type)]
    return [into, *(one for section in inner for one in sections(section))]


@each
def test_every_setting_says_what_it_is_for(into: type[msgspec.Struct]) -> None:
    """A sentence each, sections too; and a unit where it is a number."""
    for section in sections(into):
        for name, field in fields_of(section).items():
            assert field.description.endswith("."), name
            assert field.description[0].isupper(), name
    for path, field in leaves(into):
        inner = without_none(field.type)
        if inner in (int, float):
            assert field.unit, path


@each
def test_the_reference_is_read_back_as_the_defaults(into: type[msgspec.Struct]) -> None:
    """What must be set is commented out."""
    text = reference(into)
    least = ""
    if into is RemediatorSettings:
        text = text.replace("# token_file:", "token_file: t")
        least = "webhook: {token_file: t}"
    assert read_text(text, "reference", into) == read_text(least, "least", into)


@each
def test_the_reference_names_every_setting_and_its_variable(into: type[msgspec.Struct]) -> None:
    """And fits on a screen."""
    text = reference(into)
    words = set(text.replace(".", " ").split())
    for path, _ in leaves(into):
        assert f"PVMEDIC_{path.upper().replace('.', '_')}" in words
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_prints_it(program: str) -> None:
    """Without settings, and with exit status 0."""
    done = subprocess.run(
        [sys.executable, "-m", program, "--print-config"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "log_level: info\n" in done.stdout
    assert done.stderr == ""
