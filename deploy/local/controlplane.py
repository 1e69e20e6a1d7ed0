"""etcd, API server, controller manager and scheduler of one run: flags, order, readiness.

RBAC, TLS everywhere, service account tokens. Nodes, volumes and clouds are played elsewhere.
"""

from __future__ import annotations

import ssl
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING

import yaml

from local.certificates import Authority, Pair, signing_key
from local.errors import LocalClusterError
from local.processes import Child, Processes, free_ports, listening, on_free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from local.run_directory import RunDirectory
    from local.timings import Timings
    from local.tools import Tools

START_SECONDS = 90.0


class ControlPlane:
    """A running control plane; its API server can be taken away and given back on the same port."""

    def __init__(
        self, tools: Tools, directory: RunDirectory, processes: Processes, timings: Timings
    ) -> None:
        """Make certificates and kubeconfigs; nothing runs before `start`."""
        self._tools = tools
        self._directory = directory
        self._processes = processes
        self._timings = timings
        self._authority = Authority(directory.path / "pki")
        self._serving = self._authority.issue("kube-apiserver", server=True)
        self._token_key = signing_key(directory.path / "pki")
        self.admin = self._authority.issue("pvmedic-local-admin", ("system:masters",))
        self.ca_file = self._authority.certificate
        self.server = ""
        self._port = 0
        self._etcd = ""
        self._api_server: Child | None = None
        self._scheduler: Child | None = None

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._directory.path / "admin.kubeconfig"

    def start(self) -> None:
        """Start everything and wait until the API server answers; raises LocalClusterError."""
        on_free_ports(self._start_etcd)
        on_free_ports(self._start_first_api_server)
        self._write_kubeconfig(self.kubeconfig, self.admin)
        self._start_controller_manager()
        self._start_scheduler()

    def client_kubeconfig(self, name: str) -> Path:
        """Return a kubeconfig of somebody with this name, who may nothing yet."""
        path = self._directory.path / f"{name.replace(':', '-')}.kubeconfig"
        self._write_kubeconfig(path, self._authority.issue(name))
        return path

    def issue(self, name: str) -> Pair:
        """Return a certificate of this run's authority for another server on loopback."""
        return self._authority.issue(name, server=True)

    def ssl_context(self, pair: Pair | None = None) -> ssl.SSLContext:
        """Return a context that trusts this run's authority and shows `pair`, if given."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def start_api_server(self) -> None:
        """Start the API server on its port and wait until it is ready.

        With a new one the scheduler begins anew, as one does that loses its Lease by the outage: of
        a pod that was made again meanwhile it may find its cache corrupted, and end.
        """
        pki = self._directory.path / "pki"
        command: list[str | Path] = [
            self._tools.kube_apiserver,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self.ca_file}",
            f"--etcd-servers={self._etcd}",
            f"--etcd-cafile={self.ca_file}",
            f"--etcd-certfile={self._serving.certificate}",
            f"--etcd-keyfile={self._serving.key}",
            f"--cert-dir={pki}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._token_key}",
            f"--service-account-signing-key-file={self._token_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # Where pods would find the API server: there are none, and loopback is refused.
            "--endpoint-reconciler-type=none",
            "--profiling=false",
        ]
        self._api_server = self._processes.start("kube-apiserver", command)
        self._api_server.wait_ready(self.ready, START_SECONDS)
        if self._scheduler is not None:
            self._scheduler.kill()
            self._start_scheduler()

    def stop_api_server(self) -> None:
        """Ask the API server to end; etcd keeps the data."""
        self._running_api_server().stop()

    def kill_api_server(self) -> None:
        """End the API server as a crash would (SIGKILL); etcd keeps the data."""
        self._running_api_server().kill()

    def ready(self) -> bool:
        """Say whether the API server answers /readyz with 200."""
        context = self.ssl_context(self.admin)
        connection = HTTPSConnection("127.0.0.1", self._port, timeout=2, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _running_api_server(self) -> Child:
        if self._api_server is None:
            message = "the API server was never started"
            raise LocalClusterError(message)
        return self._api_server

    def _start_first_api_server(self) -> None:
        (self._port,) = free_ports(1)
        self.server = f"https://127.0.0.1:{self._port}"
        self.start_api_server()

    def _start_etcd(self) -> None:
        client, peer = free_ports(2)
        self._etcd = f"https://127.0.0.1:{client}"
        command: list[str | Path] = [
            self._tools.etcd,
            "--name=local",
            f"--data-dir={self._directory.path / f'etcd-{client}'}",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}",
            f"--listen-peer-urls=https://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=https://127.0.0.1:{peer}",
            f"--initial-cluster=local=https://127.0.0.1:{peer}",
            *(
                f"--{prefix}{flag}"
                for prefix in ("", "peer-")
                for flag in (
                    f"cert-file={self._serving.certificate}",
                    f"key-file={self._serving.key}",
                    f"trusted-ca-file={self.ca_file}",
                    "client-cert-auth",
                )
            ),
            # Thrown away with the run, so it need not survive a power cut.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        etcd = self._processes.start("etcd", command)
        etcd.wait_ready(lambda: listening(client), START_SECONDS)

    def _start_controller_manager(self) -> None:
        config = self.client_kubeconfig("system:kube-controller-manager")
        timings = self._timings
        command: list[str | Path] = [
            self._tools.kube_controller_manager,
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--secure-port=0",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self._token_key}",
            f"--root-ca-file={self.ca_file}",
            f"--node-monitor-period={timings.node_monitor_period}s",
            f"--node-monitor-grace-period={timings.node_monitor_grace_period}s",
            f"--attach-detach-reconcile-sync-period={timings.attach_detach_reconcile_sync_period}s",
        ]
        self._processes.start("kube-controller-manager", command)

    def _start_scheduler(self) -> None:
        config = self.client_kubeconfig("system:kube-scheduler")
        command: list[str | Path] = [
            self._tools.kube_scheduler,
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--secure-port=0",
        ]
        self._scheduler = self._processes.start("kube-scheduler", command)

    def _write_kubeconfig(self, path: Path, pair: Pair) -> None:
        cluster = {"server": self.server, "certificate-authority": str(self.ca_file)}
        user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "local", "user": user}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
            "current-context": "local",
        }
        path.write_text(yaml.safe_dump(content))
