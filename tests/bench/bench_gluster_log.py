"""Lines of a glusterd log a second and core: ours beside mtail and beside grep -c. Printed.

The same 16 rules in the same log, each program on one core, processor time counted: other work on
the machine changes it less than it changes the clock. mtail reads a tenth of the log, because its
rate is the same and a person waits. grep only counts lines, of fixed words (-F, its fastest) and of
the same patterns (-E). BENCH_LINES makes it quick.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from local import tools
from tests.bench import log_lines
from tests.bench.figures import machine, spread, tell
from tests.bench.log_run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.timeout(1800)

ROOT = Path(__file__).parents[2]
LINES = 10_000_000
ROUNDS = 3
MTAIL_PART = 10
AIM_MTAIL, AIM_GREP = 10.0, 1 / 3
ALIKE = ("not_held", "not_released", "held_by", "not_acquired", "another_transaction", "peer")


class Logs(NamedTuple):
    """The log, the part of it that mtail reads, and how many lines each has."""

    whole: Path
    part: Path
    lines: int
    part_lines: int


def test_lines_a_second(tmp_path: Path) -> None:
    """Measure each in turn, three times."""
    lines = int(os.environ.get("BENCH_LINES", str(LINES)))
    logs = Logs(
        tmp_path / "glusterd.log", tmp_path / "part.log", lines, max(lines // MTAIL_PART, 1)
    )
    told = log_lines.write(logs.whole, logs.lines)
    told_part = log_lines.write(logs.part, logs.part_lines)
    size = logs.whole.stat().st_size
    tell(
        f"\nglusterd log, {lines:,} lines, {size / 1e6:,.0f} MB, {len(log_lines.RULES)} rules,"
        f" {sum(told.values()) / lines:.1%} hits, one core each. {machine()}"
    )
    ours = read(logs.whole)
    rates: dict[str, list[float]] = {name: [] for name in ("ours", "mtail", "grep -F", "grep -E")}
    with one_core():
        for _ in range(ROUNDS):
            ours = read(logs.whole)
            assert ours.lines == lines
            assert ours.unparsed == 0
            assert {kind: told[kind] for kind in ours.kinds} == ours.kinds
            rates["ours"].append(lines / ours.cpu)
            found, cpu = mtail(logs.part, tmp_path)
            assert {kind: found.get(kind, 0) for kind in ALIKE} == {k: told_part[k] for k in ALIKE}
            rates["mtail"].append(logs.part_lines / cpu)
            for name, option in (("grep -F", "-F"), ("grep -E", "-E")):
                count, cpu = grep(option, logs.whole)
                assert count == sum(told.values())
                rates[name].append(lines / cpu)
    report(rates)
    first, last, most = ours.memory[0], ours.memory[-1], max(ours.memory)
    tell(f"  memory, MiB: after the first look {first:.1f}, at the end {last:.1f}, most {most:.1f}")
    behind = ", ".join(f"{one / 1e6:,.0f}" for one in ours.behind[:3])
    tell(f"  behind, MB: {behind} ... until 0 after look {len(ours.behind)}")


def report(rates: dict[str, list[float]]) -> None:
    """Print what was measured, least first, and what it is of each other."""
    for name, values in rates.items():
        tell(f"  {name:<8} {spread([value / 1e6 for value in values], 'million lines a second')}")
    ours = median(rates["ours"])
    for name, aim in (("mtail", AIM_MTAIL), ("grep -F", AIM_GREP), ("grep -E", AIM_GREP)):
        tell(f"  ours to {name}: {ours / median(rates[name]):.2f} (aim {aim:.2f})")


def read(path: Path) -> Run:
    """Return what a process of ours says of a log."""
    command = [sys.executable, "-m", "tests.bench.log_run", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Run)


def mtail(path: Path, directory: Path) -> tuple[dict[str, int], float]:
    """Return what mtail counts of each kind, and the seconds it took."""
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "gluster.mtail").write_text(log_lines.mtail_program())
    words = ("-one_shot", "-one_shot_format", "prometheus", "-logtostderr", "-progs", programs)
    output, cpu = timed([tools.ensure_mtail(print), *words, "-logs", path])
    found = re.findall(r'told_total\{kind="(\w+)"[^}]*\} ([0-9]+)', output)
    return {kind: int(count) for kind, count in found}, cpu


def grep(option: str, path: Path) -> tuple[int, float]:
    """Return how many lines grep counts, and the seconds it took."""
    texts = (rule.word if option == "-F" else f": {rule.pattern}" for rule in log_lines.RULES)
    words = path.with_name(f"words{option}")
    words.write_text("".join(f"{text}\n" for text in texts))
    output, cpu = timed([shutil.which("grep") or "grep", "-c", option, "-f", words, path])
    return int(output), cpu


def timed(command: Sequence[str | Path]) -> tuple[str, float]:
    """Run a program; return what it printed and the processor time it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def one_core() -> Iterator[None]:
    """Let what is started here run on the last core only."""
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)
