"""snapshot_space_exhausted as values: Rok's Events as seed 000 has them, and how each ends."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Failure, Object, Signal, SinceSource
from exporter.observe.signals.snapshot_space_exhausted import subject_of
from tests.signals import made
from tests.signals.rok_events import (
    BROKEN,
    CLAIM,
    CLONE,
    COPIED,
    COPY,
    DETECTOR,
    ELSEWHERE,
    ENOSPC,
    FAILED,
    FOUND,
    LOGS,
    MARKING,
    NODE,
    ON_A,
    REPORTED,
    SNAP,
    STARTED,
    VOLUME,
    WORLD,
    WRITE,
    changed,
    decided,
    job,
    published,
    said,
)


def gone(*without: Object, also: list[Object]) -> Signal | None:
    """Decide over the usual objects without some."""
    there = [obj for obj in WORLD if obj not in without]
    return DETECTOR.decide(subject_of("a"), made.view([*there, *also]))


@pytest.mark.parametrize("about", [SNAP, CLAIM], ids=["snapshot", "unpinning"])
def test_a_job_that_failed_for_space_is_a_signal_of_its_node(about: Object) -> None:
    """It says what failed, how much changed, and where to read."""
    found = decided(*job(about, 1000.0))
    assert found is not None
    assert (found.subject, found.reason) == (subject_of("a"), "Unknown")
    assert (found.since, found.since_source) == (1300.0, SinceSource.EVENT)
    assert dict(found.named) == {"form": "copy"}
    text = "\n".join(found.evidence)
    assert "0x8A" in text
    assert "rok/rok-csi-node-xrdw6" in text
    assert str(COPIED) in text


def test_the_second_form_takes_its_size_from_an_earlier_attempt() -> None:
    """A job that fails to clone the old snapshot never says how much it would copy."""
    objects = [*job(CLAIM, 1000.0), *job(CLAIM, 4000.0, failed=CLONE, copy="")]
    found = decided(*objects)
    assert found is not None
    assert dict(found.named) == {"form": "clone"}
    assert found.since == 1300.0
    assert changed(*objects) == [("copied", COPIED)]


def test_an_unknown_command_is_another_form() -> None:
    """The set of forms is closed."""
    found = decided(*job(SNAP, 1000.0, failed=FAILED.format("0x42(NEW)", ENOSPC)))
    assert found is not None
    assert dict(found.named) == {"form": "other"}


def test_a_repeat_is_the_same_event_and_keeps_the_first_time() -> None:
    """Kubernetes counts a repeated text up: one JobFailed for many jobs."""
    objects = [
        said(SNAP, "JobStarted", STARTED, 1000.0),
        said(SNAP, "JobFailed", WRITE, 9000.0, first=1300.0),
        said(SNAP, "JobStarted", STARTED, 8000.0),
    ]
    found = decided(*objects)
    assert found is not None
    assert found.since == 1300.0


def test_a_job_that_runs_after_a_failure_changes_nothing() -> None:
    """It is over when something succeeded, not when something began."""
    assert decided(*job(SNAP, 1000.0), *job(SNAP, 4000.0, failed="")) is not None


def test_a_later_failure_for_another_reason_ends_it_and_a_new_one_begins_later() -> None:
    """The row of failures for space is broken."""
    other = [*job(SNAP, 1000.0), *job(SNAP, 4000.0, failed=BROKEN)]
    assert decided(*other) is None
    again = decided(*other, *job(SNAP, 7000.0))
    assert again is not None
    assert again.since == 7300.0


def test_a_first_failure_for_another_reason_is_not_this() -> None:
    """Errno 5 is a broken disk."""
    assert decided(*job(SNAP, 1000.0, failed=BROKEN)) is None


@pytest.mark.parametrize(
    "end",
    [
        made.snapshot(ready=True),
        made.snapshot(deletion=2000.0),
        made.snapshot("later", ready=True, created=2000.0),
        made.claim(volume=""),
        made.claim(volume="another"),
        made.volume(driver=model.ROK),
        made.volume(
            driver=model.ROK,
            affinity=(model.NodeTerm("kubernetes.io/hostname", "In", ("b",), field=False),),
        ),
    ],
    ids=["ready", "given up", "a later one", "unbound", "rebound", "unpinned", "moved"],
)
def test_a_failed_snapshot_is_over_when(end: Object) -> None:
    """Each of these says that nobody waits for this job any more; its bytes go, too."""
    assert decided(*job(SNAP, 1000.0)) is not None
    assert decided(*job(SNAP, 1000.0), end) is None
    assert decided(*job(SNAP, 1000.0), end, node="b") is None
    assert published(*job(SNAP, 1000.0), end) == {}


@pytest.mark.parametrize("lost", [CLAIM, VOLUME, SNAP], ids=["claim", "volume", "snapshot"])
def test_what_is_gone_needs_no_snapshot(lost: Object) -> None:
    """The Events may outlive it."""
    assert gone(lost, also=job(SNAP, 1000.0)) is None


def test_a_snapshot_that_was_ready_before_the_failure_ends_nothing() -> None:
    """It only says that there was room then."""
    before = made.snapshot("earlier", ready=True, created=500.0)
    assert decided(*job(SNAP, 1000.0), before) is not None


def test_unpinning_is_over_when_the_cordon_is_lifted() -> None:
    """Nobody wants the volume off its node any more; what it would have copied is no need."""
    objects = [said(CLAIM, "INFO", MARKING, 990.0), *job(CLAIM, 1000.0)]
    assert decided(*objects) is not None
    assert decided(*objects, made.node("a")) is None
    assert changed(*objects, made.node("a")) == []
    hidden = made.view([*WORLD, *objects, made.node("a")], {model.Kind.NODE: "forbidden"})
    assert DETECTOR.decide(subject_of("a"), hidden) is not None


def test_without_one_node_in_the_affinity_the_newest_worker_is_the_node() -> None:
    """Of two values, none is the node."""
    both = (model.NodeTerm("kubernetes.io/hostname", "In", ("a", "b"), field=False),)
    vague = made.volume(driver=model.ROK, affinity=both)
    objects = [*job(SNAP, 1000.0), vague]
    assert decided(*objects) is not None
    moved = said(SNAP, "JobStarted", ELSEWHERE, 5000.0)
    assert decided(*objects, moved) is None


def test_a_zone_in_the_affinity_is_no_node() -> None:
    """Only one expression names it."""
    zone = model.NodeTerm("topology.kubernetes.io/zone", "In", ("eu-central-1a",), field=False)
    volume = made.volume(driver=model.ROK, affinity=(zone, *ON_A))
    assert decided(*job(SNAP, 1000.0), volume) is not None


def test_a_job_that_failed_on_another_node_says_nothing_of_this_one() -> None:
    """The volume came here since."""
    objects = [said(SNAP, "JobStarted", ELSEWHERE, 1000.0), *job(SNAP, 1001.0)[1:]]
    assert decided(*objects) is None
    assert changed(*objects) == []


def test_events_of_an_earlier_snapshot_of_the_same_name_are_not_read() -> None:
    """The uid tells."""
    old = [msgspec.structs.replace(e, about_uid="old") for e in job(SNAP, 1000.0)]
    assert decided(*old) is None


def test_after_a_restart_the_snapshots_own_error_still_shows_it() -> None:
    """Events are gone after an hour; an error that the object carries is not."""
    failing = made.snapshot(error=Failure(Cause.NO_SPACE, "no space left on device", 700.0))
    found = decided(failing)
    assert found is not None
    assert (found.since, found.since_source) == (700.0, SinceSource.OBJECT)
    assert dict(found.named) == {"form": "other"}
    assert any("not known" in line for line in found.evidence)
    assert decided(made.volume(), failing) is None
    assert decided(made.snapshot(error=Failure(Cause.TIMEOUT, "x", 1.0))) is None


def test_an_event_without_any_time_is_first_seen_by_us() -> None:
    """No age is invented."""
    event = msgspec.structs.replace(said(SNAP, "JobFailed", WRITE, 1.0), last=None, first=None)
    found = decided(event)
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_changed_bytes_are_published_before_anything_fails_and_summed() -> None:
    """Each claim once, its newest figure, on the node that its volume is on."""
    more, logs = LOGS, LOGS[0]
    reported = job(logs, 2000.0, failed="", copy="")
    reported.append(said(logs, "INFO", FOUND, 2030.0))
    unpinning = job(CLAIM, 500.0, failed="", copy=COPY.replace("53941051", "7"))
    found = published(*more, *job(SNAP, 1000.0, failed=""), *reported, *unpinning)
    assert found["pvmedic_volume_changed_bytes"] == [
        (
            {
                "namespace": "web",
                "persistentvolumeclaim": "data",
                "node": "a",
                "estimator": "copied",
            },
            COPIED,
        ),
        (
            {
                "namespace": "web",
                "persistentvolumeclaim": "logs",
                "node": "a",
                "estimator": "reported",
            },
            REPORTED,
        ),
    ]
    total = COPIED + REPORTED
    assert found["pvmedic_snapshot_space_required_bytes"] == [({"node": "a"}, total)]
    assert decided(*more, *job(SNAP, 1000.0, failed=""), *reported) is None


def test_what_is_copied_wins_over_what_was_reported_in_the_same_job() -> None:
    """In whichever order the Events are read."""
    found = said(SNAP, "INFO", FOUND, 1030.0)
    late = said(SNAP, "INFO", FOUND, 1090.0)
    assert changed(*job(SNAP, 1000.0), found, late) == [("copied", COPIED)]
    newer = [said(SNAP, "JobStarted", STARTED, 2000.0), said(SNAP, "INFO", FOUND, 2030.0)]
    assert changed(*job(SNAP, 1000.0), *newer) == [("reported", REPORTED)]


def test_a_full_pass_names_nodes_with_figures_and_failures_only() -> None:
    """Healthy objects cost nothing, and a figure is published after a restart as well."""
    objects = job(SNAP, 1000.0)
    view = made.view([*WORLD, *objects])
    named = [list(DETECTOR.suspects(obj, view)) for obj in [*WORLD, *objects]]
    assert named == [[], [], [], [], [], [subject_of("a")], [subject_of("a")]]


def test_a_node_that_is_gone_is_not_asked_for_its_sizes() -> None:
    """Nobody is left there to answer, and a look must not be blind for that."""
    there = {want.kind for want in DETECTOR.reads(subject_of("a"), made.view(WORLD))}
    gone = made.view([one for one in WORLD if one is not NODE])
    assert model.Kind.ROK_SPACE in there
    assert model.Kind.ROK_SPACE not in {w.kind for w in DETECTOR.reads(subject_of("a"), gone)}
