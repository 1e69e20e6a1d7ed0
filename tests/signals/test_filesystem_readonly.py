"""filesystem_readonly as values: objects in, signal or nothing out."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, MountProblem, Object, SinceSource
from exporter.observe.signals.filesystem_readonly import FilesystemReadonly, subject_of
from exporter.observe.view import Want
from tests.signals import made, worlds
from tests.signals.test_detectors import fresh_look, holding, random_worlds

DETECTOR = FilesystemReadonly()
DATA = subject_of("web", "data", "a")
UNKNOWN = subject_of("", "", "a")
TROUBLED: list[Object] = [made.mount(), made.volume()]
PATH = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv-data/mount"


def decide(
    objects: Iterable[Object],
    subject: model.Subject = DATA,
    unseen: dict[Kind, str] | None = None,
) -> model.Signal | None:
    """Decide a claim on node a."""
    return DETECTOR.decide(subject, made.view(objects, unseen))


def test_a_claim_whose_file_system_has_turned_read_only_is_a_signal() -> None:
    """With the volume, its type and its driver; nothing says since when."""
    found = decide(TROUBLED)
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)
    assert found.reason == "ReadOnly"
    assert found.named == (
        ("persistentvolume", "pv-data"),
        ("fstype", "ext4"),
        ("driver", made.DRIVER),
    )
    assert found.evidence == (f"{PATH} on node a is ReadOnly, device sdb",)


@pytest.mark.parametrize("problem", list(MountProblem), ids=str)
def test_every_problem_is_a_reason(problem: MountProblem) -> None:
    """What the node found is what is said."""
    found = decide([made.mount(problem=problem), made.volume()])
    assert found is not None
    assert found.reason == problem


def test_it_is_over_when_the_mount_is_well_or_gone() -> None:
    """The node keeps only those in trouble."""
    assert decide([made.volume()]) is None
    assert decide([made.mount("b"), made.volume()]) is None


def test_each_node_that_mounts_the_volume_is_a_subject() -> None:
    """A shared volume may hang on one and not on another."""
    both = [*TROUBLED, made.mount("b", problem=MountProblem.HUNG)]
    assert decide(both) is not None
    found = decide(both, subject_of("web", "data", "b"))
    assert found is not None
    assert found.reason == "Hung"


@pytest.mark.parametrize("volume", [None, made.volume(claim_name="")])
def test_a_volume_whose_claim_is_not_known_is_told_all_the_same(
    volume: model.Volume | None,
) -> None:
    """By its own name; the driver is what the kubelet wrote down."""
    world: list[Object] = [made.mount(driver="d"), *([volume] if volume is not None else [])]
    found = decide(world, UNKNOWN)
    assert found is not None
    assert found.named[0] == ("persistentvolume", "pv-data")
    assert found.named[2] == ("driver", volume.driver if volume is not None else "d")
    assert decide(world) is None
    assert decide([made.mount()], UNKNOWN, {Kind.VOLUME: "forbidden"}) is not None


def test_volumes_without_a_known_claim_are_told_together_the_worst_one_first() -> None:
    """They share a subject, and none is lost."""
    found = decide([made.mount(), made.mount("a", "pv-z", problem=MountProblem.HUNG)], UNKNOWN)
    assert found is not None
    assert (found.reason, found.named[0][1]) == ("Hung", "pv-z")
    assert found.evidence[1] == "as are the volumes pv-data"


def test_a_claim_that_nobody_may_write_to_is_well_when_it_is_read_only() -> None:
    """And not when it hangs."""
    shared = made.volume(access_modes=("ReadOnlyMany",))
    assert decide([made.mount(), shared]) is None
    assert decide([made.mount(problem=MountProblem.HUNG), shared]) is not None
    both = made.volume(access_modes=("ReadOnlyMany", "ReadWriteMany"))
    assert decide([made.mount(), both]) is not None


def test_the_kernel_s_own_lines_about_the_device_are_evidence() -> None:
    """Oldest first; another device's are not."""
    damaged = made.kernel_fault("a", Cause.FILESYSTEM_DAMAGED, last=9_000.0, text="it is damaged")
    failed = made.kernel_fault("a", Cause.IO_ERROR, last=8_000.0, text="it failed", count=7)
    other = made.kernel_fault("a", Cause.OTHER, device="sdc", name="sdc/Other")
    found = decide([*TROUBLED, damaged, failed, other])
    assert found is not None
    assert found.evidence[1:] == (
        "the kernel, 7 times: it failed",
        "the kernel, 2 times: it is damaged",
    )


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (made.mount(), {DATA}),
        (made.volume(), {DATA, UNKNOWN}),
        (made.kernel_fault(), {DATA}),
        (made.kernel_fault("a", device="sdz", name="sdz/Other"), set()),
        (made.node(), set()),
    ],
    ids=["mount", "volume", "fault", "another device", "node"],
)
def test_a_change_touches_the_claims_that_it_speaks_of(
    obj: Object, expected: set[model.Subject]
) -> None:
    """Arrival and removal touch alike."""
    seen = made.view(TROUBLED)
    assert set(DETECTOR.touched(Change(None, obj), seen)) == expected
    assert set(DETECTOR.touched(Change(obj, None), seen)) == expected


def test_a_fresh_look_asks_the_node_and_for_the_volumes_in_trouble() -> None:
    """Not for all volumes of the cluster."""
    assert set(DETECTOR.reads(DATA, made.view(TROUBLED))) == {
        Want(Kind.MOUNT, name="a"),
        Want(Kind.KERNEL_FAULT, name="a"),
        Want(Kind.VOLUME, name="pv-data"),
    }
    assert list(DETECTOR.suspects(made.node(), made.view([]))) == []


UNKNOWNS = [subject_of("", "", node) for node in worlds.NODES]
"""What the properties of every detector leave out: a claim always has a name there."""


@settings(random_worlds)
@given(data=st.data())
def test_an_unknown_claim_keeps_to_what_every_subject_keeps_to(data: st.DataObject) -> None:
    """A suspect names it, a change touches it, and what is read is enough to decide."""
    kinds = DETECTOR.needs | DETECTOR.helps
    world = data.draw(worlds.worlds(kinds))
    view = made.view(world)
    was = holding(DETECTOR, world, UNKNOWNS)
    named = {one for obj in world for one in DETECTOR.suspects(obj, view)}
    assert was.keys() <= named
    for subject in UNKNOWNS:
        read, _ = fresh_look(DETECTOR, subject, world)
        assert DETECTOR.decide(subject, made.view(read)) == was.get(subject)
    change = data.draw(worlds.changes(world, kinds))
    after = worlds.after(world, change)
    now = holding(DETECTOR, after, UNKNOWNS)
    moved = {one for one in UNKNOWNS if was.get(one) != now.get(one)}
    assert moved <= set(DETECTOR.touched(change, made.view(after)))
