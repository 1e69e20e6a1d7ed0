"""Deleting a pod without owner and making it again, as values."""

import json

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import plan as plans
from remediator import steps
from remediator.plan import Plan
from remediator.record import MANIFEST
from remediator.steps.bare_pods import LARGEST, RecreatePod, StopPod
from remediator.steps.base import Progress
from tests.story import objects as made
from tests.story.more_users import ASKED, body, manifest
from tests.story.objects import NOW
from tests.story.rwx_cluster import OWNER

STOP = StopPod("web/lonely", "uid-lonely", OWNER, "data")
AGAIN = RecreatePod("web/lonely", "uid-lonely", OWNER, "data")
LONELY = manifest(body())
SPACE = made.namespace(annotations=ASKED)
DEBT = steps.debt(STOP, {MANIFEST: LONELY.text}, NOW)


def view(*pods: model.PodManifest, space: model.Namespace = SPACE, **unseen: str) -> View:
    """Return a View of these pods and their namespace."""
    return View(Objects([space, *pods]), NOW, {Kind(kind): why for kind, why in unseen.items()})


def changed(**fields: object) -> model.PodManifest:
    """Return the pod with some fields changed."""
    return msgspec.structs.replace(LONELY, **fields)


def test_the_deletion_is_bound_to_what_was_kept_and_is_not_by_force() -> None:
    """Uid and version; no grace period is named, so the pod's own counts."""
    write = STOP.act(view(changed(version="42")))
    assert write is not None
    assert (write.method, write.path) == ("DELETE", "/api/v1/namespaces/web/pods/lonely")
    assert write.body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-lonely", "resourceVersion": "42"},
    }
    assert STOP.prior(view(LONELY)) == {MANIFEST: LONELY.text}


@pytest.mark.parametrize(
    ("seen", "progress"),
    [
        (view(LONELY), Progress.NOT_DONE),
        (view(changed(deletion=NOW + 30.0)), Progress.DONE),
        (view(), Progress.DONE),
        (view(changed(uid="uid-new")), Progress.DONE),
        (view(LONELY, podmanifests="403"), Progress.UNKNOWN),
        (view(LONELY, namespaces="403"), Progress.UNKNOWN),
    ],
    ids=["runs", "Terminating", "gone", "another", "unseen", "opt-in unseen"],
)
def test_a_stop_is_done_once_the_pod_is_on_its_way_out(seen: View, progress: Progress) -> None:
    """That it is gone is another step's to wait for."""
    assert STOP.observe(seen).progress is progress


@pytest.mark.parametrize(
    ("pod", "space", "words"),
    [
        (LONELY, {}, "nobody asked for it"),
        (LONELY, {"pvmedic.dev/recreate": "yes"}, "nobody asked for it"),
        (changed(annotations={"pvmedic.dev/recreate": "disabled"}), ASKED, "nobody asked for it"),
        (changed(owners=("Thing/x",)), ASKED, "Thing/x owns it, without controlling it"),
        (changed(finalizers=("a/b",)), ASKED, "a/b would have to let it go"),
        (changed(ephemeral=True), ASKED, "a claim of its own would be deleted with it"),
        (changed(grace=0), ASKED, "would be by force"),
        (changed(inline=("main/TOKEN",)), ASKED, "values of main/TOKEN stand in its manifest"),
        (changed(text="x" * (LARGEST + 1)), ASKED, f"its manifest has {LARGEST + 1} bytes"),
    ],
)
def test_what_may_not_be_kept_or_would_not_come_back_is_a_person_s(
    pod: model.PodManifest, space: dict[str, str], words: str
) -> None:
    """Asked again right before it is deleted: it may have changed since somebody said yes."""
    seen = view(pod, space=made.namespace(annotations=space))
    observed = STOP.observe(seen)
    assert observed.progress is Progress.UNKNOWN
    assert words in observed.sentence
    assert STOP.act(seen) is None


@pytest.mark.parametrize(
    ("pod", "space"),
    [
        (LONELY, {"pvmedic.dev/recreate": "with-values"}),
        (changed(annotations={"pvmedic.dev/recreate": "enabled"}), {}),
        (
            changed(inline=("main/A",), annotations={"pvmedic.dev/recreate": "with-values"}),
            {"pvmedic.dev/recreate": "enabled"},
        ),
        (changed(text="x" * LARGEST, grace=None), ASKED),
    ],
)
def test_what_asks_for_it_is_deleted(pod: model.PodManifest, space: dict[str, str]) -> None:
    """The pod's own word counts more than its namespace's."""
    assert STOP.act(view(pod, space=made.namespace(annotations=space))) is not None


def test_it_is_made_again_as_it_was_with_our_note() -> None:
    """From the ledger; a name that is taken is left alone."""
    step = AGAIN.recalled([DEBT])
    assert step.observe(view()).progress is Progress.NOT_DONE
    write = step.act(view())
    assert write is not None
    assert (write.method, write.path) == ("POST", "/api/v1/namespaces/web/pods")
    kept = json.loads(LONELY.text)
    assert write.body["spec"] == kept["spec"]
    notes = {"pvmedic.dev/recreated-by": OWNER}
    assert write.body["metadata"] == {**kept["metadata"], "annotations": notes}
    for there in (LONELY, changed(uid="uid-new")):
        assert step.act(view(there)) is None
    assert step.observe(view(changed(uid="uid-new"))).progress is Progress.DONE
    assert step.observe(view(changed(deletion=NOW))).progress is Progress.NOT_DONE
    assert step.ours(view(changed(uid="n", annotations=notes)))
    assert not step.ours(view(changed(uid="n")))


def test_without_its_manifest_nothing_is_made() -> None:
    """Another pod's, a closed debt or none: nobody knows what it was."""
    other = msgspec.structs.replace(DEBT, target_uid="uid-other")
    for ledger in ([], [other], [DEBT.settled(NOW, "taken back")]):
        step = AGAIN.recalled(ledger)
        assert step.observe(view()).progress is Progress.UNKNOWN
        assert step.act(view()) is None


def test_a_debt_that_is_settled_keeps_no_manifest() -> None:
    """What may be secret, and is large, is on record only as long as it is needed."""
    assert MANIFEST not in DEBT.settled(NOW, "taken back").prior
    kept = steps.debt(STOP, {"was": "2", MANIFEST: "{}"}, NOW).settled(NOW, "x")
    assert kept.prior == {"was": "2"}


def test_a_manifest_is_no_part_of_the_plan_that_is_said_yes_to() -> None:
    """It stands in the ledger alone, once."""
    plan = Plan("x", (STOP, AGAIN))
    recalled = plans.recalled(plan, [DEBT])
    assert plans.to_record(plan).hash == plans.to_record(recalled).hash
    assert LONELY.text not in str(plans.to_record(plan))


@pytest.mark.parametrize("step", [STOP, AGAIN], ids=["stop", "again"])
def test_a_step_comes_back_from_a_record_as_it_went_in(step: StopPod | RecreatePod) -> None:
    """After a restart the record is all that there is."""
    assert steps.from_record(steps.to_record(step)) == step
    assert step.claim == ("web", "data")
