"""Makes whole lines of whatever pieces a file is read in. No file is opened here.

A line that is longer than any sane one is never held in memory: what comes until its end is thrown
away, and it is counted. How the pieces were cut changes nothing.
"""

LONGEST = 256 * 1024
"""Bytes of a line. GlusterFS writes at most some KB."""


class WholeLines:
    """Takes pieces, gives whole lines. `inside`: the first piece begins within a line to skip."""

    def __init__(self, *, inside: bool = False, longest: int = LONGEST) -> None:
        self.too_long = 0
        self._longest = longest
        self._held = b""
        self._inside = inside
        self._counts = False

    @property
    def held(self) -> int:
        """How many bytes of a line without an end are kept."""
        return len(self._held)

    @property
    def inside(self) -> bool:
        """Whether what comes next belongs to a line that is thrown away."""
        return self._inside

    def feed(self, piece: bytes) -> bytes:
        """Return the lines that are whole now, each with its end."""
        if self._inside:
            end = piece.find(b"\n")
            if end < 0:
                return b""
            self._leave()
            piece = piece[end + 1 :]
        first = piece.find(b"\n")
        if first < 0:
            self._hold(piece)
            return b""
        if len(self._held) + first > self._longest:
            self.too_long += 1
            self._held, piece = b"", piece[first + 1 :]
        whole = piece.rfind(b"\n") + 1
        lines = b"".join((self._held, memoryview(piece)[:whole]))
        if len(piece) > self._longest:
            lines = self._without_long(lines)
        self._held = b""
        self._hold(piece[whole:])
        return lines

    def end(self) -> bytes:
        """Return what is left as a line: nothing comes any more."""
        left, self._held = self._held, b""
        if self._inside:
            self._leave()
        return left + b"\n" if left else b""

    def _hold(self, piece: bytes) -> None:
        if len(self._held) + len(piece) <= self._longest:
            self._held += piece
        else:
            self._held, self._inside, self._counts = b"", True, True

    def _leave(self) -> None:
        self.too_long += self._counts
        self._inside = self._counts = False

    def _without_long(self, lines: bytes) -> bytes:
        """Drop what is too long: only a piece that is larger than a line may be has more of it."""
        kept = [line for line in lines.split(b"\n") if len(line) <= self._longest]
        self.too_long += lines.count(b"\n") + 1 - len(kept)
        return b"\n".join(kept)
