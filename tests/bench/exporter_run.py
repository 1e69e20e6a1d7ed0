"""The exporter as it ships, started for a measurement and watched from outside through /proc."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from local.processes import free_ports
from tests.bench.figures import processor_seconds

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from local.processes import Child
    from tests.bench.seeded import SeededServer

ROOT = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.2


class ExporterRun:
    """From its start to its end; `with` waits until it is ready and ends it afterwards."""

    def __init__(self, server: SeededServer) -> None:
        """Start it; `began` is the steady clock's time."""
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        settings = {
            "listen": f"127.0.0.1:{port}",
            "kubernetes": {
                "server": server.control.server,
                "service_account_directory": str(server.account),
            },
        }
        path = server.directory / f"exporter-{port}.yaml"
        path.write_text(yaml.safe_dump(settings))
        self.began = time.monotonic()
        self._child: Child = server.processes.start(
            "exporter",
            [sys.executable, "-m", "exporter", "--config", path],
            env={**_without_settings(), "PYTHONPATH": str(ROOT)},
        )

    def __enter__(self) -> Self:
        """Wait until it is ready."""
        self._child.wait_ready(self._ready, READY_SECONDS)
        self.wall = time.monotonic() - self.began
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._child.stop()

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return processor_seconds(self._child.process.pid)

    @property
    def peak(self) -> float:
        """The most memory that was resident so far, in MiB."""
        return peak(self._child.process.pid)

    def rest(self) -> None:
        """Wait until it has nothing to do any more."""
        before = -1.0
        while self.cpu - before > IDLE_SHARE * WINDOW_SECONDS:
            before = self.cpu
            time.sleep(WINDOW_SECONDS)

    def metric(self, series: str) -> float:
        """Return one series' value, 0 without it."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=30) as answer:  # noqa: S310 -- loopback
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    def _ready(self) -> bool:
        time.sleep(LOOK_SECONDS)  # each look costs the exporter, too
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=10):  # noqa: S310 -- loopback
                return True
        except (urllib.error.URLError, OSError):
            return False


def _without_settings() -> dict[str, str]:
    """Return our environment without what would be a setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PVMEDIC_")}


READY_SECONDS = 600.0
WINDOW_SECONDS = 2.0
IDLE_SHARE = 0.1


def peak(pid: int) -> float:
    """Return the most memory of a process that was ever resident, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
