"""Looks at the glusterd of this node: whether it is well, and what it knows of its pool.

One look for two sources, because they fail apart: a glusterd that does not answer is itself well
seen, and its volumes are not. What it is asked is in `asking`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from exporter.observe import errors
from exporter.observe.gluster.asking import Answer, Asking, Refused
from exporter.observe.gluster.files import Files, Process
from exporter.observe.gluster.lives import Lives
from exporter.observe.gluster.settings import GlusterSettings
from exporter.observe.model import Brick, Glusterd, GlusterdProblem, GlusterVolume, Kind

log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True):
    """What one look has told. `why`: the sentence for which there are no volumes."""

    glusterd: Glusterd
    volumes: tuple[GlusterVolume, ...] | None
    why: str = ""


class Looks:
    """Looks at one glusterd; who asks while a look is under way gets that one."""

    def __init__(
        self,
        node: str,
        asking: Asking,
        files: Files,
        settings: GlusterSettings,
        wall: Callable[[], float],
    ) -> None:
        self.node = node
        self.settings = settings
        self.bricks: tuple[Brick, ...] = ()
        self._asking = asking
        self._files = files
        self._wall = wall
        self._lives = Lives()
        self._release, self._release_of = "", ""
        self._said = ""
        self._under_way: asyncio.Task[Seen | None] | None = None

    async def now(self) -> Seen | None:
        """Look; None: there is no glusterd on this node. Raises ObserveError."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look())
        return await asyncio.shield(self._under_way)

    async def _look(self) -> Seen | None:
        info = await self._files.info()
        if info is None:
            self.bricks = ()
            return None
        process = await self._files.process()
        restarting = self._lives.process(process, self._wall())
        answer = await self._asking.everything(self.node, info)
        self._tell(answer)
        if isinstance(answer, Refused):
            problem = _why(answer.problem, process, restarting=restarting)
            return Seen(self._glusterd(process, problem), None, answer.why)
        if process.identity != self._release_of or not self._release:
            self._release = await self._asking.release()
            self._release_of = process.identity
        lacking = GlusterdProblem.STATE_UNWRITABLE if answer.lacking else None
        troubled = GlusterdProblem.RESTARTING if restarting else lacking
        glusterd = self._glusterd(process, troubled, answer)
        volumes = await self._measured(answer.volumes)
        self.bricks = tuple(one for volume in volumes for one in volume.bricks if one.local)
        return Seen(glusterd, volumes)

    def _glusterd(
        self, process: Process, problem: GlusterdProblem | None, answer: Answer | None = None
    ) -> Glusterd:
        since = self._lives.failing_since(
            answers=answer is not None, problem=problem, now=self._wall()
        )
        if answer is None:
            return Glusterd(
                self.node,
                answers=False,
                reason=problem or "",
                failing_since=since,
                alive=process.alive,
                release=self._release,
            )
        return Glusterd(
            self.node,
            answers=True,
            reason=problem or "",
            failing_since=since,
            alive=True,
            uuid=answer.uuid,
            release=self._release,
            op_version=answer.op_version,
            peers=answer.peers,
            volumes=len(answer.volumes),
        )

    async def _measured(self, volumes: Sequence[GlusterVolume]) -> tuple[GlusterVolume, ...]:
        """Add to the node's own bricks what glusterd does not say of them."""
        own = [one for volume in volumes for one in volume.bricks if one.local]
        heals = await self._files.heals([one.path for one in own])
        sizes = await self._files.sizes([one.path for one in own if one.size is None])

        def measured(brick: Brick) -> Brick:
            heal, size = heals.get(brick.path), sizes.get(brick.path)
            if not brick.local or (heal is None and size is None):
                return brick
            return msgspec.structs.replace(
                brick,
                heal_pending=heal.pending if heal is not None else None,
                heal_dirty=heal.dirty if heal is not None else None,
                size=size.size if size is not None else brick.size,
                free=size.free if size is not None else brick.free,
            )

        return tuple(
            msgspec.structs.replace(one, bricks=tuple(map(measured, one.bricks))) for one in volumes
        )

    def _tell(self, answer: Answer | Refused) -> None:
        """Log what is new."""
        sentence = answer.why if isinstance(answer, Refused) else answer.lacking
        if sentence and sentence != self._said:
            what = "does not answer" if isinstance(answer, Refused) else "is asked in parts"
            log.warning("the glusterd of node %s %s: %s", self.node, what, sentence)
        self._said = sentence


class GlusterdSource:
    """The glusterd itself; see sources.Source."""

    name = "glusterd"
    kinds = frozenset({Kind.GLUSTERD})

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self.every: float = looks.settings.every

    async def look(self) -> Sequence[Glusterd]:
        """Return it, whether it answers or not; nothing where there is none."""
        seen = await self._looks.now()
        return () if seen is None else (seen.glusterd,)


class VolumeSource:
    """The volumes that it knows; see sources.Source."""

    name = "glustervolumes"
    kinds = frozenset({Kind.GLUSTER_VOLUME})

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self.every: float = looks.settings.every

    async def look(self) -> Sequence[GlusterVolume]:
        """Return them; Unreachable while nobody tells of them."""
        seen = await self._looks.now()
        if seen is None:
            return ()
        if seen.volumes is None:
            raise errors.Unreachable(f"volumes of node {self._looks.node}: {seen.why}")
        return seen.volumes


def _why(problem: GlusterdProblem, process: Process, *, restarting: bool) -> GlusterdProblem:
    """Return what to call it, with what is seen of the process."""
    if restarting:
        return GlusterdProblem.RESTARTING
    if problem is GlusterdProblem.NOT_ANSWERING and process.alive is False:
        return GlusterdProblem.NOT_RUNNING
    return problem
