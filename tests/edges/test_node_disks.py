"""A node's disks by its own tools in somebody's pod: what is asked, and what stays unseen."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from exporter.observe import errors
from exporter.observe.disk_commands import RokVolume, is_disk
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.look import Beside, Look, look_again
from exporter.observe.model import Kind, NodeDisks, Subject
from exporter.observe.node_disks import NodeDisksReader
from exporter.observe.objects import Objects
from exporter.observe.shell import Output, Shell
from exporter.observe.shell.pod import ExecSettings, InPod
from exporter.observe.signals.node_lost_with_volumes import NodeLostWithVolumes, subject_of
from exporter.observe.view import View, Want
from tests.edges.fake_api_server import FakeApiServer

GIB = 2**30
WANT = Want(Kind.NODE_DISKS, name="a")
ROK = {"path": "/dev/nvme1n1", "type": "disk", "size": 600 * GIB, "ro": False}
MOUNTED = {
    "path": "/dev/mapper/rokvg-rok--fisks",
    "type": "lvm",
    "fstype": "ext4",
    "mountpoint": "/mnt/data",
    "ro": False,
}
NEW = {"path": "/dev/nvme2n1", "type": "disk", "size": 9 * GIB, "serial": "vol0a", "ro": False}
DEVICES = [
    {"path": "/dev/nvme0n1", "type": "disk", "children": [{"path": "/dev/nvme0n1p1"}]},
    {**ROK, "children": [MOUNTED]},
    NEW,
    {**NEW, "path": "/dev/nvme3n1", "fstype": "xfs"},
    {**NEW, "path": "/dev/nvme4n1", "pttype": "gpt"},
    {**NEW, "path": "/dev/nvme5n1", "mountpoint": "/srv"},
    {**NEW, "path": "/dev/loop0", "type": "loop"},
    {**NEW, "path": "/dev/pmem0", "type": "disk"},
]
PV = {"pv_name": "/dev/nvme1n1", "pv_uuid": "u", "vg_name": "rokvg", "pv_size": "9"}
VG = {"vg_name": "rokvg", "vg_uuid": "v", "vg_size": "9", "pv_count": "1"}
LV = {"vg_name": "rokvg", "lv_name": "rok-fisks", "lv_size": "8", "vg_extent_size": "4"}


def report(kind: str, *rows: dict[str, str]) -> str:
    """Return a report of LVM's."""
    return json.dumps({"report": [{kind: rows}]})


class Node:
    """A Shell: what each program says and how it ends, by its name."""

    def __init__(self) -> None:
        self.says: dict[str, tuple[str, int]] = {
            "lsblk": (json.dumps({"blockdevices": DEVICES}), 0),
            "pvs": (report("pv", PV), 0),
            "vgs": (report("vg", VG), 0),
            "lvs": (report("lv", LV), 0),
            "wipefs": ("", 0),
            "blkid": ("USAGE=filesystem\nTYPE=ext4\n", 0),
        }
        self.ran: list[tuple[str, ...]] = []
        self.error: errors.ObserveError | None = None

    async def run(self, command: Sequence[str], *, timeout: float, largest: int) -> Output:  # noqa: ASYNC109 -- a Shell's
        """Say it."""
        assert command[:3] == ("timeout", "--kill-after=3", "15")
        assert timeout > 15 + 5
        assert largest > 0
        self.ran.append(tuple(command[3:]))
        if self.error is not None:
            raise self.error
        (program,) = set(command) & self.says.keys()
        text, status = self.says[program]
        return Output(text.encode(), b"  no way\n" if status else b"", status)


@pytest.fixture
def node() -> Node:
    """Return a node with Rok's group on one disk, and a new disk."""
    return Node()


def read(node: Node, volume: RokVolume | None = None) -> NodeDisks:
    """Read it once."""

    def shell(name: str) -> Shell:
        assert name == "a"
        return node

    reader = NodeDisksReader(shell, volume or RokVolume())
    (found,) = asyncio.run(reader.ask(WANT, Objects()))
    assert isinstance(found, NodeDisks)
    return found


def test_disks_group_volume_and_what_is_on_them(node: Node) -> None:
    """Only a disk that nothing seems to use is looked into, and only Rok's volume is."""
    found = read(node)
    assert found.name == "a"
    assert [one.path for one in found.devices if one.serial == "vol0a"] == [
        "/dev/loop0",
        *(f"/dev/nvme{n}n1" for n in (2, 3, 4, 5)),
        "/dev/pmem0",
    ]
    assert [(one.device, one.group) for one in found.labelled] == [("/dev/nvme1n1", "rokvg")]
    assert [one.name for one in found.groups] == ["rokvg"]
    assert [(one.name, one.extents) for one in found.volumes] == [("rok-fisks", 2)]
    assert found.signatures == {"/dev/nvme2n1": ()}
    assert found.file_system == "ext4"
    assert [one for one in node.ran if one[0] in ("wipefs", "blkid")] == [
        ("wipefs", "--no-act", "--json", "/dev/nvme2n1"),
        ("blkid", "--probe", "--output", "export", "/dev/rokvg/rok-fisks"),
    ]
    assert node.ran[1][:3] == ("lvm", "pvs", "--reportformat")


def test_names_and_words_are_the_settings_(node: Node) -> None:
    """Another group is asked for and Rok's is none then; LVM may have no first word."""
    found = read(node, RokVolume("othervg", "v", ()))
    assert (found.volumes, found.file_system) == ((), "")
    assert {one[0] for one in node.ran} == {"lsblk", "pvs", "vgs", "wipefs"}


def test_a_labelled_disk_without_a_group_is_not_looked_into(node: Node) -> None:
    """It is in `labelled`: that is all that can be said of it."""
    new = {**PV, "pv_name": "/dev/nvme2n1", "vg_name": ""}
    node.says["pvs"] = (report("pv", PV, new), 0)
    assert read(node).signatures == {}


def test_what_is_on_a_disk_may_be_told_or_not(node: Node) -> None:
    """A tool that fails says nothing, and least of all that the disk is blank."""
    node.says["wipefs"] = (json.dumps({"signatures": [{"type": "ext4"}]}), 0)
    assert read(node).signatures == {"/dev/nvme2n1": ("ext4",)}
    for answer in (("", 1), ("<html>", 0)):
        node.says["wipefs"] = answer
        assert read(node).signatures == {"/dev/nvme2n1": None}


def test_a_volume_without_a_file_system_has_none(node: Node) -> None:
    """Status 2 is blkid's for nothing; another one is none of its answers."""
    node.says["blkid"] = ("", 2)
    assert read(node).file_system == ""
    node.says["blkid"] = ("", 4)
    with pytest.raises(errors.Garbage, match=r"blkid .* ended with 4: no way"):
        read(node)


@pytest.mark.parametrize("program", ["lsblk", "pvs", "vgs", "lvs"])
@pytest.mark.parametrize("answer", [("", 5), ("<html>", 0), ("{}", 0), ("", 124), ("", 137)])
def test_half_a_reading_is_none(node: Node, program: str, answer: tuple[str, int]) -> None:
    """A node whose groups cannot be read is not a node without a group."""
    node.says[program] = answer
    with pytest.raises(errors.Garbage, match=rf"{program} .* on node a ended with {answer[1]}: "):
        read(node)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.Forbidden("create pods/exec"), errors.Forbidden),
        (errors.Unreachable("timed out"), errors.Unreachable),
        (errors.Conflict("409"), errors.Conflict),
        (errors.Gone("410"), errors.Gone),
        (errors.Throttled("429"), errors.Throttled),
        (errors.ServerFailed("500"), errors.ServerFailed),
        (errors.Garbage("too much"), errors.Garbage),
        (errors.Invalid("several pods match"), errors.Invalid),
        # No pod, or no such program: the node's disks are there all the same.
        (errors.NotFound("no pod matches"), errors.Unreachable),
    ],
)
def test_an_error_is_handed_on(
    node: Node, error: errors.ObserveError, kind: type[errors.ObserveError]
) -> None:
    """With its sentence."""
    node.error = error
    with pytest.raises(kind, match=str(error)) as caught:
        read(node)
    assert type(caught.value) is kind


def looked(server: FakeApiServer, settings: ExecSettings | None) -> Look:
    """Look at a node that is well, for its disks as well, as a repair does."""

    def extra(subject: Subject, view: View) -> list[Want]:
        del subject, view
        return [WANT]

    async def run() -> Look:
        async with server.api() as api:
            access = ServiceAccount(server.directory, server.url)

            def shell(name: str) -> Shell:
                assert settings is not None
                return InPod(api, access, settings, name)

            reader = NodeDisksReader(shell if settings else None, RokVolume())
            return await look_again(
                api,
                NodeLostWithVolumes(),
                subject_of("a"),
                extra,
                beside=Beside(others={Kind.NODE_DISKS: reader.ask}),
            )

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "pods", "sentence"),
    [
        (ExecSettings("rok", "name=r"), [], "the disks of node a: no pod matches"),
        (ExecSettings("rok", "name=r"), None, "not allowed (403)"),
    ],
)
def test_in_a_look_it_is_unseen_with_the_sentence(
    server: FakeApiServer, settings: ExecSettings, pods: list[object] | None, sentence: str
) -> None:
    """Never absent: absent would be a node without disks."""
    where = "/api/v1/namespaces/rok/pods"
    if pods is None:
        server.json(where, {"message": "no"}, 403)
    else:
        server.json(where, {"items": pods})
    found = looked(server, settings)
    assert sentence in found.unseen[Kind.NODE_DISKS]
    assert found.view.node_disks("a") is None


def test_where_no_command_may_run_nothing_is_asked_and_nothing_unseen(
    server: FakeApiServer,
) -> None:
    """The handler declines by the setting; a look that is unseen would only be tried again."""
    found = looked(server, None)
    assert Kind.NODE_DISKS not in found.unseen
    assert found.view.node_disks("a") is None


@pytest.mark.parametrize(
    ("path", "disk"),
    [
        ("/dev/nvme2n1", True),
        ("/dev/xvdba", True),
        ("/dev/sdf", True),
        ("/dev/vdb", True),
        ("/dev/nvme2n1p1", False),
        ("/dev/sdf1", False),
        ("/dev/loop0", False),
        ("/dev/disk/by-label/x", False),
        ("/dev/../etc/sda", False),
        ("/dev/sda\n", False),
    ],
)
def test_only_a_kernel_s_name_of_a_whole_disk_is_one(path: str, *, disk: bool) -> None:
    """Nothing is asked about other paths, and no command is made of them."""
    assert is_disk(path) is disk
