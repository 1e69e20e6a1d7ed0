"""What every detector keeps to, now and later, over random clusters as well."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind, Object, Signal, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals import DETECTORS, detector_of
from exporter.observe.signals.base import EVERYTHING, Detector
from exporter.observe.view import View, Want
from tests.signals import made, worlds

every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
FIELDS = {
    "metadata.name": "name",
    "metadata.namespace": "namespace",
    "spec.nodeName": "node",
    "involvedObject.kind": "about_kind",
    "involvedObject.namespace": "about_namespace",
    "involvedObject.name": "about_name",
    "reason": "reason",
}
"""Field selectors that a fresh look may use, and where their value is in the model."""

random_worlds = settings(
    # 10 with the usual profile, 100 with that of `make soak`: worlds are large, detectors many.
    max_examples=settings().max_examples // 10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def kinds_of(detector: Detector) -> frozenset[Kind]:
    """Return all kinds that a detector looks at."""
    return detector.needs | detector.helps


def holding(
    detector: Detector, world: Iterable[Object], among: Iterable[Subject] | None = None
) -> dict[Subject, Signal]:
    """Decide every subject that there can be."""
    view = made.view(world)
    found = {
        subject: detector.decide(subject, view)
        for subject in (worlds.subjects(detector) if among is None else among)
    }
    return {subject: signal for subject, signal in found.items() if signal is not None}


@every_detector
def test_a_detector_is_found_by_its_name(detector: Detector) -> None:
    """One name per failure, everywhere."""
    assert detector_of(detector.name) is detector
    assert type(detector).__module__.endswith(f".{detector.name}")


def test_an_unknown_name_has_no_detector() -> None:
    """An alert may name anything."""
    assert detector_of("nothing_like_it") is None


@every_detector
def test_reasons_are_a_closed_set_with_other(detector: Detector) -> None:
    """What is not named is Other."""
    assert "Other" in detector.reasons


@every_detector
def test_a_kind_is_needed_or_helps_but_not_both(detector: Detector) -> None:
    """A kind that only helps must not silence a signal."""
    assert detector.needs
    assert not detector.needs & detector.helps
    assert detector.starts <= kinds_of(detector)


@every_detector
def test_nothing_is_decided_of_an_empty_cluster(detector: Detector) -> None:
    """A subject that does not exist is no failure, and no exception."""
    labels = tuple((label, "x") for label in detector.subject_labels)
    assert detector.decide(Subject(labels), View(Objects(), 0.0)) is None


@every_detector
@random_worlds
@given(data=st.data())
def test_a_signal_keeps_to_what_its_detector_promises(
    detector: Detector, data: st.DataObject
) -> None:
    """Reason, labels and source of the time are from the closed sets; no values raise."""
    world = data.draw(worlds.worlds(kinds_of(detector)))
    for subject, signal in holding(detector, world).items():
        assert (signal.name, signal.subject) == (detector.name, subject)
        assert signal.reason in detector.reasons
        assert tuple(label for label, _ in signal.named) == detector.named_labels
        assert signal.since_source in detector.since_sources
        assert (signal.since is None) == (signal.since_source is model.SinceSource.FIRST_SEEN)


@every_detector
def test_random_clusters_show_every_failure(detector: Detector) -> None:
    """Without this, the properties here would say nothing."""
    found = find(
        worlds.worlds(kinds_of(detector)),
        lambda world: bool(holding(detector, world)),
        settings=settings(random_worlds, max_examples=3000, phases=[Phase.generate]),
        database_key=None,
    )
    assert holding(detector, found)


@every_detector
@random_worlds
@given(data=st.data())
def test_every_subject_that_holds_is_named_by_a_suspect(
    detector: Detector, data: st.DataObject
) -> None:
    """A full pass, after a start or a gap, misses nothing."""
    world = data.draw(worlds.worlds(kinds_of(detector)))
    view = made.view(world)
    named = {
        subject
        for kind in detector.starts
        for obj in Objects(world).of(kind)
        for subject in detector.suspects(obj, view)
    }
    assert holding(detector, world).keys() <= named
    holding(detector, world, named)


@every_detector
@random_worlds
@given(data=st.data())
def test_a_change_touches_every_subject_that_it_decides_anew(
    detector: Detector, data: st.DataObject
) -> None:
    """What is not named here stays as it was until something else happens to it."""
    kinds = kinds_of(detector)
    world = data.draw(worlds.worlds(kinds))
    was = holding(detector, world)
    for _ in range(4):
        change = data.draw(worlds.changes(world, kinds))
        world = worlds.after(world, change)
        touched = set(detector.touched(change, made.view(world)))
        if EVERYTHING in touched:
            touched = set(worlds.subjects(detector))
        now = holding(detector, world)
        moved = {one for one in was.keys() | now.keys() if was.get(one) != now.get(one)}
        assert moved <= touched
        holding(detector, world, touched)
        was = now


@every_detector
@random_worlds
@given(data=st.data())
def test_what_is_read_is_enough_to_decide(detector: Detector, data: st.DataObject) -> None:
    """A fresh look sees of a subject what the exporter sees of it."""
    world = data.draw(worlds.worlds(kinds_of(detector)))
    for subject in worlds.subjects(detector):
        read, asked = fresh_look(detector, subject, world)
        known = detector.needs | asked
        whole = [obj for obj in world if model.KIND_OF[type(obj)] in known]
        expected = detector.decide(subject, made.view(whole))
        assert detector.decide(subject, made.view(read)) == expected


@every_detector
@random_worlds
@given(data=st.data())
def test_a_kind_that_is_neither_needed_nor_helps_says_nothing(
    detector: Detector, data: st.DataObject
) -> None:
    """The exporter marks nobody for a change of such a kind, and a look does not miss it."""
    kinds = kinds_of(detector)
    rest = sorted(frozenset(Kind) - kinds)
    world = data.draw(worlds.worlds(kinds))
    more = data.draw(st.lists(st.sampled_from(rest).flatmap(worlds.objects), max_size=5))
    assert holding(detector, [*world, *more]) == holding(detector, world)


@every_detector
@random_worlds
@given(data=st.data())
def test_a_restart_changes_nothing_that_objects_say(
    detector: Detector, data: st.DataObject
) -> None:
    """The order in which objects are listed decides nothing, neither age nor label."""
    stored = Objects(data.draw(worlds.worlds(kinds_of(detector))))
    world = [obj for kind in Kind for obj in stored.of(kind)]
    again = data.draw(st.permutations(world))
    assert holding(detector, again) == holding(detector, world)


@pytest.mark.parametrize(
    "detector",
    [
        one
        for one in DETECTORS
        if Kind.EVENT in one.helps and model.SinceSource.EVENT not in one.since_sources
    ],
    ids=lambda one: one.name,
)
@random_worlds
@given(data=st.data())
def test_without_events_it_is_as_old_as_with_them(detector: Detector, data: st.DataObject) -> None:
    """Kubernetes forgets them after an hour; what still holds then is still seen, at its age."""
    world = data.draw(worlds.worlds(kinds_of(detector)))
    later = [obj for obj in world if not isinstance(obj, model.KubeEvent)]
    ages = {subject: signal.since for subject, signal in holding(detector, world).items()}
    assert ages == {subject: signal.since for subject, signal in holding(detector, later).items()}


def fresh_look(
    detector: Detector, subject: Subject, world: Sequence[Object]
) -> tuple[list[Object], set[Kind]]:
    """Read what a detector asks for, as the remediator does; return objects and kinds."""
    stored = Objects(world)
    read = Objects()
    done: set[Want] = set()
    while wanted := set(detector.reads(subject, View(read, made.NOW))) - done:
        done |= wanted
        for want in wanted:
            for obj in stored.of(want.kind):
                if answers(want, obj):
                    read.put(obj)
    return [obj for kind in Kind for obj in read.of(kind)], {want.kind for want in done}


def answers(want: Want, obj: Object) -> bool:
    """Whether the API server would return this object; a kubelet or a node tells of itself."""
    if isinstance(obj, model.VolumeStats):
        return obj.node == want.name
    if want.kind in model.FACTS:
        return want.name in ("", getattr(obj, "node"))  # noqa: B009 -- which kinds have one is data
    namespace = getattr(obj, "namespace", "")
    if want.name:
        return (namespace, obj.name) == (want.namespace, want.name)
    terms = [term.partition("=") for term in want.field_selector.split(",") if term]
    return want.namespace in ("", namespace) and all(
        getattr(obj, FIELDS[field]) == value for field, _, value in terms
    )
