"""GlusterFS of one node, without a single lock of its cluster: glusterd, volumes, space.

What may be asked is in `asking`, and nowhere else. Logs are not read here.
"""

import time
from collections.abc import Callable
from pathlib import Path

from exporter.observe.gluster.asking import Asking
from exporter.observe.gluster.files import Here, Inside
from exporter.observe.gluster.looks import GlusterdSource, Looks, VolumeSource
from exporter.observe.gluster.settings import GlusterSettings
from exporter.observe.gluster.space import SpaceSource
from exporter.observe.shell import Shell


def sources(
    node: str,
    shell: Shell,
    settings: GlusterSettings,
    *,
    inside: bool = False,
    root: Path = Path("/"),
    wall: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
) -> tuple[GlusterdSource, VolumeSource, SpaceSource]:
    """Return the sources of a node. `shell` reaches its glusterd.

    `inside`: that is a container with its own mounts. `root` is where the host's root is seen.
    """
    asking = Asking(shell, settings.state_directory, settings.timeout, steady)
    here = Here(settings, root)
    files = Inside(asking, settings, here) if inside else here
    looks = Looks(node, asking, files, settings, wall)
    # With a Here of its own: it looks at the same time, and neither is to find the other at work.
    space_here = Here(settings, root)
    space = SpaceSource(node, space_here, settings, lambda: looks.bricks, inside=inside)
    return GlusterdSource(looks), VolumeSource(looks), space


__all__ = ["GlusterSettings", "GlusterdSource", "SpaceSource", "VolumeSource", "sources"]
