"""Finds or makes the programs that a local cluster runs, once, in the user's cache.

How things are built or fetched is in `go_build`, `monitoring`, `gluster_packages`,
`xfs_packages`, `lvm`, `mtail`, `node_exporter` and `adnanh_webhook`; here are the cache and its
lock.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local import (
    adnanh_webhook,
    gluster_packages,
    go_build,
    lvm,
    monitoring,
    mtail,
    node_exporter,
    xfs_packages,
)
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.progress import Report


@dataclass(frozen=True)
class Tools:
    """Paths of every program."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Return PVMEDIC_CACHE, or `pvmedic` in the user's cache directory."""
    if own := environ.get("PVMEDIC_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "pvmedic"


def ensure(report: Report) -> Tools:
    """Build or fetch what is missing, telling `report` what each long step does.

    Takes minutes the first time and well under a second afterwards. Two runs at once build once.
    Raises LocalClusterError with a sentence that says what to do.
    """
    with _cache(report) as cache:
        kubernetes = go_build.ensure(cache, go_build.CONTROL_PLANE, report)
        alertmanager = go_build.ensure(cache, go_build.ALERTMANAGER, report)
        debian = monitoring.ensure(cache, os.environ, report)
    return Tools(
        etcd=kubernetes / "etcd",
        kube_apiserver=kubernetes / "kube-apiserver",
        kube_controller_manager=kubernetes / "kube-controller-manager",
        kube_scheduler=kubernetes / "kube-scheduler",
        kubectl=kubernetes / "kubectl",
        prometheus=debian["prometheus"],
        promtool=debian["promtool"],
        alertmanager=alertmanager / "alertmanager",
        amtool=alertmanager / "amtool",
    )


def ensure_old(report: Report) -> Tools:
    """Return the same with an API server, controller manager and scheduler of `OLD_VERSION`.

    etcd and kubectl are the new ones.
    """
    present = ensure(report)
    with _cache(report) as cache:
        old = go_build.ensure(cache, go_build.OLD_CONTROL_PLANE, report)
    return replace(
        present,
        kube_apiserver=old / "kube-apiserver",
        kube_controller_manager=old / "kube-controller-manager",
        kube_scheduler=old / "kube-scheduler",
    )


def ensure_csi(report: Report) -> Path:
    """Return a directory with the CSI programs of `go_build.CSI`, built if they were not yet.

    Apart from `ensure`: only few scenes and tests need them, and they take minutes the first time.
    """
    with _cache(report) as cache:
        return go_build.ensure(cache, go_build.CSI, report)


def ensure_heketi(report: Report) -> Path:
    """Return the program of `go_build.HEKETI`, built if it was not yet."""
    with _cache(report) as cache:
        return go_build.ensure(cache, go_build.HEKETI, report) / "heketi"


def ensure_gluster(report: Report) -> Path:
    """Return a directory with GlusterFS unpacked as below `/`, fetched if it was not yet."""
    with _cache(report) as cache:
        return gluster_packages.ensure(cache, report)


def ensure_xfs(report: Report) -> xfs_packages.Xfs:
    """Return mkfs.xfs, fetched if it was not yet."""
    with _cache(report) as cache:
        return xfs_packages.ensure(cache, report)


def ensure_mtail(report: Report) -> Path:
    """Return mtail, fetched if it was not yet."""
    with _cache(report) as cache:
        return mtail.ensure(cache, report)


def ensure_node_exporter(report: Report) -> Path:
    """Return Prometheus' node_exporter, fetched if it was not yet."""
    with _cache(report) as cache:
        return node_exporter.ensure(cache, report)


def ensure_adnanh_webhook(report: Report) -> Path:
    """Return adnanh/webhook, fetched if it was not yet."""
    with _cache(report) as cache:
        return adnanh_webhook.ensure(cache, report)


def ensure_lvm(report: Report) -> Path | None:
    """Return a directory with LVM unpacked, fetched if it was not yet; None: it is installed."""
    with _cache(report) as cache:
        return lvm.ensure(cache, report)


FURTHER: tuple[Callable[[Report], object], ...] = (
    ensure_csi,
    ensure_heketi,
    ensure_gluster,
    ensure_xfs,
    ensure_lvm,
    ensure_mtail,
)
"""What only some tests and scenes need."""


def ensure_further(report: Report) -> None:
    """Make all of that before tests run beside each other, for one would wait while one builds.

    What cannot be had here is said; the tests that need it say so by name.
    """
    for ensure_one in FURTHER:
        try:
            ensure_one(report)
        except LocalClusterError as error:
            report(str(error))


@contextmanager
def _cache(report: Report) -> Iterator[Path]:
    """Hold the cache's directory for ourselves."""
    cache = cache_directory(os.environ)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "tools.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another run is preparing the same tools: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache
