"""An exporter of a test's own: started, killed and started again beside the run's one cluster.

It looks and is looked at; nothing is expected here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from demo.line import ROOT, answers, fetch
from demo.sightings import Look, Series, series_of
from local.errors import LocalClusterError
from local.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster
    from local.processes import Child

PATIENCE = 60.0


class Eyes:
    """One exporter process at a time, with a state file that stays; ended with the context."""

    def __init__(
        self,
        cluster: LocalCluster,
        name: str,
        account: tuple[str, str] = ("pvmedic", "pvmedic-exporter"),
        **settings: object,
    ) -> None:
        """Write its settings; `account` is its service account, `settings` more of the file."""
        self.cluster = cluster
        self.name = name
        self.directory = cluster.directory / name
        self.directory.mkdir()
        self.state = self.directory / "state.json"
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._config = self.directory / "exporter.yaml"
        written: dict[str, Any] = {
            "listen": f"127.0.0.1:{port}",
            "state": str(self.state),
            "kubernetes": {
                "server": cluster.server,
                "service_account_directory": str(cluster.service_account(*account)),
            },
            **settings,
        }
        self._config.write_text(json.dumps(written))
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.kill()

    def start(self, *, ready: bool = True) -> None:
        """Start the process and wait until it is ready, or at least answers."""
        command: list[str | Path] = [sys.executable, "-m", "exporter", "--config", self._config]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._child = self.cluster.processes.start(self.name, command, env=env)
        path = "readyz" if ready else "healthz"
        self._child.wait_ready(lambda: answers(f"{self.url}/{path}"), PATIENCE)

    def kill(self) -> None:
        """End it with SIGKILL, so that it can tidy up nothing."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def log(self) -> str:
        """Return what it has logged in all its lives."""
        return (self.cluster.directory / "logs" / f"{self.name}.log").read_text(errors="replace")

    def series(self) -> list[Series]:
        """Return the since-series and figures that it publishes."""
        return series_of(self.metrics())

    def look(self) -> Look:
        """Return the same, as a look without alerts."""
        return Look(time.time(), tuple(self.series()))

    def metrics(self) -> str:
        """Return its exposition."""
        return fetch(f"{self.url}/metrics").decode()

    def collectors(self) -> dict[str, float]:
        """Return by name whether a failure can be decided: 1 or 0."""
        return {
            sample.labels["collector"]: sample.value
            for family in text_string_to_metric_families(self.metrics())
            for sample in family.samples
            if sample.name == "pvmedic_collector_success"
        }

    def wait(self, what: str, true: Callable[[Look], object], seconds: float = PATIENCE) -> Look:
        """Look until something is seen; in vain, the error shows what was seen instead."""
        looks: list[Look] = [self.look()]

        def look() -> object:
            looks[0] = self.look()
            return true(looks[0])

        try:
            self.cluster.wait(what, look, seconds)
        except LocalClusterError as error:
            error.add_note("\n".join(one.text() for one in looks[0].series))
            raise
        return looks[0]
