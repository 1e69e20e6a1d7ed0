"""Says what a long step does while it runs: one moving line on a terminal, else a line at times.

Nothing here decides or starts anything.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[str], None]

TERMINAL_EVERY = 1.0
LINE_EVERY = 30.0


@contextmanager
def long_step(report: Report, what: str, usually: str) -> Iterator[None]:
    """Report the start of a step, the seconds that pass, and its end or failure.

    `usually` is how long it takes on an ordinary machine, in words. Exceptions pass through.
    """
    report(f"{what} (usually {usually})")
    started = time.monotonic()
    over = threading.Event()
    ticker = threading.Thread(target=_tick, args=(report, what, started, over), daemon=True)
    ticker.start()
    outcome = "failed after"
    try:
        yield
        outcome = "done in"
    finally:
        over.set()
        ticker.join()
        report(f"  {outcome} {time.monotonic() - started:.0f} s")


def _tick(report: Report, what: str, started: float, over: threading.Event) -> None:
    terminal = sys.stderr.isatty()
    while not over.wait(TERMINAL_EVERY if terminal else LINE_EVERY):
        passed = f"  ... {time.monotonic() - started:.0f} s"
        if terminal:
            sys.stderr.write(f"\r{passed}")
            sys.stderr.flush()
        else:
            report(f"{passed}: {what}")
    if terminal:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
