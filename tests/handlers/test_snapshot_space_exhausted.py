"""snapshot_space_exhausted decides: what is planned, and what is said of it."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Budget, CsiNode, Drain, Kind, Object
from exporter.observe.model.facts import RokCopy
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator import plan as plans
from remediator.plan import Plan
from remediator.record import Phase, Record
from remediator.rok_extension import GIB
from remediator.steps.machines import RemoveMachine, RemoveMachineByHand
from tests.handlers.rok_cases import HANDLER, PODS, case, grouped, planned, rok, seen, with_disk
from tests.story import objects as made
from tests.story.objects import NOW
from tests.story.rok_cluster import (
    BUDGETS,
    NODE,
    OWNER,
    SIGNAL,
    SUBJECT,
    UID,
    event,
    job,
    pod,
    record,
    scene,
    snapshot,
    space,
)
from tests.story.rok_node import RokNode


def said(plan: Plan, begin: str) -> str:
    """Return the one finding that has these words."""
    (found,) = (one for one in plan.findings if begin in one)
    return found


def test_the_plan_reads_like_the_runbook() -> None:
    """Seed 000: a volume of 300 GiB, 206 GiB changed, 164 GiB of space, a group of 600 GB."""
    plan = planned()
    assert [step.sentence() for step in plan.steps] == [
        "keep the cluster autoscaler from removing node node-a",
        "keep scaling group workers from ending machine i-0a",
        "cordon node node-a: Rok begins to unpin every volume on it",
        "make a disk of 1118 GiB in eu-central-1a (gp3, encrypted)",
        "attach the new disk to machine i-0a",
        "let the new disk be deleted with machine i-0a",
        "wait until node node-a sees the new disk, by its serial: 1118 GiB, blank, unused",
        "write on node node-a that it is extended and has to be removed",
        "label the disk for LVM on node node-a",
        "put the disk into volume group rokvg",
        "grow logical volume rokvg/rok-fisks to 329103 extents",
        "grow the file system of Rok's snapshot space to rokvg/rok-fisks",
        "wait until the snapshots that failed on node node-a succeed",
        "drain node node-a: workloads first, Rok's guard once no volume is left there",
        "wait until no volume of Rok's is pinned to node node-a",
        "end machine i-0a through its scaling group: the group shrinks by one",
        "wait until machine i-0a, its new disk and node node-a are gone",
    ]
    assert [step.sentence() for step in plan.steps if step.final] == [plan.steps[8].sentence()]
    assert (plan.creates, plan.needs_yes, plan.nodes) == (1118, True, (NODE,))
    assert plan.used_claims == (("web", "data"),)


def test_a_plan_goes_into_the_record_and_back() -> None:
    """All fields of its steps are texts, numbers and booleans."""
    plan = planned()
    back = plans.from_record(plans.to_record(plan))
    assert back == msgspec.structs.replace(plan, rest=0.0)


SAID = """\
205.8 GiB have changed since the last snapshots (web/data 205.8 GiB), and the whole snapshot space
  holds 164.0 GiB: no garbage collection helps
- node node-a is Ready and is not cordoned yet: the cordon makes Rok unpin every volume on it
- volume group rokvg has 558.8 GiB (1 disk, Rok's own, not extended before); a disk of 1118 GiB
  (twice the volume group) grows rok-fisks from 42896 to 329103 extents of 4 MiB, to 1285.6 GiB
- machine i-0a (m5.xlarge, eu-central-1a) has 1 of at most 25 disks beside its root disk; /dev/xvddz
  is free
- the new disk is gp3, encrypted, as vol-0rok is; it goes with the machine
- scaling group workers lets it go: it wants 5 machines, and at least 2
- drain: 3 pods are evicted, 0 stay (DaemonSets', static, ended)
- Rok's guard (1 of the pods) is evicted only once every volume has left the node
- once the disk is labelled there is no way back: Rok cannot handle it after a reboot, so the node
  must be drained and removed, and must not be rebooted before
"""


def test_what_was_looked_at_is_said() -> None:
    """An engineer woken at night judges it by this."""
    plan = planned()
    assert list(plan.findings) == [" ".join(one.split()) for one in SAID.split("\n- ")]


MOVES: dict[str, Callable[[], View]] = {
    "another device name is free": lambda: seen(rok=with_disk("/dev/xvddz")),
    "bytes are free": lambda: seen(space(available=5 * GIB)),
    "a little more has changed": lambda: seen(*job(blocks=55_000_000)),
    "a pod more": lambda: seen(drain=Drain(NODE, (*PODS, pod("new")), BUDGETS)),
    "a larger group": lambda: seen(rok=grouped(desired=7)),
}


@pytest.mark.parametrize("moved", MOVES)
def test_what_only_moves_leaves_a_yes_valid(moved: str) -> None:
    """A person said yes to how much, to what and on what."""
    assert plans.to_record(planned(MOVES[moved]())).hash == plans.to_record(planned()).hash


@pytest.mark.parametrize(
    "changed",
    [
        lambda: planned(seen(*job(blocks=1200 * GIB // 4096))),
        lambda: planned(seen(rok=grouped(smallest=5))),
        lambda: planned(seen(made.node(NODE, uid="uid-another"))),
        lambda: planned(policy=rok(when_removed="replace")),
        lambda: planned(policy=rok(drain_within=60.0)),
    ],
    ids=["a larger disk", "by hand in the end", "another node", "replaced", "less time"],
)
def test_what_is_more_or_something_else_needs_another_yes(changed: Callable[[], Plan]) -> None:
    """The plan's hash changes."""
    assert plans.to_record(changed()).hash != plans.to_record(planned()).hash


BY_HAND = [
    ({"protected": True}, "somebody protects it from scaling in"),
    ({"smallest": 5}, "wants 5 machines, and at least 5: it cannot shrink"),
    ({"suspended": ("Terminate",)}, "somebody has suspended Terminate of scaling group workers"),
    ({"lifecycle": "Standby"}, "the machine is Standby in scaling group workers"),
    (None, "it is in no scaling group"),
]


@pytest.mark.parametrize(("fields", "words"), BY_HAND, ids=[words for _, words in BY_HAND])
def test_what_its_group_does_not_let_go_a_person_removes(
    fields: dict[str, object] | None, words: str
) -> None:
    """Shown, and not overridden."""
    there = grouped(**fields) if fields is not None else RokNode()
    if fields is None:
        there.group = None
    plan = planned(seen(rok=there))
    assert isinstance(plan.steps[-2], RemoveMachineByHand)
    assert words in said(plan, "the machine is removed by a person in the end")


def test_a_group_that_replaces_may_be_at_its_minimum_but_must_launch() -> None:
    """By the setting."""
    policy = rok(when_removed="replace")
    at_least = planned(seen(rok=grouped(smallest=5)), policy)
    assert isinstance(at_least.steps[-2], RemoveMachine)
    assert at_least.steps[-2].sentence().endswith("the group replaces it")
    stopped = planned(seen(rok=grouped(suspended=("Launch",))), policy)
    assert isinstance(stopped.steps[-2], RemoveMachineByHand)
    assert isinstance(planned(seen(rok=grouped(suspended=("Launch",)))).steps[-2], RemoveMachine)


def test_elsewhere_a_person_attaches_the_disk_and_removes_the_machine() -> None:
    """No cloud that we know: the same steps between, and no disk is made by us."""
    there = RokNode()
    there.by_hand = {"/dev/sdq": 2000}
    plan = planned(seen(made.node(NODE, provider_id="gce://p/z/i"), rok=there))
    names = [type(step).__name__ for step in plan.steps]
    assert names[:4] == ["ProtectNode", "Cordon", "AttachDiskByHand", "MarkExtended"]
    assert names[-1] == "RemoveMachineByHand"
    assert plan.creates == 0
    assert "its providerID is gce://p/z/i" in said(plan, "in no cloud that we know")
    assert "/dev/sdq" in said(plan, "blank disks that are there already are not taken")


def test_a_node_that_somebody_cordoned_is_planned_the_same_and_it_is_said() -> None:
    """Seed 000's second example: its volumes are being unpinned already."""
    plan = planned(seen(made.node(NODE, unschedulable=True)))
    assert "is cordoned already, by somebody else" in said(plan, "node node-a is Ready and")
    assert plans.to_record(plan).hash == plans.to_record(planned()).hash


def test_who_drains_the_node_is_said() -> None:
    """The autoscaler would end the machine before its volumes have left."""
    taint = model.Taint("ToBeDeletedByClusterAutoscaler", "1", "NoSchedule", NOW)
    plan = planned(seen(made.node(NODE, taints=(taint,))))
    assert "stop that first" in said(plan, "is drained by the cluster autoscaler")


def test_what_a_drain_loses_and_waits_for_is_said() -> None:
    """Bare pods but Rok's guard, emptyDir data, and a budget that allows none now."""
    pods = (
        *PODS,
        pod("lonely", owner=""),
        pod("guard-1", owner="", app="rok-csi-guard"),
        pod("cache", local_data=True),
        pod("kept", budgets=("shop",)),
        pod("agent", owner="DaemonSet", local_data=True),
        pod("done", owner="", phase="Succeeded"),
        pod("rok-x", namespace="rok", owner="DaemonSet", app="rok"),
    )
    plan = planned(seen(drain=Drain(NODE, pods, (*BUDGETS, Budget("web", "shop", 0, 2, 2)))))
    assert said(plan, "drain: ").startswith("drain: 7 pods are evicted, 3 stay")
    assert said(plan, "gone for good").endswith(": web/lonely")
    assert said(plan, "emptyDir").endswith("web/cache")
    assert "web/shop allows no disruption now (2 of at least 2 healthy)" in said(plan, "Budget")
    assert "rok/rok-x goes with the machine" in said(plan, "Rok's own ")


def test_all_volumes_of_the_node_count_and_what_is_not_known_is_said() -> None:
    """A cordon unpins each of them."""
    more: list[Object] = [
        made.claim("logs"),
        made.volume("logs", driver=model.ROK, affinity=scene()[5].affinity),  # type: ignore[union-attr]
        snapshot("logs-snap", claim="logs"),
        event("failed", job()[2].fact, NOW - 200.0, "logs-snap"),  # type: ignore[union-attr,arg-type]
    ]
    plan = planned(seen(*more))
    assert "how much has changed of web/logs is not known" in said(plan, "on top")
    assert plan.used_claims == (("web", "data"), ("web", "logs"))
    copied = event("copy", RokCopy(100 * GIB // 4096, 4096), NOW - 250.0, "logs-snap")
    assert "(web/data 205.8 GiB, web/logs 100.0 GiB)" in planned(seen(*more, copied)).findings[0]


def test_a_machine_whose_limit_nobody_knows_is_planned_and_said() -> None:
    """There may be no EBS driver in the cluster: EC2 refuses, and all is taken back."""
    plan = planned(seen(CsiNode(NODE, ())))
    assert "has 1 of at most an unknown number disks" in said(plan, "machine i-0a")


def test_old_servers_get_the_older_eviction() -> None:
    """policy/v1 is there from 1.22 on."""
    old = HANDLER.plan(msgspec.structs.replace(case(), server=(1, 21)))
    assert isinstance(old, Plan)
    assert [step.api for step in old.steps if hasattr(step, "api")] == ["policy/v1beta1"]


def test_a_plan_can_be_made_without_a_record() -> None:
    """`pvmedic plan` asks before there is one."""
    bare = msgspec.structs.replace(record(), uid="", version="")
    assert isinstance(HANDLER.plan(case(of=bare)), Plan)


def wanted(of: Record, view: View) -> set[Kind]:
    """Return the kinds beside the API's that are asked for."""
    beside = {Kind.MACHINE, Kind.REPAIR_DISKS, Kind.NODE_DISKS, Kind.DRAIN}
    return {want.kind for want in HANDLER.reads(of, view)} & beside


def test_the_cloud_and_the_node_are_asked_only_where_a_disk_is_needed() -> None:
    """While Rok's garbage collection is waited for, no command runs and no cloud is called."""
    assert wanted(record(), seen()) == {
        Kind.MACHINE,
        Kind.REPAIR_DISKS,
        Kind.NODE_DISKS,
        Kind.DRAIN,
    }
    assert wanted(record(), seen(space(size=300 * GIB, available=0))) == set()
    elsewhere = seen(made.node(NODE, provider_id=""))
    assert wanted(record(), elsewhere) == {Kind.NODE_DISKS, Kind.DRAIN}


def test_a_machine_is_asked_for_by_its_id_once_there_is_a_plan() -> None:
    """Of a node that is gone nobody else tells it."""
    plan = plans.to_record(planned())
    ended = tuple(
        msgspec.structs.replace(step, state="Done") if number < 16 else step
        for number, step in enumerate(plan.steps)
    )
    running = made.record(
        subject=SUBJECT,
        signal=SIGNAL,
        phase=Phase.RUNNING,
        plan=msgspec.structs.replace(plan, steps=ended),
    )
    asked = list(HANDLER.reads(running, View(Objects(), NOW)))
    assert Want(Kind.MACHINE, "eu-central-1/i-0a", NODE) in asked
    assert Want(Kind.REPAIR_DISKS, "eu-central-1", UID) in asked
    assert wanted(running, View(Objects(), NOW)) == {Kind.MACHINE, Kind.REPAIR_DISKS}


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([made.node(NODE)], "node node-a is still there"),
        ([made.volume("data", driver=model.ROK, affinity=scene()[5].affinity)], "still pinned"),  # type: ignore[union-attr]
    ],
    ids=["the node", "a volume"],
)
def test_the_goal_is_not_reached_while_there_is(objects: list[Object], words: str) -> None:
    """Node gone, nothing pinned there."""
    kept = made.record(subject=SUBJECT, signal=SIGNAL, plan=plans.to_record(planned()))
    goal = HANDLER.goal(kept, View(Objects(objects), NOW))
    assert not goal.reached
    assert words in goal.sentence
    assert HANDLER.goal(kept, View(Objects([made.node(NODE, uid="uid-new")]), NOW)).reached


def test_the_owner_is_the_record() -> None:
    """Notes, tags and the client token carry its uid."""
    assert {step.owner for step in planned().steps} == {OWNER}
