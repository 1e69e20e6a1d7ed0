"""What outlives its deletion, what does not stay for ever, and who may not write any more."""

import asyncio

import msgspec
import pytest

from remediator.errors import Deposed
from remediator.record import Phase, Record, Status
from remediator.store import PATH, Store
from tests.intake.resources import Resources
from tests.intake.test_store import SPEC, opened
from tests.story.objects import NAME, NOW, SIGNAL, SUBJECT

DAY = 86400.0


async def ended(kept: Store, episode: int, over_at: float) -> Record:
    """Create an episode of the subject that was over at a time."""
    record = await kept.create(msgspec.structs.replace(SPEC, episode=episode))
    return await kept.save(
        msgspec.structs.replace(record, status=Status(phase=Phase.SETTLED, over_at=over_at))
    )


def names(resources: Resources) -> list[int]:
    """Return the episodes that are there."""
    return sorted(obj["spec"]["episode"] for obj in resources.objects.values())


def test_what_is_over_for_long_goes_but_never_a_subjects_newest() -> None:
    """Its number would come again, and its history of acts be forgotten."""
    resources = Resources()
    kept = Store(resources)

    async def scene() -> int:
        for episode in (1, 2, 3):
            await ended(kept, episode, NOW - 40 * DAY)
        return await kept.prune(NOW, 30 * DAY, 5000)

    assert asyncio.run(scene()) == 2
    assert names(resources) == [3]


def test_what_is_not_over_for_long_enough_stays() -> None:
    """Cooldowns and rates are counted from it."""
    resources = Resources()
    kept = Store(resources)

    async def scene() -> None:
        await ended(kept, 1, NOW - 29 * DAY)
        await kept.create(msgspec.structs.replace(SPEC, episode=2))
        await kept.prune(NOW, 30 * DAY, 5000)

    asyncio.run(scene())
    assert names(resources) == [1, 2]


def test_over_the_number_the_oldest_that_are_over_go_first() -> None:
    """What is not over is never counted out."""
    resources = Resources()
    kept = Store(resources)

    async def scene() -> None:
        for episode, days in ((1, 3), (2, 2), (3, 1)):
            await ended(kept, episode, NOW - days * DAY)
        await kept.create(msgspec.structs.replace(SPEC, episode=4))
        await kept.prune(NOW, 30 * DAY, 2)

    asyncio.run(scene())
    assert names(resources) == [3, 4]


def test_one_that_somebody_changed_meanwhile_is_not_deleted() -> None:
    """It may owe something by now."""
    resources = Resources()
    kept, other = Store(resources), Store(resources)

    async def scene() -> None:
        for episode in (1, 2):
            await ended(kept, episode, NOW - 40 * DAY)
        await other.load()
        (old,) = (one for one in other.all() if one.spec.episode == 1)
        await other.save(msgspec.structs.replace(old, status=Status(phase=Phase.HOLDING)))
        await kept.prune(NOW, 30 * DAY, 5000)

    asyncio.run(scene())
    assert names(resources) == [1, 2]


def test_a_finalizer_keeps_a_record_that_somebody_deletes_until_it_is_taken_off() -> None:
    """And a status in hand is not lost by putting it on."""
    resources, kept, record = opened()

    async def scene() -> None:
        in_hand = msgspec.structs.replace(record, status=Status(phase=Phase.RUNNING))
        held = await kept.keep(in_hand)
        assert held.kept
        assert held.status.phase is Phase.RUNNING
        await resources.send("DELETE", f"{PATH}/{NAME}", b"{}")
        await kept.load()
        (there,) = kept.all()
        assert there.deletion is not None
        await kept.let_go(there)

    asyncio.run(scene())
    assert resources.objects == {}


def test_other_finalizers_are_left_alone() -> None:
    """Somebody else owes something, too."""
    resources, kept, record = opened()
    resources.objects[NAME]["metadata"]["finalizers"] = ["other.example/x"]

    async def scene() -> Record:
        await kept.load()
        held = await kept.keep(kept.all()[0])
        await kept.let_go(held)
        return kept.all()[0]

    assert asyncio.run(scene()).finalizers == ("other.example/x",)
    assert record.finalizers == ()


def test_who_may_not_write_any_more_writes_nothing() -> None:
    """The Lease is asked before every write of the engine; the intake's creates need none."""

    def deposed() -> None:
        raise Deposed("not ours")

    resources = Resources()
    kept = Store(resources, deposed)
    record = asyncio.run(kept.create(SPEC))
    before = resources.version
    for write in (kept.save, kept.keep, kept.let_go):
        with pytest.raises(Deposed):
            asyncio.run(write(record))
    assert resources.version == before


def test_a_subject_is_found_by_what_the_watch_brought_and_not_when_it_went() -> None:
    """Ten thousand records are no reason to look through ten thousand."""
    resources, kept, record = opened()
    del resources.objects[NAME]

    async def scene() -> Record | None:
        await kept.load()
        return kept.newest(SIGNAL, SUBJECT)

    assert kept.newest(SIGNAL, SUBJECT) == record
    # What we wrote ourselves a moment ago may be missing in a list that was on its way.
    asyncio.run(scene())
    assert asyncio.run(scene()) is None
