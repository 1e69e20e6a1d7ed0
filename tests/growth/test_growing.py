"""A claim that fills up: its next size within every limit, each reason why it stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import Want
from remediator.growth.growing import Grow, Later, grown
from remediator.growth.limits import reads
from remediator.growth.policy import CEILING, GIB, GROWN_AT, STEP, Driver, Growth
from tests.growth.made import (
    CAP,
    CEILED,
    DRIVER,
    NOW,
    answer,
    claim,
    later,
    never,
    pod,
    size,
    stats,
    storage_class,
    view,
    volume,
)

BYTES = "requests.storage"
OF_CLASS = f"fast.storageclass.storage.k8s.io/{BYTES}"
HOUR = 3600.0


def quota(hard: int | None, used: int | None, key: str = BYTES) -> model.Quota:
    """Return a quota in GiB; `used` None: not counted."""
    counted = {} if used is None else {key: used * GIB}
    return model.Quota("web", "storage", {key: None if hard is None else hard * GIB}, counted)


def marked(**marks: str) -> model.Claim:
    """Return the claim with annotations."""
    names = {"step": STEP, "ceiling": CEILING, "grown_at": GROWN_AT}
    return claim(annotations={**CEILED, **{names[key]: text for key, text in marks.items()}})


def test_it_grows_by_a_fifth_in_whole_gib() -> None:
    """What is shipped; 95 % of 10 GiB are 79 % of 12."""
    assert size(answer(claim())) == 12


@pytest.mark.parametrize(("step", "gib"), [("50%", 15), ("1Gi", 12), ("5G", 15), ("100%", 20)])
def test_its_own_step_counts_as_often_as_it_takes(step: str, gib: int) -> None:
    """One step that leaves it nearly full would be asked for again within hours."""
    assert size(answer(marked(step=step))) == gib


def test_full_inodes_count_like_full_bytes() -> None:
    """The fuller one of both decides: all inodes used need a quarter more."""
    assert size(answer(marked(step="1Gi"), stats(free=0.9, inodes_free=0))) == 13


def test_the_provisioners_rounding_up_is_grown_from() -> None:
    """A request above what is asked for and below what is there would be nothing."""
    assert size(answer(claim(requested=10**10, capacity=20 * GIB))) == 24


def test_the_shipped_step_can_be_another() -> None:
    """A setting for all claims that name none."""
    assert size(answer(claim(), growth=Growth(step="10Gi"))) == 20


@pytest.mark.parametrize(
    ("limit", "gib"),
    [
        (quota(40, 29), 21),
        (quota(40, 29, OF_CLASS), 21),
        (quota(40, 10, f"slow.storageclass.storage.k8s.io/{BYTES}"), 60),
        (model.LimitRange("web", "sizes", most=22 * GIB + 5), 22),
        (model.LimitRange("web", "sizes", least=22 * GIB), 60),
    ],
)
def test_the_narrowest_limit_of_the_namespace_counts(limit: model.Object, gib: int) -> None:
    """And a quota of another class, or a smallest size, is none."""
    found = answer(marked(step="50Gi"), limit)
    assert size(found) == gib
    assert isinstance(found, Grow)
    assert found.creates == gib - 10


def test_what_is_less_than_needed_is_said() -> None:
    """Whoever says yes knows that it is for a short time only."""
    found = answer(claim(), quota(40, 39))
    assert isinstance(found, Grow)
    assert any("12Gi would be needed" in one for one in found.findings)
    assert "ResourceQuota storage leaves 1Gi" in found.findings[0]


def test_how_full_it_is_and_will_be_is_said() -> None:
    """An engineer judges the size by it; inodes only where they are the trouble."""
    found = answer(claim(), stats(0.05))
    assert isinstance(found, Grow)
    assert found.findings[1:] == ("95% of its bytes are used; of 12Gi it is 79%",)
    short = answer(claim(), stats(0.5, inodes_free=10))
    assert isinstance(short, Grow)
    assert "99% of its inodes are used" in short.findings


def test_the_drivers_largest_volume_and_the_capacity_cap_are_limits() -> None:
    """Both in settings."""
    known = Growth(drivers={DRIVER: Driver(largest=15 * GIB)})
    assert size(answer(marked(step="50Gi"), growth=known)) == 15
    assert size(answer(marked(step="50Gi"), cap=7)) == 17
    assert Growth().largest_of("ebs.csi.aws.com") == 16 * 1024 * GIB


def test_a_stateful_set_is_told_that_its_template_stays() -> None:
    """Nobody may change a volumeClaimTemplate, so it is said and not refused."""
    found = answer(claim(), pod("StatefulSet/db"))
    assert isinstance(found, Grow)
    assert any("StatefulSet db stays as it is" in one for one in found.findings)
    plain = answer(claim(), pod("ReplicaSet/db"))
    assert isinstance(plain, Grow)
    assert not any("StatefulSet" in one for one in plain.findings)


@pytest.mark.parametrize(
    ("one", "objects", "said"),
    [
        (claim(block=True), (), "block volume"),
        (claim(storage_class=""), (), "no StorageClass"),
        (claim(storage_class=None), (), "no StorageClass"),
        (claim(storage_class="gone"), (), "StorageClass gone is gone"),
        (claim(), (storage_class(expandable=False),), "allowVolumeExpansion: true"),
        (claim(annotations={}), (), f"annotate it {CEILING}=<size>"),
        (marked(ceiling="much"), (), "'much': write a quantity"),
        (marked(ceiling="-1Gi"), (), "'-1Gi': write a quantity"),
        (marked(step="0%"), (), "'0%': write a quantity such as 10Gi or a percentage"),
        (marked(step="1001%"), (), "'1001%'"),
        (marked(step="-1Gi"), (), "'-1Gi'"),
        (marked(grown_at="lately"), (), "remove the annotation"),
        (marked(grown_at="2026-01-01T00:00:00"), (), "remove the annotation"),
        (marked(ceiling="10Gi"), (), "its ceiling is 10Gi, and it has 10Gi"),
        (marked(ceiling="11000Mi"), (), "its ceiling is 11000Mi"),
        (claim(), (quota(20, 20),), "leaves 0 of requests.storage, and it has 10Gi"),
        (claim(), (quota(20, 30),), "leaves 0 of requests.storage"),
        (claim(), (model.LimitRange("web", "sizes", most=10 * GIB),), "lets a claim ask for 10Gi"),
    ],
)
def test_what_a_person_has_to_change_is_said(
    one: model.Claim, objects: tuple[model.Object, ...], said: str
) -> None:
    """One sentence each, and never a size."""
    assert said in never(answer(one, *objects))


def test_a_driver_at_its_largest_is_a_reason_not_to() -> None:
    """And so is a cap of nothing."""
    known = Growth(drivers={DRIVER: Driver(largest=10 * GIB)})
    assert "at most 10Gi" in never(answer(claim(), growth=known))
    assert "one plan may create 0 GiB" in never(answer(claim(), cap=0))


RESIZING = model.Condition("Resizing", status=True, since=None)
NODE_STEP = model.Condition("FileSystemResizePending", status=True, since=None)
MODIFYING = model.Condition("ModifyingVolume", status=True, since=None)


@pytest.mark.parametrize(
    ("one", "objects", "said"),
    [
        (claim(deletion=NOW), (), "being deleted"),
        (claim(phase="Lost"), (), "not Bound"),
        (claim(capacity=None), (), "does not say how large"),
        (claim(requested=12 * GIB), (), "has 10Gi and asks for 12Gi already"),
        (claim(conditions=(RESIZING,)), (), "not over yet"),
        (claim(conditions=(NODE_STEP,)), (), "not over yet"),
        (claim(conditions=(MODIFYING,)), (), "being modified"),
        (claim(), (quota(40, None),), "has not been counted yet"),
        (claim(), (quota(None, 1),), "nothing readable"),
    ],
)
def test_what_may_pass_is_waited_for(
    one: model.Claim, objects: tuple[model.Object, ...], said: str
) -> None:
    """An expansion that is pending above all."""
    assert said in later(answer(one, *objects))


@pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.LIMIT_RANGE, Kind.STORAGE_CLASS])
def test_a_limit_that_cannot_be_seen_is_not_no_limit(kind: Kind) -> None:
    """Forbidden, for example."""
    seen = view(unseen={kind: "403 Forbidden"})
    assert later(grown(claim(), seen, Growth(), CAP, NOW)) == f"cannot see {kind}: 403 Forbidden"


@pytest.mark.parametrize(("driver", "wait"), [(DRIVER, HOUR), ("ebs.csi.aws.com", 6 * HOUR)])
def test_it_is_left_alone_after_a_growth_for_as_long_as_its_driver_wants(
    driver: str, wait: float
) -> None:
    """The annotation outlives every restart of ours; at the last second it still waits."""
    one = claim(annotations={**CEILED, GROWN_AT: model.rfc3339(NOW)})
    seen = view(volume(driver=driver))
    found = grown(one, seen, Growth(), CAP, NOW + wait - 1)
    assert isinstance(found, Later)
    assert found.until == NOW + wait
    assert model.rfc3339(NOW + wait) in found.sentence
    assert size(grown(one, seen, Growth(), CAP, NOW + wait)) == 12


def test_what_must_be_read_is_named() -> None:
    """By namespace, and the class by name; a claim without class has none to read."""
    assert list(reads(claim())) == [
        Want(Kind.QUOTA, "web"),
        Want(Kind.LIMIT_RANGE, "web"),
        Want(Kind.STORAGE_CLASS, name="fast"),
    ]
    assert Kind.STORAGE_CLASS not in {want.kind for want in reads(claim(storage_class=""))}


SIZES = st.integers(1, 40 * GIB)


@given(
    requested=SIZES,
    capacity=SIZES,
    step=st.one_of(st.integers(1, 1000).map(lambda n: f"{n}%"), SIZES.map(str)),
    ceiling=SIZES,
    left=st.integers(-5 * GIB, 40 * GIB),
    most=SIZES,
    largest=SIZES,
    cap=st.integers(0, 40),
    free=st.floats(0.0, 1.0),
)
def test_it_never_shrinks_and_never_exceeds_a_limit(  # noqa: PLR0913 -- one argument a limit
    *,
    requested: int,
    capacity: int,
    step: str,
    ceiling: int,
    left: int,
    most: int,
    largest: int,
    cap: int,
    free: float,
) -> None:
    """Whatever the sizes: a whole GiB above both, within all limits, or no size at all."""
    marks = {STEP: step, CEILING: str(ceiling)}
    one = claim(requested=requested, capacity=capacity, annotations=marks)
    hard = 100 * GIB
    counted = model.Quota("web", "q", {BYTES: hard}, {BYTES: hard - left})
    limit = model.LimitRange("web", "sizes", most=most)
    growth = Growth(drivers={DRIVER: Driver(largest=largest)})
    seen = view(counted, limit, stats(free))
    found = grown(one, seen, growth, cap, NOW)
    if not isinstance(found, Grow):
        return
    assert found.size % GIB == 0
    assert found.size > max(requested, capacity)
    assert found.size <= min(ceiling, most, largest, requested + left)
    assert found.creates <= cap


def test_the_property_above_sees_growth() -> None:
    """At least one of its worlds grows, or it would prove nothing."""
    seen = view(model.LimitRange("web", "sizes", most=40 * GIB), stats(0.0))
    assert size(grown(claim(), seen, Growth(), 40, NOW)) == 14
