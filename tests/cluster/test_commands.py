"""The repair's commands on a node, through the real API server and its admission policy.

The shipped component alone, with the account that ships; LVM and the other tools are real.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from demo.person import Administrator
from exporter.observe import disk_commands, errors
from exporter.observe.drain import DrainReader
from exporter.observe.model import Budget, Drain, Kind
from exporter.observe.model.blocks import BlockDevice
from exporter.observe.objects import Objects
from exporter.observe.view import Want
from local import loop_disk, lvm, tools
from local.exec_face import on_this_host
from remediator import rok_disk
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.rok_extension import GIB, MIB, extents_of, grown_to
from remediator.steps.base import KubeWrite
from tests.cluster.commands_scene import ELSEWHERE, NODE, POD, SPACE, Scene, opened
from tests.cluster.rok_pod import MANAGER, VOLUME, RokPod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from demo.line import Line
    from exporter.observe.disk_commands import Argv
    from exporter.observe.kube.api import Api
    from exporter.observe.shell import Shell

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

OWN, NEW, SERIAL = "/dev/nvme1n1", "/dev/nvme2n1", "vol0b"
LVM, GROUP, NAME = ("lvm",), "rokvg", "rok-fisks"
UID = "0d9c9d3e-6a0b-4f43-9a57-0b3f6f1f2c11"
SECONDS = 8
EXTENT = 4 * MIB

LABEL = rok_disk.pvcreate(LVM, NEW, UID, SECONDS)
EXTEND = rok_disk.vgextend(LVM, GROUP, NEW, SECONDS)
RESIZE = ("resize2fs", VOLUME)


@pytest.fixture(scope="module")
def scene(line: Line) -> Iterator[Scene]:
    """Give the pod, and who may run what in it."""
    with opened(line.cluster) as found:
        yield found


@pytest.fixture
def node(scene: Scene, tmp_path: Path) -> Iterator[lvm.Lvm]:
    """Yield the LVM of the node, with rokvg on its own disk and an ext4 in place of rok-fisks."""
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    directory = tmp_path / "lvm"
    directory.mkdir()
    image = loop_disk.make(tmp_path / "ext4.img", 40, ["mkfs.ext4", "-q"])
    with (
        lvm.opened(tools.ensure_lvm(lambda _: None), directory) as found,
        loop_disk.attached(image) as blocks,
    ):
        own = found.disk(64 * MIB)
        found.run("vgcreate", GROUP, own)
        found.run("lvcreate", "-an", "-Zn", "-Wn", "-l", "10", "-n", NAME, GROUP)
        new = found.disk(GIB)
        devices = {OWN: own, NEW: new, VOLUME: blocks.device}
        scene.face.played = RokPod(found, devices, {NEW: SERIAL}).played
        yield found
        scene.face.played = on_this_host


def test_a_disk_is_labelled_and_the_group_extended_by_exec_in_metadata_only(
    scene: Scene, node: lvm.Lvm
) -> None:
    """Every reading and every act of LVM's through the policy; each act twice does it once."""
    before = scene.disks()
    new = rok_disk.disk(before.devices, SERIAL, 1)
    assert isinstance(new, BlockDevice)
    assert new.path == NEW
    assert before.signatures == {NEW: ()}
    assert before.file_system == "ext4"
    assert rok_disk.used(new, before.signatures[NEW], before.labelled) is None
    (volume,) = before.volumes
    assert volume.extents == 10

    for _ in range(2):
        scene.run(LABEL)
    label = rok_disk.ours(scene.disks().labelled, UID)
    assert label is not None
    assert (label.device, label.group) == (NEW, "")
    scene.run(EXTEND)
    with pytest.raises(errors.Conflict, match=r"ended with 5: .*already in volume group"):
        scene.run(EXTEND)
    to = grown_to(10, GIB, EXTENT)
    grow = rok_disk.lvextend(LVM, GROUP, NAME, to, NEW, SECONDS)
    scene.run(grow)
    with pytest.raises(errors.Conflict, match="ended with"):
        scene.run(grow)

    after = scene.disks()
    label = rok_disk.ours(after.labelled, UID)
    assert label is not None
    extents = extents_of(GIB, EXTENT)
    assert (label.group, label.extents, label.used_extents) == (GROUP, extents, extents)
    (group,) = after.groups
    assert (group.disks, group.free_extents) == (2, 5)
    (volume,) = after.volumes
    assert volume.extents == to == 10 + extents
    assert after.signatures == {}
    assert node.run("vgs", "--noheadings", "-o", "pv_count", GROUP).strip() == "2"


def test_an_ext4_on_a_loop_device_is_grown_by_exec(
    scene: Scene, node: lvm.Lvm, tmp_path: Path
) -> None:
    """By the very command; not mounted, for not every kernel lets us grow a mounted one."""
    del node
    image = tmp_path / "ext4.img"
    (device,) = loop_disk.run(
        "losetup", "--associated", str(image), "--output", "NAME", "-n"
    ).split()
    with image.open("r+b") as file:
        file.truncate(160 * MIB)
    loop_disk.run("losetup", "--set-capacity", device)
    for again in ("once", "twice"):
        loop_disk.run("e2fsck", "-fp", device)  # asked for before it is grown off-line
        scene.run(RESIZE)
        with loop_disk.LoopDisk(device).mounted(tmp_path / again) as point:
            found = os.statvfs(point)
            assert found.f_blocks * found.f_frsize > 120 * MIB


def test_every_other_form_that_may_be_asked_for_reaches_the_pod(
    scene: Scene, node: lvm.Lvm
) -> None:
    """By serial, and the tool of the other file system, which this pod does not have."""
    del node
    with pytest.raises(errors.NotFound, match="executable file not found"):
        scene.run(("xfs_growfs", "/mnt/data"))
    by_id = rok_disk.by_id("vol022f9cef32682337f")
    with pytest.raises(errors.Conflict, match=r"ended with 1: .*No such file"):
        scene.run(disk_commands.wipefs(by_id))


REFUSED: tuple[Argv, ...] = (
    ("sh", "-c", "id"),
    ("sh", "-c", " ".join(EXTEND)),
    (*disk_commands.within(8), "sh", "-c", "id"),
    ("cat", "/etc/shadow"),
    ("wipefs", "--all", NEW),
    (*disk_commands.within(15), "lvm", "vgremove", "-f", GROUP),
    (*LABEL[:-1], "--yes"),
    ("resize2fs", "-f", VOLUME),
    ("resize2fs", VOLUME, "1G"),
    rok_disk.vgextend(LVM, "theirs", NEW, SECONDS),
    rok_disk.vgextend(LVM, GROUP, NEW, 600),
    rok_disk.lvextend(LVM, GROUP, "other", 42, NEW, SECONDS),
    rok_disk.lvextend(LVM, "theirs", NAME, 42, NEW, SECONDS),
    rok_disk.pvcreate(LVM, "/dev/disk/by-label/rok", UID, SECONDS),
    rok_disk.vgextend(LVM, GROUP, f"{NEW}p1", SECONDS),
    disk_commands.wipefs("/dev/disk/by-label/rok"),
    disk_commands.blkid("/dev/sda1"),
    disk_commands.lvs(LVM, "theirs"),
    (*EXTEND[:-2], f"{GROUP} {NEW}"),
    (*EXTEND, ""),
    ("resize2fs", f"{VOLUME}\n"),
)


def test_any_other_command_is_refused_with_its_sentence(scene: Scene) -> None:
    """Nothing comes to the pod; the sentence shows what was to be run."""
    scene.face.ran.clear()
    for argv in REFUSED:
        said = scene.refusal(argv)
        assert "this is none of the commands of the remediator" in said
        assert "\n" in argv[-1] or " ".join(argv).strip() in said
    assert scene.face.ran == []


def test_another_namespace_or_container_is_refused_though_a_role_allows_it(scene: Scene) -> None:
    """With the very same command; and whoever would read what we type is told nothing."""
    scene.face.ran.clear()
    assert f"in namespace {SPACE} only" in scene.refusal(RESIZE, namespace=ELSEWHERE)
    assert f"in container {MANAGER} only" in scene.refusal(RESIZE, container="side")
    words = [("command", word) for word in RESIZE]
    for open_end in ("stdin", "tty"):
        asked = urlencode([("container", MANAGER), (open_end, "true"), *words])
        where = f"/api/v1/namespaces/{SPACE}/pods/{POD}/exec?{asked}"
        with pytest.raises(errors.Forbidden, match="are given nothing to read"):
            scene.asked(lambda api, _, where=where: api.send("POST", where))  # type: ignore[misc]
    assert scene.face.ran == []


def test_for_everybody_else_nothing_changes(scene: Scene) -> None:
    """Another account that may run commands there runs what it likes."""
    scene.face.ran.clear()
    scene.run(("sh", "-c", "exit 0"), who=(SPACE, "somebody"))
    assert [one.arguments for one in scene.face.ran] == [("sh", "-c", "exit 0")]


def test_check_access_finds_the_component_complete(scene: Scene) -> None:
    """It asks about commands in that namespace only; in all of them would be too much."""
    asked = ("check-access", "--as", "system:serviceaccount:pvmedic:pvmedic-remediator")
    done = Administrator(scene.ground.cluster).types(*asked, "--rok", SPACE)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = Administrator(scene.ground.cluster).types(*asked, "--rok", "rok-system")
    assert "MISSING  create pods/exec in namespace rok-system" in done.stdout


def test_a_node_s_pods_and_their_budgets_are_read_and_evictions_are_the_servers_to_refuse(
    scene: Scene,
) -> None:
    """With the shipped rights: a budget of an empty selector is over every pod there."""
    budget = {"minAvailable": 2, "selector": {}}
    meta = {"name": "all", "namespace": SPACE}
    made = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta}
    scene.ground.apply(json.dumps({**made, "spec": budget}))

    async def read(api: Api, shell: Callable[[str], Shell]) -> Drain:
        del shell
        (found,) = await DrainReader(api).ask(Want(Kind.DRAIN, name=NODE), Objects())
        assert isinstance(found, Drain)
        return found

    def counted() -> bool:
        return [one.allowed for one in scene.asked(read).budgets] == [0]

    scene.ground.wait("the budget counted", counted)
    found = scene.asked(read)
    (one,) = (each for each in found.pods if (each.namespace, each.name) == (SPACE, POD))
    assert (one.phase, one.owner, one.budgets) == ("Running", "", ("all",))
    assert [each.namespace for each in found.pods if each.budgets] == [SPACE]
    assert found.budgets == (Budget(SPACE, "all", 0, healthy=1, wanted=2),)

    async def evict(api: Api, shell: Callable[[str], Shell]) -> None:
        del shell
        words = {"metadata": {"name": POD, "namespace": SPACE}}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", **words}
        where = f"/api/v1/namespaces/{SPACE}/pods/{POD}/eviction"
        write = KubeWrite("POST", where, eviction, "application/json")
        await KubernetesActuator(api).send(write)

    with pytest.raises(errors.Throttled, match="disruption budget"):
        scene.asked(evict)
    scene.ground.kubectl("delete", "poddisruptionbudget", "all")
