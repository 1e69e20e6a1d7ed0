"""Writes to the terminal, or plain lines where there is none. Decides nothing."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from demo.timeline import Line, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.status import Status

PLAIN_WIDTH = 120  # of tables where nobody says how wide the screen is
CLOCK, WHAT = 9, 52  # columns
STYLES = {
    Mark.TOLD: "bold",
    Mark.BAD: "red",
    Mark.SEEN: "yellow",
    Mark.OURS: "cyan",
    Mark.GOOD: "green",
    Mark.PLAIN: "default",
}


class Screen:
    """One console; `zero` is the time at which the present scene began."""

    def __init__(self, console: Console | None = None) -> None:
        """Use standard output unless told otherwise."""
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console = console or Console(highlight=False, width=PLAIN_WIDTH, soft_wrap=True)
        self.zero = time.time()
        self._status: Status | None = None

    @classmethod
    def silent(cls) -> Screen:
        """Return a screen that nobody sees, for measuring."""
        return cls(Console(file=io.StringIO(), highlight=False))

    def say(self, text: str = "", style: str = "") -> None:
        """Write a paragraph."""
        self.console.print(Text(text, style=style), soft_wrap=not self.console.is_terminal)

    def title(self, text: str) -> None:
        """Begin a part."""
        self.console.print()
        self.console.print(Rule(Text(text, style="bold"), align="left", style="dim"))

    def show(self, what: RenderableType) -> None:
        """Write a table or the like."""
        self.console.print(what)

    def begin(self, zero: float | None = None) -> None:
        """Start the clock of a scene, now or at `zero`."""
        self.zero = time.time() if zero is None else zero

    def tell(self, mark: Mark, what: str, evidence: str = "") -> None:
        """Write a line of the timeline that happens now."""
        self.line(Line(time.time(), mark, what, evidence))

    def line(self, line: Line) -> None:
        """Write a line of the timeline: clock, what, evidence; below where it is too long."""
        clock = f"{max(line.at - self.zero, 0.0):{CLOCK - 3}.1f} s "
        head = Text(clock, style="dim").append(line.what, style=STYLES[line.mark])
        beside = Text(line.evidence, style="dim")
        fits = len(line.what) < WHAT and CLOCK + WHAT + len(line.evidence) <= self.console.width
        if fits or not line.evidence:
            head.pad_right(max(CLOCK + WHAT - len(head), 0))
            head.append_text(beside)
            head.rstrip()
            self.console.print(head)
            return
        self.console.print(head)
        if self.console.is_terminal:
            self.console.print(Padding(beside, (0, 0, 0, CLOCK + 2)))
        else:
            self.console.print(Text(" " * (CLOCK + 2)).append_text(beside), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Keep one moving line at the bottom of a terminal; nothing elsewhere."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status("", spinner="dots") as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def now(self, text: str) -> None:
        """Say what goes on, in the moving line."""
        if self._status is not None:
            self._status.update(Text(text, style="dim"))
