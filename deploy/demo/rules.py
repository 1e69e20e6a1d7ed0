"""Alert rules as values: how long each one waits, and how to make it wait less. Pure.

A rule compares an age (`> 600`), or waits with `for:`, or both; which times are shortened, and by
how much, is decided by the callers.
"""

from __future__ import annotations

import re
from typing import Any

Json = Any
AGE = re.compile(r" > (\d+(?:\.\d+)?)$")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: str) -> float:
    """Return a duration of Prometheus' (`1h30m`) in seconds."""
    return sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(duration))


def text(duration: float) -> str:
    """Return seconds as a duration of Prometheus'."""
    return f"{round(duration * 1000)}ms"


def age(rule: Json) -> float:
    """Return the age above which a rule fires, 0 when it compares none."""
    found = AGE.search(rule["expr"].strip())
    return float(found[1]) if found is not None else 0.0


def waits(rule: Json) -> float:
    """Return how old a failure is at least when a rule fires, evaluation apart."""
    return age(rule) + seconds(rule.get("for", "0s"))


def of_signals(loaded: Json) -> list[Json]:
    """Return the rules of a loaded file that are about a failure."""
    groups = loaded.get("groups", ())
    return [r for group in groups for r in group["rules"] if "signal" in r.get("labels", {})]


def set_age(rule: Json, above: float) -> None:
    """Let a rule that compares an age compare it with another one."""
    rule["expr"] = AGE.sub(f" > {above:g}", rule["expr"].strip())


def quicken(rule: Json, factor: float) -> None:
    """Shorten what a rule waits by a factor."""
    if age(rule):
        set_age(rule, age(rule) * factor)
    if "for" in rule:
        rule["for"] = text(seconds(rule["for"]) * factor)
