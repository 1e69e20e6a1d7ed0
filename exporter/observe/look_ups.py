"""How a View finds an object: by its name, by an index, or by its kind. No I/O, no clock.

What is found, and what it is called, is said in `repair_reads` and `view`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from exporter.observe.model import Kind
from exporter.observe.objects import Objects

T = TypeVar("T")


class LookUps:
    """Reads over Objects. `unseen` maps a kind that could not be observed to the sentence why."""

    def __init__(
        self, objects: Objects, taken: float, unseen: Mapping[Kind, str] | None = None
    ) -> None:
        """Wrap objects observed at `taken`."""
        self._objects = objects
        self.taken = taken
        self.unseen: Mapping[Kind, str] = unseen or {}

    def _get(self, wanted: type[T], kind: Kind, namespace: str, name: str) -> T | None:
        found = self._objects.get(kind, namespace, name)
        return found if isinstance(found, wanted) else None

    def _indexed(self, wanted: type[T], index: str, namespace: str, name: str) -> list[T]:
        found = self._objects.indexed(index, namespace, name)
        return [obj for obj in found if isinstance(obj, wanted)]

    def _of(self, wanted: type[T], kind: Kind) -> Iterator[T]:
        return (obj for obj in self._objects.of(kind) if isinstance(obj, wanted))

    def sees(self, kind: Kind) -> bool:
        """Whether this kind could be observed; an empty kind that was seen is empty."""
        return kind not in self.unseen
