"""gluster_space_low as values: sizes in, signal or nothing out."""

import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, SinceSource, Space
from exporter.observe.signals.gluster_space_low import GlusterSpaceLow, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterSpaceLow()
NODE = subject_of("a")
WELL = Space("brick", "/bricks/1", 1000, 500, 1000, 500)


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (Space("root", "/", 1000, 0), "Full"),
        (Space("root", "/", 1000, 9), "Full"),
        (Space("root", "/", 1000, 500, 1000, 0), "Full"),
        (Space("root", "/", 1000, 99), "Bytes"),
        (Space("root", "/", 1000, 99, 1000, 20), "Bytes"),
        (Space("root", "/", 1000, 500, 1000, 49), "Inodes"),
        (Space("root", "/", 1000, 500, 1000, 500, 101), "DeletedOpen"),
        (Space("root", "/", 1000, 500, None, None, 101), "DeletedOpen"),
    ],
)
def test_a_file_system_that_is_short_is_a_signal(space: Space, reason: str) -> None:
    """It names the use and the path; no time of its own."""
    seen = view([model.GlusterSpace("a", (WELL, space))])
    found = DETECTOR.decide(NODE, seen)
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert found.named == (("use", "root"), ("path", "/"))
    assert len(found.evidence) == 1


@pytest.mark.parametrize(
    "space",
    [
        WELL,
        Space("root", "/", 1000, 100),
        Space("root", "/", 0, 0),
        Space("root", "/", 1000, 500, 0, 0),
        Space("root", "/", 1000, 500, 1000, None),
        Space("root", "/", 1000, 500, 1000, 500, 100),
        Space("root", "/", 1000, 500, 1000, 500, None),
    ],
    ids=[
        "half",
        "a tenth",
        "no size",
        "no inode table",
        "inodes not known",
        "some are open",
        "open files not known",
    ],
)
def test_other_file_systems_are_no_signal(space: Space) -> None:
    """What is not known is not taken to be short."""
    obj = model.GlusterSpace("a", (space,))
    assert DETECTOR.decide(NODE, view([obj])) is None
    assert not list(DETECTOR.suspects(obj, view([obj])))


def test_the_worst_one_is_named_and_all_that_are_short_are_evidence() -> None:
    """A full root before a brick that only has little."""
    bricks = (Space("brick", f"/bricks/{n}", 1000, 50, 1000, 500, 30) for n in (2, 1))
    spaces = (*bricks, Space("root", "/", 1000, 1, 10, 5), WELL)
    found = DETECTOR.decide(NODE, view([model.GlusterSpace("a", spaces)]))
    assert found is not None
    assert (found.reason, dict(found.named)["use"]) == ("Full", "root")
    assert len(found.evidence) == 3
    without = DETECTOR.decide(NODE, view([model.GlusterSpace("a", spaces[:2])]))
    assert without is not None
    assert dict(without.named)["path"] == "/bricks/1"


def test_only_the_node_s_file_systems_touch_it() -> None:
    """And only they are read."""
    seen = view([made.gluster_space("a")])
    assert set(DETECTOR.touched(Change(made.gluster_space("a"), None), seen)) == {NODE}
    assert not set(DETECTOR.touched(Change(None, made.glusterd("a")), seen))
    assert list(DETECTOR.suspects(made.gluster_space("a"), seen)) == [NODE]
    assert set(DETECTOR.reads(NODE, seen)) == {Want(Kind.GLUSTER_SPACE, name="a")}
