"""Commands the CSI driver that fails, over its unix socket. The driver itself is in `csi/`."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.errors import LocalClusterError

if TYPE_CHECKING:
    from pathlib import Path

Json = Any
SECONDS = 5.0


class DriverControl:
    """One driver's command socket; every call is a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.path = path

    def answers(self) -> bool:
        """Say whether the driver listens."""
        try:
            self.calls("Probe")
        except (OSError, HTTPException):
            return False
        return True

    def put_fault(self, rpc: str, fault: Json) -> None:
        """Let an RPC fail; raises LocalClusterError for a fault that the driver does not know."""
        self._ask("PUT", f"/faults/{rpc}", fault)

    def remove_faults(self, rpc: str = "", volume: str = "") -> None:
        """Let an RPC work again, or all; with a volume handle only the faults put for that one."""
        self._ask("DELETE", f"/faults/{rpc}?volume={quote(volume, safe='')}")

    def finish_snapshots(self, *, ready: bool) -> None:
        """Let the storage say of all its snapshots that they are ready, or that they are not."""
        self._ask("PUT", "/snapshots/ready", ready)

    def calls(self, rpc: str) -> int:
        """Return how often an RPC was called since the driver started."""
        found: int = self._ask("GET", f"/calls/{rpc}")
        return found

    def published(self) -> dict[str, list[str]]:
        """Return on which nodes the storage has each volume handle published."""
        found: dict[str, list[str]] = self._ask("GET", "/published")
        return found

    def _ask(self, method: str, path: str, body: Json = None) -> Json:
        connection = _UnixConnection(self.path)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            message = f"the faulty CSI driver refused {method} {path}: {text.strip()}"
            raise LocalClusterError(message)
        return json.loads(text)


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket: only the way to connect differs."""

    def __init__(self, path: Path) -> None:
        super().__init__("driver", timeout=SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self.path))
