"""Records that another replica changes: what was heard there, what is gone, what is new."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import Conflict
from remediator.store import HEARD, Store
from tests.intake.test_store import FULL, opened
from tests.story.objects import NOW, SIGNAL, SUBJECT


def test_what_another_replica_heard_stands_on_the_record_and_outlives_a_save() -> None:
    """It leaves the status alone, which is for the one that executes: that one reads anew."""
    resources, kept, record = opened()
    other = Store(resources)
    asyncio.run(other.load())
    asyncio.run(other.note(record, NOW))
    with pytest.raises(Conflict):
        asyncio.run(kept.save(msgspec.structs.replace(record, status=FULL)))
    (seen,) = kept.all()
    assert (seen.heard, seen.status) == (NOW, record.status)
    saved = asyncio.run(kept.save(msgspec.structs.replace(seen, status=FULL)))
    assert saved.heard == NOW


def test_what_is_no_time_was_never_heard() -> None:
    """Anybody who may edit the record may write there."""
    resources, kept, record = opened()
    asyncio.run(kept.note(record, NOW))
    resources.objects[record.name]["metadata"]["annotations"][HEARD] = "noon"
    assert (again := asyncio.run(kept.again(record.name))) is not None
    assert again.heard is None


def test_what_is_read_again_and_gone_is_held_no_more() -> None:
    """Neither by its name nor as its subject's newest."""
    resources, kept, record = opened()
    assert asyncio.run(kept.again(record.name)) == record
    resources.objects.clear()
    assert asyncio.run(kept.again(record.name)) is None
    assert kept.newest(SIGNAL, SUBJECT) is None
    assert kept.named(record.name) is None


def test_a_record_that_another_replica_made_is_told_of_once() -> None:
    """The one that executes need not wait for its next round."""
    resources, _, record = opened()
    told: list[str] = []
    other = Store(resources, opened=lambda: told.append("one"))
    asyncio.run(other.load())
    assert told == ["one"]
    asyncio.run(other.save(msgspec.structs.replace(record, status=FULL)))
    assert told == ["one"]
