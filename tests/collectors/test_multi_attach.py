"""Counting Multi-Attach Events: each once, repeats too, nothing from before our time.

What their texts say has been read when they come here (`tests/observe/test_multi_attach_text.py`).
"""

from collections import Counter

import msgspec

from exporter.collectors.multi_attach import Key, fold, sample
from exporter.observe import model
from exporter.observe.model import Cause, Change
from exporter.observe.model.facts import AttachFailed, MultiAttachBlocked
from exporter.observe.objects import Objects
from exporter.observe.view import View

BEGAN = 1000.0
HELD = MultiAttachBlocked("pv", ("old",))
POD = model.Pod("web", "new", "u", "1", "b", "Pending", ("data",), 1.0, 2.0, None)
VOLUME = model.Volume(
    name="pv",
    uid="u",
    version="1",
    driver="ebs.csi.aws.com",
    handle="v",
    phase="Bound",
    access_modes=("ReadWriteOnce",),
    claim_namespace="web",
    claim_name="data",
    on_node=False,
    affinity=(),
)
KNOWN = View(Objects([POD, VOLUME]), BEGAN)
KEY: Key = ("ebs.csi.aws.com", "b")


def event(**fields: object) -> model.KubeEvent:
    """Return an Event about the waiting pod."""
    made = model.KubeEvent(
        namespace="web",
        name="new.1",
        uid="e1",
        version="1",
        reason="FailedAttachVolume",
        message="",
        component="attachdetach-controller",
        about_kind="Pod",
        about_namespace="web",
        about_name="new",
        count=1,
        last=BEGAN + 1,
        fact=HELD,
    )
    return msgspec.structs.replace(made, **fields)


def counted(*changes: Change, view: View = KNOWN) -> dict[Key, int]:
    """Return the totals after these changes."""
    totals: Counter[Key] = Counter()
    for change in changes:
        fold(totals, change, view, BEGAN)
    return dict(totals)


def test_an_event_counts_for_its_driver_and_the_node_that_waits() -> None:
    """Whoever holds the volume: pods that are known, pods elsewhere, or nobody any more."""
    nobody = event(uid="e2", fact=MultiAttachBlocked("pv"))
    elsewhere = event(uid="e3", fact=MultiAttachBlocked("pv", elsewhere=2))
    changes = [Change(None, one) for one in (event(), nobody, elsewhere)]
    assert counted(*changes) == {KEY: 3}


def test_a_relisted_event_counts_once() -> None:
    """The same version came again."""
    assert counted(Change(None, event()), Change(event(), event(version="2"))) == {KEY: 1}


def test_repeats_of_an_event_count() -> None:
    """Kubernetes raises the count of one object."""
    assert counted(Change(None, event()), Change(event(), event(count=4))) == {KEY: 4}


def test_an_event_that_takes_anothers_name_counts_anew() -> None:
    """Identity is the uid."""
    assert counted(Change(None, event(count=3)), Change(event(count=3), event(uid="e9"))) == {
        KEY: 4
    }


def test_events_from_before_this_program_began_are_only_known() -> None:
    """A restart must not count an hour's Events again; what is added later counts."""
    before = event(last=BEGAN - 1, count=5)
    assert counted(Change(None, before)) == {}
    assert counted(Change(None, before), Change(before, event(count=6))) == {KEY: 1}


def test_an_event_without_a_time_counts() -> None:
    """Nothing says that it is old."""
    assert counted(Change(None, event(last=None))) == {KEY: 1}


def test_what_is_unknown_is_empty() -> None:
    """The pod may be gone already, the volume may never have been seen."""
    assert counted(Change(None, event()), view=View(Objects(), BEGAN)) == {("", ""): 1}


def test_other_objects_and_other_texts_do_not_count() -> None:
    """Removals, other attach failures, a count that went back."""
    assert (
        counted(
            Change(event(), None),
            Change(None, POD),
            Change(None, event(fact=AttachFailed("pv", Cause.TIMEOUT))),
            Change(None, event(fact=None)),
            Change(event(count=3), event(count=2)),
        )
        == {}
    )


def test_a_sample_carries_driver_and_node() -> None:
    """In this order."""
    found = sample(KEY, 3)
    assert found.labels == (("driver", "ebs.csi.aws.com"), ("node", "b"))
    assert found.value == 3
