"""A real Heketi (9.0, built by `go_build`) with its real API and database, and nothing behind it.

Its executor `mock` answers "done" to every command that would go to a Gluster node, so that it
needs no Gluster. Thousands of volumes come from an import, which is Heketi's own, too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from local.errors import LocalClusterError
from local.processes import Child, Processes, free_ports, listening, on_free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from email.message import Message
    from pathlib import Path

KEY = "played key of admin"
START_SECONDS = 30.0
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.02
LIMITS = {"HEKETI_GLUSTER_MAX_VOLUMES_PER_CLUSTER": "20000"}
REPLICATED = {"type": "replicate", "replicate": {"replica": 3}}


class Heketi:
    """One Heketi of a run. It may be killed and started again, on the same port and database."""

    def __init__(self, processes: Processes, directory: Path, program: Path) -> None:
        """Make its directory; `start` does the rest."""
        self._processes = processes
        self._program = program
        self._directory = directory / "heketi"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._child: Child | None = None
        self._port = 0
        self.key_file = self._directory / "admin.key"
        self.key_file.write_text(KEY)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def load(self, dump: Mapping[str, Any]) -> None:
        """Make its database from a dump; it must not be running."""
        written = self._directory / "import.json"
        written.write_text(json.dumps(dump))
        database = self._directory / "heketi.db"
        database.unlink(missing_ok=True)
        command: list[str | Path] = [
            self._program,
            "db",
            "import",
            "--jsonfile",
            written,
            "--dbfile",
            database,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = f"Heketi does not take the database: {done.stderr or done.stdout}"
            raise LocalClusterError(message)

    def start(self) -> None:
        """Start it, again on the same port, and wait for its greeting."""
        if self._port:
            self._start()
        else:
            on_free_ports(self._start)

    def kill(self) -> None:
        """End it at once, as a lost node does."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Ask as admin and wait until the operation is over; return what it made or was asked."""
        status, headers, said = self._ask(method, path, body)
        job = headers.get("Location", "") if status == 202 else ""  # noqa: PLR2004 -- accepted
        deadline = time.monotonic() + ANSWER_SECONDS
        while job and headers.get("X-Pending", "true") == "true" and status in (200, 202):
            if time.monotonic() > deadline:
                message = f"Heketi is not done with {method} {path}"
                raise LocalClusterError(message)
            time.sleep(POLL_SECONDS)
            status, headers, said = self._ask("GET", job, None)
        if status == 303:  # noqa: PLR2004 -- made, and here it is
            status, headers, said = self._ask("GET", headers.get("Location", ""), None)
        if status >= 300:  # noqa: PLR2004 -- no success
            message = f"Heketi answers {status} to {method} {path}: {said.decode(errors='replace')}"
            raise LocalClusterError(message)
        return json.loads(said) if said else None

    def create(self, size: int = 1) -> dict[str, Any]:
        """Make a replica 3 volume of so many GiB."""
        made: dict[str, Any] = self.call(
            "POST", "/volumes", {"size": size, "durability": REPLICATED}
        )
        return made

    def delete(self, volume: str) -> None:
        """Delete a volume by Heketi's id."""
        self.call("DELETE", f"/volumes/{volume}")

    def _start(self) -> None:
        port = self._port or free_ports(1)[0]
        settings = {
            "port": str(port),
            "use_auth": True,
            "jwt": {"admin": {"key": KEY}, "user": {"key": "played key of user"}},
            "glusterfs": {
                "executor": "mock",
                "db": str(self._directory / "heketi.db"),
                "loglevel": "warning",
            },
        }
        written = self._directory / "heketi.json"
        written.write_text(json.dumps(settings))
        environment = {**os.environ, **LIMITS}
        child = self._processes.start("heketi", [self._program, f"--config={written}"], environment)
        child.wait_ready(lambda: listening(port), START_SECONDS)
        self._child, self._port = child, port

    def _ask(self, method: str, path: str, body: object) -> tuple[int, Message, bytes]:
        request = urllib.request.Request(  # noqa: S310 -- our own child on loopback
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"bearer {token(KEY, method, path)}",
                "Content-Type": "application/json",
            },
        )
        try:
            with _opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Heketi says with a redirect what it made; the next question needs a token of its own."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def token(key: str, method: str, path: str) -> str:
    """Return a token for one question."""
    now = int(time.time())
    asked = hashlib.sha256(f"{method}&{path}".encode()).hexdigest()
    claims = {"iss": "admin", "iat": now, "exp": now + 60, "qsh": asked}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(_text(part) for part in parts)
    return f"{signed}.{_text(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def identity(name: str) -> str:
    """Return an id as Heketi has them, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def dump(nodes: Iterable[str], volumes: Iterable[str], *, cluster: str = "pool") -> dict[str, Any]:
    """Return a database of these nodes, each with a device of 100 TiB, and volumes of 1 GiB.

    Volumes are given by names of ours and are called `vol_` and `identity(name)`. They have no
    bricks: they are there to be listed.
    """
    pool = identity(cluster)
    members = {identity(f"{cluster} {node}"): node for node in nodes}
    devices = {identity(f"{member} device"): member for member in members}
    entries = {identity(name): _volume(identity(name), pool) for name in volumes}
    info = {
        "id": pool,
        "nodes": sorted(members),
        "volumes": sorted(entries),
        "block": True,
        "file": True,
        "blockvolumes": [],
    }
    return {
        "clusterentries": {pool: {"Info": info}},
        "volumeentries": entries,
        "brickentries": {},
        "nodeentries": {
            member: {
                "State": "online",
                "Info": {
                    "zone": zone,
                    "hostnames": {"manage": [node], "storage": [node]},
                    "cluster": pool,
                    "id": member,
                },
                "Devices": [identity(f"{member} device")],
            }
            for zone, (member, node) in enumerate(members.items(), start=1)
        },
        "deviceentries": {
            device: {
                "State": "online",
                "Info": {
                    "name": "/dev/sdb",
                    "storage": {"total": 2**37, "free": 2**37, "used": 0},
                    "id": device,
                },
                "Bricks": [],
                "NodeId": member,
                "ExtentSize": 4096,
            }
            for device, member in devices.items()
        },
        "blockvolumeentries": {},
        "dbattributeentries": {},
        "pendingoperations": {},
    }


def _volume(key: str, pool: str) -> dict[str, Any]:
    return {
        "Info": {
            "size": 1,
            "name": f"vol_{key}",
            "durability": {**REPLICATED, "disperse": {}},
            "snapshot": {"enable": False, "factor": 1},
            "id": key,
            "cluster": pool,
            "mount": {"glusterfs": {"hosts": [], "device": "", "options": {}}},
            "blockinfo": {},
        },
        "Bricks": [],
        "GlusterVolumeOptions": [],
        "Pending": {"Id": ""},
    }
