"""A node's glusterd as its files and its command line: real commands, run by the real shell.

`gluster` is a program of the stage's own that does what a test writes for it, and writes down what
it was asked. The host's root is a directory, with a /proc in which one process lives or not.
"""

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

from exporter.kit.values import Duration
from exporter.observe import gluster
from exporter.observe.gluster import GlusterSettings
from exporter.observe.model import Glusterd, GlusterVolume
from exporter.observe.shell.host import Host
from tests.observe.gluster_made import UUIDS, state_file

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
DOWN = "echo 'Connection failed. Please check if gluster daemon is operational.'; exit 1"
XML = '<?xml version="1.0" encoding="UTF-8"?><cliOutput><opRet>0</opRet>{}</cliOutput>'
POOL = XML.format(
    f"<peerStatus><peer><uuid>{UUIDS[1]}</uuid><hostname>b</hostname><connected>1</connected>"
    f"<stateStr>Peer in Cluster</stateStr></peer><peer><uuid>{UUIDS[0]}</uuid>"
    "<hostname>localhost</hostname><connected>1</connected></peer></peerStatus>"
)
VOLUMES = XML.format(
    "<volInfo><volumes><volume><name>v</name><id>i</id><status>1</status><brickCount>1</brickCount>"
    "<replicaCount>1</replicaCount><typeStr>Distribute</typeStr><bricks><brick>"
    f"<name>a:{{bricks}}/v</name><hostUuid>{UUIDS[0]}</hostUuid></brick></bricks></volume>"
    "</volumes></volInfo>"
)


class Stage:
    """One node below `root`."""

    def __init__(self, root: Path, seconds: float = 5.0) -> None:
        self.root = root
        self.asked = root / "asked"
        self.time = 1000.0
        self.settings = GlusterSettings(
            # The command runs on this host and we read below the root: both are one directory.
            state_directory=root / "run",
            timeout=Duration(seconds),
        )
        for directory in ("run", "bin", "proc/1", "var/lib/glusterd", "bricks"):
            (root / directory).mkdir(parents=True)
        self.info = root / "var/lib/glusterd/glusterd.info"
        self.info.write_text(f"UUID={UUIDS[0]}\noperating-version=40100\n")
        self.state = root / "run" / "pvmedic-glusterd-state"
        self.lives(41)
        self.writes(state_file(["v", "w"]))
        self.shell = Host(environment={"PATH": f"{root}/bin:{PATH}", "LC_ALL": "C"})
        self.glusterd, self.volumes, self.space = self.sources()

    def sources(
        self, *, inside: bool = False
    ) -> tuple[gluster.GlusterdSource, gluster.VolumeSource, gluster.SpaceSource]:
        """Return new sources, as after a restart of ours."""
        return gluster.sources(
            "n1",
            self.shell,
            self.settings,
            inside=inside,
            root=self.root,
            wall=lambda: self.time,
        )

    def answers(self, get_state: str, pool: str = POOL, volumes: str = VOLUMES) -> None:
        """Let `gluster` do this when it is asked for the state, and print that otherwise."""
        volumes = volumes.replace("{bricks}", "/bricks")
        program = self.root / "bin" / "gluster"
        program.write_text(
            f"""#!/bin/sh
echo "$*" >>{self.asked}
case "$*" in
*get-state*) {get_state};;
*pool*) echo {shlex.quote(pool)};;
*info*) echo {shlex.quote(volumes)};;
--version) echo 'glusterfs 10.3'; echo 'and more';;
*) exit 99;;
esac
"""
        )
        program.chmod(0o755)

    def writes(self, body: bytes) -> None:
        """Let glusterd write such a state, and say that it has."""
        (self.root / "body").write_bytes(body)
        self.answers(f"cp {self.root}/body {self.state} && echo glusterd state dumped to there")

    def lives(self, pid: int, started: int = 700, name: str = "glusterd") -> None:
        """Let its process live."""
        (self.root / "run" / "glusterd.pid").write_text(f"{pid}\n")
        process = self.root / "proc" / str(pid)
        process.mkdir(exist_ok=True)
        fields = " ".join(["0"] * 18)
        (process / "stat").write_text(f"{pid} ({name}) S {fields} {started} 0 0\n")

    def dies(self, pid: int = 41) -> None:
        """End its process; the pid file stays behind."""
        (self.root / "proc" / str(pid) / "stat").unlink()

    def index(self, brick: str, pending: Sequence[str] = (), dirty: Sequence[str] = ()) -> None:
        """Give a brick a heal index, with the base files that GlusterFS makes."""
        for kind, names in (("xattrop", pending), ("dirty", dirty)):
            directory = self.root / "bricks" / brick / ".glusterfs/indices" / kind
            directory.mkdir(parents=True)
            base = directory / f"{kind}-6f8a"
            base.touch()
            for name in names:
                (directory / name).hardlink_to(base)

    def look(self) -> Glusterd:
        """Return the glusterd as it is seen now."""
        (found,) = asyncio.run(self.glusterd.look())
        return found

    def look_at_volumes(self) -> Sequence[GlusterVolume]:
        """Return the volumes as they are seen now."""
        return asyncio.run(self.volumes.look())

    def commands(self) -> list[str]:
        """Return what `gluster` was asked so far."""
        return self.asked.read_text().splitlines() if self.asked.exists() else []
