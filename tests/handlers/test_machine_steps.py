"""A node's machine: protected while we work, ended through its group, and seen gone."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import cloud
from remediator.steps.base import Step
from remediator.steps.machines import (
    AwaitMachineGone,
    ProtectMachine,
    RemoveMachine,
    RemoveMachineByHand,
    UnprotectMachine,
)
from tests.handlers.rok_views import (
    ON_MACHINE,
    ON_NODE,
    Row,
    another,
    each_seen,
    seen,
    view_of,
    with_disk,
)
from tests.story import objects as made
from tests.story.objects import NOW
from tests.story.rok_cluster import NODE, UID
from tests.story.rok_node import INSTANCE, REGION, USUAL_GROUP, RokNode

PROVIDER = f"aws:///eu-central-1a/{INSTANCE}"
PROTECT = ProtectMachine(*ON_MACHINE, "workers")
UNPROTECT = UnprotectMachine(*ON_MACHINE, "workers")
REMOVE = RemoveMachine(*ON_MACHINE, shrink=True)
GONE = AwaitMachineGone(*ON_NODE, PROVIDER, INSTANCE, REGION)
BY_HAND = RemoveMachineByHand(*ON_NODE, PROVIDER, "it is in no scaling group")
LEFT = made.volume("data", driver=model.ROK, affinity=())
"""The claim's volume, unpinned."""


def grouped(**fields: object) -> RokNode:
    """Return a node whose machine's group is otherwise."""
    there = RokNode()
    there.group = msgspec.structs.replace(USUAL_GROUP, **fields)
    return there


def alone() -> RokNode:
    """Return a node whose machine is in no group."""
    there = RokNode()
    there.group = None
    return there


def ended() -> RokNode:
    """Return a node whose machine is terminated."""
    there = with_disk(with_machine=True)
    there.state, there.ended = "shutting-down", 0.0
    return there


def unknown_to_its_cloud() -> Object:
    """Return the machine as a cloud shows it that does not know it."""
    return msgspec.structs.replace(RokNode().machine(NOW, NODE), reading=None)


def after(rok: RokNode, *nodes: Object) -> View:
    """Return a View of cloud and nodes alone, when the node may be gone."""
    return View(Objects([rok.machine(NOW, NODE), rok.repair(NOW, UID), *nodes]), NOW)


SEEN: list[Row] = [
    (PROTECT, view_of, "NotDone", "it is not protected"),
    (PROTECT, lambda: view_of(grouped(protected=True)), "Done", ""),
    (
        PROTECT,
        lambda: view_of(grouped(name="others")),
        "Refused",
        "is not in scaling group workers",
    ),
    (PROTECT, lambda: view_of(alone()), "Refused", "is not in scaling group workers"),
    (PROTECT, lambda: view_of(ended()), "Gone", ""),
    (UNPROTECT, view_of, "Done", ""),
    (UNPROTECT, lambda: view_of(grouped(protected=True)), "NotDone", ""),
    (UNPROTECT, lambda: view_of(grouped(name="others", protected=True)), "Done", ""),
    (UNPROTECT, lambda: view_of(ended()), "Gone", ""),
    (REMOVE, lambda: view_of(None, LEFT), "NotDone", "it runs"),
    (REMOVE, lambda: view_of(grouped(protected=True), LEFT), "NotDone", "it runs"),
    (REMOVE, view_of, "Unknown", "volume pv-data lives on node node-a again"),
    (REMOVE, lambda: view_of(ended(), LEFT), "Done", ""),
    (REMOVE, lambda: view_of(grouped(lifecycle="Terminating:Wait"), LEFT), "Done", ""),
    (REMOVE, lambda: view_of(None, LEFT, unknown_to_its_cloud()), "Unknown", "proves nothing"),
    (REMOVE, lambda: view_of(alone(), LEFT), "Refused", "is in no scaling group any more"),
    (REMOVE, lambda: view_of(grouped(smallest=5), LEFT), "Refused", "it cannot shrink"),
    (REMOVE, lambda: view_of(grouped(suspended=("Terminate",)), LEFT), "Refused", "suspended"),
    (GONE, lambda: after(with_disk(), made.node(NODE)), "NotDone", "machine i-0a is running"),
    (GONE, lambda: after(with_disk()), "NotDone", "disk vol-0new is in-use"),
    (GONE, lambda: after(ended(), made.node(NODE)), "NotDone", "node node-a is still there"),
    (GONE, lambda: after(ended()), "Done", ""),
    (
        GONE,
        lambda: after(ended(), made.node(NODE, uid="u", provider_id="aws:///z/i-1")),
        "Done",
        "",
    ),
    (GONE, lambda: after(ended(), another()), "NotDone", "node node-a is still there"),
    (BY_HAND, view_of, "NotDone", "remove its machine by hand (it is in no scaling group)"),
    (BY_HAND, lambda: after(ended()), "Done", ""),
    (BY_HAND, lambda: after(ended(), another()), "NotDone", "by hand"),
]


@each_seen(SEEN)
def test_how_far_it_is(step: Step, make: Callable[[], View], progress: str, words: str) -> None:
    """By what the cloud and the API server show."""
    found, sentence = seen(step, make())
    assert found == progress, sentence
    assert words in sentence


@pytest.mark.parametrize("step", [PROTECT, UNPROTECT, REMOVE, GONE], ids=lambda s: type(s).__name__)
def test_what_nobody_asked_or_could_see_is_unknown(step: Step) -> None:
    """Nothing is done on no answer."""
    assert seen(step, view_of(asked=False))[0] == "Unknown"
    assert step.act(view_of(asked=False)) is None
    assert seen(step, view_of(unseen={Kind.MACHINE: "403"}))[0] == "Unknown"


def test_a_machine_that_is_not_the_one_is_left_alone() -> None:
    """The node's name came back with another machine."""
    other = msgspec.structs.replace(RokNode().machine(NOW, NODE), instance_id="i-0other")
    for step in (PROTECT, UNPROTECT, REMOVE):
        assert seen(step, view_of(None, LEFT, other))[0] == "Unknown"
        assert step.act(view_of(None, LEFT, other)) is None


def test_what_is_called() -> None:
    """Through the group, for one machine, and by the setting for good."""
    on = cloud.ProtectMachine("workers", INSTANCE, on=True, region=REGION)
    assert PROTECT.act(view_of()) == on
    assert PROTECT.act(view_of(grouped(name="others"))) is None
    off = cloud.ProtectMachine("workers", INSTANCE, on=False, region=REGION)
    assert UNPROTECT.act(view_of(grouped(protected=True))) == off
    end = cloud.TerminateMachine(INSTANCE, shrink=True, region=REGION)
    assert REMOVE.act(view_of(None, LEFT)) == end
    assert REMOVE.act(view_of()) is None


def test_without_a_providerid_another_node_object_is_another_node() -> None:
    """Nothing tells its machine."""
    bare = RemoveMachineByHand(*ON_NODE, "", "it is in no cloud that we know")
    assert seen(bare, after(ended(), another()))[0] == "Done"


@pytest.mark.parametrize("step", [GONE, BY_HAND, REMOVE], ids=lambda step: type(step).__name__)
def test_the_sizes_of_a_node_that_goes_are_not_needed(step: Step) -> None:
    """Its exporter ends before it does."""
    assert Kind.ROK_SPACE in step.without
    assert step.node == NODE
