"""The exporter's role `node` for a played node, found and asked as in a cluster: over TLS.

An EndpointSlice stands for the DaemonSet's pods. It may not name a loopback address, so the
machine's own is taken; where there is none, nodes tell nothing here.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from local.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.cluster import LocalCluster
    from local.processes import Child

ROOT = Path(__file__).resolve().parents[2]
SPACE, SERVICE = "pvmedic-node", "pvmedic-node"
CERTIFIED = "localhost"
"""A name in the certificate."""
START_SECONDS = 30.0
ELSEWHERE = ("192.0.2.1", 9)
"""Nobody's address (RFC 5737). Nothing is sent: the kernel only says from where it would be."""
Object = dict[str, Any]


class NodePod(NamedTuple):
    """One that runs, and where it is asked."""

    url: str
    child: Child


def address() -> str:
    """Return an address of this machine that is not loopback; empty where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(ELSEWHERE)
        except OSError:
            return ""
        found = str(one.getsockname()[0])
    return "" if found.startswith("127.") else found


def asked(cluster: LocalCluster) -> Object:
    """Return the section `facts` of who asks."""
    return {
        "namespace": SPACE,
        "service": SERVICE,
        "authority": str(cluster.ca_file),
        "server_name": CERTIFIED,
        "every": "1s",
    }


@contextmanager
def told_of(
    cluster: LocalCluster, node: str, before: Sequence[str] = (), **settings: object
) -> Iterator[NodePod]:
    """Run one for a node, with these settings beside what all have; gives it when it is found.

    `before` stands before its command.
    """
    host, name = address(), f"{SERVICE}-{node}"
    (port,) = free_ports(1)
    directory = cluster.directory / name
    directory.mkdir(exist_ok=True)
    pair = cluster.control.issue(SERVICE)
    tls = {"cert_file": str(pair.certificate), "key_file": str(pair.key)}
    web = _written(directory / "web.json", {"tls_server_config": tls})
    account = cluster.service_account(SPACE, SERVICE)
    common = {
        "listen": f"{host}:{port}",
        "node": node,
        "state": str(directory),
        "kubernetes": {"server": cluster.server, "service_account_directory": str(account)},
    }
    config = _written(directory / "node.json", common | settings)
    program = (sys.executable, "-m", "exporter", "node")
    child = cluster.processes.start(
        name,
        [*before, *program, "--config", config, "--web.config.file", web],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        child.wait_ready(lambda: _listens(host, port), START_SECONDS)
        cluster.apply(json.dumps(_slice(name, node, host, port)))
        yield NodePod(f"https://{host}:{port}", child)
    finally:
        child.kill()
        cluster.kubectl("-n", SPACE, "delete", "endpointslice", name, "--ignore-not-found")


def _written(path: Path, settings: Object) -> Path:
    path.write_text(json.dumps(settings))
    return path


def _listens(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        return one.connect_ex((host, port)) == 0


def _slice(name: str, node: str, host: str, port: int) -> Object:
    labels = {"kubernetes.io/service-name": SERVICE}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": SPACE, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [host], "nodeName": node, "conditions": {"ready": True}}],
        "ports": [{"name": "facts", "port": port, "protocol": "TCP"}],
    }
