"""What steps say goes to whoever does it, and how a command on a node ended is no proof."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from exporter.observe import errors
from exporter.observe.shell import Output
from exporter.observe.view import View
from remediator.actuators.cloud import CloudActuator
from remediator.actuators.fenced import Fenced
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.nodes import NodeActuator
from remediator.actuators.routed import Routed
from remediator.cloud import (
    AttachDisk,
    CreateDisk,
    DeleteDisk,
    DeleteWithMachine,
    DetachDisk,
    NewDisk,
    ProtectMachine,
    TerminateMachine,
)
from remediator.errors import Deposed
from remediator.steps.base import Act, KubeWrite, NodeCommand, Step
from tests.pipeline.test_writers import Wire
from tests.story.objects import view

ARGV = ("timeout", "--kill-after=3", "5", "lvm", "vgextend", "rokvg", "/dev/nvme2n1")
COMMAND = NodeCommand("a", ARGV, 12.0)
DISK = NewDisk("token", "z", 9, "gp3", encrypted=True, tags={"k": "v"})
Call = tuple[str, tuple[object, ...], dict[str, object]]


class Says(Step, frozen=True):
    """A step whose act is the test's."""

    def sentence(self) -> str:
        """Say what it does."""
        return "do it"

    def act(self, view: View) -> Act | None:
        """Return the test's."""
        del view
        return ACTS[self.target]


class Writer:
    """A CloudWriter that keeps what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def may_create(self, disk: NewDisk, *, region: str) -> None:
        """Keep it."""
        self.calls.append(("may_create", (disk,), {"region": region}))

    async def create_disk(self, disk: NewDisk, *, region: str) -> str:
        """Keep it."""
        self.calls.append(("create_disk", (disk,), {"region": region}))
        return "vol-1"

    async def attach(self, volume_id: str, instance_id: str, device: str, *, region: str) -> None:
        """Keep it."""
        self.calls.append(("attach", (volume_id, instance_id, device), {"region": region}))

    async def delete_with_machine(
        self, volume_id: str, instance_id: str, device: str, *, on: bool, region: str
    ) -> None:
        """Keep it."""
        words = {"on": on, "region": region}
        self.calls.append(("delete_with_machine", (volume_id, instance_id, device), words))

    async def detach(
        self, volume_id: str, instance_id: str, tags: Mapping[str, str], *, region: str
    ) -> None:
        """Keep it."""
        self.calls.append(("detach", (volume_id, instance_id, tags), {"region": region}))

    async def delete_disk(self, volume_id: str, tags: Mapping[str, str], *, region: str) -> None:
        """Keep it."""
        self.calls.append(("delete_disk", (volume_id, tags), {"region": region}))

    async def protect(self, group: str, instance_id: str, *, on: bool, region: str) -> None:
        """Keep it."""
        self.calls.append(("protect", (group, instance_id), {"on": on, "region": region}))

    async def terminate(self, instance_id: str, *, shrink: bool, region: str) -> None:
        """Keep it."""
        self.calls.append(("terminate", (instance_id,), {"shrink": shrink, "region": region}))


class Pods:
    """A Shell that ends every command in one way."""

    def __init__(self, said: Output | errors.ObserveError) -> None:
        self.said = said
        self.ran: list[tuple[str, tuple[str, ...], float]] = []
        self._node = ""

    def on(self, node: str) -> "Pods":
        """Run on this node."""
        self._node = node
        return self

    async def run(self, command: Sequence[str], *, timeout: float, largest: int) -> Output:  # noqa: ASYNC109 -- a Shell's
        """Keep it and end it."""
        assert largest > 0
        self.ran.append((self._node, tuple(command), timeout))
        if isinstance(self.said, errors.ObserveError):
            raise self.said
        return self.said


R = "eu-central-1"
TAGS = {"k": "v"}
CALLS: dict[str, tuple[Act, Call]] = {
    "create": (CreateDisk(DISK, R), ("create_disk", (DISK,), {"region": R})),
    "attach": (
        AttachDisk("vol-1", "i-1", "/dev/xvdba", R),
        ("attach", ("vol-1", "i-1", "/dev/xvdba"), {"region": R}),
    ),
    "with machine": (
        DeleteWithMachine("vol-1", "i-1", "/dev/xvdba", on=True, region=R),
        ("delete_with_machine", ("vol-1", "i-1", "/dev/xvdba"), {"on": True, "region": R}),
    ),
    "detach": (
        DetachDisk("vol-1", "i-1", TAGS, R),
        ("detach", ("vol-1", "i-1", TAGS), {"region": R}),
    ),
    "delete": (DeleteDisk("vol-1", TAGS, R), ("delete_disk", ("vol-1", TAGS), {"region": R})),
    "protect": (
        ProtectMachine("g", "i-1", on=False, region=R),
        ("protect", ("g", "i-1"), {"on": False, "region": R}),
    ),
    "terminate": (
        TerminateMachine("i-1", shrink=True, region=R),
        ("terminate", ("i-1",), {"shrink": True, "region": R}),
    ),
}
ACTS: dict[str, Act | None] = {
    **{name: act for name, (act, _) in CALLS.items()},
    "write": KubeWrite("PATCH", "/api/v1/nodes/a", {"spec": {}}),
    "command": COMMAND,
    "nothing": None,
}
WELL = Output(b"", b"", 0)


class Bench:
    """All that may be written to, over parts that keep what they hear."""

    def __init__(self, said: Output | errors.ObserveError = WELL) -> None:
        self.wire, self.writer, self.pods = Wire(), Writer(), Pods(said)
        nodes, cloud = NodeActuator(self.pods.on), CloudActuator(self.writer)
        self.routed = Routed(KubernetesActuator(self.wire), nodes, cloud)

    def do(self, name: str) -> None:
        """Do a step that says this."""
        asyncio.run(self.routed.apply(Says(name, "uid", "r/u"), view()))

    @property
    def heard(self) -> tuple[int, int, int]:
        """How much each part was asked for."""
        return len(self.wire.sent), len(self.pods.ran), len(self.writer.calls)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_goes_to_the_cloud_with_all_its_words(name: str) -> None:
    """And nowhere else."""
    bench = Bench()
    bench.do(name)
    assert bench.writer.calls == [CALLS[name][1]]
    assert bench.heard == (0, 0, 1)


def test_a_write_goes_to_kubernetes_and_a_command_to_its_node() -> None:
    """With the time that the step gives it."""
    bench = Bench()
    bench.do("write")
    assert bench.heard == (1, 0, 0)
    bench.do("command")
    assert bench.pods.ran == [("a", ARGV, 12.0)]
    assert bench.heard == (1, 1, 0)


def test_a_step_about_another_object_does_nothing() -> None:
    """The engine looks again."""
    bench = Bench()
    with pytest.raises(errors.Conflict, match="not the object that was planned for: do it"):
        bench.do("nothing")
    assert bench.heard == (0, 0, 0)


@pytest.mark.parametrize("name", ["command", "create"])
def test_what_is_not_allowed_by_the_settings_is_not_tried_again(name: str) -> None:
    """A plan of earlier settings, say."""
    routed = Routed(KubernetesActuator(Wire()))
    with pytest.raises(errors.Forbidden):
        asyncio.run(routed.apply(Says(name, "uid", "r/u"), view()))


def deposed() -> None:
    """Say no, as the Lease's fence does."""
    raise Deposed("the Lease is not ours")


@pytest.mark.parametrize("name", ["write", "command", "create"])
def test_none_of_them_leaves_a_deposed_leader(name: str) -> None:
    """Whatever it is written to."""
    bench = Bench()
    with pytest.raises(Deposed):
        asyncio.run(Fenced(bench.routed, deposed).apply(Says(name, "uid", "r/u"), view()))
    assert bench.heard == (0, 0, 0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        # LVM's: failed, and done before; a program's own; a shell's and timeout's.
        (5, errors.Conflict),
        (1, errors.Conflict),
        (3, errors.Conflict),
        (125, errors.Conflict),
        (126, errors.NotFound),
        (127, errors.NotFound),
        (124, errors.Unreachable),
        (137, errors.Unreachable),
        (143, errors.Unreachable),
        (-9, errors.Unreachable),
    ],
)
def test_a_status_lets_the_engine_look_and_ends_no_repair(
    status: int, kind: type[errors.ObserveError]
) -> None:
    """`already in volume group` is a failure to vgextend, and what was wanted to us."""
    words = b"  Physical volume '/dev/nvme2n1' is already in volume group 'rokvg'\n  Unable.\n"
    bench = Bench(Output(b"", words, status))
    with pytest.raises(kind) as caught:
        bench.do("command")
    assert type(caught.value) is kind
    assert not isinstance(caught.value, errors.Invalid | errors.Forbidden)
    assert str(caught.value) == (
        f"{' '.join(ARGV)} on node a ended with {status}: Physical volume '/dev/nvme2n1' is already"
        " in volume group 'rokvg' Unable."
    )


def test_a_command_that_fails_and_says_nothing_or_too_much_is_told_in_a_sentence() -> None:
    """A record has no room for more."""
    with pytest.raises(errors.Conflict, match=r"ended with 5: it said nothing$"):
        Bench(Output(b"out", b" \n", 5)).do("command")
    with pytest.raises(errors.Conflict) as caught:
        Bench(Output(b"", b"x" * 10_000, 5)).do("command")
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.Forbidden("create pods/exec"), errors.Forbidden),
        (errors.NotFound("no pod matches"), errors.NotFound),
        (errors.Unreachable("cut off"), errors.Unreachable),
        (errors.Unauthorized("401"), errors.Unauthorized),
        (errors.Conflict("409"), errors.Conflict),
        (errors.Gone("410"), errors.Gone),
        (errors.Throttled("429"), errors.Throttled),
        (errors.ServerFailed("500"), errors.ServerFailed),
        (errors.Garbage("too much"), errors.Garbage),
        (errors.Invalid("several pods match"), errors.Conflict),
    ],
)
def test_what_the_way_to_a_pod_says_is_handed_on(
    error: errors.ObserveError, kind: type[errors.ObserveError]
) -> None:
    """Only two pods, one of which is going, are no refusal that would stay."""
    with pytest.raises(kind, match=str(error)) as caught:
        Bench(error).do("command")
    assert type(caught.value) is kind
