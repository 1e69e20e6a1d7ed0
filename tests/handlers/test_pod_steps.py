"""Deleting a pod by force and waiting for its volume, as steps: what is sent, what is seen."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Object, Ready
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import steps
from remediator.steps.base import KubeWrite, Progress
from remediator.steps.pods import AwaitDetached, ForceDeletePod
from tests.story.objects import (
    DEAD,
    LIVE,
    NOW,
    OWNER,
    attachment,
    claim,
    node,
    pod,
    scene,
    view,
    view_of,
    volume,
)

DELETE = ForceDeletePod("web/db-0", "uid-db-0", OWNER, DEAD, f"uid-{DEAD}")
WAIT = AwaitDetached(DEAD, f"uid-{DEAD}", OWNER)


def test_the_deletion_is_bound_to_uid_and_version_and_gives_no_time() -> None:
    """The next pod of a StatefulSet has the same name and another uid."""
    assert DELETE.act(view(pod("db-0", "rows", version="42"))) == KubeWrite(
        "DELETE",
        "/api/v1/namespaces/web/pods/db-0",
        {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": "uid-db-0", "resourceVersion": "42"},
        },
        "application/json",
    )


def test_another_pod_of_the_name_or_place_is_not_deleted() -> None:
    """There is nothing to send."""
    assert DELETE.act(view(pod("db-0", "rows", uid="another"))) is None
    assert DELETE.act(view(pod("db-0", "rows", on=LIVE))) is None
    assert DELETE.act(view(node(DEAD, Ready.UNKNOWN, uid="another"))) is None
    assert DELETE.act(View(Objects(without(DEAD)), NOW)) is None
    assert DELETE.act(view_of()) is None


@pytest.mark.parametrize(
    ("there", "progress"),
    [
        ((pod("db-0", "rows"),), Progress.NOT_DONE),
        ((pod("db-0", "rows", deletion=NOW - 60.0),), Progress.NOT_DONE),
        ((pod("db-0", "rows", on=LIVE, uid="another"),), Progress.DONE),
        ((), Progress.DONE),
    ],
    ids=["there", "Terminating", "another one", "gone"],
)
def test_it_is_done_when_that_pod_is_gone(there: tuple[Object, ...], progress: Progress) -> None:
    """Whoever did it."""
    assert DELETE.observe(view_of(*there)).progress is progress


def test_unseen_pods_are_not_gone() -> None:
    """Nobody can tell."""
    assert DELETE.observe(view_of(unseen={Kind.POD: "403"})).progress is Progress.UNKNOWN


def test_it_is_only_for_a_dead_node_and_owes_nothing() -> None:
    """Nothing can be taken back, and there is a node that must be proven dead."""
    assert (DELETE.needs_proof, DELETE.owes, DELETE.node) == (True, False, DEAD)
    assert not DELETE.ours(view_of())
    assert DELETE.sentence() == f"delete pod web/db-0 on {DEAD} by force"


@pytest.mark.parametrize("step", [DELETE, WAIT])
def test_they_are_kept_as_text_and_come_back(step: ForceDeletePod | AwaitDetached) -> None:
    """As all steps."""
    assert steps.from_record(steps.to_record(step)) == step


def without(*names: str) -> list[Object]:
    """Return the scene without some objects."""
    return [obj for obj in scene() if obj.name not in names]


def waiting(*objects: Object) -> str:
    """Return for what is waited; empty when for nothing."""
    seen = WAIT.observe(View(Objects(objects), NOW))
    assert (seen.progress is Progress.DONE) == (not seen.sentence)
    return seen.sentence


def test_volumes_whose_pods_are_gone_are_waited_for() -> None:
    """All that only one node can have."""
    gone = without("db-0", "shop-1")
    assert waiting(*gone) == "still attached: pv-files, pv-rows"
    va = (f"va-rows-{DEAD}", f"va-files-{DEAD}")
    assert waiting(*without("db-0", "shop-1", *va)) == ""


def test_what_a_pod_that_stays_still_uses_is_not_waited_for() -> None:
    """The plan left it there."""
    assert waiting(*without("db-0")) == "still attached: pv-rows"


def test_what_several_nodes_may_have_is_not_waited_for() -> None:
    """It was never in anybody's way."""
    modes = {"access_modes": ("ReadWriteMany",)}
    shared = (claim("shared", **modes), volume("shared", **modes), attachment("shared"))
    va = (f"va-rows-{DEAD}", f"va-files-{DEAD}")
    assert waiting(*without("db-0", "shop-1", *va), *shared) == ""


def test_in_tree_volumes_are_waited_for_by_the_nodes_own_status() -> None:
    """They have no VolumeAttachment."""
    va = (f"va-rows-{DEAD}", f"va-files-{DEAD}")
    in_tree = volume("rows", driver="kubernetes.io/aws-ebs", handle="vol-1")
    dead = node(DEAD, Ready.UNKNOWN, attached=("kubernetes.io/aws-ebs/aws://z/vol-1",))
    rest = without("db-0", "shop-1", *va)
    assert waiting(*rest, in_tree, dead) == "still attached: pv-rows"
    assert waiting(*rest, in_tree, msgspec.structs.replace(dead, attached=())) == ""


def test_many_volumes_are_counted() -> None:
    """A sentence is read by a person."""
    more = [o for n in range(4) for o in (claim(f"c{n}"), volume(f"c{n}"), attachment(f"c{n}"))]
    assert waiting(*without("db-0", "shop-1"), *more).endswith("pv-c3, pv-files and 1 more")


KINDS = (Kind.NODE, Kind.ATTACHMENT, Kind.VOLUME, Kind.CLAIM, Kind.POD)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_seen_is_not_detached(kind: Kind) -> None:
    """Nobody can tell."""
    assert WAIT.observe(view_of(unseen={kind: "403"})).progress is Progress.UNKNOWN


def test_it_waits_and_never_acts() -> None:
    """VolumeAttachments are nobody's to delete."""
    assert WAIT.act(view()) is None
    assert WAIT.waits_for == 900.0
    assert model.OURS not in WAIT.sentence()
