"""Why a node's snapshot space is exhausted: what changed against the sizes that the node tells."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.signals.snapshot_space_exhausted import subject_of
from tests.signals import made
from tests.signals.rok_events import (
    COPIED,
    COPY,
    DETECTOR,
    FOUND,
    LOGS,
    ON_A,
    REPORTED,
    SNAP,
    WORLD,
    decided,
    job,
    published,
    reason_of,
    said,
    space,
)


@pytest.mark.parametrize(
    ("size", "available", "reason"),
    [
        (COPIED - 1, COPIED - 1, "ExtensionNeeded"),
        (COPIED - 1, 0, "ExtensionNeeded"),
        (COPIED, 0, "CollectionPending"),
        (COPIED, COPIED - 1, "CollectionPending"),
        (2 * COPIED, COPIED, "RoomAgain"),
        (2 * COPIED, 2 * COPIED, "RoomAgain"),
    ],
)
def test_the_reason_is_whether_what_changed_will_ever_fit(
    size: int, available: int, reason: str
) -> None:
    """To the byte: more than all of the space, more than what is free of it, or neither."""
    found = decided(*job(SNAP, 1000.0), space(size, available))
    assert found is not None
    assert found.reason == reason
    assert f"snapshot space: {size} bytes" in "\n".join(found.evidence)


def test_the_block_size_is_the_log_line_s() -> None:
    """The same number of blocks, of another size, is another need."""
    larger = job(SNAP, 1000.0, copy=COPY.replace("4KiB", "64KiB"))
    found = decided(*larger, space(2 * COPIED, 0))
    assert found is not None
    assert found.reason == "ExtensionNeeded"


def test_the_needs_of_all_claims_count_together() -> None:
    """Each fits alone, both do not."""
    found = decided(*LOGS, *job(SNAP, 1000.0), *job(LOGS[0], 1000.0), space(COPIED * 3 // 2, 0))
    assert found is not None
    assert found.reason == "ExtensionNeeded"


def test_a_reported_figure_is_an_upper_bound() -> None:
    """It proves that something fits, and never that it does not."""
    about: list[model.Object] = [*job(SNAP, 1000.0, copy=""), said(SNAP, "INFO", FOUND, 1030.0)]
    assert reason_of(*about, space(REPORTED - 1, REPORTED - 1)) == "Unknown"
    assert reason_of(*about, space(REPORTED, REPORTED - 1)) == "CollectionPending"
    assert reason_of(*about, space(REPORTED, REPORTED)) == "RoomAgain"


def test_what_is_unknown_of_one_claim_proves_nothing_but_too_much() -> None:
    """The sum of the others is the least that is needed."""
    about = [*LOGS, *job(SNAP, 1000.0), *job(LOGS[0], 1000.0, copy="")]
    assert reason_of(*about, space(4 * COPIED, 4 * COPIED)) == "Unknown"
    assert reason_of(*about, space(COPIED - 1, 0)) == "ExtensionNeeded"


def test_without_a_figure_a_full_space_is_suspected_by_a_large_volume_or_for_hours() -> None:
    """It is a hint and no proof, so nothing may be extended for it."""
    about = job(SNAP, 1000.0, copy="")
    full = space(1000, 0)
    large = made.volume(driver=model.ROK, affinity=ON_A, capacity=1001)
    assert reason_of(*about, full) == "Unknown"
    assert reason_of(*about, full, large) == "Suspected"
    assert reason_of(*about, space(1000, 200), large) == "Unknown"
    assert reason_of(*about, msgspec.structs.replace(full, stays_full=True)) == "Suspected"


def test_a_node_that_tells_nothing_silences_nothing() -> None:
    """Its sizes only help; neither unseen nor unmounted is healthy."""
    objects = [*WORLD, *job(SNAP, 1000.0)]
    hidden = made.view(objects, {model.Kind.ROK_SPACE: "no node answers"})
    unmounted = made.view([*objects, model.RokSpace("a", None, None, None, "rokvg")])
    for view, why in ((hidden, "no node answers"), (unmounted, "is not mounted")):
        found = DETECTOR.decide(subject_of("a"), view)
        assert found is not None
        assert found.reason == "Unknown"
        assert found.since == 1300.0
        assert why in "\n".join(found.evidence)


def test_an_extended_group_is_evidence_and_what_must_follow_is_said() -> None:
    """Whoever reads of the failure must not reboot this node."""
    grown = msgspec.structs.replace(
        space(COPIED, 0), group="rokvg", disks=3, extended=True, rebooted=True
    )
    found = decided(*job(SNAP, 1000.0), grown)
    assert found is not None
    text = "\n".join(found.evidence)
    assert "extended, to 3 disks, and the node was rebooted since" in text
    assert "drained and removed" in text
    unseen = msgspec.structs.replace(space(COPIED, 0), group_unseen="LVM is not asked")
    found = decided(*job(SNAP, 1000.0), unseen)
    assert found is not None
    assert "LVM is not asked" in "\n".join(found.evidence)


def test_the_ratio_is_what_changed_over_the_whole_space_and_says_how_it_is_known() -> None:
    """Nothing is divided by what is not known."""
    ratio = "pvmedic_snapshot_space_changed_ratio"
    exact = published(*job(SNAP, 1000.0), space(2 * COPIED, 0))
    assert exact[ratio] == [({"node": "a", "estimator": "copied"}, 0.5)]
    both = [*LOGS, *job(SNAP, 1000.0), said(LOGS[0], "INFO", FOUND, 2000.0)]
    mixed = published(*both, space(COPIED + REPORTED, 0))
    assert mixed[ratio] == [({"node": "a", "estimator": "mixed"}, 1.0)]
    for unknown in ([], [space(0, 0)], [model.RokSpace("a", None, None, None)]):
        assert ratio not in published(*job(SNAP, 1000.0), *unknown)
