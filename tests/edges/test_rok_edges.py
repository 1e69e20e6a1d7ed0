"""What the app makes of its settings for Rok's repair: one cloud, seen and changed; one leader."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.kit.settings import read_text
from exporter.observe import errors
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.kube.api import GET_SECONDS
from exporter.observe.model import Kind, Machine, Object, RepairDisks
from exporter.observe.objects import Objects
from exporter.observe.view import Want
from local.background import Background
from local.cloud import REGION, ZONE, Cloud
from local.ec2_face import PowerChange
from local.processes import Processes
from local.run_directory import RunDirectory
from remediator.actuators.cloud import CloudActuator
from remediator.cloud import (
    AttachDisk,
    CloudCall,
    CreateDisk,
    DeleteDisk,
    DeleteWithMachine,
    DetachDisk,
    ProtectMachine,
    TerminateMachine,
    new_disk,
    tags,
)
from remediator.errors import Deposed
from remediator.leader import DURATION, Leader
from remediator.rok_edges import RokEdges
from remediator.settings import Settings
from tests.edges.test_ec2_disks import LIKE
from tests.intake.test_leader import Leases
from tests.signals import made

DEVICE, UID = "/dev/xvddz", "uid-1"
TAGS = tags(UID, "a", "c")
POD = {
    "metadata": {"name": "rok-disk-manager-x"},
    "spec": {"containers": [{"name": "rok-disk-manager"}]},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}


class Cluster(Leases):
    """An API server with the Lease, and Rok Disk Manager's pod on every node."""

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
        if where.endswith("/pods"):
            return json.dumps({"items": [POD]}).encode()
        words: dict[str, Any] = {"params": params, "timeout": timeout}
        return await super().send(method, where, body, content_type=content_type, **words)


class Bench:
    """The edges of one remediator that has come to lead."""

    def __init__(self, settings: str, directory: Path) -> None:
        self.clock = 0.0
        api = Cluster()
        self.leader = Leader(api, "pvmedic", "us", lambda: self.clock, lambda: 1.8e9 + self.clock)
        (directory / "token").write_text("s3cret")
        (directory / "ca.crt").touch()
        account = ServiceAccount(directory, "http://127.0.0.1:9")
        known = read_text(f"webhook: {{token_file: t}}\n{settings}", "r.yaml", Settings)
        self.edges = RokEdges(api, account, known, self.leader)
        self.asked = self.edges.askers()
        self.cloud = CloudActuator(self.edges.cloud())

    async def see(self, want: Want, *known: Object) -> Sequence[Object]:
        """Ask who is asked for this kind."""
        return await self.asked[want.kind](want, Objects(known))

    async def machine(self, want: Want, *known: Object) -> Machine:
        """Ask for a machine that is there."""
        (found,) = await self.see(want, *known)
        assert isinstance(found, Machine)
        return found

    async def disks(self) -> dict[str, str]:
        """Ask for our disks, and return their states."""
        (found,) = await self.see(Want(Kind.REPAIR_DISKS, REGION, UID))
        assert isinstance(found, RepairDisks)
        return {one.volume_id: one.state for one in found.disks}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run one endpoint; the environment has credentials and does not name it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("runs")))
        directory = RunDirectory.create()
        processes, background = Processes(directory), Background()
        cloud = Cloud(background, processes)

        async def changed(change: PowerChange) -> None:
            del change

        cloud.open(changed)
        for name, value in cloud.environment.items():
            if "ENDPOINT" not in name:
                patch.setenv(name, value)
        yield cloud
        cloud.close()
        background.close()
        processes.end_all()
        directory.close()


def test_what_is_done_by_the_hands_is_seen_by_the_eyes_at_the_endpoints_of_the_settings(
    cloud: Cloud, tmp_path: Path
) -> None:
    """A disk's whole life, call by call as steps say it, each once more to no effect."""
    url = cloud.endpoint_url
    bench = Bench(
        f"fencing: {{ec2_endpoint_url: '{url}'}}\nrok: {{autoscaling_endpoint_url: '{url}'}}\n",
        tmp_path,
    )
    (instance, _) = cloud.run_group("edges", smallest=1, desired=2)
    node = made.node("a", provider_id=f"aws:///{ZONE}/{instance}")
    of_node, itself = Want(Kind.MACHINE, name="a"), Want(Kind.MACHINE, f"{REGION}/{instance}", "a")
    disk = new_disk(UID, node="a", cluster="c", zone=ZONE, gib=9, like=LIKE)

    async def twice(act: CloudCall) -> None:
        for _ in range(2):
            await bench.cloud.call(act)

    async def live() -> None:
        await bench.leader.once()
        assert await bench.disks() == {}
        await twice(CreateDisk(disk, REGION))
        (one,) = await bench.disks()
        assert await bench.disks() == {one: "available"}
        await twice(AttachDisk(one, instance, DEVICE, REGION))
        there = await bench.machine(of_node, node)
        assert (there.region, there.instance_id) == (REGION, instance)
        assert one in [each.volume_id for each in there.disks]
        await twice(DetachDisk(one, instance, TAGS, REGION))
        assert await bench.disks() == {one: "available"}
        await twice(AttachDisk(one, instance, DEVICE, REGION))
        await twice(DeleteWithMachine(one, instance, DEVICE, on=True, region=REGION))
        for on in (True, False):
            await twice(ProtectMachine("edges", instance, on=on, region=REGION))
            group = (await bench.machine(of_node, node)).group
            assert group is not None
            assert group.protected is on
        await twice(TerminateMachine(instance, shrink=True, region=REGION))
        # Its node is gone with it: the machine is asked for by its own name.
        ended = (await bench.machine(itself)).reading
        assert ended is not None
        assert ended.state == "terminated"
        assert await bench.disks() == {}

    asyncio.run(live())
    assert len(cloud.members("edges")) == 1


def test_who_may_lead_no_more_changes_nothing_in_the_cloud(cloud: Cloud, tmp_path: Path) -> None:
    """The Lease is asked right before each call, after the look; to look needs none."""
    bench = Bench(f"fencing: {{ec2_endpoint_url: '{cloud.endpoint_url}'}}\n", tmp_path)
    disk = new_disk("uid-2", node="a", cluster="c", zone=ZONE, gib=9, like=LIKE)
    before = cloud.disks()

    async def run() -> None:
        await bench.leader.once()
        bench.clock += DURATION / 2
        with pytest.raises(Deposed):
            await bench.cloud.call(CreateDisk(disk, REGION))
        assert await bench.disks() == {}
        # Nothing is there to be deleted: that is known by a look alone.
        await bench.cloud.call(DeleteDisk("vol-0123456789abcdef0", TAGS, REGION))

    asyncio.run(run())
    assert cloud.disks() == before


def test_without_a_namespace_no_command_runs_on_any_node(tmp_path: Path) -> None:
    """Neither to ask nor to change; the handler says by which setting."""
    bench = Bench("", tmp_path)
    assert bench.edges.commands() is None
    assert list(asyncio.run(bench.see(Want(Kind.NODE_DISKS, name="a")))) == []


def test_a_command_that_changes_something_is_run_only_while_we_lead(tmp_path: Path) -> None:
    """It is asked after the pod was chosen; a command that asks needs no Lease."""
    bench = Bench("rok: {exec: {namespace: rok-system}}\n", tmp_path)
    commands = bench.edges.commands()
    assert commands is not None
    with pytest.raises(Deposed):
        asyncio.run(commands("a").run(("true",), timeout=10, largest=1))
    with pytest.raises(errors.Unreachable, match="create pods/exec rok-system/rok-disk-manager-x"):
        asyncio.run(bench.see(Want(Kind.NODE_DISKS, name="a")))
