"""The role `orphans`: list the volumes that Gluster, Heketi and Kubernetes disagree about, and end.

It changes nothing, and nothing that it prints is a permission to delete. Gluster's list is what the
nodes tell, or a file that a person made on one of them.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from exporter import orphans_report as report
from exporter.observe import errors, gluster_orphans, model
from exporter.observe.gluster_orphans import Difference, Missing
from exporter.observe.heketi import Heketis, HeketiSettings
from exporter.observe.kube.access import Access
from exporter.observe.kube.api import Api, Listing
from exporter.observe.look import Fresh
from exporter.observe.model import Kind, Object
from exporter.observe.node_pods import FactsSettings, Reader
from exporter.observe.objects import Objects
from exporter.observe.parse import gluster_state
from exporter.observe.view import View
from exporter.once import HEALTHY, UNSEEN, WRONG, Output

NONE = "No volumes present"
"""How `gluster volume list` says that there are none."""
GLUSTERS = frozenset({Kind.GLUSTERD, Kind.GLUSTER_VOLUME})


class Asked(msgspec.Struct, frozen=True):
    """What to look at beside the API server. `states` and `volumes` are files of Gluster's list."""

    heketi: HeketiSettings
    facts: FactsSettings
    states: tuple[Path, ...] = ()
    volumes: tuple[Path, ...] = ()


async def run(access: Access, asked: Asked, output: Output) -> int:
    """Look, print, return the exit status. Raises ObserveError where a file cannot be read."""
    began = time.time()
    objects = Objects(_by_hand(asked))
    unseen: dict[Kind, str] = {}
    async with Api(access) as api:
        for kind in (Kind.VOLUME, Kind.STORAGE_CLASS):
            try:
                _put(objects, _whole(await api.list(kind)))
            except errors.ObserveError as error:
                unseen[kind] = str(error)
        if asked.facts.service:
            async with Reader(api, access, asked.facts) as nodes:
                fresh = await _nodes(nodes)
            _put(objects, fresh.objects)
            unseen |= {kind: why for kind, why in fresh.unseen.items() if kind in GLUSTERS}
    if Kind.STORAGE_CLASS not in unseen:
        heketis = Heketis(asked.heketi, lambda: View(objects, began, unseen), time.time)
        _put(objects, await heketis.look())
    view = View(objects, began, unseen)
    found = [gluster_orphans.difference(pool, view) for pool in gluster_orphans.pools(view)]
    said = {str(kind): why for kind, why in unseen.items()} | dict(_blind(view))
    if output is Output.JSON:
        print(report.as_json(found, said, began))  # noqa: T201 -- what was asked for
    else:
        for line in report.as_table(found, said, began):
            print(line)  # noqa: T201 -- same
    return status(found, said)


async def _nodes(nodes: Reader) -> Fresh:
    try:
        return await nodes.fresh("", GLUSTERS)
    except errors.ObserveError as error:
        return Fresh((), dict.fromkeys(GLUSTERS, str(error)))


def _whole(listing: Listing) -> Sequence[Object]:
    """Return all of a list: a volume that cannot be read would be missed."""
    for one in listing.unreadable:
        raise errors.Garbage(f"cannot read {one.name or 'one of the list'}: {one.error}")
    return listing.objects


def status(found: Sequence[Difference], unseen: object) -> int:
    """Return the exit status: what is orphaned weighs more than what could not be seen."""
    if any(one.orphans for one in found):
        return WRONG
    whole = found and all(one.judged >= _all_of(one) for one in found)
    return HEALTHY if whole and not unseen else UNSEEN


def _all_of(found: Difference) -> frozenset[Missing]:
    every = frozenset(Missing)
    return every - {Missing.HEKETI_WITHOUT_PV} if found.lists.shared else every


def _blind(view: View) -> Iterator[tuple[str, str]]:
    """Say of each Heketi why its list was not seen, and of each glusterd."""
    for heketi in view.heketis():
        if not heketi.up:
            yield (heketi.name, f"does not answer: {heketi.reason}")
        elif not heketi.listed:
            yield (heketi.name, f"does not show its database: {heketi.blind}")
    for glusterd in view.glusterds():
        if not glusterd.answers:
            yield (f"glusterd of {glusterd.name}", f"does not answer: {glusterd.reason}")


def _put(objects: Objects, found: Sequence[Object]) -> None:
    for obj in found:
        objects.put(obj)


def _by_hand(asked: Asked) -> Iterator[Object]:
    """Yield what files say: state files of glusterds, and names of volumes."""
    for path in asked.states:
        state = gluster_state.state(_bytes(path), path.name)
        if isinstance(state, str):
            raise errors.Garbage(f"{path}: {state}")
        yield model.Glusterd(
            path.name,
            answers=True,
            uuid=state.uuid,
            op_version=state.op_version,
            peers=state.peers,
            volumes=len(state.volumes),
        )
        yield from state.volumes
    for path in asked.volumes:
        names = sorted(set(_names(path)))
        # Whose list this is nobody says: it is compared with the pool that knows its volumes.
        yield model.Glusterd(path.name, answers=True, uuid=path.name, volumes=len(names))
        for name in names:
            yield model.GlusterVolume(path.name, name, "", "", started=True, bricks=())


def _names(path: Path) -> Iterator[str]:
    for line in _bytes(path).decode(errors="replace").splitlines():
        name = line.strip()
        if name and not name.startswith(NONE):
            yield name


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.NotFound(f"{path} cannot be read: {error.strerror}") from error
