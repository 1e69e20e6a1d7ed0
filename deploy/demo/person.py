"""A person with a kubeconfig of their own, who types `kubectl pvmedic`. They decide nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from demo.line import ROOT

if TYPE_CHECKING:
    from local.cluster import LocalCluster

APPROVER = "pvmedic-approver"
PATIENCE = 90.0
ACCOUNT = "remediator-in-person"


class Person:
    """Known to the API server by the name of their certificate; `roles` are cluster roles."""

    def __init__(self, cluster: LocalCluster, name: str, *roles: str) -> None:
        """Give them a kubeconfig, and bind them to roles."""
        self.cluster = cluster
        self.name = name
        self.kubeconfig = cluster.control.client_kubeconfig(name)
        for role in roles:
            cluster.kubectl(
                *("create", "clusterrolebinding", f"{name}-{role}"),
                *(f"--clusterrole={role}", f"--user={name}"),
            )
        self._plugins = cluster.directory / "plugins"
        self._plugins.mkdir(exist_ok=True)
        plugin = self._plugins / "kubectl-pvmedic"
        # The same program as the wheel's command of this name, over this very tree.
        plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m remediator.cli "$@"\n')
        plugin.chmod(0o755)

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type `kubectl pvmedic ...`; return what came of it."""
        return self._run(["pvmedic", *words])

    def creates(self, manifest: object, *more: str) -> subprocess.CompletedProcess[str]:
        """Create an object with plain kubectl."""
        return self._run(["create", "-f", "-", "-o", "name", *more], json.dumps(manifest))

    def _run(self, words: list[str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.cluster.tools.kubectl, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env={
                **os.environ,
                "HOME": str(self.cluster.directory),
                "PATH": f"{self._plugins}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "KUBECONFIG": str(self.kubeconfig),
                "COLUMNS": "120",
            },
        )


class Administrator(Person):
    """Who installed the cluster."""

    def __init__(self, cluster: LocalCluster) -> None:
        """Take the administrator's kubeconfig."""
        super().__init__(cluster, "administrator-in-person")
        self.kubeconfig = cluster.kubeconfig


class Account(Person):
    """The remediator's own service account, as if it typed."""

    def __init__(self, cluster: LocalCluster) -> None:
        """Write a kubeconfig with the account's token."""
        super().__init__(cluster, ACCOUNT)
        directory = cluster.service_account("pvmedic", "pvmedic-remediator")
        server = {"server": cluster.server, "certificate-authority": str(directory / "ca.crt")}
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": server}],
            "users": [{"name": "local", "user": {"tokenFile": str(directory / "token")}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
            "current-context": "local",
        }
        self.kubeconfig.write_text(json.dumps(found))
