"""A second remediator beside the line's own, and ways to end or stop either at a write of theirs.

It expects nothing; every wait has a deadline.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from demo.line import ROOT, answers
from local.processes import free_ports
from tests.cluster.gate import Gate

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from local.processes import Child
    from tests.cluster.gate import Write
    from tests.cluster.stage import Stage

Json = Any
LEASE = "/apis/coordination.k8s.io/v1/namespaces/pvmedic/leases/pvmedic-remediator"
QUICK = {"lease": "6s", "landing": "3s", "demonstration": True}
"""Times in which a test can see a Lease run out; far too short for a cluster."""


class Watched:
    """A gate's rule: notes what took effect and what was refused, and does something once."""

    def __init__(self) -> None:
        """Do nothing yet."""
        self.took_effect: list[str] = []
        self.refused: list[tuple[str, int]] = []
        self.at: dict[str, Callable[[], bool]] = {}
        """By the beginning of a write's name: what to do before it passes, once, and whether."""
        self.once: dict[str, Callable[[], None]] = {}
        """The same, after it took effect and before the writer hears of it."""

    def before(self, write: Write) -> bool:
        """Do what is to be done here."""
        for name in [name for name in self.at if write.what.startswith(name)]:
            return self.at.pop(name)()
        return True

    def after(self, write: Write, status: int) -> None:
        """Note it, and do what is to be done here."""
        if status >= 300:
            self.refused.append((write.what, status))
            return
        self.took_effect.append(write.what)
        for name in [name for name in self.once if write.what.startswith(name)]:
            self.once.pop(name)()


class Held:
    """Holds a write until it is let on."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self.there = threading.Event()
        self.on = threading.Event()

    def hold(self) -> bool:
        """Hold the writer here; then it may pass."""
        self.there.set()
        self.on.wait(60)
        return True


class Replica:
    """One remediator with a way of its own to the API server."""

    def __init__(self, stage: Stage, name: str) -> None:
        """Take the stage's settings; `start` starts."""
        self._stage = stage
        self.name = name
        self.rule = Watched()
        self.gate = Gate(stage.cluster, self.rule)
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.child: Child | None = None

    def start(self, url: str = "") -> None:
        """Start, or start again, at an address of its own or at the one given."""
        line = self._stage.line
        self.url = url or self.url
        settings = json.loads((line.directory / "remediator.yaml").read_text())
        settings |= {
            "listen": self.url.removeprefix("http://"),
            "identity": self.name,
            "replicas": QUICK,
            "kubernetes": {**settings["kubernetes"], "server": self.gate.url},
        }
        path = line.directory / f"remediator-{self.name}.yaml"
        path.write_text(json.dumps(settings))
        self.child = line.cluster.processes.start(
            f"pvmedic-remediator-{self.name}",
            [sys.executable, "-m", "remediator", "--config", path],
            env={**os.environ, **line.cluster.cloud.environment, "PYTHONPATH": str(ROOT)},
        )
        self.child.wait_ready(lambda: answers(f"{self.url}/readyz"), 60)

    @property
    def leads(self) -> bool:
        """Whether the Lease names it."""
        lease = self._stage.cluster.get(LEASE)
        return lease is not None and lease["spec"].get("holderIdentity") == self.name

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.child.log.read_text() if self.child is not None else ""

    def kill(self) -> bool:
        """End it at once, and what it was about to write with it."""
        if self.child is not None:
            self.child.kill()
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.child is not None and self.child.process.poll() is None:
            self.child.process.send_signal(number)

    def close(self) -> None:
        """End it, whatever state it is in."""
        self.kill()
        self.gate.close()


class Pair:
    """Two replicas, the first of which leads; Alertmanager sends to the first."""

    def __init__(self, stage: Stage) -> None:
        """Start nothing yet."""
        self._stage = stage
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start both in place of the line's own."""
        stage = self._stage
        stage.line.child("remediator").kill()
        stage.cluster.kubectl(
            *("-n", "pvmedic", "delete", "lease", "pvmedic-remediator", "--ignore-not-found")
        )
        self.first, self.second = Replica(stage, "first"), Replica(stage, "second")
        for one in (self.first, self.second):
            self._open.callback(one.close)
        with ExitStack() as failed:
            failed.callback(self._open.close)
            self.first.start(stage.line.remediator)
            stage.wait("the first one leads", lambda: self.first.leads)
            self.second.start()
            failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End both."""
        self._open.close()
        self._stage.cluster.kubectl("-n", "pvmedic", "delete", "lease", "pvmedic-remediator")
