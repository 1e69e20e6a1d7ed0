"""Texts for a person at a terminal: ages, columns, and nothing that commands the terminal. Pure."""

from collections.abc import Iterator, Sequence


def harmless(text: str) -> str:
    """Return a text that commands no terminal and adds no line: anybody may write an Event."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cut(text: str, width: int) -> str:
    """Return a text in one line of at most `width` letters, harmless."""
    text = harmless(text)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def age(seconds: float | None) -> str:
    """Return an age as kubectl writes it: the two largest units, `?` where it is not known."""
    if seconds is None:
        return "?"
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number}{unit}")
    return "".join(parts[:2])


def columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield rows as lines; the first one is the heading, the last column takes what is left."""
    clean = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in clean) for column in range(len(clean[0]) - 1)]
    for row in clean:
        cells = [text.ljust(size) for text, size in zip(row, widths, strict=False)]
        yield cut("   ".join([*cells, row[-1]]).rstrip(), width)
