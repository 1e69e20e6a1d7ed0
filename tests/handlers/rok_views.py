"""Views of one node of Rok's with its cloud, for tests of single steps. Nothing here decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Drain, Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import cloud
from remediator.rok_extension import GIB
from remediator.steps.base import Observation, Step
from tests.story import objects as made
from tests.story.objects import NOW
from tests.story.rok_cluster import BUDGETS, NODE, OWNER, PODS, UID, scene
from tests.story.rok_node import INSTANCE, REGION, Disk, RokNode, label_of

NODE_UID = f"uid-{NODE}"
ON_NODE = (NODE, NODE_UID, OWNER)
"""Target, uid and owner of a step at the node."""
ON_MACHINE = (INSTANCE, INSTANCE, OWNER, NODE, REGION)
"""The same at its machine, with the node and the region."""
NEW = "/dev/nvme2n1"
"""Our disk as the node sees it."""
TAGS = cloud.tags(UID, NODE, "prod")
Row = tuple[Step, Callable[[], View], str, str]
"""A step, what makes the View, its progress, and words of its sentence."""


def with_disk(**fields: object) -> RokNode:
    """Return a node with our disk, attached long ago unless said otherwise."""
    there = RokNode()
    disk = Disk("vol-0new", 1118, dict(TAGS), attached=0.0, device="/dev/xvddz")
    for name, value in fields.items():
        setattr(disk, name, value)
    there.disks["vol-0new"] = disk
    return there


def labelled(*, member: bool = False, extents: int | None = None, grown: bool = False) -> RokNode:
    """Return a node on which our disk carries our label, and is in the group or not."""
    there = with_disk()
    there.labels[NEW] = label_of(UID)
    if member:
        there.members.append(NEW)
    if extents is not None:
        there.extents = extents
    there.grown = grown
    return there


def view_of(
    rok: RokNode | None = None,
    *changed: Object,
    without: Iterable[str] = (),
    unseen: Mapping[Kind, str] | None = None,
    asked: bool = True,
) -> View:
    """Return a View of the scene with its cloud.

    without: names of objects that are not there. asked: whether cloud and node were asked.
    """
    there = rok if rok is not None else RokNode()
    beside: list[Object] = [
        there.machine(NOW, NODE),
        there.repair(NOW, UID),
        there.node_disks(NOW, NODE),
        Drain(NODE, PODS, BUDGETS),
    ]
    named = [one for one in scene() if one.name not in without or isinstance(one, model.RokSpace)]
    space = next(one for one in named if isinstance(one, model.RokSpace))
    sized = msgspec.structs.replace(space, size=there.space_bytes() if there.grown else 164 * GIB)
    objects = [*named, sized, *(beside if asked else ()), *changed]
    return View(Objects(objects), NOW, unseen)


def node(**fields: object) -> model.Node:
    """Return the node, otherwise."""
    return msgspec.structs.replace(made.node(NODE), **fields)


def another() -> model.Node:
    """Return another node of its name."""
    return made.node(NODE, uid="uid-another")


def each_seen(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """Ask of each row how far its step is."""
    return pytest.mark.parametrize(
        ("step", "make", "progress", "words"),
        rows,
        ids=[f"{number} {type(row[0]).__name__} {row[2]}" for number, row in enumerate(rows)],
    )


def seen(step: Step, view: View) -> tuple[str, str]:
    """Return what a step says of a View: progress and sentence."""
    found: Observation = step.observe(view)
    return str(found.progress), found.sentence
