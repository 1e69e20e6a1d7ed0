"""What comes of nodes' answers, with nodes played: each for itself, silent ones unseen alone."""

import asyncio
from collections.abc import Iterable

from exporter.observe import errors, model
from exporter.observe.model import Kind, Object, Ref
from exporter.observe.node_facts import NodeFacts
from exporter.observe.node_pods import FactsSettings, Said
from exporter.observe.parse.endpoints import NodePod
from exporter.observe.parse.node_answer import Answer, Told
from exporter.observe.rounds import STALE_ROUNDS
from exporter.observe.sources import LookState
from tests.signals import made

KINDS = (Kind.GLUSTERD, Kind.GLUSTER_VOLUME)
EVERY = 30.0
DEAD = errors.Unreachable("get facts a: no answer in time")


class Played:
    """Nodes that say what a test wants, and a clock moved by hand."""

    def __init__(self, *nodes: str) -> None:
        self.now = 0.0
        self.behind: dict[str, NodePod] | errors.ObserveError = {
            name: NodePod(name, "10.0.0.1", 1) for name in nodes
        }
        self.says: dict[str, Said | errors.ObserveError | None] = {}
        self.hangs: dict[str, asyncio.Event] = {}
        self.marks: list[tuple[str, str]] = []
        self.held: dict[Ref, Object] = {}
        self.puts = 0
        self.heard: list[tuple[str, str]] = []
        self.gone: list[str] = []
        self.found: list[tuple[str, bool]] = []
        self.states = {kind: LookState(kind, lambda: self.now) for kind in KINDS}
        settings = FactsSettings("pvmedic", "pvmedic-node")
        self.reads = NodeFacts(self, self, self.states, self, settings, lambda: self.now)

    async def pods(self) -> dict[str, NodePod]:
        """Return the node pods."""
        if isinstance(self.behind, errors.ObserveError):
            raise self.behind
        return self.behind

    async def ask(
        self, pod: NodePod, kinds: Iterable[Kind], *, mark: str = "", fresh: bool = False
    ) -> Said | None:
        """Answer for a node."""
        assert tuple(kinds) == KINDS
        assert not fresh
        self.marks.append((pod.node, mark))
        if pod.node in self.hangs:
            await self.hangs[pod.node].wait()
        found = self.says[pod.node]
        if isinstance(found, errors.ObserveError):
            raise found
        return found

    def put(self, obj: Object) -> None:
        """Take one."""
        self.puts += 1
        self.held[model.ref(obj)] = obj

    def remove(self, name: Ref) -> None:
        """Forget one."""
        del self.held[name]

    def facts(self, node: str, failure: str) -> None:
        """Hear of an answer."""
        self.heard.append((node, failure))

    def facts_gone(self, node: str) -> None:
        """Hear that a node is no longer asked."""
        self.gone.append(node)

    def node_pods(self, service: str, *, found: bool) -> None:
        """Hear whether there are any."""
        self.found.append((service, found))

    async def round(self) -> None:
        """Find the nodes, ask those that are due, and settle; then a round's time passes."""
        await self.reads.find()
        await self.reads.round()
        await self.reads.round()
        self.now += EVERY

    def holds(self) -> set[str]:
        """Return what is held, in short."""
        return {f"{name.kind} {name.namespace}/{name.name}" for name in self.held}

    def unseen(self) -> dict[Kind, str]:
        """Return what cannot be judged, and why."""
        return {kind: why for kind, state in self.states.items() if (why := state.unseen())}


def said(node: str, *volumes: str, mark: str = "m", unseen: str = "") -> Said:
    """Return what a node with glusterd tells; `unseen` is why its volumes are."""
    found = tuple(made.gluster_volume(node, name) for name in volumes)
    told = {
        Kind.GLUSTERD: Told((made.glusterd(node),), 1.0),
        Kind.GLUSTER_VOLUME: Told(() if unseen else found, 1.0, unseen),
    }
    return Said(Answer(node, "", 1.0, told), mark)


def test_what_nodes_tell_is_held_by_node() -> None:
    """And what one tells no more is forgotten; what is as before is not taken again."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": said("a", "v", "w"), "b": said("b", "v")}
        await played.round()
        assert played.holds() == {
            *("glusterd /a", "glusterd /b"),
            *("glustervolumes a/v", "glustervolumes a/w", "glustervolumes b/v"),
        }
        assert played.unseen() == {}
        played.says["a"] = said("a", "w", mark="n")
        puts = played.puts
        await played.round()
        assert "glustervolumes a/v" not in played.holds()
        assert played.puts == puts

    asyncio.run(run())


def test_a_node_that_did_not_look_again_is_as_it_was() -> None:
    """The question names the answer that stands; one whose objects went names none."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = said("a", "v")
        await played.round()
        played.says["a"] = None
        await played.round()
        assert played.holds() == {"glusterd /a", "glustervolumes a/v"}
        played.says["a"] = DEAD
        for _ in range(STALE_ROUNDS + 1):
            await played.round()
        assert played.holds() == set()
        played.says["a"] = said("a", "v")
        await played.round()
        assert played.holds() == {"glusterd /a", "glustervolumes a/v"}
        assert [mark for _, mark in played.marks] == ["", *["m"] * (STALE_ROUNDS + 1), "", ""]

    asyncio.run(run())


def test_nothing_is_seen_before_every_node_was_asked() -> None:
    """Else what the others tell would seem to be all there is."""

    async def run() -> None:
        played = Played("a", "b")
        assert set(played.unseen()) == set(KINDS)
        played.says = {"a": said("a", "v"), "b": said("b", "v")}
        hangs = asyncio.Event()
        played.hangs["b"] = hangs
        await played.reads.find()
        task = asyncio.create_task(played.reads.round())
        while ("a", "") not in played.heard:  # noqa: ASYNC110 -- another task's doing
            await asyncio.sleep(0)
        assert set(played.unseen()) == set(KINDS)
        assert not any(state.settled() for state in played.states.values())
        hangs.set()
        await task
        await played.reads.round()
        assert played.unseen() == {}

    asyncio.run(run())


def test_a_silent_node_takes_only_its_own_with_it() -> None:
    """For three rounds its word stands; then it goes, and the others' stands."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": said("a", "v"), "b": said("b", "v")}
        await played.round()
        played.says["a"] = DEAD
        for _ in range(STALE_ROUNDS):
            await played.round()
            assert "glustervolumes a/v" in played.holds()
        await played.round()
        assert played.holds() == {"glusterd /b", "glustervolumes b/v"}
        assert played.unseen() == {}
        assert ("a", "Unreachable") in played.heard
        assert ("b", "") in played.heard

    asyncio.run(run())


def test_what_a_node_told_is_too_old_even_while_it_is_being_asked() -> None:
    """Where many are dead its turn comes late, or its answer: it must not look well until then."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": said("a", "v"), "b": said("b", "v")}
        await played.round()
        played.hangs["a"] = asyncio.Event()
        asking = asyncio.create_task(played.reads.round())
        for _ in range(STALE_ROUNDS + 1):
            await asyncio.sleep(0)
            played.now += EVERY
            await played.reads.round()
        assert played.holds() == {"glusterd /b", "glustervolumes b/v"}
        assert played.unseen() == {}
        played.hangs.pop("a").set()
        await asking
        assert "glusterd /a" in played.holds()

    asyncio.run(run())


def test_when_no_node_answers_everything_is_unseen() -> None:
    """And says why."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = errors.Forbidden("get facts a: not allowed (403)")
        await played.round()
        assert set(played.unseen().values()) == {"get facts a: not allowed (403)"}
        assert all(state.settled() for state in played.states.values())
        played.says["a"] = said("a", "v")
        await played.round()
        assert played.unseen() == {}

    asyncio.run(run())


def test_a_kind_that_no_node_sees_is_unseen_and_the_others_are_not() -> None:
    """One node that sees it is enough; what a node cannot see any more goes at once."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": said("a", unseen="node a: hung"), "b": said("b", "v")}
        await played.round()
        assert played.unseen() == {}
        played.says["b"] = said("b", mark="n", unseen="node b: hung")
        await played.round()
        assert set(played.unseen()) == {Kind.GLUSTER_VOLUME}
        assert "hung" in played.unseen()[Kind.GLUSTER_VOLUME]
        assert played.holds() == {"glusterd /a", "glusterd /b"}

    asyncio.run(run())


def test_a_node_whose_pod_is_gone_is_asked_no_more() -> None:
    """What it told goes; its metric, too."""

    async def run() -> None:
        played = Played("a", "b")
        played.says = {"a": said("a", "v"), "b": said("b", "v")}
        await played.round()
        assert isinstance(played.behind, dict)
        played.behind = {"b": played.behind["b"]}
        await played.round()
        assert played.holds() == {"glusterd /b", "glustervolumes b/v"}
        assert played.gone == ["a"]

    asyncio.run(run())


def test_pods_that_cannot_be_found_are_said_and_known_ones_asked_on() -> None:
    """At first nothing is seen for that reason; later the API server may be away for a while."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = said("a", "v")
        known, played.behind = played.behind, errors.Forbidden("list endpointslices: no")
        await played.round()
        assert set(played.unseen().values()) == {"list endpointslices: no"}
        assert played.found == [("pvmedic/pvmedic-node", False)]
        assert played.heard == [("", "Forbidden")]
        played.behind = known
        await played.round()
        played.behind = errors.Unreachable("away")
        await played.round()
        assert played.unseen() == {}
        assert played.heard.count(("a", "")) == 2

    asyncio.run(run())


def test_a_service_without_pods_is_unseen() -> None:
    """Nobody to hear is not nothing to see."""

    async def run() -> None:
        played = Played()
        await played.round()
        why = "there is no pod behind service pvmedic/pvmedic-node"
        assert set(played.unseen().values()) == {why}
        assert played.found == [("pvmedic/pvmedic-node", False)]
        played.behind = {"a": NodePod("a", "10.0.0.1", 1)}
        played.says["a"] = said("a", "v")
        await played.round()
        assert played.found[-1] == ("pvmedic/pvmedic-node", True)

    asyncio.run(run())


def test_many_volumes_of_a_node_let_others_have_their_turn() -> None:
    """Five thousand in one answer."""

    async def run() -> None:
        played = Played("a")
        played.says["a"] = said("a", *(f"v{n}" for n in range(5000)))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        await played.round()
        task.cancel()
        assert len(played.held) == 5001
        assert turns > 20

    asyncio.run(run())
