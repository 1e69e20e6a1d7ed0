"""Plays a CSI driver that fails on command, under the real sidecars and snapshot controller.

csi-attacher, csi-resizer, csi-snapshotter and snapshot-controller are Kubernetes' own programs;
only the driver behind them is ours. No provisioner can be had: `csi_objects` makes bound volumes.
Which failure is played is decided by the callers:

    with Csi.start(cluster) as csi:
        csi.fail("ControllerPublishVolume", "Internal", "no path to the array")
        ...
        csi.heal("ControllerPublishVolume")
        csi.stop_part("csi-resizer")
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local import csi_objects, tools
from local.closing import Closing
from local.csi_control import DriverControl
from local.errors import LocalClusterError
from local.volumes import FAULTY_DRIVER

if TYPE_CHECKING:
    from typing import Self

    from local.cluster import LocalCluster
    from local.processes import Child
    from local.progress import Report

DRIVER = "faulty-csi-driver"
CRDS = Path(__file__).parent / "csi" / "crds"
CRD_NAMES = tuple(
    f"crd/volumesnapshot{kind}.snapshot.storage.k8s.io" for kind in ("s", "contents", "classes")
)
READY_SECONDS = 30.0
CALL_TIMEOUT = "3s"
RETRY = ("--retry-interval-start=500ms", "--retry-interval-max=3s")
QUICK = ("--kube-api-qps=100", "--kube-api-burst=200")
NO_GROUPS = "--feature-gates=CSIVolumeGroupSnapshot=false"  # their CRDs are not installed
SIDECARS = {
    "csi-attacher": (f"--timeout={CALL_TIMEOUT}", *RETRY, *QUICK),
    "csi-resizer": (f"--timeout={CALL_TIMEOUT}", *RETRY, *QUICK),
    "csi-snapshotter": (f"--timeout={CALL_TIMEOUT}", NO_GROUPS, *RETRY, *QUICK),
}
CONTROLLERS = {"snapshot-controller": (NO_GROUPS, *RETRY, *QUICK)}
PARTS = (*SIDECARS, *CONTROLLERS)
TIMINGS = (
    "short CSI timings: a call to the driver may take 3 s (shipped: 15 s attacher, 10 s resizer,"
    " 60 s snapshotter), a failed one is tried again after 0.5 s, then 1 s ... 3 s (shipped: 1 s,"
    " 2 s ... 5 minutes)"
)


class Csi(Closing):
    """The driver and what stands in front of it, from `start` until `close` or the cluster's end.

    The driver keeps a fault until it is healed, has happened `times` times, or the driver ends.
    """

    def __init__(self, cluster: LocalCluster, programs: Path) -> None:
        """Prepare; `start` is the way in. `programs` is the directory of `tools.ensure_csi`."""
        self.cluster = cluster
        self._programs = programs
        self._sockets = cluster.directory / "csi"
        self._parts: dict[str, Child] = {}
        self.driver = DriverControl(self._sockets / "control.sock")

    @classmethod
    def start(cls, cluster: LocalCluster, report: Report = print) -> Self:
        """Build what is missing, install the CRDs and classes, and start every part.

        The driver is registered on every node that the cluster has now.
        """
        csi = cls(cluster, tools.ensure_csi(report))
        started = time.monotonic()
        report("Starting the CSI sidecars and the driver that fails on command (usually 5 s)")
        csi._install()
        csi._start_driver()
        for part in PARTS:
            csi.start_part(part)
        report(f"  ready after {time.monotonic() - started:.0f} s; {TIMINGS}")
        return csi

    def close(self) -> None:
        """End every part, the driver last: its sidecars end themselves when it is gone."""
        for part in reversed(tuple(self._parts)):
            self.stop_part(part)

    def uninstall(self) -> None:
        """Remove what `start` installed, for a cluster that lives on; no volume may be left."""
        for node in self.cluster.nodes:
            self.unregister(node)
        # With the CRDs go their objects, the class among them.
        self.cluster.kubectl("delete", "--ignore-not-found", *CRD_NAMES)
        driver, storage_class = f"csidriver/{FAULTY_DRIVER}", f"sc/{csi_objects.STORAGE_CLASS}"
        self.cluster.kubectl("delete", "--ignore-not-found", driver, storage_class)

    def fail(  # noqa: PLR0913 -- what a fault can differ in
        self,
        rpc: str,
        code: str,
        message: str = "told to fail",
        *,
        times: int = 0,
        delay: float = 0.0,
        volume: str = "",
        above: int = 0,
        done: bool = False,
    ) -> None:
        """Let calls of an RPC (ControllerPublishVolume) end with a gRPC code (Internal).

        `times` calls only (0: all), after `delay` seconds, only those about one volume handle ("":
        any), only those that ask for more than `above` bytes (0: all). With `done` the call takes
        effect, and only its answer is an error.
        """
        fault = {"code": code, "message": message, "times": times, "delaySeconds": delay}
        which = {"volume": volume, "aboveBytes": above}
        self.driver.put_fault(rpc, {**fault, **which, "done": done})

    def hang(self, rpc: str, *, times: int = 0, volume: str = "") -> None:
        """Let calls of an RPC last longer than any caller waits."""
        self.fail(rpc, "OK", times=times, delay=24 * 3600.0, volume=volume)

    def heal(self, rpc: str = "", volume: str = "") -> None:
        """Take back the faults of an RPC, or of all; with a volume handle only its own."""
        self.driver.remove_faults(rpc, volume)

    def register(self, node: str) -> None:
        """Write the driver into a node's CSINode, as its registrar does."""
        self._write_drivers(node, registered=True)

    def unregister(self, node: str) -> None:
        """Take the driver out of a node's CSINode, as when its node plugin is lost."""
        self._write_drivers(node, registered=False)

    def start_part(self, part: str) -> None:
        """Start one of PARTS and wait until it speaks with the driver, if it ever does."""
        if part not in PARTS:
            message = f"no part {part}; there are {', '.join(PARTS)}"
            raise LocalClusterError(message)
        config = f"--kubeconfig={self.cluster.kubeconfig}"
        command: list[str | Path] = [self._programs / part, config]
        if part in CONTROLLERS:
            command += CONTROLLERS[part]
        else:
            command += (f"--csi-address={self._sockets / 'csi.sock'}", *SIDECARS[part])
        rpc = "ControllerGetCapabilities"
        before = self.driver.calls(rpc)
        child = self.cluster.processes.start(part, command)
        self._parts[part] = child
        if part in SIDECARS:
            child.wait_ready(lambda: self.driver.calls(rpc) > before, READY_SECONDS)

    def stop_part(self, part: str) -> None:
        """End one part (of PARTS, or the driver); `start_part` starts it again."""
        if part not in self._parts:
            message = f"{part} does not run; there are {', '.join(self._parts)}"
            raise LocalClusterError(message)
        self._parts.pop(part).kill()

    def _start_driver(self) -> None:
        self._sockets.mkdir(exist_ok=True)
        command: list[str | Path] = [
            self._programs / DRIVER,
            f"--name={FAULTY_DRIVER}",
            f"--endpoint={self._sockets / 'csi.sock'}",
            f"--control={self.driver.path}",
        ]
        child = self.cluster.processes.start(DRIVER, command)
        self._parts[DRIVER] = child
        child.wait_ready(self.driver.answers, READY_SECONDS)

    def _install(self) -> None:
        install_crds(self.cluster)
        self.cluster.apply(csi_objects.driver() + csi_objects.snapshot_class())
        for node in self.cluster.nodes:
            self.register(node)

    def _write_drivers(self, node: str, *, registered: bool) -> None:
        found = self.cluster.get(f"/apis/storage.k8s.io/v1/csinodes/{node}")
        if found is None:
            message = f"node {node} has no CSINode"
            raise LocalClusterError(message)
        drivers = [item for item in found["spec"]["drivers"] if item["name"] != FAULTY_DRIVER]
        if registered:
            drivers.append({"name": FAULTY_DRIVER, "nodeID": node})
        patch = {
            "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
            "spec": {"drivers": drivers},
        }
        self.cluster.kubectl("patch", "csinode", node, "--type=merge", "-p", json.dumps(patch))


def install_crds(cluster: LocalCluster) -> None:
    """Install the CRDs of snapshots and wait until their objects can be made."""
    for path in sorted(CRDS.glob("*.yaml")):
        cluster.apply(path.read_text())
    for name in CRD_NAMES:
        cluster.wait(name, partial(established, cluster, name), READY_SECONDS)


def established(cluster: LocalCluster, name: str) -> bool:
    """Say whether objects of a CRD (`crd/NAME`) can be made.

    `kubectl wait` gives up on one to which nobody has written a condition yet.
    """
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name.removeprefix('crd/')}"
    conditions = ((cluster.get(path) or {}).get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
