"""Reads the few PersistentVolumes that a node's troubled mounts name: get persistentvolumes.

The role on each node watches nothing: five thousand of them would be five thousand lists of all
volumes. A volume keeps its claim, so what was read once stands while its mount is in trouble; one
that cannot be read is asked for again at the next look, and is said without its claim until then.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from exporter.observe import errors
from exporter.observe.model import Kind, Object, Volume

log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long all of them may take: what is wrong on this node must be told without an API server."""
MOST = 100
"""Asked for at one look: a node has not many more volumes."""


class Reads(Protocol):
    """Reads one object: the client of the API server."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Read one object; raises ObserveError, NotFound among them."""
        ...


class Volumes:
    """Knows the volumes that were asked for last."""

    def __init__(self, api: Reads, seconds: float = SECONDS) -> None:
        self._api = api
        self._seconds = seconds
        self._known: dict[str, Volume] = {}
        self._failing = ""

    async def named(self, names: Collection[str]) -> list[Volume]:
        """Return those of these volumes that can be read, and forget all others. Does not raise."""
        self._known = {name: one for name, one in self._known.items() if name in names}
        missing = [name for name in sorted(names) if name not in self._known][:MOST]
        failures: list[str] = []
        reading = [asyncio.create_task(self._read(name, failures)) for name in missing]
        if reading:
            _, late = await asyncio.wait(reading, timeout=self._seconds)
            for one in late:
                one.cancel()
                failures.append(f"no answer about a volume within {self._seconds:.0f} s")
            await asyncio.gather(*late, return_exceptions=True)
        why = failures[0] if failures else ""
        if why and why != self._failing:
            log.warning("a volume's claim stays unknown: %s", why)
        self._failing = why
        return list(self._known.values())

    async def _read(self, name: str, failures: list[str]) -> None:
        try:
            found = await self._api.get(Kind.VOLUME, "", name)
        except errors.NotFound:
            # An in-line volume of a pod has none.
            return
        except errors.ObserveError as error:
            failures.append(str(error))
            return
        if isinstance(found, Volume):
            self._known[name] = found
