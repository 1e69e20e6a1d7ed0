"""Stopping and starting a kind that nobody here knows by its scale, as values."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import steps
from remediator.steps.base import Progress
from remediator.steps.scales import StartScale, StopScale
from tests.story.more_users import farm
from tests.story.objects import NOW
from tests.story.rwx_cluster import OWNER

STOP = StopScale("web/x", "uid-farm", OWNER, "Farm.example.com", "data", 3)
START = StartScale("web/x", "uid-farm", OWNER, "Farm.example.com", "data", 3)


def view(replicas: int = 3, **fields: object) -> View:
    """Return a View of the farm."""
    scale = next(one for one in farm(replicas) if isinstance(one, model.Scale))
    return View(Objects([msgspec.structs.replace(scale, **fields)]), NOW)


def test_the_patch_is_of_the_scale_alone_and_bound() -> None:
    """Nothing else of the object may be written."""
    write = STOP.act(view(version="42"))
    assert write is not None
    assert write.method == "PATCH"
    assert write.path == "/apis/example.com/v1/namespaces/web/farms/x/scale"
    assert write.body == {
        "metadata": {"uid": "uid-farm", "resourceVersion": "42"},
        "spec": {"replicas": 0},
    }


def test_what_it_has_when_it_is_stopped_is_what_it_gets_back() -> None:
    """It may have moved since it was planned."""
    assert STOP.prior(view(5)) == {"was": "5"}
    step = START.recalled([steps.debt(STOP, {"was": "5"}, NOW)])
    write = step.act(view(0))
    assert write is not None
    assert write.body["spec"] == {"replicas": 5}
    assert step.sentence() == "start Farm.example.com web/x again, with 5 replicas"
    assert START.recalled([]) == START


@pytest.mark.parametrize(
    ("step", "seen", "progress"),
    [
        (STOP, view(), Progress.NOT_DONE),
        (STOP, view(0), Progress.DONE),
        (START, view(0), Progress.NOT_DONE),
        (START, view(1), Progress.DONE),
        (STOP, view(uid="uid-new"), Progress.GONE),
        (START, View(Objects([]), NOW), Progress.GONE),
        (STOP, View(Objects([]), NOW, {Kind.SCALE: "403"}), Progress.UNKNOWN),
    ],
)
def test_a_step_is_done_when_the_scale_says_so(
    step: StopScale | StartScale, seen: View, progress: Progress
) -> None:
    """Zero, or more than zero."""
    assert step.observe(seen).progress is progress


def test_another_object_of_the_name_is_left_alone() -> None:
    """By its uid."""
    assert [one.act(view(uid="uid-new")) for one in (STOP, START)] == [None, None]


@pytest.mark.parametrize("step", [STOP, START], ids=["stop", "start"])
def test_a_step_comes_back_from_a_record_as_it_went_in(step: StopScale | StartScale) -> None:
    """After a restart the record is all that there is."""
    assert steps.from_record(steps.to_record(step)) == step
    assert step.claim == ("web", "data")
