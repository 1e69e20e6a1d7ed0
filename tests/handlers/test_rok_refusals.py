"""snapshot_space_exhausted waits, or refuses and says what to do: each a case."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Budget, CsiNode, Drain, Object, Ready
from exporter.observe.model.facts import RokCopy
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator.case import Case
from remediator.plan import Declined, Deferred
from remediator.rok_extension import GIB
from tests.handlers.rok_cases import HANDLER, case, grouped, rok, seen, with_disk
from tests.story import objects as made
from tests.story.objects import NOW
from tests.story.rok_cluster import (
    NODE,
    POLICY,
    SIGNAL,
    SUBJECT,
    VOLUME,
    event,
    job,
    pod,
    scene,
    space,
)
from tests.story.rok_node import Disk, RokNode

REPORTED = [event("reported", RokCopy(BLOCKS_4M := 52_836, 4 * 2**20, reported=True), NOW - 590.0)]


def only_reported() -> list[Object]:
    """Return a job that got no further than what the device reports."""
    started, _, failed = job()
    return [started, *REPORTED, failed]


def without_copy() -> View:
    """Return a View in which the Event that says how much has changed is gone."""
    gone = {one.name for one in job()[1:2]}
    objects = [one for one in scene() if one.name not in gone]
    return View(Objects(objects), NOW)


def by_bound_only() -> View:
    """Return a View in which only an upper bound is known."""
    objects = [one for one in scene() if not isinstance(one, model.KubeEvent)]
    return View(Objects([*objects, *only_reported()]), NOW)


WAITS = [
    (
        lambda: case(seen(space(size=300 * GIB, available=100 * GIB))),
        "no more than the 300.0 GiB of the whole snapshot space: Rok's garbage collection makes",
    ),
    (
        lambda: case(seen(space(size=300 * GIB, available=250 * GIB))),
        "250.0 GiB are free by now: the next attempt succeeds, or the cause is another one",
    ),
    (
        lambda: case(seen(made.node(NODE, Ready.UNKNOWN))),
        "node node-a is not Ready: nothing can be done on it",
    ),
    (lambda: case(seen(rok=ending("stopping"))), "machine i-0a is stopping"),
]


def ending(state: str) -> RokNode:
    """Return a node whose machine is in another state."""
    there = RokNode()
    there.state = state  # type: ignore[assignment]
    return there


@pytest.mark.parametrize(("make", "words"), WAITS, ids=[words[:40] for _, words in WAITS])
def test_it_waits(make: Callable[[], Case], words: str) -> None:
    """Not yet: it is looked at again."""
    decision = HANDLER.plan(make())
    assert isinstance(decision, Deferred), decision
    assert words in decision.sentence


def collected_too_long() -> Case:
    """Return a case that has waited for the garbage collection for longer than it may."""
    view = seen(space(size=300 * GIB, available=100 * GIB))
    return case(view, of=made.record(subject=SUBJECT, signal=SIGNAL, deferred_since=NOW - 22_000.0))


def two_groups() -> View:
    """Return a View of a node with two volume groups of Rok's name."""
    return disks(lambda one: {"groups": (*one.groups, *one.groups)})


def disks(change: Callable[[model.NodeDisks], dict[str, object]]) -> View:
    """Return a View in which LVM or lsblk say something else."""
    there = RokNode().node_disks(NOW, NODE)
    return seen(msgspec.structs.replace(there, **change(there)))


def extended_before() -> RokNode:
    """Return a node whose group has a second disk."""
    there = RokNode()
    there.by_hand = {"/dev/sdx": 1118}
    there.labels, there.members = {"/dev/sdx": "uuid-x"}, ["/dev/sdx"]
    return there


def machine(**fields: object) -> View:
    """Return a View in which the cloud says something else of the machine."""
    return seen(msgspec.structs.replace(RokNode().machine(NOW, NODE), **fields))


def full_machine() -> View:
    """Return a View of a machine with one slot left."""
    return seen(CsiNode(NODE, ("ebs.csi.aws.com",), limits={"ebs.csi.aws.com": 2}))


def no_names() -> View:
    """Return a View of a machine all of whose device names are taken."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    there = RokNode()
    for number, device in enumerate(f"/dev/xvd{a}{b}" for a in "bcd" for b in letters):
        there.disks[str(number)] = Disk(f"vol-{number}", 1, {}, attached=0.0, device=device)
    return seen(CsiNode(NODE, (), limits={}), rok=there)


TWICE = Drain(
    NODE,
    (pod("shop-1", budgets=("one", "two")),),
    (Budget("web", "one", 1), Budget("web", "two", 1)),
)
STAYS = Drain(NODE, (pod("agent", owner="DaemonSet", claims=("data",)),))
NOTE = "pvmedic.dev/rok-extended"
REFUSED = [
    (lambda: case(seen(), rok(namespace="")), "not allowed by the settings (rok.exec)"),
    (lambda: case(without_copy()), "how much has changed of web/data is not known"),
    (lambda: case(by_bound_only()), "at most 206.4 GiB have changed"),
    (collected_too_long, "Rok's garbage collection has made no room for 6 h"),
    (
        lambda: case(seen(made.node(NODE, annotations={NOTE: "other/uid vol-1 2026-01-01"}))),
        "other/uid has extended node node-a at 2026-01-01: it is not extended twice",
    ),
    (
        lambda: case(seen(made.node(NODE, annotations={"pvmedic.dev/undo": "other/uid"}))),
        "other/uid has changed node node-a and owes to take that back first",
    ),
    (
        lambda: case(seen(space(extended=True, rebooted=True, disks=2))),
        "was extended to 2 disks, and the node was rebooted since: it is not extended twice",
    ),
    (lambda: case(seen(rok=extended_before())), "rokvg has 2 disks (/dev/nvme1n1, /dev/sdx)"),
    (lambda: case(seen(), rok(disks=2)), "1 disks of volume group rokvg are seen"),
    (lambda: case(two_groups()), "the node has 2 volume groups rokvg, and not exactly one"),
    (lambda: case(disks(lambda _: {"groups": ()})), "the node has 0 volume groups rokvg"),
    (lambda: case(disks(lambda _: {"volumes": ()})), "has no logical volume rok-fisks"),
    (lambda: case(disks(lambda _: {"file_system": "btrfs"})), "only ext4 and xfs are grown"),
    (
        lambda: case(
            disks(lambda one: {"groups": (msgspec.structs.replace(one.groups[0], size=None),)})
        ),
        "does not say how large rokvg is",
    ),
    (lambda: case(machine(reading=None)), "EC2 knows no machine i-0a"),
    (
        lambda: case(seen(rok=grouped(lifecycle="Terminating:Wait"))),
        "is ending machine i-0a already (Terminating:Wait): stop that first",
    ),
    (
        lambda: case(seen(rok=with_disk("/dev/xvdba", tags={"pvmedic.dev/remediation": "uid-x"}))),
        "disk vol-0more of another Remediation (uid-x) is on machine i-0a",
    ),
    (lambda: case(no_names()), "has no free device name"),
    (lambda: case(full_machine()), "the machine has 1 of at most 2 disks"),
    (lambda: case(machine(disks=())), "has no disk that a new one could be like"),
    (
        lambda: case(seen(drain=TWICE)),
        "pod web/shop-1 can never be evicted: 2 PodDisruptionBudgets",
    ),
    (lambda: case(seen(drain=STAYS)), "pod web/agent stays in a drain and uses claim data"),
    (
        lambda: case(seen(made.volume("old", driver=model.ROK, affinity=VOLUME.affinity))),
        "volume pv-old lives on node node-a and no claim has it",
    ),
    (
        lambda: case(policy=msgspec.structs.replace(POLICY, capacity_cap=1000)),
        "need 1118 GiB, and the settings allow 1000 GiB for one disk",
    ),
    (
        lambda: case(machine(disks=(msgspec.structs.replace(_rok_disk(), type="standard"),))),
        "need 1118 GiB, and a disk of this type has 1024 at most",
    ),
]


def _rok_disk() -> model.machines.DiskReading:
    return RokNode().disks["vol-0rok"].reading(NOW)


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=[words[:50] for _, words in REFUSED])
def test_it_refuses(make: Callable[[], Case], words: str) -> None:
    """Never for this: the sentence says what to do."""
    decision = HANDLER.plan(make())
    assert isinstance(decision, Declined), decision
    assert words in decision.sentence


@pytest.mark.parametrize("gone", [model.RokSpace, model.Node], ids=["sizes", "node"])
def test_it_refuses_without(gone: type) -> None:
    """What is not there cannot be extended, and a size that nobody knows proves nothing."""
    objects = [one for one in scene() if not (isinstance(one, gone) and one.name == NODE)]
    decision = HANDLER.plan(case(View(Objects(objects), NOW)))
    assert isinstance(decision, Declined)
    assert "not known" in decision.sentence or "is gone" in decision.sentence
