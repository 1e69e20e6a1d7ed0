"""How long scene a takes, step by step, beside Kubernetes' own 6 minutes. Printed, not judged.

Kubernetes' own path: somebody force-deletes the pods, then the attach/detach controller waits
6 minutes before it detaches a volume from a node that does not answer.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo.scenes import measure_scene_a
from demo.table import Measured, shipped
from tests.bench.figures import machine, resident, spread, tell

if TYPE_CHECKING:
    from demo.line import Line

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

OWN_PATH = 360.0
RUNS = 3
PARTS = ("see", "alert", "prove", "act", "heal")
COLLECTS_EVERY = 20.0
"""Kubernetes collects the pods of a tainted node this often, so healing may take that much longer.

On a fresh cluster a run always falls into the same part of the period: other runs show less noise
than there is.
"""
AIMS = {"demo": 1 / 10, "shipped": 1 / 4}
WRITES = ("create", "update", "patch", "delete")
measured: list[Measured] = []


@pytest.mark.parametrize("run", range(RUNS))
def test_scene_a(line: Line, run: int) -> None:
    """Measure one run; after the last, print the split and the ratios of all."""
    before = requests(line)
    measured.append(measure_scene_a(line.cluster, line))
    episode(line, before)
    rss = {name: resident(line.child(name).process.pid) for name in ("exporter", "remediator")}
    memory = ", ".join(f"{name} {value:.0f} MiB" for name, value in rss.items())
    tell(f"\nrun {run + 1} of {RUNS}: resident after the repair: {memory}")
    if len(measured) == RUNS:
        report(line)


def requests(line: Line) -> Counter[str]:
    """Return how often the remediator has asked the API server, by verb and resource."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(line.metrics("remediator")):
        for sample in family.samples:
            if sample.name == "pvmedic_kube_requests_total":
                found[f"{sample.labels['verb']} {sample.labels['resource']}"] += int(sample.value)
    return found


def episode(line: Line, before: Counter[str]) -> None:
    """Print what the episode has cost the API server and etcd, from the alert to Settled."""
    spent = requests(line) - before
    writes = Counter({what: n for what, n in spent.items() if what.split()[0] in WRITES})
    own = sum(n for what, n in writes.items() if "remediations" in what)
    size = len(json.dumps(line.remediations()[-1], separators=(",", ":")))
    told = ", ".join(f"{what} {n}" for what, n in sorted(writes.items()))
    tell(
        f"  an episode: {spent.total()} requests, of them {writes.total()} writes ({told}); its one"
        f" record is written {own} times and has {size} bytes at the end"
    )


def report(line: Line) -> None:
    """Print what was measured with the demo's times, and what follows for the shipped ones."""
    tell(f"\nscene a, seconds from NotReady, {RUNS} runs: min, median, max. {machine()}")
    tell(f"  {line.cluster.timings.sentence()}")
    tables = {"demo": measured, "shipped": [shipped(one, line.pace) for one in measured]}
    for name, runs in tables.items():
        tell(f"  {name} settings ({'measured' if name == 'demo' else 'computed from the parts'})")
        for number, part in enumerate(PARTS):
            tell(f"    {part:<8}{spread([split(one)[number] for one in runs], 's')}")
        healed = [one.healed for one in runs]
        tell(f"    {'total':<8}{spread(healed, 's')}")
        ratios = [value / OWN_PATH for value in healed]
        worst = (max(healed) + COLLECTS_EVERY) / OWN_PATH
        aim = AIMS[name]
        tell(f"    {'ratio':<8}{spread(ratios, f'of {OWN_PATH:.0f} s; aim at most {aim:.2f}')}")
        tell(f"    at worst, with a whole period of pod collection more: {worst:.2f}")


def split(one: Measured) -> tuple[float, ...]:
    """Return how long each part took, from the times at which they were over."""
    ends = astuple(one)
    return tuple(end - before for end, before in zip(ends, (0.0, *ends), strict=False))
