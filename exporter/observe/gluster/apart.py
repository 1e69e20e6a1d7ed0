"""Many questions to file systems of which one may hang, asked one after the other in one thread.

What hangs is left behind with its thread, and is not asked again before that one has ended. So few
threads hang at most.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from exporter.observe import errors
from exporter.observe.bounded import Bounded

T = TypeVar("T")

MOST_HUNG = 4


class Apart:
    """Asks about names; `what` about, in a word."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._hung: dict[str, threading.Thread] = {}

    async def each(
        self, ask: Callable[[str], T | None], names: Iterable[str], seconds: float
    ) -> dict[str, T]:
        """Return what is said of each name, in so many seconds for all of them.

        Left out is of what None is said, what hangs, and what came too late.
        """
        self._hung = {name: one for name, one in self._hung.items() if one.is_alive()}
        wanted = [name for name in names if name not in self._hung]
        if not wanted or len(self._hung) >= MOST_HUNG:
            return {}
        found: dict[str, T] = {}
        at: list[tuple[str, threading.Thread]] = []
        over = threading.Event()

        def walk() -> None:
            for name in wanted:
                if over.is_set():
                    return
                at[:] = [(name, threading.current_thread())]
                said = ask(name)
                if said is not None:
                    found[name] = said

        try:
            await Bounded(walk, self._what).ask(seconds)
        except errors.Unreachable:
            self._hung.update(at)
        finally:
            over.set()
        return dict(found)
