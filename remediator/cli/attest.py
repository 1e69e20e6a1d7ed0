"""attest NODE off: a NodeAttestation in the person's own name. Edge."""

import msgspec

from exporter.kit.terminal import columns
from exporter.observe import errors
from exporter.observe.kube.api import Api
from exporter.observe.model import Kind, Node
from remediator.cli import attestation, cluster, show
from remediator.cli.said import DONE, Said, said


class Word(msgspec.Struct, frozen=True):
    """What is attested. `expires` in seconds from now; `uid` where the Node object is gone."""

    node: str
    expires: float
    note: str = ""
    uid: str = ""
    attester: str = ""


async def attest(api: Api, word: Word, now: float) -> Said:
    """Say that a node has no power; raises ObserveError."""
    uid = word.uid or await _uid(api, word.node)
    by = word.attester or await cluster.whoami(api)
    body = attestation.encode(word.node, uid, by, now + word.expires, word.note)
    made = attestation.decode(await api.send("POST", attestation.PATH, body))
    return said(DONE, f"{made.name}: {show.attestation(made, now)}.", made)


async def listed(api: Api, now: float, width: int) -> Said:
    """Return all attestations, newest first; raises ObserveError."""
    found = await cluster.attestations(api)
    if not found:
        return said(DONE, "Nobody has attested anything.", [])
    rows = [("NAME", "WHAT"), *((one.name, show.attestation(one, now)) for one in found)]
    return said(DONE, columns(rows, width), found)


async def _uid(api: Api, name: str) -> str:
    try:
        found = await api.get(Kind.NODE, "", name)
    except errors.NotFound as error:
        raise errors.NotFound(
            f"there is no node {name}; if its object is gone, give the uid that it had with --uid"
        ) from error
    if not isinstance(found, Node):
        raise errors.Garbage(f"{name} is no node")
    return found.uid
