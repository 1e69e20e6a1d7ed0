"""Which brick a subject means: for every failure that is one brick's.

Only the node that a brick lies on knows how it is, so a brick is judged by that node's word alone.
"""

from collections.abc import Iterable, Iterator

from exporter.observe.model import Brick, GlusterVolume, Object, Subject
from exporter.observe.view import View


def subject_of(volume: str, brick: str) -> Subject:
    """Return the subject for a volume's brick, `host:/path`."""
    return Subject((("volume", volume), ("brick", brick)))


def own(volume: GlusterVolume) -> list[Brick]:
    """Return the bricks of a volume that should run on the node that tells of it."""
    return [one for one in volume.bricks if one.local] if volume.started else []


def told_of(versions: Iterable[Object]) -> Iterator[Subject]:
    """Name the bricks that these versions of a volume speak of."""
    for obj in versions:
        if isinstance(obj, GlusterVolume):
            yield from (subject_of(obj.name, one.name) for one in obj.bricks if one.local)


def meant(subject: Subject, view: View) -> Iterator[tuple[GlusterVolume, Brick]]:
    """Return the brick with the volume as its node knows it: normally one."""
    for volume in view.gluster_named(subject["volume"]):
        yield from ((volume, one) for one in own(volume) if one.name == subject["brick"])
