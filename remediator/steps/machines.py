"""A node's machine: kept from being scaled in while we work, and removed in the end.

Its cloud keeps no notes of ours on it: what was there before stands in the ledger.
"""

from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.model.machines import GroupReading
from exporter.observe.view import View
from remediator import cloud
from remediator.steps.base import (
    DONE,
    GONE,
    Observation,
    Step,
    not_done,
    refused,
    unknown,
    unseen,
)
from remediator.steps.nodes import OfNode, uid_of

SEEN_WITHIN = 120.0
"""Seconds within which a cloud shows what it was told."""
ENDS_WITHIN = 2 * 3600.0
"""Seconds for a machine to end, its group's lifecycle hooks included (an hour each by default)."""
BY_HAND_WITHIN = 24 * 3600.0
"""Seconds for a person to do a step."""
ENDED = frozenset({"shutting-down", "terminated"})
ENDING = ("Terminating", "Terminated")
"""How the lifecycle of a machine begins that its group ends: it may run on for a hook."""
TO_SHRINK = frozenset({"Terminate"})
"""Processes of a group that are needed for one machine fewer."""
TO_REPLACE = TO_SHRINK | {"Launch"}
"""And for another one in its place."""


def ended(machine: model.Machine | None) -> bool:
    """Whether a machine that was asked for is over, or unknown to its cloud."""
    if machine is None:
        return False
    return machine.reading is None or machine.reading.state in ENDED


def barred(group: GroupReading, *, shrink: bool) -> str:
    """Return why a scaling group does not let one machine go; empty where it does."""
    stopped = sorted({*group.suspended} & (TO_SHRINK if shrink else TO_REPLACE))
    if stopped:
        return f"somebody has suspended {', '.join(stopped)} of scaling group {group.name}"
    if group.lifecycle != "InService":
        return f"the machine is {group.lifecycle} in scaling group {group.name}"
    if shrink and not group.can_shrink:
        return (
            f"scaling group {group.name} wants {group.desired} machines, and at least"
            f" {group.smallest}: it cannot shrink"
        )
    return ""


class OfMachine(Step, frozen=True):
    """`target` and `uid` are an instance's id; `on` is its node, `region` where it is."""

    on: str
    region: str

    @property
    def node(self) -> str:
        """Return the node."""
        return self.on

    def machine(self, view: View) -> model.Machine | None:
        """Return the machine as its cloud shows it; None where nobody asked."""
        there = view.machine(self.on)
        return there if there is not None and there.instance_id == self.target else None

    def looked(self, view: View, *kinds: Kind) -> Observation | None:
        """Return that nobody can tell, or that it is over; None where it can be told."""
        if (blind := unseen(view, Kind.MACHINE, *kinds)) is not None:
            return blind
        machine = self.machine(view)
        if machine is None:
            return unknown(f"nobody asked for machine {self.target}")
        return GONE if ended(machine) else None


class ProtectMachine(OfMachine, frozen=True):
    """Keep the scaling group from choosing this machine when it scales in."""

    owes: ClassVar[bool] = True
    settles: ClassVar[float] = SEEN_WITHIN

    group: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"keep scaling group {self.group} from ending machine {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether it is protected, whoever did it."""
        if (other := self.looked(view)) is not None:
            return other
        machine = self.machine(view)
        group = machine.group if machine is not None else None
        if group is None or group.name != self.group:
            return refused(f"machine {self.target} is not in scaling group {self.group} any more")
        return DONE if group.protected else not_done("it is not protected")

    def act(self, view: View) -> cloud.ProtectMachine | None:
        """Return the call."""
        machine = self.machine(view)
        if machine is None or machine.group is None or machine.group.name != self.group:
            return None
        return cloud.ProtectMachine(self.group, self.target, on=True, region=self.region)


class UnprotectMachine(OfMachine, frozen=True):
    """Let the scaling group choose the machine again."""

    pays: ClassVar[str] = ProtectMachine.__name__
    settles: ClassVar[float] = SEEN_WITHIN

    group: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"let scaling group {self.group} end machine {self.target} again"

    def observe(self, view: View) -> Observation:
        """Say whether it is not protected any more, or not in that group."""
        if (other := self.looked(view)) is not None:
            return other
        machine = self.machine(view)
        group = machine.group if machine is not None else None
        same = group is not None and group.name == self.group
        return not_done() if same and group is not None and group.protected else DONE

    def act(self, view: View) -> cloud.ProtectMachine | None:
        """Return the call."""
        if self.machine(view) is None:
            return None
        return cloud.ProtectMachine(self.group, self.target, on=False, region=self.region)


class RemoveMachine(OfMachine, frozen=True):
    """End the machine through its scaling group; `shrink`: it gets no successor.

    Never while a volume of Rok's lives on its node. A call without an answer may be made again: it
    ends the same machine, and one that ends already is not ended twice.
    """

    settles: ClassVar[float] = SEEN_WITHIN
    without: ClassVar[frozenset[Kind]] = frozenset({Kind.ROK_SPACE})

    shrink: bool

    def sentence(self) -> str:
        """Return what it does."""
        after = "the group shrinks by one" if self.shrink else "the group replaces it"
        return f"end machine {self.target} through its scaling group: {after}"

    def observe(self, view: View) -> Observation:
        """Say whether it ends, and whether it may."""
        if (blind := unseen(view, Kind.MACHINE, Kind.NODE, Kind.VOLUME)) is not None:
            return blind
        machine = self.machine(view)
        if machine is None:
            return unknown(f"nobody asked for machine {self.target}")
        if machine.reading is None:
            return unknown(f"the cloud does not know machine {self.target}, which proves nothing")
        if ended(machine) or (machine.group and machine.group.lifecycle.startswith(ENDING)):
            return DONE
        if left := view.rok_on(self.on):
            return unknown(f"volume {left[0].name} lives on node {self.on} again")
        if machine.group is None:
            return refused(f"machine {self.target} is in no scaling group any more")
        why = barred(machine.group, shrink=self.shrink)
        return refused(f"{why}: a person removes it") if why else not_done("it runs")

    def act(self, view: View) -> cloud.TerminateMachine | None:
        """Return the call."""
        if self.observe(view).sentence != "it runs":
            return None
        return cloud.TerminateMachine(self.target, shrink=self.shrink, region=self.region)


class _Going(OfNode, frozen=True):
    """Waiting for a node's end. `provider` is its providerID, empty where it has none.

    A Node object that somebody made anew for the same machine is no end.
    """

    without: ClassVar[frozenset[Kind]] = frozenset({Kind.ROK_SPACE})

    provider: str

    def there(self, view: View) -> bool:
        """Whether the node is there: the same Node object, or the same machine under its name."""
        node = view.node(self.target)
        if node is None:
            return False
        return node.uid == self.uid or (bool(self.provider) and node.provider_id == self.provider)


class AwaitMachineGone(_Going, frozen=True):
    """Wait until the machine, our disk and the Node object are gone."""

    instance: str
    region: str

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return ENDS_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until machine {self.instance}, its new disk and node {self.target} are gone"

    def observe(self, view: View) -> Observation:
        """Say what is left."""
        kinds = (Kind.NODE, Kind.MACHINE, Kind.REPAIR_DISKS)
        if (blind := unseen(view, *kinds)) is not None:
            return blind
        made, left = view.repair_disks(uid_of(self.owner)), []
        if made is None:
            return unknown("nobody asked for our disk")
        machine = view.machine(self.target)
        if machine is not None and not ended(machine) and machine.reading is not None:
            left.append(f"machine {self.instance} is {machine.reading.state}")
        left += [f"disk {one.volume_id} is {one.state}" for one in made.disks]
        if self.there(view):
            left.append(f"node {self.target} is still there")
        return not_done("; ".join(left)) if left else DONE


class RemoveMachineByHand(_Going, frozen=True):
    """Wait until a person has removed the machine. `why` is why we do not."""

    readings: ClassVar[frozenset[str]] = frozenset({"why"})

    why: str

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return BY_HAND_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until a person has removed the machine of node {self.target}: {self.why}"

    def observe(self, view: View) -> Observation:
        """Say whether the node is gone."""
        if (blind := unseen(view, Kind.NODE, Kind.VOLUME)) is not None:
            return blind
        if not self.there(view):
            return DONE
        return not_done(
            f"everything has left node {self.target}: remove its machine by hand ({self.why}), and"
            " its Node object where nothing else does"
        )
