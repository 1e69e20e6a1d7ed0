"""Which brick a subject means: for every failure that is one brick's.

Only the node that a brick lies on knows how it is, so a brick is judged by that node's word alone.
"""

from collections.abc import Iterator

from exporter.observe.model import Brick, Change, GlusterVolume, Subject
from exporter.observe.view import View


def subject_of(volume: str, brick: str) -> Subject:
    """Return the subject for a volume's brick, `host:/path`."""
    return Subject((("volume", volume), ("brick", brick)))


def own(volume: GlusterVolume) -> list[Brick]:
    """Return the bricks of a volume that should run on the node that tells of it."""
    return [one for one in volume.bricks if one.local] if volume.started else []


def told_of(change: Change) -> Iterator[Subject]:
    """Name the bricks of a node's volume of which a change says something new.

    Sizes change with every look, and say nothing to those who ask here.
    """
    old, new = change.old, change.new
    if (
        isinstance(old, GlusterVolume)
        and isinstance(new, GlusterVolume)
        and _said(old) == _said(new)
    ):
        return
    for obj in (old, new):
        if isinstance(obj, GlusterVolume):
            yield from (subject_of(obj.name, one.name) for one in obj.bricks if one.local)


def _said(volume: GlusterVolume) -> tuple[object, ...]:
    how = [
        (one.name, one.local, one.online, one.heal_pending, one.host_uuid) for one in volume.bricks
    ]
    return (volume.started, volume.kind, volume.quorum, how)


def meant(subject: Subject, view: View) -> Iterator[tuple[GlusterVolume, Brick]]:
    """Return the brick with the volume as its node knows it: normally one."""
    for volume in view.gluster_named(subject["volume"]):
        yield from ((volume, one) for one in own(volume) if one.name == subject["brick"])
