"""Twenty thousand lines of a glusterd log: what is counted is what was written."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from exporter.observe.parse import gluster_texts
from tests.bench import log_lines, log_run

if TYPE_CHECKING:
    from pathlib import Path

LINES = 20_000


def test_every_line_is_counted_once(tmp_path: Path) -> None:
    """Of each kind as many as there are, beside grep, whose word nobody doubts."""
    path, words = tmp_path / "glusterd.log", tmp_path / "words"
    told = log_lines.write(path, LINES)
    hits = sum(told.values())
    read = log_run.run(path)
    assert (read.lines, read.unparsed, read.behind) == (LINES, 0, [0])
    del told["quorum"]
    assert read.kinds == told
    words.write_text("".join(f": {rule.pattern}\n" for rule in log_lines.RULES))
    command: list[str | Path] = [shutil.which("grep") or "grep", "-c", "-E", "-f", words, path]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(found.stdout) == hits


def test_the_rules_that_others_get_are_ours() -> None:
    """A text that is only ours would make the comparison unfair."""
    ours = {rule.begins.decode().split()[0] for rule in gluster_texts.RULES}
    theirs = {rule.pattern.split()[0] for rule in log_lines.RULES}
    assert ours == theirs
    assert len(gluster_texts.RULES) - len(log_lines.RULES) == 1
