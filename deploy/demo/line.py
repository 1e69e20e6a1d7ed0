"""The whole line on one machine: all four programs beside a local cluster.

Everything that ships is used as it ships: RBAC and CRD from deploy/manifests, rules and the
Alertmanager example from alerts/. Only times and addresses are changed, here and nowhere else, and
`Pace` names every time that is. What is told or measured with it is decided by the callers.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import ssl
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from demo import heketi, node_pods, rules
from demo.pace import Pace
from demo.rules import text as _text
from local.csi import established
from local.processes import free_ports, listening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.cluster import LocalCluster
    from local.processes import Child

__all__ = ["ROOT", "Line", "Pace", "answers", "fetch", "name_of"]

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
SECOND = "remediator-second"
EYES = ("exporter", "prometheus", "alertmanager")
Json = Any  # what these APIs answer; the readers take from it what they need


class Line:
    """The four programs; they end with the cluster's processes."""

    def __init__(
        self,
        cluster: LocalCluster,
        pace: Pace | None = None,
        mode: str = "auto",
        *,
        kubelets: Json = None,
        growth: Json = None,
        components: Sequence[str] = (),
    ) -> None:
        """Choose ports and write settings; `start` starts.

        `kubelets` is how both programs ask kubelets, `growth` how claims may grow: sections of the
        settings, None for what ships. `components` of the access manifests are applied, too.
        """
        self.cluster = cluster
        self._kubelets = {"kubelets": kubelets} if kubelets is not None else {}
        self._growth = {"growth": growth} if growth is not None else {}
        self._components = components
        self.pace = pace or Pace()
        self.mode = mode
        self.directory = cluster.directory / "line"
        self.directory.mkdir()
        self.exporter, self.remediator, self.prometheus, self.alertmanager = (
            f"http://127.0.0.1:{port}" for port in free_ports(4)
        )
        self.token = secrets.token_urlsafe(24)
        self.reading_token = self.directory / "reading-token"
        self._children: dict[str, Child] = {}
        self._second = ""
        self._nodes: dict[str, str] = {}

    def start(self) -> None:
        """Apply what ships, start all four, wait until they answer."""
        self.cluster.apply(self._access())
        crd = "crd/remediations.pvmedic.dev"
        self.cluster.wait(crd, partial(established, self.cluster, crd), START_SECONDS)
        self.write_settings()
        self.start_remediator()
        self._start_eyes()

    def _start_eyes(self) -> None:
        """Start all but the remediator, and wait until everybody answers."""
        self.start_exporter()
        self._start_prometheus()
        self._start_alertmanager()
        for name, url in self.addresses().items():
            ready = f"{url}/-/ready" if name in ("Prometheus", "Alertmanager") else f"{url}/readyz"
            self.cluster.wait(f"{name} at {ready}", partial(answers, ready), START_SECONDS)

    def addresses(self) -> dict[str, str]:
        """Return what can be looked at with a browser."""
        return {
            "exporter": self.exporter,
            "remediator": self.remediator,
            "Prometheus": self.prometheus,
            "Alertmanager": self.alertmanager,
        }

    def write_settings(self, **changes: object) -> None:
        """Write both programs' settings; `changes` replace top-level keys of the remediator's."""
        (self.directory / "token").write_text(self.token)
        self.reading_token.write_text(secrets.token_urlsafe(24))
        exporter = self._program(self.exporter, "pvmedic-exporter")
        own = {
            "state": str(self.directory / "state.json"),
            "facts": node_pods.asked(self.cluster),
            "heketi": heketi.settings(self.cluster.directory),
            **self._kubelets,
        }
        self._write("exporter.yaml", {**exporter, **own})
        pace = self.pace
        remediator = {
            **self._program(self.remediator, "pvmedic-remediator"),
            "webhook": {"token_file": str(self.directory / "token")},
            "reading": {"token_file": str(self.reading_token)},
            "mode": self.mode,
            "fencing": {
                "readings_apart": _text(pace.readings_apart),
                "demonstration": True,
                "ec2_endpoint_url": self.cluster.cloud.endpoint_url,
                "ec2_account": self.cluster.cloud.account,
            },
            "limits": {
                "look_every": _text(pace.look_every),
                "quiet": _text(pace.quiet),
                "cooldown": _text(pace.quiet),
            },
            **self._kubelets,
            **self._growth,
        }
        self._write("remediator.yaml", remediator | changes)

    def start_exporter(self) -> Child:
        """Start the exporter with the rights that ship."""
        return self._start_program("exporter")

    def start_remediator(self) -> Child:
        """Start the remediator with the rights that ship."""
        return self._start_program("remediator")

    def start_second(self, url: str, **changes: object) -> None:
        """Start another replica of the remediator at an address of its own, and wait for it."""
        settings = json.loads((self.directory / "remediator.yaml").read_text())
        settings |= {"listen": url.removeprefix("http://"), **changes}
        self._write(f"{SECOND}.yaml", settings)
        child = self._start_program("remediator", SECOND)
        child.wait_ready(partial(answers, f"{url}/readyz"), START_SECONDS)
        self._second = url

    def hand_over(self) -> None:
        """Kill the remediator; its second replica is the remediator from here on."""
        self.child("remediator").kill()
        self._children["remediator"], self.remediator = self._children.pop(SECOND), self._second

    def black_out(self) -> None:
        """Kill all but the second replica, as the death of a node that runs them would.

        Their disks go with it: Prometheus and Alertmanager will know nothing of before.
        """
        self.hand_over()
        for name in EYES:
            self.child(name).kill()
        for name in ("prometheus", "alertmanager"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        (self.directory / "state.json").unlink(missing_ok=True)

    def light_up(self) -> None:
        """Start what was killed again, as the scheduler would elsewhere."""
        self._start_eyes()

    def child(self, name: str) -> Child:
        """Return the running program of this name."""
        return self._children[name]

    def check(self) -> None:
        """Raise LocalClusterError with the log's end when one of the four has ended by itself."""
        for child in self._children.values():
            child.check()

    def metrics(self, program: str) -> str:
        """Return a program's exposition; the exporter's with those of its nodes."""
        if program != "exporter":
            return fetch(f"{self.remediator}/metrics").decode()
        trusted = ssl.create_default_context(cafile=self.cluster.ca_file)
        trusted.check_hostname = False  # it is of a name, and asked by address
        nodes = (fetch(f"{url}/metrics", trusted) for url in self._nodes.values())
        return b"".join((fetch(f"{self.exporter}/metrics"), *nodes)).decode()

    def look_at(self, nodes: Mapping[str, str]) -> None:
        """Let Prometheus scrape exporters of nodes, too: by name, over TLS."""
        self._nodes.update(nodes)
        self._write_prometheus()
        self._children["prometheus"].process.send_signal(signal.SIGHUP)

    def alerts(self, name: str = "") -> list[Json]:
        """Return Alertmanager's alerts, those of one name if given."""
        found: list[Json] = json.loads(fetch(f"{self.alertmanager}/api/v2/alerts"))
        return [a for a in found if not name or a["labels"]["alertname"] == name]

    def remediations(self) -> list[Json]:
        """Return all Remediations, oldest first."""
        path = "/apis/pvmedic.dev/v1alpha1/remediations"
        items: list[Json] = (self.cluster.get(path) or {"items": []})["items"]
        return sorted(
            items, key=lambda item: (item["metadata"]["creationTimestamp"], name_of(item))
        )

    def post(self, body: bytes, token: str | None = None, url: str = "") -> tuple[int, str]:
        """Send a notification as Alertmanager would; return status and text."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        request = urllib.request.Request(f"{url or self.remediator}/webhook", body, headers)  # noqa: S310 -- our own loopback address
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310 -- same
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _access(self) -> Path:
        """Return the kustomization to apply: what ships, or one of our own that adds components."""
        access = ROOT / "deploy" / "manifests" / "access"
        if not self._components:
            return access
        own = self.directory / "access"
        own.mkdir()
        there = os.path.relpath(access, own.resolve())
        components = [f"{there}/components/{name}" for name in self._components]
        content = {"resources": [there], "components": components}
        (own / "kustomization.yaml").write_text(json.dumps(content))
        return own

    def _program(self, url: str, account: str) -> dict[str, Json]:
        directory = self.cluster.service_account("pvmedic", account)
        return {
            "listen": url.removeprefix("http://"),
            "kubernetes": {
                "server": self.cluster.server,
                "service_account_directory": str(directory),
            },
        }

    def _start_program(self, name: str, replica: str = "") -> Child:
        known = replica or name
        config = self.directory / f"{known}.yaml"
        cloud = self.cluster.cloud.environment if name == "remediator" else {}
        child = self.cluster.processes.start(
            f"pvmedic-{known}",
            [sys.executable, "-m", name, "--config", config],
            env={**os.environ, **cloud, "PYTHONPATH": str(ROOT)},
        )
        self._children[known] = child
        return child

    def _write_prometheus(self) -> Path:
        files = [self._rules(path) for path in sorted((ROOT / "alerts").glob("*.yaml"))]
        targets = {"exporter": self.exporter, "remediator": self.remediator}
        config = {
            "global": {
                "scrape_interval": _text(self.pace.scrape),
                "scrape_timeout": _text(self.pace.scrape),
                "evaluation_interval": _text(self.pace.evaluate),
            },
            "rule_files": [str(path) for path in files if path is not None],
            "alerting": {"alertmanagers": [{"static_configs": [_target(self.alertmanager)]}]},
            "scrape_configs": [
                {"job_name": name, "honor_labels": True, "static_configs": [_target(url)]}
                for name, url in targets.items()
            ]
            + [
                {
                    "job_name": name,
                    "honor_labels": True,
                    "scheme": "https",
                    "tls_config": {
                        "ca_file": str(self.cluster.ca_file),
                        "server_name": node_pods.CERTIFIED,
                    },
                    "static_configs": [{"targets": [url.removeprefix("https://")]}],
                }
                for name, url in self._nodes.items()
            ],
        }
        return self._write("prometheus.yml", config)

    def _start_prometheus(self) -> None:
        self._children["prometheus"] = self.cluster.processes.start(
            "prometheus",
            [
                self.cluster.tools.prometheus,
                f"--config.file={self._write_prometheus()}",
                f"--storage.tsdb.path={self.directory / 'prometheus'}",
                f"--web.listen-address={self.prometheus.removeprefix('http://')}",
                "--rules.alert.resend-delay=2s",
            ],
        )

    def _start_alertmanager(self) -> None:
        config = yaml.safe_load((ROOT / "alerts" / "alertmanager.example.yaml").read_text())
        for route in config["route"]["routes"]:
            if "group_interval" in route:
                route["group_interval"] = _text(self.pace.group_interval)
        for receiver in config["receivers"]:
            for webhook in receiver.get("webhook_configs", ()):
                webhook["url"] = f"{self.remediator}/webhook"
                authorization = webhook["http_config"]["authorization"]
                authorization["credentials_file"] = str(self.directory / "token")
        self._children["alertmanager"] = self.cluster.processes.start(
            "alertmanager",
            [
                self.cluster.tools.alertmanager,
                f"--config.file={self._write('alertmanager.yml', config)}",
                f"--storage.path={self.directory / 'alertmanager'}",
                f"--web.listen-address={self.alertmanager.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
        )

    def _rules(self, path: Path) -> Path | None:
        """Write a copy of a rules file with the pace's times; None for a file without rules."""
        loaded = yaml.safe_load(path.read_text())
        if "groups" not in loaded:
            return None
        after = {
            "PvmedicNodeLostWithVolumes": self.pace.alert_after,
            "PvmedicNodeLostWithVolumesUnrepaired": self.pace.page_after,
            "PvmedicMultiAttach": self.pace.multi_attach_after,
        }
        for rule in rules.of_signals(loaded):
            rules.quicken(rule, self.pace.minute / 60)
            if (seconds := after.get(rule["alert"])) is not None:
                rules.set_age(rule, seconds)
        for group in loaded["groups"]:
            group["interval"] = _text(self.pace.evaluate)
            for rule in group["rules"]:
                if "keep_firing_for" in rule:
                    rule["keep_firing_for"] = _text(self.pace.keep_firing)
        return self._write(path.name, loaded)

    def _write(self, name: str, content: Json) -> Path:
        path = self.directory / name
        # JSON is YAML, and needs no style.
        path.write_text(json.dumps(content, indent=1))
        return path


def name_of(item: Json) -> str:
    """Return an object's name."""
    name: str = item["metadata"]["name"]
    return name


def fetch(url: str, trusted: ssl.SSLContext | None = None) -> bytes:
    """Read a URL of this machine; raises OSError when it does not answer with success."""
    with urllib.request.urlopen(url, timeout=10, context=trusted) as answer:  # noqa: S310 -- our own loopback addresses
        body: bytes = answer.read()
        return body


def answers(url: str) -> bool:
    """Say whether a loopback URL answers with success."""
    port = int(url.split(":")[2].partition("/")[0])
    with contextlib.suppress(OSError):
        return listening(port) and bool(fetch(url))
    return False


def _target(url: str) -> dict[str, list[str]]:
    return {"targets": [url.removeprefix("http://")]}
