"""The demo's scenes before a real exporter: every failure is seen with its own time, and its end.

Behind the real CSI sidecars; what is crafted is said in each scene.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from demo import heketi, node_pods
from demo.acts import nobody_knows
from demo.shows import SHOWS, Place
from demo.sightings import came
from tests.cluster.csi_parts import BUILD_SECONDS, csi_parts
from tests.cluster.eyes import Eyes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.acts import Act, Sight
    from demo.line import Line
    from demo.sightings import Look
    from local.csi import Csi

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(BUILD_SECONDS)]


@pytest.fixture(scope="module")
def csi(line: Line, pytestconfig: pytest.Config) -> Iterator[Csi]:
    """Give the CSI parts, and with them the CRDs of snapshots, for all tests here."""
    with csi_parts(line.cluster, pytestconfig) as csi:
        yield csi


@pytest.fixture(scope="module")
def eyes(csi: Csi) -> Iterator[Eyes]:
    """Give an exporter that has known the CRDs from its beginning."""
    facts, asked = node_pods.asked(csi.cluster), heketi.settings(csi.cluster.directory)
    with Eyes(csi.cluster, "exporter-of-scenes", facts=facts, heketi=asked) as eyes:
        yield eyes


def expect(eyes: Eyes, act: Act) -> None:
    """Do what an act does; what must come of it is seen, with the object's own time."""
    act.do()
    look = eyes.wait(act.what, lambda look: came(act, look))
    for sight in act.sights:
        check_time(eyes, sight, look)


def check_time(eyes: Eyes, sight: Sight, look: Look) -> None:
    """Compare since when something is seen with what the objects say."""
    series = look.of(sight)
    assert series is not None
    if sight.began is nobody_knows:
        assert series.label("since_source") == "first_seen"
        return
    assert series.label("since_source") in {"object", "event"}
    # An object may have been written once more in between.
    eyes.wait(
        f"the own time of {sight.signal}",
        lambda look: (found := look.of(sight)) is not None and found.value == sight.began(),
    )


@pytest.mark.parametrize("name", [name for name in SHOWS if not SHOWS[name].gluster])
def test_a_scene_is_seen_from_failure_to_repair(name: str, csi: Csi, eyes: Eyes) -> None:
    """Signal, labels, reason and time of every failure; after its repair nothing is left of it."""
    cluster = csi.cluster
    with ExitStack() as stack:
        place = Place(stack, cluster, csi, f"seen-{name}", cluster.nodes[-3:], tidy=True)
        play = SHOWS[name].set_up(place)
        for act in (*play.failures, *play.repairs):
            expect(eyes, act)
        signals = {sight.signal for sight in play.sights}
        eyes.wait("the end", lambda look: not any(s.signal in signals for s in look.series))
    cluster.wait("healthy nodes", lambda: all(map(cluster.usable, cluster.nodes)), 60.0)
