"""Scene `heketi`: a Heketi with thousands of forgotten volumes dies; what waits for it waits.

Heketi is real, and so is its database; there is no Gluster behind it. Kubernetes has not had its
provisioner since 1.26: that one is played, with real calls of the real API.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import crafted
from demo.acts import Act, Figure, Play, Sight
from local import heketi
from local.csi_objects import volume_name
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.ground import Ground
    from local.heketi import Heketi

VOLUMES, CLAIMS = 5_500, 100
NODES = ("gluster-1", "gluster-2", "gluster-3")
PROVISIONER = "kubernetes.io/glusterfs"
OLD, NEW = "old-wiki", "new-wiki"
POOL = heketi.identity("pool")
LOST, STRAY = "volume-5000", "a create that failed half-way"
SHOWN = 4
CRAFTED = (
    "Real: Heketi 9.0 with its API, its tokens and its database (5,500 volumes from an import), API"
    " server, binder. Crafted here, because it cannot be had: the provisioner (in Kubernetes until"
    " 1.25), and everything of Gluster's: Heketi's executor is `mock`, and the list of volumes that"
    " `orphans` compares is a file made for this scene."
)


def settings(directory: Path) -> dict[str, Any]:
    """Return what an exporter of this scene has in its section `heketi`: quick looks, the key."""
    key = directory / "heketi" / "admin.key"
    return {"admin_key_file": str(key), "every": "1s", "dump_every": "3s", "timeout": "5s"}


def play(ground: Ground, real: Heketi) -> Play:
    """Return the scene; the Heketi is not running yet."""
    # Its alert takes an hour, a minute here, and Heketi is dead before that.
    orphans = Sight(
        "gluster_volumes_orphaned", {"pool": POOL, "reason": "HeketiWithoutPv"}, alerts=False
    )

    def forgotten(number: int) -> Figure:
        labels = {"pool": POOL, "kind": "heketi_without_pv"}
        return Figure("pvmedic_gluster_orphaned_volumes", labels, number)

    def waits(what: str) -> Figure:
        return Figure("pvmedic_heketi_waiting", {"what": what}, 1)

    died = Sight("heketi_down", {"reason": "Refused"})
    return Play(
        "Scene heketi: a Heketi dies, and it holds volumes that nobody remembers",
        f"Heketi knows {VOLUMES:,} volumes, Kubernetes {CLAIMS} of them: the pool of seed 003.",
        CRAFTED,
        (
            Act(
                f"Heketi has {VOLUMES:,} volumes, of which {CLAIMS} have PersistentVolumes",
                "real: Heketi; crafted: StorageClass, PersistentVolumes",
                lambda: _begin(ground, real),
                (orphans,),
                (forgotten(VOLUMES - CLAIMS),),
                shows=lambda: _listed(ground, real),
            ),
            Act("Heketi dies", "real: SIGKILL", real.kill, (died,), gone=(orphans,)),
            Act(
                f"claim {NEW} wants a volume; claim {OLD} is deleted, and its volume should be",
                "real: the binder; nobody can reach Heketi",
                lambda: _wait_for_it(ground),
                figures=(waits("claims"), waits("volumes")),
            ),
        ),
        (
            Act("Heketi is back", "real: on its old database", real.start, gone=(died,)),
            Act(
                f"claim {NEW} gets its volume, and the volume of {OLD} is deleted",
                "played: the provisioner, with Heketi's real API",
                lambda: _provision(ground, real),
            ),
            Act(
                f"a person has signed a list, and {VOLUMES - CLAIMS:,} volumes are deleted",
                "crafted: Heketi is started with a database without them",
                lambda: _clean(ground, real),
                figures=(forgotten(0),),
                gone=(orphans,),
            ),
        ),
    )


def _class(space: str) -> str:
    return f"gluster-{space}"


def _names() -> list[str]:
    return [f"volume-{number}" for number in range(VOLUMES)]


def _claimed(space: str, name: str, path: str, uid: str = "") -> str:
    source = {"glusterfs": {"endpoints": "glusterfs", "path": path}}
    volume = volume_name(space, name)
    return crafted.volume(
        space, volume, name, _class(space), source, mode="ReadWriteMany", policy="Delete", uid=uid
    )


def _claim(space: str, name: str, *, bound: bool = True) -> str:
    volume = volume_name(space, name) if bound else ""
    return crafted.claim(space, name, _class(space), mode="ReadWriteMany", volume=volume)


def _begin(ground: Ground, real: Heketi) -> None:
    space = ground.space
    real.load(heketi.dump(NODES, _names()))
    real.start()
    old = real.create()
    ground.apply(
        crafted.thing(
            "StorageClass",
            space,
            _class(space),
            provisioner=PROVISIONER,
            parameters={"resturl": real.url, "restuser": "admin"},
            volumeBindingMode="Immediate",
        ),
        _claimed(space, OLD, old["name"]),
        _claim(space, OLD),
    )
    paths = {
        f"data-{n}": f"vol_{heketi.identity(name)}" for n, name in enumerate(_names()[:CLAIMS])
    }
    ground.apply(*(_claimed(space, name, path) for name, path in paths.items()))
    ground.until_phase("PersistentVolumeClaim", OLD, "Bound")


def _wait_for_it(ground: Ground) -> None:
    ground.apply(_claim(ground.space, NEW, bound=False))
    ground.delete("pvc", OLD)


def _provision(ground: Ground, real: Heketi) -> None:
    space, gone = ground.space, volume_name(ground.space, OLD)
    path = ground.get("PersistentVolume", gone)["spec"]["glusterfs"]["path"]
    real.delete(str(path).removeprefix("vol_"))
    ground.delete("pv", gone)
    uid = str(ground.get("PersistentVolumeClaim", NEW)["metadata"]["uid"])
    ground.apply(_claimed(space, NEW, real.create()["name"], uid))
    ground.until_phase("PersistentVolumeClaim", NEW, "Bound")


def _clean(ground: Ground, real: Heketi) -> None:
    """Start Heketi with a database of only those volumes that have a PersistentVolume."""
    listed = ground.cluster.get("/api/v1/persistentvolumes") or {"items": []}
    sources = (item["spec"].get("glusterfs") or {} for item in listed["items"])
    wanted = {source.get("path") for source in sources}
    dump = real.call("GET", "/db/dump")
    kept = {
        key: entry
        for key, entry in dump["volumeentries"].items()
        if entry["Info"]["name"] in wanted
    }
    dump["volumeentries"] = kept
    dump["clusterentries"][POOL]["Info"]["volumes"] = sorted(kept)
    real.kill()
    real.load(dump)
    real.start()


def _listed(ground: Ground, real: Heketi) -> Sequence[str]:
    """Return what `pvmedic-exporter orphans` says: its first lines and its last."""
    names = {
        entry["Info"]["name"] for entry in real.call("GET", "/db/dump")["volumeentries"].values()
    }
    names -= {f"vol_{heketi.identity(LOST)}"}
    names |= {f"vol_{heketi.identity(STRAY)}"}
    path = real.key_file.with_name("gluster-volume-list")
    path.write_text("".join(f"{name}\n" for name in sorted(names)))
    command = ["-m", "exporter", "orphans", "--volumes", str(path)]
    done = subprocess.run(
        [sys.executable, *command, "--kubeconfig", str(ground.cluster.kubeconfig)],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PVMEDIC_HEKETI_ADMIN_KEY_FILE": str(real.key_file)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 1:
        message = f"`orphans` ends with {done.returncode}: {done.stderr or done.stdout}"
        raise LocalClusterError(message)
    lines = done.stdout.splitlines()
    rows = [line for line in lines if "_without_" in line]
    rare = [line for line in rows if not line.startswith("heketi_without_pv")]
    shown = rare + [line for line in rows if line not in rare][:SHOWN]
    rest = [line for line in lines if "_without_" not in line]
    return [
        f"$ pvmedic-exporter orphans --volumes {path.name}",
        *rest[:2],
        *shown,
        f"... {len(rows) - len(shown):,} more",
        *rest[2:],
        f"exit status {done.returncode}",
    ]
