"""Emptying a node of Rok's: in which order pods leave, and who is waited for."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Budget, Drain, DrainPod, Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator.steps.base import Step
from remediator.steps.drain import AwaitSnapshots, AwaitUnpinned, DrainNode, leaving
from remediator.steps.nodes import EXTENDED
from tests.handlers.rok_views import ON_NODE, another, node, seen, view_of
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.objects import NOW
from tests.story.rok_cluster import GUARD, NODE, OWNER, event, job, pod, snapshot, space

SNAPSHOTS = AwaitSnapshots(*ON_NODE, 3600.0)
DRAIN = DrainNode(*ON_NODE, 3600.0, "policy/v1")
UNPINNED = AwaitUnpinned(*ON_NODE, 3600.0)
LEFT = made.volume("data", driver=model.ROK, affinity=())
"""The claim's volume, unpinned."""
OPEN = (Budget("rok", "guard", 1, 1, 0),)
MASTER = pod("master", namespace="rok", app="rok", owner="StatefulSet")
EXTENDED_AT = "2027-01-15T07:00:00Z"
"""An hour before NOW."""


def marked(when: str = EXTENDED_AT) -> model.Node:
    """Return the node with our note."""
    return node(unschedulable=True, annotations={EXTENDED: f"{OWNER} vol-0new {when}"})


def drained(*pods: DrainPod, budgets: tuple[Budget, ...] = (), left: bool = False) -> View:
    """Return a View of a node with these pods; `left`: whether its volumes have left it."""
    return view_of(None, Drain(NODE, pods, budgets), *((LEFT,) if left else ()))


def next_of(view: View) -> str:
    """Return which pod is evicted next, empty for none."""
    write = kube_write(DRAIN, view)
    return write.path.rpartition("/pods/")[2].removesuffix("/eviction") if write else ""


def test_workloads_leave_first_then_rok_s_guard_and_then_rok_s_own() -> None:
    """And what would come back at once stays."""
    pods = (
        MASTER,
        GUARD,
        pod("shop-1"),
        pod("db-0", owner="StatefulSet"),
        pod("agent", owner="DaemonSet"),
        pod("proxy", owner="Node", mirror=True),
        pod("done", phase="Succeeded"),
    )
    names = [one.name for one in leaving(Drain(NODE, pods))]
    assert names == ["db-0", "shop-1", "guard-0", "master"]


def test_one_pod_at_a_time_by_the_eviction_api_bound_to_its_uid() -> None:
    """A new pod of its name is another one."""
    view = drained(pod("shop-1"), pod("db-0"))
    write = kube_write(DRAIN, view)
    assert write is not None
    assert (write.method, write.content_type) == ("POST", "application/json")
    assert write.path == "/api/v1/namespaces/web/pods/db-0/eviction"
    assert msgspec.to_builtins(write.body) == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "db-0", "namespace": "web"},
        "deleteOptions": {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": "uid-db-0"},
        },
    }
    assert DRAIN.doing(view) == "evict pod web/db-0"


def test_rok_s_guard_waits_until_every_volume_and_every_workload_has_left() -> None:
    """To end it earlier loses data, whatever its budget allows."""
    assert next_of(drained(GUARD, budgets=OPEN)) == ""
    ending = pod("shop-1", deletion=NOW + 30.0)
    assert next_of(drained(ending, GUARD, budgets=OPEN, left=True)) == ""
    assert next_of(drained(GUARD, MASTER, budgets=OPEN, left=True)) == "guard-0"
    going = msgspec.structs.replace(GUARD, deletion=NOW)
    assert next_of(drained(going, MASTER, left=True)) == ""
    assert next_of(drained(MASTER, left=True)) == "master"
    assert "keeps the node until its volumes have left" in seen(DRAIN, drained(GUARD))[1]


@pytest.mark.parametrize(
    ("one", "budgets", "words"),
    [
        (pod("x", budgets=("b",)), (Budget("web", "b", 0),), "b allows no disruption now"),
        (pod("x", budgets=("b",)), (Budget("web", "b", None),), "b allows no disruption now"),
        (pod("x", budgets=("b",)), (Budget("web", "b", -1),), "b allows no disruption now"),
        (
            pod("x", budgets=("b", "c")),
            (Budget("web", "b", 1), Budget("web", "c", 1)),
            "2 PodDisruptionBudgets select it",
        ),
        (pod("x", deletion=NOW + 9.0), (), "web/x is Terminating"),
    ],
)
def test_who_cannot_leave_now_is_waited_for_and_named(
    one: DrainPod, budgets: tuple[Budget, ...], words: str
) -> None:
    """Others go on."""
    alone = drained(one, budgets=budgets)
    assert next_of(alone) == ""
    assert words in seen(DRAIN, alone)[1]
    assert next_of(drained(one, pod("y"), budgets=budgets)) == "y"


def test_a_budget_does_not_hold_a_pod_that_has_not_started() -> None:
    """As the API server sees it."""
    waiting = pod("x", phase="Pending", budgets=("b",))
    assert next_of(drained(waiting, budgets=(Budget("web", "b", 0),))) == "x"


def test_it_is_done_when_nobody_is_left_who_has_to_leave() -> None:
    """DaemonSets' pods stay."""
    assert seen(DRAIN, drained(pod("agent", owner="DaemonSet")))[0] == "Done"
    progress, sentence = seen(DRAIN, drained(pod("x"), pod("y")))
    assert progress == "NotDone"
    assert sentence.startswith("2 pods are left: web/x is to be evicted; web/y")


@pytest.mark.parametrize("step", [SNAPSHOTS, DRAIN], ids=["snapshots", "drain"])
def test_with_the_node_it_is_gone(step: Step) -> None:
    """Another node of its name is not drained."""
    assert seen(step, view_of(None, another()))[0] == "Gone"
    assert step.act(view_of(None, another())) is None
    assert seen(step, view_of(unseen={Kind.EVENT: "403"}))[0] == "Unknown"


def test_a_drain_that_nobody_asked_for_does_nothing() -> None:
    """No pods in a look are not an empty node."""
    assert seen(DRAIN, view_of(asked=False)) == ("NotDone", "nobody asked for its pods")
    assert DRAIN.act(view_of(asked=False)) is None


def ready(*more: Object) -> View:
    """Return a View in which the snapshot that failed is ready."""
    return view_of(None, marked(), snapshot(ready=True), *more)


def test_snapshots_have_succeeded_when_nothing_fails_any_more() -> None:
    """A new attempt, of a VolumeSnapshot or of unpinning."""
    assert seen(SNAPSHOTS, ready())[0] == "Done"
    progress, sentence = seen(SNAPSHOTS, view_of(None, marked(), *job(at=NOW - 400.0)))
    assert (progress, sentence) == (
        "NotDone",
        "VolumeSnapshot web/snap has not succeeded yet",
    )


def test_what_nobody_tries_again_is_left_to_the_drain() -> None:
    """Half an hour after the extension, and no attempt since: Rok may wait for the last user."""
    old = job(at=NOW - 7200.0)
    assert seen(SNAPSHOTS, view_of(None, marked(), *old))[0] == "Done"
    assert seen(SNAPSHOTS, view_of(None, marked("2027-01-15T07:45:00Z"), *old))[0] == "NotDone"
    assert seen(SNAPSHOTS, view_of(None, node(), *old))[0] == "NotDone"
    failed = old[-1]
    assert isinstance(failed, model.KubeEvent)
    unpinning = msgspec.structs.replace(
        failed,
        name="data.failed",
        about_kind="PersistentVolumeClaim",
        about_name="data",
        about_uid="uid-data",
    )
    gone = snapshot(deletion=NOW)
    assert seen(SNAPSHOTS, view_of(None, marked(), unpinning, gone))[0] == "Done"
    tried = msgspec.structs.replace(unpinning, first=NOW - 600.0, last=NOW - 600.0)
    assert seen(SNAPSHOTS, view_of(None, marked(), tried, gone))[0] == "NotDone"


def test_a_node_that_was_rebooted_is_said() -> None:
    """Rok cannot go on there."""
    view = view_of(None, marked(), space(extended=True, rebooted=True))
    assert "was rebooted since it was extended" in seen(SNAPSHOTS, view)[1]
    assert "was rebooted since it was extended" in seen(UNPINNED, view)[1]


def test_volumes_that_are_pinned_are_waited_for() -> None:
    """All of Rok's, with a claim or without."""
    assert seen(UNPINNED, view_of()) == ("NotDone", "still pinned: pv-data")
    assert seen(UNPINNED, view_of(None, LEFT))[0] == "Done"
    assert seen(UNPINNED, view_of(unseen={Kind.VOLUME: "403"}))[0] == "Unknown"


def test_a_volume_that_names_no_one_node_counts_where_its_last_job_ran() -> None:
    """Its affinity has two values."""
    both = (model.NodeTerm("kubernetes.io/hostname", "In", (NODE, "node-b"), field=False),)
    vague = made.volume("data", driver=model.ROK, affinity=both)
    assert seen(UNPINNED, view_of(None, vague)) == (
        "NotDone",
        "still pinned: that of claim web/data",
    )


def test_of_a_node_that_is_gone_no_volume_leaves_any_more() -> None:
    """A person has to hear it at once."""
    assert seen(UNPINNED, view_of(without=[NODE])) == (
        "Refused",
        "the node is gone, and these volumes with it: pv-data",
    )
    assert seen(UNPINNED, View(Objects([LEFT]), NOW))[0] == "Done"


def test_each_has_an_end() -> None:
    """By the settings."""
    assert [step.waits_for for step in (SNAPSHOTS, DRAIN, UNPINNED)] == [3600.0] * 3
    assert DRAIN.repeats
    assert event("x", job()[2].fact, NOW).about_name == "snap"  # type: ignore[union-attr,arg-type]
