"""The times of a local cluster that are shorter than Kubernetes' own, and how to say so.

Values only: wherever a measured time is printed, these are printed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """Seconds. What Kubernetes ships is noted beside each."""

    node_monitor_period: int  # 5: how often the node life cycle controller looks
    node_monitor_grace_period: int  # 50: silence before a node's Ready becomes Unknown
    attach_detach_reconcile_sync_period: (
        int  # 60: how often attachments are compared with the world
    )
    heartbeat: float  # 10: how often a live node renews its Lease

    @classmethod
    def demo(cls) -> Timings:
        """Short, yet a busy machine with two cores does not lose a live node by accident."""
        return cls(
            node_monitor_period=1,
            node_monitor_grace_period=8,
            attach_detach_reconcile_sync_period=5,
            heartbeat=1.5,
        )

    @classmethod
    def kubernetes(cls) -> Timings:
        """Return what Kubernetes 1.36 ships."""
        return cls(
            node_monitor_period=5,
            node_monitor_grace_period=50,
            attach_detach_reconcile_sync_period=60,
            heartbeat=10.0,
        )

    def sentence(self) -> str:
        """Return one line that names every time that differs from what Kubernetes ships."""
        shipped = Timings.kubernetes()
        return (
            f"short timings: a silent node is NotReady after {self.node_monitor_grace_period} s"
            f" (Kubernetes: {shipped.node_monitor_grace_period} s), looked at every"
            f" {self.node_monitor_period} s ({shipped.node_monitor_period} s),"
            f" attachments compared every"
            f" {self.attach_detach_reconcile_sync_period} s"
            f" ({shipped.attach_detach_reconcile_sync_period} s), heartbeats every"
            f" {self.heartbeat:g} s ({shipped.heartbeat:g} s)"
        )
