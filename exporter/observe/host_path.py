"""Where a path of the host's lies for us, who see its root directory below another one.

Links are followed as the host follows them: one that begins with a slash begins at the host's root,
and not at ours. Without that, a log directory that somebody moved and linked would look like none.
What is read there is not known here. It blocks as file systems do: call it in a thread.
"""

from pathlib import Path

MOST_LINKS = 40
"""As many as the kernel follows."""


def below(root: Path, path: Path) -> Path:
    """Return the path below `root`; what is not there, or goes in circles, is left as it is."""
    plain = root / str(path).lstrip("/")
    if root == Path("/"):
        return plain
    ahead = _parts(str(path))
    found: list[str] = []
    links = 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            found = found[:-1]
            continue
        try:
            to = str(root.joinpath(*found, part).readlink())
        except OSError:
            found.append(part)
            continue
        links += 1
        if links > MOST_LINKS:
            return plain
        found = [] if to.startswith("/") else found
        ahead += _parts(to)
    return root.joinpath(*found)


def _parts(path: str) -> list[str]:
    """Return the names of a path, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]
