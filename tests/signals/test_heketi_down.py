"""heketi_down as values: objects in, signal or nothing out."""

import pytest

from exporter.collectors import heketi_down as collected
from exporter.observe import model
from exporter.observe.model import Change, HeketiProblem, Kind, Object, Signal, SinceSource
from exporter.observe.signals.heketi_down import HeketiDown, subject_of
from exporter.observe.view import Want
from tests.signals import made

AT = subject_of(made.HEKETI)
DETECTOR = HeketiDown()
CLASS = model.StorageClass(
    "shared", model.GLUSTERFS, waits=False, expandable=False, heketi=made.HEKETI
)


def down(reason: str = "Refused") -> model.Heketi:
    """Return a Heketi that does not answer."""
    return model.Heketi(made.HEKETI, up=False, reason=reason)


def waiting(number: int = 1) -> list[Object]:
    """Return claims without a volume, and as many volumes without a claim."""
    claims = [
        made.claim(f"c{n}", phase="Pending", volume="", storage_class="shared")
        for n in range(number)
    ]
    volumes = [
        made.volume(f"pv{n}", phase="Released", reclaim_policy="Delete", storage_class="shared")
        for n in range(number)
    ]
    return [*claims, *volumes]


def decided(*objects: Object) -> Signal:
    """Return the signal that must hold."""
    found = DETECTOR.decide(AT, made.view(objects))
    assert found is not None
    return found


@pytest.mark.parametrize("reason", sorted(DETECTOR.reasons))
def test_a_heketi_that_does_not_answer_says_why(reason: str) -> None:
    """Whatever the edge met."""
    found = decided(down(reason))
    assert (found.reason, found.since_source) == (reason, SinceSource.FIRST_SEEN)
    assert list(DETECTOR.suspects(down(reason), made.view([]))) == [AT]


def test_a_word_that_nobody_promised_is_other() -> None:
    """NoKey is said of its database only."""
    assert decided(down("weird")).reason == "Other"
    assert decided(down(HeketiProblem.NO_KEY)).reason == "Other"


@pytest.mark.parametrize("heketi", [made.heketi(), made.heketi(listed=False, blind="NoKey")])
def test_one_that_answers_is_not_down(heketi: model.Heketi) -> None:
    """That its database cannot be seen is another matter."""
    assert DETECTOR.decide(AT, made.view([heketi])) is None
    assert not DETECTOR.suspects(heketi, made.view([heketi]))


def test_what_waits_for_it_is_named() -> None:
    """Claims and volumes of its classes, by no more names than a person reads."""
    assert "no StorageClass names it" in decided(down()).evidence
    found = decided(down(), CLASS, *waiting(7))
    assert found.evidence == (
        "StorageClasses that name it: shared",
        "claims that wait for a volume (7): web/c0, web/c1, web/c2, web/c3, web/c4, ...",
        "volumes that wait to be deleted (7): pv0, pv1, pv2, pv3, pv4, ...",
    )


def test_volumes_of_other_classes_do_not_wait_for_it() -> None:
    """Nor does what is Bound."""
    other = made.claim("x", phase="Pending", volume="", storage_class="fast")
    bound = made.claim("y", storage_class="shared")
    assert len(decided(down(), CLASS, other, bound).evidence) == 1


def test_what_waits_touches_its_heketi() -> None:
    """Through its class."""
    view = made.view([CLASS])
    for obj in waiting():
        assert list(DETECTOR.touched(Change(None, obj), view)) == [AT]
        assert not list(DETECTOR.touched(Change(None, obj), made.view([])))
    assert list(DETECTOR.touched(Change(CLASS, None), view)) == [AT]
    assert not list(DETECTOR.touched(Change(None, made.claim(storage_class="shared")), view))


def test_only_a_heketi_that_classes_name_needs_claims() -> None:
    """A fresh look reads no claim in vain."""
    wants = [Want(Kind.HEKETI, name=made.HEKETI), Want(Kind.STORAGE_CLASS)]
    assert list(DETECTOR.reads(AT, made.view([]))) == wants
    more = [*wants, Want(Kind.CLAIM), Want(Kind.VOLUME)]
    assert list(DETECTOR.reads(AT, made.view([CLASS]))) == more


def values(*objects: Object, unseen: dict[Kind, str] | None = None) -> dict[str, float]:
    """Return what waits, as published."""
    view = made.view(objects, unseen)
    signal = DETECTOR.decide(AT, view)
    found = collected.further(AT, signal, view)
    return {dict(sample.labels)["what"]: sample.value for _, sample in found}


def test_how_much_waits_is_counted_while_it_is_down() -> None:
    """And what cannot be seen is not said to be none."""
    assert values(down(), CLASS, *waiting(3)) == {"claims": 3, "volumes": 3}
    assert values(down(), CLASS) == {"claims": 0, "volumes": 0}
    assert values(down(), CLASS, unseen={Kind.CLAIM: "forbidden"}) == {"volumes": 0}
    assert values(down(), CLASS, unseen={Kind.STORAGE_CLASS: "forbidden"}) == {}
    assert values(made.heketi(), CLASS, *waiting(3)) == {}


def test_each_heketi_says_how_it_is() -> None:
    """Healthy or not."""
    shown = {family.name: sample for family, sample in collected.of_heketi(made.heketi())}
    assert {name: sample.value for name, sample in shown.items()} == {
        "pvmedic_heketi_up": 1,
        "pvmedic_heketi_probe_duration_seconds": 0.01,
        "pvmedic_heketi_database_seen": 1,
    }
    shown = {family.name: sample for family, sample in collected.of_heketi(down())}
    assert {name: sample.value for name, sample in shown.items()} == {
        "pvmedic_heketi_up": 0,
        "pvmedic_heketi_database_seen": 0,
    }
    for family, sample in collected.of_heketi(made.heketi()):
        assert tuple(label for label, _ in sample.labels) == family.labels
