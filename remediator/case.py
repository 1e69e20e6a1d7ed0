"""A Case: one record tied to a fresh signal, the View it was seen in, and the time. Values only."""

import msgspec

from exporter.observe.model import OURS, Signal
from exporter.observe.view import View
from remediator.growth.policy import Growth
from remediator.record import Record
from remediator.schedule import Freeze, Window

SWITCH = OURS + "remediation"
"""Label or annotation on a node, a namespace or a claim: `disabled`, or `enabled`."""


class RokPolicy(msgspec.Struct, frozen=True):
    """How a node whose Rok snapshot space is full may be repaired; times in seconds.

    namespace: of the pods in which commands on nodes run; empty: none may run, and nothing is
    extended. lvm: the words that begin a command of LVM's. group, volume, path: of the snapshot
    space. disks: how many Rok makes the group of. margin_percent: how much more than what has
    changed the new disk is to hold. when_removed: `decrement` the scaling group, or `replace` the
    node. collection_within: how long Rok's garbage collection may take. snapshots_within: how long
    after the extension what failed may take to succeed. drain_within: how long a drain may take.
    cluster: its name, for the tags of a disk.
    """

    namespace: str = ""
    lvm: tuple[str, ...] = ("lvm",)
    group: str = "rokvg"
    volume: str = "rok-fisks"
    path: str = "/mnt/data"
    disks: int = 1
    margin_percent: int = 25
    when_removed: str = "decrement"
    collection_within: float = 6 * 3600.0
    snapshots_within: float = 3 * 3600.0
    drain_within: float = 2 * 3600.0
    cluster: str = ""


class Policy(msgspec.Struct, frozen=True):
    """What the operator allows, in seconds where it is a time. Defaults are the shipped ones.

    modes: per handler, else `mode`: observe, approve or auto.
    removable_drivers: drivers whose node-bound volumes may be taken away with their node.
    proof_gap: between two readings of a fencing proof; proof_age: how old the last one may be.
    rate_per_handler, rate_overall: how many subjects may be acted on within rate_window.
    blast_radius: the share of nodes, 0 to 1, that may be out of service by our doing at once; two
    always may. breaker: so many unreleased Failed or Unsettled records stop everything.
    stop_workloads, stop_pods: how many one plan may stop. bare_pods: whether pods without owner may
    be deleted and made again, where they ask for it; scalable: kinds that nobody here knows and
    that may be scaled, as `Kind.group`.
    opt_in: only what carries the label is touched. capacity_cap: GiB that one plan may create.
    approve_within: how long a plan waits for a yes.
    blocking_alerts: names of alerts while which nothing begins.
    medik8s_leases: the namespace of Leases that say who works on a node; empty: nobody is asked.
    growth: how claims may grow. rok: how a full snapshot space of Rok's is extended.
    windows: when work may begin, empty for always; freezes: when it may not.
    """

    mode: str = "observe"
    modes: dict[str, str] = {}
    removable_drivers: frozenset[str] = frozenset()
    alert_max_age: float = 5 * 3600.0
    cooldown: float = 1800.0
    concurrency: int = 1
    proof_gap: float = 30.0
    proof_age: float = 10.0
    give_up_after: float = 6 * 3600.0
    settle_within: float = 600.0
    quiet: float = 600.0
    approve_within: float = 24 * 3600.0
    rate_window: float = 3600.0
    rate_per_handler: int = 3
    rate_overall: int = 6
    blast_radius: float = 0.1
    breaker: int = 3
    opt_in: bool = False
    capacity_cap: int = 4096
    stop_workloads: int = 20
    stop_pods: int = 200
    bare_pods: bool = False
    scalable: frozenset[str] = frozenset()
    blocking_alerts: frozenset[str] = frozenset()
    medik8s_leases: str = ""
    growth: Growth = Growth()
    rok: RokPolicy = RokPolicy()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def mode_of(self, signal: str) -> str:
        """Return the mode of a handler."""
        return self.modes.get(signal, self.mode)


class Case(msgspec.Struct, frozen=True):
    """All a handler and the guards may know.

    `server` is the cluster's (major, minor), None when unread.
    """

    record: Record
    signal: Signal
    view: View
    now: float
    policy: Policy
    server: tuple[int, int] | None

    @property
    def owner(self) -> str:
        """How steps and notes on objects name the record: `name/uid`."""
        return f"{self.record.name}/{self.record.uid}"
