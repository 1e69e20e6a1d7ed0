"""Who asks the kubelets and when, with kubelets played: each for itself, dead ones apart."""

import asyncio

import pytest

from exporter.kit.values import Duration
from exporter.observe import errors, model, rounds
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.kubelets import Kubelets, KubeletSettings
from exporter.observe.model import Kind, Object, Ref, VolumeStats
from exporter.observe.rounds import STALE_ROUNDS
from tests.signals import made


def stats(node: str, claim: str = "data") -> VolumeStats:
    """Return statistics of a claim."""
    return VolumeStats("web", claim, node, 1.0, 100, 50, 50, None, None)


class Played:
    """A cluster whose kubelets are played, and a clock moved by hand."""

    def __init__(self, *nodes: str) -> None:
        self.now = 0.0
        self.nodes = list(nodes)
        self.knows = True
        self.held: dict[Ref, VolumeStats] = {}
        self.says: dict[str, tuple[VolumeStats, ...] | errors.ObserveError] = {}
        self.hangs = asyncio.Event()
        self.asked: list[str] = []
        self.heard: list[tuple[str, str]] = []
        self.gone: list[str] = []
        self.state = WatchState(Kind.VOLUME_STATS, lambda: self.now, lambda: self.now)
        self.kubelets = Kubelets(
            self.ask, self, self.state, self, KubeletSettings(), lambda: self.now
        )

    async def ask(self, node: model.Node) -> tuple[VolumeStats, ...]:
        """Answer for a node; one of which nothing is known hangs."""
        self.asked.append(node.name)
        if node.name not in self.says:
            await self.hangs.wait()
            raise errors.Unreachable("hung")
        found = self.says[node.name]
        if isinstance(found, errors.ObserveError):
            raise found
        return found

    def nodes_with_claims(self) -> list[model.Node] | None:
        """Return the nodes to ask."""
        if not self.knows:
            return None
        return [made.node(name) for name in self.nodes]

    def stats_of(self, node: str) -> list[VolumeStats]:
        """Return what is held of a node."""
        return [one for one in self.held.values() if one.node == node]

    def holder_of(self, namespace: str, claim: str) -> str | None:
        """Return whose word is held."""
        found = self.held.get(Ref(Kind.VOLUME_STATS, namespace, claim))
        return found.node if found is not None else None

    def put(self, obj: Object) -> None:
        """Take one."""
        assert isinstance(obj, VolumeStats)
        self.held[model.ref(obj)] = obj

    def remove(self, name: Ref) -> None:
        """Forget one."""
        del self.held[name]

    def kubelet(self, node: str, failure: str) -> None:
        """Hear of an answer."""
        self.heard.append((node, failure))

    def kubelet_gone(self, node: str) -> None:
        """Hear that a node is no longer asked."""
        self.gone.append(node)

    async def round(self) -> None:
        """Ask all that are due, and wait for those that answer."""
        await asyncio.gather(*(self.kubelets.one(node) for node in self.kubelets.due()))

    def holds(self) -> set[tuple[str, str]]:
        """Return which claims are held, and by whose word."""
        return {(one.name, one.node) for one in self.held.values()}


def test_each_kubelet_is_asked_once_in_a_while() -> None:
    """Not again before its time; what it no longer mounts is gone."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = (stats("a", "data"), stats("a", "logs"))
        await played.round()
        await played.round()
        assert played.asked == ["a"]
        assert played.holds() == {("data", "a"), ("logs", "a")}
        assert played.state.unseen() == ""
        played.now += 60
        played.says["a"] = (stats("a", "logs"),)
        await played.round()
        assert played.holds() == {("logs", "a")}

    asyncio.run(run())


def test_before_the_nodes_are_known_kubelets_are_unseen_and_not_silent() -> None:
    """Else what filled up before a restart would seem to be over, and to begin anew."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = (stats("a"),)
        played.knows = False
        await played.round()
        assert "not been listed" in played.state.unseen()
        played.knows = True
        waiting = played.kubelets.due()
        assert played.state.unseen()
        await played.kubelets.one(waiting[0])
        played.kubelets.due()
        assert played.state.unseen() == ""

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "wrong"), [(0.5, 1), (1, 0), (60, 0), (90, 0), (300, 1)])
def test_kubelets_are_asked_often_enough_to_be_seen(seconds: float, wrong: int) -> None:
    """What says nothing for two minutes is unseen: no setting may come to that."""
    problems = list(KubeletSettings(every=Duration(seconds)).problems())
    assert [field for field, _ in problems] == ["every"] * wrong


def test_dead_kubelets_do_not_delay_the_rest() -> None:
    """A hundred of them hang, in a lane of their own after their first failure."""

    async def run() -> None:
        played = Played(*(f"dead-{n}" for n in range(100)), "a")
        played.says["a"] = (stats("a"),)
        for name in played.nodes[:100]:
            played.says[name] = errors.Unreachable("no")
        await played.round()
        for name in played.nodes[:100]:
            del played.says[name]
        played.now += 60
        played.asked.clear()
        tasks = [asyncio.create_task(played.kubelets.one(n)) for n in played.kubelets.due()]
        async with asyncio.timeout(30):
            while ("a", "") not in played.heard[101:]:  # noqa: ASYNC110 -- tasks have no event
                await asyncio.sleep(0)
        assert len(played.asked) == rounds.SLOW_AT_ONCE + 1
        assert played.kubelets.due() == []
        played.hangs.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_kubelet_that_fails_for_long_takes_only_its_own_claims_with_it() -> None:
    """For three rounds its word stands; the failure is counted by reason."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": (stats("a", "data"),), "b": (stats("b", "logs"),)}
        await played.round()
        played.says["a"] = errors.Forbidden("get nodes/stats a: not allowed")
        for _ in range(STALE_ROUNDS):
            played.now += 60
            await played.round()
            assert played.holds() == {("data", "a"), ("logs", "b")}
        played.now += 60
        await played.round()
        assert played.holds() == {("logs", "b")}
        assert ("a", "Forbidden") in played.heard
        assert played.state.unseen() == ""

    asyncio.run(run())


def test_kubelets_that_refuse_do_not_hide_the_one_that_answers() -> None:
    """However their answers lie in time: else all volumes would come and go every minute."""

    async def run() -> None:
        played = Played("a", "b", "c")
        played.says = {name: errors.Forbidden(f"get nodes/stats {name}") for name in "bc"}
        played.says["a"] = (stats("a"),)
        await played.round()
        played.kubelets.due()
        for name in "bcbc":
            played.now += 20
            await played.kubelets.one(made.node(name))
            assert played.state.unseen() == ""
        played.says["a"] = errors.Forbidden("get nodes/stats a")
        for name in "abc":
            played.now += 20
            await played.kubelets.one(made.node(name))
        assert "nodes/stats" in played.state.unseen()

    asyncio.run(run())


def test_when_no_kubelet_may_be_asked_that_is_unseen_and_says_which_right() -> None:
    """Nothing is known, which is not nothing wrong."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = errors.Forbidden("get nodes/stats a: not allowed (403)")
        await played.round()
        played.now += 60
        await played.round()
        assert "get nodes/stats" in played.state.unseen()

    asyncio.run(run())


def test_a_claim_that_several_nodes_mount_is_told_of_by_one_of_them() -> None:
    """Always the same, until it is gone; else its labels would change all the time."""

    async def run() -> None:
        played = Played("b", "a")
        played.says = {"a": (stats("a"),), "b": (stats("b"),)}
        await played.round()
        for _ in range(2):
            assert played.holds() == {("data", "a")}
            played.now += 60
            await played.round()
        played.nodes.remove("a")
        played.now += 60
        await played.round()
        assert played.holds() == {("data", "b")}
        assert played.gone == ["a"]

    asyncio.run(run())


def test_a_cluster_without_claims_is_seen() -> None:
    """There is nobody to ask."""
    played = Played()
    assert played.kubelets.due() == []
    assert played.state.unseen() == ""
    assert played.state.listed
