"""The Lease: one leads, another waits without looking at our clock, and nobody writes too late."""

import asyncio
import json
from typing import Any

import pytest

from exporter.observe.errors import (
    Conflict,
    Garbage,
    NotFound,
    ObserveError,
    ServerFailed,
    Unreachable,
)
from exporter.observe.kube.api import GET_SECONDS, Api
from remediator.errors import Deposed
from remediator.leader import DURATION, Leader, times
from remediator.steps.lvm import ANSWERED_WITHIN
from tests.intake.resources import Nobody

BELIEVED, MARGIN = times().believed, times().margin


class Leases(Api):
    """One Lease as the API server keeps it."""

    def __init__(self) -> None:
        super().__init__(Nobody())
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.fails: ObserveError | None = None
        self.loses = False

    async def send(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        params: Any = None,  # noqa: ANN401 -- the client's own signature
        timeout: float = GET_SECONDS,  # noqa: ASYNC109 -- same
    ) -> bytes:
        """Answer one request."""
        del content_type, params, timeout
        if self.fails is not None:
            raise self.fails
        if method == "GET":
            if self.lease is None:
                raise NotFound(where)
            return json.dumps(self.lease).encode()
        # Others come in between, as over a network.
        await asyncio.sleep(0)
        sent = json.loads(body or b"{}")
        before = self.lease["metadata"]["resourceVersion"] if self.lease is not None else None
        if (method == "POST") != (before is None):
            raise Conflict(where)
        if method == "PUT" and sent["metadata"]["resourceVersion"] != before:
            raise Conflict(where)
        self.version += 1
        sent["metadata"]["resourceVersion"] = str(self.version)
        self.lease = sent
        if self.loses:
            raise Unreachable("the answer was lost")
        return json.dumps(sent).encode()


class Replica:
    """One replica with clocks of its own."""

    def __init__(self, leases: Leases, name: str, wall: float = 1.8e9) -> None:
        self.clock = 0.0
        self.leader = Leader(leases, "pvmedic", name, lambda: self.clock, lambda: wall + self.clock)

    def look(self, after: float = 0.0) -> bool:
        """Let time pass and look at the Lease; return whether it leads."""
        self.clock += after
        asyncio.run(self.leader.once())
        return self.leader.leads()


def test_the_first_one_takes_it_and_keeps_it() -> None:
    """The second one waits as long as it is renewed."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    assert one.look()
    for _ in range(100):
        assert not two.look(2.0)
        assert one.look(2.0)


def test_a_lease_that_is_not_renewed_is_taken_after_its_whole_duration() -> None:
    """By the clock of who waits, which only goes forward."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    one.look()
    assert not two.look()
    assert not two.look(DURATION - 0.1)
    assert two.look(0.2)
    assert not one.look(DURATION + 9.0)


@pytest.mark.parametrize("skew", [-86400.0, 86400.0])
def test_clocks_that_disagree_change_nothing(skew: float) -> None:
    """Only the people who read the times are told different things."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two", wall=1.8e9 + skew)
    one.look()
    assert not two.look()
    assert not two.look(DURATION - 0.1)
    assert two.look(0.2)


def test_who_was_stopped_for_long_does_not_write_when_it_goes_on() -> None:
    """SIGSTOP, and then on in the middle of a step: the fence comes right before the call."""
    leases = Leases()
    one = Replica(leases, "one")
    one.look()
    one.leader.fence()
    one.clock += BELIEVED - MARGIN
    with pytest.raises(Deposed):
        one.leader.fence()
    assert one.leader.leads()
    one.clock += MARGIN
    assert not one.leader.leads()


def test_we_believe_in_it_for_less_time_than_others_wait() -> None:
    """Counted from before the request: its answer may have been on its way for long."""
    assert times() == (15.0, 10.0, 2.0, 5.0)
    for duration in (3.0, DURATION, 300.0):
        pace = times(duration)
        assert pace.renew < pace.margin < pace.believed < pace.duration


def test_a_command_on_a_node_is_over_before_another_replica_can_act() -> None:
    """No version binds it: it is begun with the margin left at least, and ends in what follows."""
    pace = times()
    assert pace.margin + pace.duration - pace.believed > ANSWERED_WITHIN


def test_of_two_that_take_it_at_once_one_leads() -> None:
    """Both see it free; the API server lets one through."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    asyncio.run(_both(one, two))
    assert [one.leader.leads(), two.leader.leads()].count(True) == 1


async def _both(one: Replica, two: Replica) -> None:
    await asyncio.gather(one.leader.once(), two.leader.once())


def test_an_api_server_that_is_away_deposes_us_in_time() -> None:
    """What was believed runs out; nothing is believed anew."""
    leases = Leases()
    one = Replica(leases, "one")
    one.look()
    leases.fails = ServerFailed("500")
    with pytest.raises(ServerFailed):
        one.look(2.0)
    assert one.leader.leads()
    leases.fails = Unreachable("no answer")
    with pytest.raises(Unreachable):
        one.look(BELIEVED)
    assert not one.leader.leads()


def test_what_is_given_back_is_free_at_once() -> None:
    """A rolling update waits for nobody."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    one.look()
    two.look()
    asyncio.run(one.leader.release())
    assert not one.leader.leads()
    assert two.look(0.1)


def test_who_does_not_hold_it_gives_nothing_back() -> None:
    """It would take it from the one that does."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    one.look()
    two.look()
    asyncio.run(two.leader.release())
    assert leases.lease is not None
    assert leases.lease["spec"]["holderIdentity"] == "one"


def test_a_renewal_that_was_cut_off_does_not_keep_it_from_being_given_back() -> None:
    """It landed, and only the answer was lost: what is given back is read first."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    one.look()
    two.look()
    assert leases.lease is not None
    leases.lease["metadata"]["resourceVersion"] = str(leases.version + 1)
    leases.version += 1
    asyncio.run(one.leader.release())
    assert two.look(0.1)


def test_what_cannot_be_given_back_runs_out() -> None:
    """The API server is away: we stop to lead all the same, and the others wait."""
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    one.look()
    two.look()
    leases.fails = Unreachable("no answer")
    asyncio.run(one.leader.release())
    assert not one.leader.leads()
    leases.fails = None
    assert not two.look(DURATION - 0.1)
    assert two.look(0.2)


def test_of_two_processes_of_one_name_only_the_later_one_goes_on_leading(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two on one host that nobody named: both would find their own name on the Lease."""
    leases = Leases()
    first, second = Replica(leases, "host", wall=1.8e9), Replica(leases, "host", wall=1.9e9)
    assert first.look()
    assert second.look(), "a container that is restarted does not wait for itself"
    assert not first.look(2.0)
    assert "another process has our name" in caplog.text
    for _ in range(20):
        assert second.look(2.0)
        assert not first.look(2.0)
    asyncio.run(first.leader.release())
    assert second.look(2.0)


def test_an_answer_that_was_lost_makes_us_no_stranger_to_ourselves() -> None:
    """The Lease has the time that we tried to write."""
    leases = Leases()
    one = Replica(leases, "one")
    assert one.look()
    leases.loses = True
    with pytest.raises(Unreachable):
        one.look(2.0)
    leases.loses = False
    assert one.look(2.0)
    leases.fails = Unreachable("not even heard")
    for _ in range(3):
        with pytest.raises(Unreachable):
            one.look(1.0)
    leases.fails = None
    assert one.look(1.0)


@pytest.mark.parametrize("lease", [{"spec": {}}, {"metadata": {"name": 5}, "spec": {}}])
def test_what_is_no_lease_ends_nothing(lease: dict[str, Any]) -> None:
    """It is a failure as any other, and tried again."""
    leases = Leases()
    leases.lease = lease
    with pytest.raises(Garbage):
        Replica(leases, "one").look()
