"""Orphaned volumes of each pool, as a table for a person and as JSON for a script. Pure.

Each volume comes with what proves it: which list has it, which has not, and which was not seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from exporter.kit.terminal import harmless
from exporter.observe import model
from exporter.observe.gluster_orphans import Difference, Lists, Orphan
from exporter.observe.signals.gluster_volumes_orphaned import seen

UNKNOWN = "?"
GIB = 2**30
HEAD = ("KIND", "VOLUME", "SIZE", "GLUSTER", "HEKETI", "KUBERNETES", "HEKETI ID", "CLAIM")
ONE_LOOK = (
    "This is one look: a volume that came or went within the hour may be among these. What holds"
    " for an hour is an alert, and even then: look again right before anything is deleted."
)


def as_json(found: Sequence[Difference], unseen: Mapping[str, str], taken: float) -> str:
    """Return all of it as JSON: `pools` with their `orphans`, `unseen`, and when it was `taken`."""
    pools = [
        {
            "pool": one.pool.name,
            "seen": list(_seen(one)),
            "judged": sorted(one.judged),
            "orphans": [_told(orphan, one.lists) for orphan in one.orphans],
        }
        for one in found
    ]
    result = {"taken": model.rfc3339(taken), "pools": pools, "unseen": dict(unseen)}
    return msgspec.json.format(msgspec.json.encode(result)).decode()


def as_table(found: Sequence[Difference], unseen: Mapping[str, str], taken: float) -> Iterator[str]:
    """Yield the lines for a person: each pool, what is orphaned in it, and what proves that."""
    for one in found:
        yield f"POOL  {harmless(one.pool.name)}"
        if one.orphans:
            yield from _rows([HEAD, *(_row(orphan, one.lists) for orphan in one.orphans)])
        elif one.judged:
            yield "Each volume is in every list that was seen."
        for sentence in _seen(one):
            yield f"      {harmless(sentence)}"
    if any(one.orphans for one in found):
        yield ONE_LOOK
    if not found:
        yield "No pool was seen: neither a Heketi showed its database nor Gluster's list was given."
    for what, why in unseen.items():
        yield harmless(f"UNSEEN  {what}: {why}")
    yield f"looked at {model.rfc3339(taken)}"


def _seen(found: Difference) -> Iterator[str]:
    yield from seen(found)
    if found.lists.looked is not None:
        yield f"Heketi's database is that of {model.rfc3339(found.lists.looked)}"


def _where(name: str, lists: Lists) -> tuple[bool | None, bool | None, bool | None]:
    """Return whether Gluster, Heketi and Kubernetes have it; None: their list was not seen."""
    told = name in lists.gluster if lists.gluster is not None else None
    if lists.gluster is not None and not told and name in lists.some:
        told = None
    known = name in lists.heketi if lists.heketi is not None else None
    return (told, known, name in lists.claimed)


def _told(orphan: Orphan, lists: Lists) -> Mapping[str, object]:
    gluster, heketi, kubernetes = _where(orphan.name, lists)
    return {
        "kind": orphan.missing.value,
        "volume": orphan.name,
        "bytes": orphan.size,
        "in_gluster": gluster,
        "in_heketi": heketi,
        "in_kubernetes": kubernetes,
        "heketi_id": orphan.id,
        "persistentvolume": orphan.volume,
        "claim": orphan.claim,
    }


def _row(orphan: Orphan, lists: Lists) -> tuple[str, ...]:
    words = {True: "yes", False: "no", None: UNKNOWN}
    size = UNKNOWN if orphan.size is None else f"{orphan.size / GIB:.1f}Gi"
    owner = " ".join(part for part in (orphan.volume, orphan.claim) if part)
    where = (words[one] for one in _where(orphan.name, lists))
    return (orphan.missing.value, orphan.name, size, *where, orphan.id or "-", owner or "-")


def _rows(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    clean = [tuple(harmless(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in clean) for column in range(len(HEAD))]
    for row in clean:
        cells = (text.ljust(size) for text, size in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
