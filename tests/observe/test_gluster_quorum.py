"""What a volume needs to stay writable, as GlusterFS decides it: a table for each kind of set."""

import msgspec
import pytest

from exporter.observe.gluster_quorum import Loss, loss, servers_needed
from exporter.observe.model import Brick, GlusterVolume

AUTO = ("cluster.quorum-type", "auto")
FIXED = ("cluster.quorum-type", "fixed")
NONE = ("cluster.quorum-type", "none")
SERVER = ("cluster.server-quorum-type", "server")


def volume(
    bricks: int,
    *options: tuple[str, str],
    kind: str = "Replicate",
    arbiters: str = "",
    **counts: int,
) -> GlusterVolume:
    """Return a volume; `arbiters` has an `a` in the place of each brick that is one."""
    marks = arbiters.ljust(bricks)
    made = tuple(
        Brick("h", f"/{n}", "", local=False, arbiter=mark == "a") for n, mark in enumerate(marks)
    )
    plain = GlusterVolume("n", "v", "id", kind, started=True, bricks=made, options=options)
    return msgspec.structs.replace(plain, **counts)


def there(places: str) -> list[bool]:
    """Return which bricks are there: a dot for one that is gone."""
    return [place != "." for place in places]


THREE = volume(3, replica=3)
TWO = volume(2, replica=2)


@pytest.mark.parametrize(
    ("asked", "places", "expected"),
    [
        (THREE, "xxx", Loss.NOTHING),
        (THREE, "xx.", Loss.NOTHING),
        (THREE, ".xx", Loss.NOTHING),
        (THREE, "x..", Loss.WRITING),
        (THREE, "...", Loss.DATA),
        (TWO, "x.", Loss.NOTHING),
        (TWO, ".x", Loss.NOTHING),
        (TWO, "..", Loss.DATA),
        (volume(2, AUTO, replica=2), "x.", Loss.NOTHING),
        (volume(2, AUTO, replica=2), ".x", Loss.WRITING),
        (volume(4, replica=4), "x..x", Loss.NOTHING),
        (volume(4, replica=4), ".xx.", Loss.WRITING),
        (volume(3, NONE, replica=3), "..x", Loss.NOTHING),
        (volume(3, FIXED, ("cluster.quorum-count", "1"), replica=3), "..x", Loss.NOTHING),
        (volume(3, FIXED, ("cluster.quorum-count", "3"), replica=3), "xx.", Loss.WRITING),
        (volume(3, FIXED, replica=3), "xx.", Loss.WRITING),
        (volume(3, FIXED, ("cluster.quorum-count", "junk"), replica=3), "xx.", Loss.WRITING),
        (volume(3, ("cluster.quorum-type", "weird"), replica=3), "x..", Loss.WRITING),
        (volume(6, replica=3), "xx.xx.", Loss.NOTHING),
        (volume(6, replica=3), "xx.x..", Loss.WRITING),
        (volume(6, replica=3), "x..xxx", Loss.WRITING),
        (volume(6, replica=3), "...xxx", Loss.DATA),
    ],
)
def test_a_replica_set_keeps_its_client_quorum(
    asked: GlusterVolume, places: str, expected: Loss
) -> None:
    """Sets of more than two have one without being told; of an even one the first brick counts."""
    assert loss(asked, there(places)) is expected


@pytest.mark.parametrize("marks", ["  a", ""], ids=["marked", "last by the count"])
@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ("xxx", Loss.NOTHING),
        ("x.x", Loss.NOTHING),
        (".xx", Loss.NOTHING),
        ("xx.", Loss.NOTHING),
        ("x..", Loss.WRITING),
        ("..x", Loss.DATA),
    ],
)
def test_an_arbiter_votes_and_holds_no_data(marks: str, places: str, expected: Loss) -> None:
    """Two of three must be left, and one of them must have the data."""
    asked = volume(3, replica=3, arbiter=1, arbiters=marks)
    assert loss(asked, there(places)) is expected


@pytest.mark.parametrize(
    ("count", "places", "expected"),
    [
        ("", "xxxx..", Loss.NOTHING),
        ("", "xxx...", Loss.DATA),
        ("5", "xxxx..", Loss.WRITING),
        ("5", "xxxxx.", Loss.NOTHING),
        ("junk", "xxxx..", Loss.NOTHING),
    ],
)
def test_a_disperse_set_keeps_as_many_as_it_needs(count: str, places: str, expected: Loss) -> None:
    """Without its redundancy it can still be read; a count of its own may ask for more to write."""
    options = [("disperse.quorum-count", count)] if count else []
    asked = volume(6, *options, kind="Disperse", disperse=6, redundancy=2)
    assert loss(asked, there(places)) is expected


def test_a_brick_without_copies_is_the_data() -> None:
    """Whatever the options say."""
    assert loss(volume(2, NONE, kind="Distribute"), there("x.")) is Loss.DATA


@pytest.mark.parametrize(
    "asked",
    [volume(3, replica=2), volume(4, kind="Striped-Replicate", replica=2), volume(4, kind="Tier")],
    ids=["half a set", "stripes", "tiers"],
)
def test_of_a_layout_that_is_not_known_nothing_may_go(asked: GlusterVolume) -> None:
    """Which bricks belong together is not in their order."""
    places = "x" * len(asked.bricks)
    assert loss(asked, there(places)) is Loss.NOTHING
    assert loss(asked, there(places[:-1] + ".")) is Loss.UNKNOWN


@pytest.mark.parametrize(
    ("ratio", "pool", "needed"),
    [
        (None, 1, 1),
        (None, 2, 2),
        (None, 3, 2),
        (None, 4, 3),
        ("51%", 3, 2),
        ("67%", 3, 3),
        ("34", 3, 2),
        ("50%", 4, 2),
        ("0", 3, 0),
        ("junk", 3, 2),
        ("nan", 3, 2),
    ],
)
def test_server_quorum_needs_more_than_half_or_the_ratio(
    ratio: str | None, pool: int, needed: int
) -> None:
    """Rounded up; what cannot be read is not set."""
    options = [SERVER, *([("cluster.server-quorum-ratio", ratio)] if ratio else [])]
    assert servers_needed(volume(3, *options, replica=3), pool) == needed


def test_without_server_quorum_any_number_will_do() -> None:
    """The ratio alone is the whole pool's, and means nothing for this volume."""
    assert servers_needed(THREE, 3) is None
    assert servers_needed(volume(3, ("cluster.server-quorum-ratio", "51%"), replica=3), 3) is None
