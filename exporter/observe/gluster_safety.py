"""Whether a node's Gluster may be taken away: every volume of its pool would stay writable.

Decided over the facts of all nodes, for the metric and for whoever is about to touch a node. What
is not seen makes its neighbours unsafe; the facts of a node that was asked in vain are not there.
Each node's word counts for its own bricks only. Nothing is changed and nothing is foretold here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec

from exporter.observe import gluster_quorum, model
from exporter.observe.gluster_quorum import Loss
from exporter.observe.model import Kind
from exporter.observe.view import View, Want


class SafetyReason(StrEnum):
    """Why a node may not be taken away; of several, the first in this order is told."""

    GLUSTERD_DOWN = "GlusterdDown"
    PEER_DOWN = "PeerDown"
    PEER_FLAPPING = "PeerFlapping"
    BRICK_DOWN = "BrickDown"
    HEAL_PENDING = "HealPending"
    SPACE_LOW = "SpaceLow"
    UNSEEN = "Unseen"
    ONLY_COPY = "OnlyCopy"
    QUORUM_AT_RISK = "QuorumAtRisk"
    OTHER = "Other"
    SAFE = "Safe"


class Safety(msgspec.Struct, frozen=True):
    """Whether one node's Gluster may be taken away, and the sentence why not."""

    reason: SafetyReason
    sentence: str

    @property
    def safe(self) -> bool:
        """Whether nothing speaks against it."""
        return self.reason is SafetyReason.SAFE


Objections: TypeAlias = dict[SafetyReason, str]
"""One sentence for each reason: the first that was found."""

NEEDS = frozenset({Kind.GLUSTERD, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE})
"""Without these nothing is safe."""

KINDS = NEEDS | {Kind.GLUSTER_LOG}
"""What it is decided from."""

WANTS = tuple(Want(kind) for kind in sorted(KINDS))
"""The same for a fresh look: of all nodes, since which ones make a pool is only known from them."""

_RANK = {reason: rank for rank, reason in enumerate(SafetyReason)}


def safety(node: str, view: View) -> Safety:
    """Return whether this node's Gluster may be taken away."""
    found = safeties(view).get(node)
    return found or Safety(SafetyReason.UNSEEN, f"nothing is seen of Gluster on node {node}")


def safeties(view: View) -> dict[str, Safety]:
    """Return it for every node of which a glusterd is known, up or down."""
    found: dict[str, Safety] = {}
    up: dict[str, list[model.Glusterd]] = defaultdict(list)
    for glusterd in sorted(view.glusterds(), key=lambda one: one.name):
        if glusterd.answers and glusterd.uuid:
            up[glusterd.uuid].append(glusterd)
        else:
            said = f"the glusterd of node {glusterd.name} does not answer"
            found[glusterd.name] = Safety(SafetyReason.GLUSTERD_DOWN, said)
    pools = [_Pool(members) for members in _pools(up)]
    of_node = {one.name: pool for pool in pools for one in pool.members.values()}
    for volume in view.gluster_volumes():
        pool = of_node.get(volume.node)
        if pool is not None:
            pool.words[volume.name].append(volume)
    for pool in pools:
        pool.look(view)
        if pool.empty and len(found) + len(of_node) > 1:
            pool.doubt()
    for pool in pools:
        found.update(pool.verdicts())
    return found


def _pools(up: Mapping[str, list[model.Glusterd]]) -> Iterator[dict[str, list[model.Glusterd]]]:
    """Group glusterds, by uuid, that one another's lists of peers lead to."""
    linked: dict[str, set[str]] = defaultdict(set)
    for uuid, ones in up.items():
        for peer in (peer for one in ones for peer in one.peers):
            linked[uuid].add(peer.uuid)
            linked[peer.uuid].add(uuid)
    left = dict(up)
    while left:
        reached, ahead = set[str](), [next(iter(left))]
        while ahead:
            uuid = ahead.pop()
            if uuid and uuid not in reached:
                reached.add(uuid)
                ahead.extend(linked[uuid])
        yield {uuid: left.pop(uuid) for uuid in sorted(reached & left.keys())}


class _Pool:
    """One trusted pool: its members that answer, and what speaks against taking one away."""

    def __init__(self, members: Mapping[str, list[model.Glusterd]]) -> None:
        self.members = {uuid: ones[0] for uuid, ones in members.items()}
        self.words: dict[str, list[model.GlusterVolume]] = defaultdict(list)
        self._uuids = {one.name: uuid for uuid, ones in members.items() for one in ones}
        self._all: Objections = {}
        self._of: dict[str, Objections] = defaultdict(dict)
        self._down: dict[str, str] = {}
        self._copies = {uuid: ones for uuid, ones in members.items() if len(ones) > 1}

    @property
    def empty(self) -> bool:
        """Whether it is one glusterd that knows nobody and nothing."""
        alone = [one for one in self.members.values() if not one.peers and not one.volumes]
        return len(self._uuids) == len(alone) and not self.words

    def doubt(self) -> None:
        """Object to a glusterd that knows nothing: so is one whose root was full.

        It has lost its files and made itself a new uuid; its bricks may run on for the others.
        """
        names = ", ".join(self._uuids)
        said = (
            f"the glusterd of node {names} knows no peer and no volume: is it new, or has it lost"
        )
        self._object(SafetyReason.UNSEEN, f"{said} its files?")

    def verdicts(self) -> Iterator[tuple[str, Safety]]:
        """Return the verdict on each node."""
        for node, uuid in self._uuids.items():
            found = self._all | self._of[uuid]
            # Whose brick is down alone takes nothing away that is not gone already.
            elsewhere = next((said for owner, said in self._down.items() if owner != uuid), "")
            if elsewhere:
                found[SafetyReason.BRICK_DOWN] = elsewhere
            if found:
                reason = min(found, key=_RANK.__getitem__)
                yield node, Safety(reason, found[reason])
            else:
                said = "every volume stays writable without it"
                yield node, Safety(SafetyReason.SAFE, said)

    def look(self, view: View) -> None:
        """Collect what speaks against it."""
        for kind in sorted(NEEDS & view.unseen.keys()):
            self._object(SafetyReason.UNSEEN, f"{kind} are not seen: {view.unseen[kind]}")
        for uuid, ones in self._copies.items():
            names = ", ".join(one.name for one in ones)
            self._object(SafetyReason.UNSEEN, f"nodes {names} all say that they are {uuid}")
        for glusterd in self.members.values():
            self._of_peers(glusterd)
            self._of_log(glusterd, view.gluster_log(glusterd.name))
            self._of_space(glusterd.name, view.gluster_space(glusterd.name))
        self._of_number()
        for name, words in self.words.items():
            self._of_volume(name, words)

    def _object(self, reason: SafetyReason, said: str, to: Iterable[str] | None = None) -> None:
        if to is None:
            self._all.setdefault(reason, said)
        else:
            for uuid in to:
                self._of[uuid].setdefault(reason, said)

    def _of_peers(self, glusterd: model.Glusterd) -> None:
        name = glusterd.name
        if glusterd.reason:
            said = f"the glusterd of node {name} is not well: {glusterd.reason}"
            self._object(SafetyReason.GLUSTERD_DOWN, said)
        for peer in glusterd.peers:
            if not peer.well:
                said = f"node {name} does not have peer {peer.name} in its cluster"
                self._object(SafetyReason.PEER_DOWN, said)
            if peer.uuid not in self.members:
                said = f"nothing is seen of {peer.name}, a peer of node {name}"
                self._object(SafetyReason.UNSEEN, said)
        known = {peer.uuid for peer in glusterd.peers}
        for uuid, other in self.members.items():
            if uuid != glusterd.uuid and uuid not in known:
                said = f"node {name} does not know node {other.name} as a peer"
                self._object(SafetyReason.PEER_DOWN, said)

    def _of_log(self, glusterd: model.Glusterd, log: model.GlusterLog | None) -> None:
        """Object to whoever is not part of it: those two may be all that is left."""
        for gone in log.disconnects if log is not None else ():
            if gone.flaps and gone.uuid in self.members:
                said = f"node {glusterd.name} loses {gone.hostname or gone.uuid} again and again"
                rest = self.members.keys() - {glusterd.uuid, gone.uuid}
                self._object(SafetyReason.PEER_FLAPPING, said, rest)

    def _of_space(self, node: str, space: model.GlusterSpace | None) -> None:
        if space is None:
            self._object(SafetyReason.UNSEEN, f"the file systems of node {node} are not seen")
            return
        for one in space.spaces:
            if one.full:
                self._object(SafetyReason.SPACE_LOW, f"{one.path} of node {node} is full")

    def _of_number(self) -> None:
        """Object to a pool of which not all volumes are seen."""
        seen = Counter(word.node for words in self.words.values() for word in words)
        for glusterd in self.members.values():
            known = glusterd.volumes
            if known is None and not self.words:
                self._object(SafetyReason.UNSEEN, f"no volume of node {glusterd.name} is seen")
            elif known is not None and seen[glusterd.name] < known:
                said = f"{seen[glusterd.name]} of {known} volumes of node {glusterd.name} are seen"
                self._object(SafetyReason.UNSEEN, said)

    def _of_volume(self, name: str, words: list[model.GlusterVolume]) -> None:
        volume = words[0]
        if len(words) < len(self._uuids):
            silent = self._uuids.keys() - {word.node for word in words}
            said = f"node {min(silent)} says nothing of volume {name}"
            self._object(SafetyReason.UNSEEN, said)
        layout = _layout(volume)
        if any(_layout(word) != layout for word in words[1:]):
            self._object(SafetyReason.OTHER, f"the nodes do not agree about volume {name}")
            return
        if not volume.started:
            return
        needed = gluster_quorum.servers_needed(volume, len(self.members))
        if needed is not None and len(self.members) - 1 < needed:
            said = f"volume {name} needs {needed} of {len(self.members)} glusterds"
            self._object(SafetyReason.QUORUM_AT_RISK, said)
        if any(word.quorum == model.QUORUM_NOT_MET for word in words):
            self._object(SafetyReason.QUORUM_AT_RISK, f"volume {name} has no server quorum now")
        own = self._own_words(name, words)
        if own is not None:
            self._of_bricks(volume, own)

    def _own_words(
        self, name: str, words: list[model.GlusterVolume]
    ) -> list[tuple[str, model.Brick]] | None:
        """Return each brick as its own node knows it, with the node's uuid."""
        found: list[tuple[str, model.Brick] | None] = [None] * len(words[0].bricks)
        for word in words:
            uuid = self._uuids[word.node]
            for place, brick in enumerate(word.bricks):
                if brick.local:
                    if found[place] is not None:
                        said = f"two nodes say that {brick.name} of volume {name} is theirs"
                        self._object(SafetyReason.UNSEEN, said)
                        return None
                    found[place] = (uuid, brick)
        own = [one for one in found if one is not None]
        if len(own) == len(found):
            return own
        brick = words[0].bricks[found.index(None)]
        said = f"no node says that {brick.name} of volume {name} is its own"
        self._object(SafetyReason.UNSEEN, said)
        return None

    def _of_bricks(self, volume: model.GlusterVolume, own: list[tuple[str, model.Brick]]) -> None:
        owners = {uuid for uuid, _ in own}
        copies = volume.disperse or volume.replica > 1
        for uuid, brick in own:
            if brick.online is False:
                said = f"{brick.name} of volume {volume.name} is not online"
                self._down.setdefault(uuid, said)
            elif brick.online is None:
                said = f"whether {brick.name} of volume {volume.name} is online is not known"
                self._object(SafetyReason.UNSEEN, said)
            if brick.heal_pending:
                said = f"{brick.name} of volume {volume.name} has something to heal"
                self._object(SafetyReason.HEAL_PENDING, said, owners)
            elif brick.heal_pending is None and copies:
                said = f"whether {brick.name} of volume {volume.name} is healed is not known"
                self._object(SafetyReason.UNSEEN, said, owners)
        for owner in owners:
            there = [uuid != owner and brick.online is not False for uuid, brick in own]
            lost = gluster_quorum.loss(volume, there)
            if lost is not Loss.NOTHING:
                reason, what = _LOST[lost]
                self._object(reason, f"without it volume {volume.name} {what}", (owner,))


_LOST = {
    Loss.DATA: (SafetyReason.ONLY_COPY, "has no data left"),
    Loss.WRITING: (SafetyReason.QUORUM_AT_RISK, "has too few bricks to be written to"),
    Loss.UNKNOWN: (SafetyReason.OTHER, "has lost nobody knows what: its layout is not known here"),
}


def _layout(volume: model.GlusterVolume) -> tuple[object, ...]:
    """Return what all nodes of a pool must agree on."""
    return (
        volume.id,
        volume.kind,
        volume.started,
        [(brick.host, brick.path) for brick in volume.bricks],
        (volume.replica, volume.arbiter, volume.disperse, volume.redundancy),
        volume.options,
    )
