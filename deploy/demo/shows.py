"""Which scenes there are by name, what each needs beside the line, and how it is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import claims, drivers, gluster_scene, heketi, node_pods, rok, rwx
from demo.ground import Ground
from demo.told import ToldNodes
from local import tools
from local.heketi import Heketi

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from demo.acts import Play
    from demo.line import Line
    from local.cluster import LocalCluster
    from local.csi import Csi

SPACE = "shop"


@dataclass(frozen=True)
class Place:
    """Where a scene is set up: what it starts ends with `stack`, tidied up if `tidy`."""

    stack: ExitStack
    cluster: LocalCluster
    csi: Csi | None = None
    space: str = SPACE
    nodes: tuple[str, ...] = ()
    tidy: bool = False
    line: Line | None = None

    def ground(self) -> Ground:
        """Make the namespace."""
        nodes = self.nodes or self.cluster.nodes
        return self.stack.enter_context(Ground(self.cluster, self.space, nodes, tidy=self.tidy))

    def told(self) -> ToldNodes:
        """Begin to play nodes that say what they are told."""
        return self.stack.enter_context(ToldNodes(self.cluster, tidy=self.tidy))

    def parts(self) -> Csi:
        """Return the CSI parts."""
        if self.csi is None:
            raise RuntimeError("this scene needs the CSI parts")
        return self.csi


@dataclass(frozen=True)
class Show:
    """A scene: what it is about, and how it is set up.

    `csi`: it needs the CSI programs. `gluster`: it needs a GlusterFS pool, root and namespaces.
    """

    about: str
    csi: bool
    set_up: Callable[[Place], Play]
    gluster: bool = False


def _claims(place: Place) -> Play:
    return claims.play(place.ground(), place.parts())


def _csi(place: Place) -> Play:
    # What is told last goes first: pods end on nodes that are still there.
    told = place.told()
    return drivers.play(place.ground(), place.parts(), drivers.Places(told, place.space))


def _rwx(place: Place) -> Play:
    told, waiting = place.told(), f"{place.space}-waiting"
    told.add(waiting)
    return rwx.play(place.ground(), told, waiting, place.line)


def _rok(place: Place) -> Play:
    ground, room = place.ground(), rok.room(place.cluster.directory)
    if room is not None:
        told = node_pods.told_of(place.cluster, ground.nodes[0], rok={"path": str(room.path)})
        place.stack.enter_context(told)
    return rok.play(ground, room)


def _heketi(place: Place) -> Play:
    program = tools.ensure_heketi(print)
    real = Heketi(place.cluster.processes, place.cluster.directory, program)
    place.stack.callback(real.kill)
    return heketi.play(place.ground(), real)


def _gluster(place: Place) -> Play:
    if place.line is None:
        raise RuntimeError("this scene needs the line")
    return place.stack.enter_context(gluster_scene.opened(place.line))


SHOWS = {
    "claims": Show(
        about="claims that wait, do not grow, do not go; snapshots; a volume on two nodes",
        csi=True,
        set_up=_claims,
    ),
    "csi": Show(
        about="node plugins that crash, mounts that fail, an operation that hangs",
        csi=True,
        set_up=_csi,
    ),
    "rwx": Show(about="a ReadWriteMany volume of Rok comes back read-only", csi=False, set_up=_rwx),
    "rok": Show(
        about="a node of Rok has no room for its volumes' snapshots", csi=False, set_up=_rok
    ),
    "heketi": Show(
        about="a Heketi with 5,500 volumes for 100 claims dies and comes back",
        csi=False,
        set_up=_heketi,
    ),
    "gluster": Show(
        about="a cable is pulled in a real GlusterFS pool; needs root",
        csi=False,
        set_up=_gluster,
        gluster=True,
    ),
}
