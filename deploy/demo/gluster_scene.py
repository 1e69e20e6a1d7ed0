"""Scene `gluster`: one cable is pulled in a real GlusterFS pool, and one thing leads to another.

Nothing is crafted: glusterd, bricks, locks and heals are real, and so is a root without room.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from demo import node_pods
from demo.acts import Act, Figure, Play, Sight
from local import gluster_node, tools
from local.gluster import GlusterPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.line import Line

GUARDED, OTHER = "rep3", "arb"
"""The volume with a server quorum, and one with an arbiter."""
FILES = 5
LOOKED_AT = {"every": "2s", "timeout": "1500ms"}
REAL = "real: GlusterFS in three network namespaces"
CRAFTED = (
    "Nothing is crafted. Shorter than usual: glusterd notices a pulled cable after 2 s (half a"
    " minute), is asked every 2 s (60 s) and waited for 1.5 s (20 s)."
)


@contextmanager
def opened(line: Line) -> Iterator[Play]:
    """Start a pool whose nodes bear the cluster's names, with an exporter for each.

    The exporters see their nodes as the DaemonSet's pods see theirs: by the host's root.
    """
    cluster, tree = line.cluster, tools.ensure_gluster(print)
    with ExitStack() as stack:
        pool = stack.enter_context(GlusterPool.start(tree, names=cluster.nodes[:3]))
        pool.create(GUARDED, "replica", "3")
        pool.create(OTHER, "replica", "3", "arbiter", "1")
        pool.set(GUARDED, "cluster.server-quorum-type", "server")
        pool.set(GUARDED, "network.ping-timeout", "3")
        urls = {}
        for node in pool.nodes:
            settings = {"host_root": str(node.root), "gluster": LOOKED_AT}
            # Among the node's processes: programs that look for themselves in /proc are there.
            before = ("nsenter", f"--target={node.space.pid}", "--pid", "--")
            told = node_pods.told_of(cluster, node.name, before, **settings)
            urls[f"exporter of {node.name}"] = stack.enter_context(told).url
        line.look_at(urls)
        yield play(pool)


def play(pool: GlusterPool) -> Play:
    """Return the scene on a pool with both volumes."""
    a, b, c = pool.nodes
    seat = {"volume": GUARDED, "brick": f"{c.name}:/bricks/{GUARDED}", "node": c.name}
    good = {"volume": GUARDED, "brick": f"{a.name}:/bricks/{GUARDED}", "node": a.name}
    away = Sight(
        "gluster_peer_flapping", {"node": a.name, "peer": c.name, "reason": "Disconnected"}
    )
    lost = Sight("gluster_quorum_lost", {"volume": GUARDED, "reason": "NotMet"})
    offline = Sight("gluster_brick_offline", {**seat, "reason": "QuorumLost"})
    pending = Sight("gluster_heal_pending", {**good, "reason": "PeerDown"})
    frozen = Sight("glusterd_unresponsive", {"node": b.name, "reason": "Timeout"})
    held = Sight(
        "gluster_lock_errors",
        {"node": a.name, "volume": OTHER, "holder_host": b.name, "reason": "Held"},
        stays=True,  # no line tells of its end: it is over after four minutes without one
    )
    full = Sight("gluster_space_low", {"node": c.name, "reason": "Full"})
    no, yes = (_safe(pool, value) for value in (0, 1))
    return Play(
        "Scene gluster: a pulled cable, a frozen glusterd and a full root",
        f"Volume {GUARDED} has a copy on each of {a.name}, {b.name} and {c.name}.",
        CRAFTED,
        (
            Act("nothing yet: any one node may be taken away", REAL, _nothing, figures=yes),
            Act(
                f"the cable of {c.name} is pulled; from now on no node may be taken away",
                REAL,
                lambda: pool.unplug(c),
                (away, lost, offline),
                no,
            ),
            Act(
                f"a client writes {FILES} files to {GUARDED} all the same",
                REAL,
                lambda: _write(pool),
                (pending,),
            ),
            Act(
                f"the glusterd of {b.name} freezes with the lock of {OTHER}",
                REAL,
                lambda: _freeze(pool),
                (frozen, held),
            ),
            Act(f"logs fill the root of {c.name}", REAL, c.fill_root, (full,)),
        ),
        (
            Act(f"a person makes room on {c.name}", REAL, c.empty_root, gone=(full,)),
            Act(f"the glusterd of {b.name} goes on", REAL, b.thaw, gone=(frozen,)),
            Act(
                f"the cable of {c.name} is put back, and {GUARDED} heals by itself",
                REAL,
                lambda: pool.plug(c),
                figures=yes,
                gone=(away, lost, offline, pending),
            ),
        ),
        once=False,
    )


def _nothing() -> None:
    """Only look."""


def _safe(pool: GlusterPool, value: float) -> tuple[Figure, ...]:
    """Return that each node's Gluster may be taken away, or that none's may."""
    return tuple(
        Figure("pvmedic_gluster_disruption_safe", {"node": node.name}, value) for node in pool.nodes
    )


def _write(pool: GlusterPool) -> None:
    node = pool.nodes[0]
    with node.mounted(GUARDED) as where:
        for number in range(FILES):
            node.run("sh", "-c", f"echo {number} >{where}/file-{number}")


def _freeze(pool: GlusterPool) -> None:
    """Let the second node get its lock from the first and freeze; then the first wants it, too."""
    a, b, _ = pool.nodes
    a.freeze()
    b.hold_lock(OTHER)
    b.freeze()
    a.thaw()
    a.space.attempt(gluster_node.change(OTHER, "6"))
