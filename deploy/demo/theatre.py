"""Plays a scene before a screen: failure, what is seen, alerts, one look at all of it, repair.

What is done and what must come of it is in the scene's acts; here is only the order and the wait.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from demo import rules, sightings
from demo.line import ROOT, fetch
from demo.sightings import Look
from demo.stage import SceneError
from demo.timeline import Mark
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.acts import Act, Play, Sight
    from demo.line import Line
    from demo.screen import Screen

LOOK_EVERY = 0.3
STEP_SECONDS = 90.0
ALERT_SECONDS = 120.0
LONGEST_ALERT = 60.0  # seconds in this demo's pace: the six-hour alerts are not waited for
ONCE = {
    0: "nothing is older than is everyday life",
    1: "something is wrong",
    3: "nothing is older than is everyday life, and not all could be seen",
}


@dataclass
class Row:
    """What became of one sight: ages in seconds when it was seen and when its alert fired.

    `ships` is the age at which the shipped rule of this alert fires; `over` how long after the
    repair, which was at `repaired`, the series was gone, `resolved` the alert.
    """

    sight: Sight
    seen: float | None = None
    alert: str = ""
    alerted: float | None = None
    ships: float = 0.0
    repaired: float = 0.0
    over: float | None = None
    resolved: float | None = None


class Theatre:
    """One line, one screen, and the rows of the table that come of a play."""

    def __init__(self, line: Line, screen: Screen) -> None:
        """Look at nothing yet."""
        self.line = line
        self.screen = screen
        self.rows: list[Row] = []
        self._look = Look(0.0)
        self._shipped = _shipped()
        self._repaired = 0.0

    def fail(self, play: Play) -> None:
        """Play a scene's failures until every alert fires; raises SceneError if one does not."""
        self.screen.title(play.title)
        self.screen.say(play.story)
        self.screen.say(play.crafted, "bold")
        self.rows = [Row(sight) for sight in play.sights]
        self._look = self._take()
        self.screen.begin()
        for act in play.failures:
            self._perform(act)
        self._until("alerts of all that was seen", lambda _: not self._awaited())
        if play.once:
            self._show_once()

    def repair(self, play: Play) -> None:
        """Play a scene's repairs until all is over; raises SceneError when it is not."""
        self.screen.title("Repaired")
        for act in play.repairs:
            self._repaired = time.time()
            self._perform(act)
        self._until("the end of every series and alert", self._is_over)

    def _perform(self, act: Act) -> None:
        self.screen.tell(Mark.TOLD, act.what, act.by)
        act.do()
        self._until(f"what comes of: {act.what}", lambda look: sightings.came(act, look))
        for line in act.shows():
            self.screen.say(line)

    def _until(self, what: str, true: Callable[[Look], object]) -> None:
        def look() -> bool:
            time.sleep(LOOK_EVERY)
            before, self._look = self._look, self._take()
            for line in sightings.lines(before, self._look):
                self.screen.line(line)
            self._note(self._look)
            self.screen.now(f"{self._look.at - self.screen.zero:.0f} s; waiting for {what}")
            return bool(true(self._look))

        try:
            self.line.cluster.wait(what, look, ALERT_SECONDS)
        except LocalClusterError as error:
            shown = "\n".join(one.text() for one in self._look.series) or "none"
            message = f"{error}\nseries then:\n{shown}"
            raise SceneError(message) from error

    def _take(self) -> Look:
        try:
            exposition = self.line.metrics("exporter")
            prometheus = fetch(f"{self.line.prometheus}/api/v1/alerts").decode()
            alertmanager = fetch(f"{self.line.alertmanager}/api/v2/alerts").decode()
        except OSError:
            self.line.check()  # a program that has ended says why better than a refused connection
            raise
        return sightings.take(exposition, prometheus, alertmanager, time.time())

    def _note(self, look: Look) -> None:
        """Write down what was reached for the first time."""
        for row in self.rows:
            series = look.of(row.sight)
            if series is not None and row.seen is None:
                row.seen = max(look.at - series.value, 0.0)
            alert = look.alert(row.sight)
            if alert is not None and not row.alert and row.seen is not None:
                there = look.of(row.sight, whatever=True)
                row.alert, row.ships = alert.name, self._shipped.get(alert.name, 0.0)
                row.alerted = look.at - there.value if there is not None else None
            if self._repaired and row.over is None and look.of(row.sight, whatever=True) is None:
                row.repaired, row.over = self._repaired, look.at - self._repaired
            if row.over is not None and row.resolved is None and alert is None:
                row.resolved = look.at - row.repaired

    def _awaited(self) -> list[Row]:
        """Return the rows whose alert is still to come."""
        factor = self.line.pace.minute / 60
        soon = {
            rule["labels"]["signal"]
            for rule in _rules()
            if rules.waits(rule) * factor <= LONGEST_ALERT
        }
        return [
            row
            for row in self.rows
            if row.sight.alerts and not row.alert and row.sight.signal in soon
        ]

    def _is_over(self, look: Look) -> bool:
        signals = {row.sight.signal for row in self.rows if not row.sight.stays}
        return not any(one.signal in signals for one in look.series) and not any(
            alert.firing and dict(alert.labels)["signal"] in signals for alert in look.alerts
        )

    def _show_once(self) -> None:
        """Print what `pvmedic-exporter once` says at this moment."""
        self.screen.title("The same at one look, without Prometheus: pvmedic-exporter once")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "exporter", "once", "--all"),
                *("--kubeconfig", str(self.line.cluster.kubeconfig)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for text in done.stdout.splitlines():
            self.screen.say(text)
        if done.returncode not in ONCE:
            message = f"`once` could not be run: {done.stderr}"
            raise SceneError(message)
        status = f"exit status {done.returncode}: {ONCE[done.returncode]}"
        self.screen.say(f"{done.stderr.strip()}; {status}", "dim")


def _rules() -> list[rules.Json]:
    files = sorted((ROOT / "alerts").glob("*.yaml"))
    return [rule for path in files for rule in rules.of_signals(yaml.safe_load(path.read_text()))]


def _shipped() -> dict[str, float]:
    """Return by name how old a failure is at least when a shipped alert fires."""
    found: dict[str, float] = {}
    for rule in _rules():
        name = rule["alert"]
        found[name] = min(found.get(name, float("inf")), rules.waits(rule))
    return found
