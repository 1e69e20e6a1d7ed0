"""The intake's Episodes in memory: it yields while it writes, so that others come in between.

It decides nothing; whose record it is stands in the name.
"""

import asyncio

from exporter.observe.errors import Conflict, ObserveError
from exporter.observe.model import Subject
from remediator.record import Record, Spec, name_of
from tests.story.objects import NOW


class Book:
    """Episodes in memory that yield to others while they write, as a real store does."""

    def __init__(self, *records: Record) -> None:
        """Start with some records."""
        self.kept: dict[str, Record] = {}
        self._about: dict[tuple[str, Subject], list[str]] = {}
        for one in records:
            self._keep(one)
        self.created: list[str] = []
        self.fails: ObserveError | None = None

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode."""
        names = self._about.get((signal, subject), ())
        same = (self.kept[name] for name in names)
        return max(same, key=lambda one: one.spec.episode, default=None)

    async def create(self, spec: Spec) -> Record:
        """Create it, unless somebody else did while we waited."""
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        name = name_of(spec.signal, Subject(tuple(spec.subject.items())), spec.episode)
        if name in self.kept:
            raise Conflict(name)
        self.created.append(name)
        return self._keep(Record(name, f"uid-{name}", "1", NOW, spec))

    def _keep(self, record: Record) -> Record:
        self.kept[record.name] = record
        self._about.setdefault((record.spec.signal, record.subject), []).append(record.name)
        return record
