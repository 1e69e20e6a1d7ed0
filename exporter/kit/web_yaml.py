"""YAML as Prometheus' own programs read it, for the one file whose format is theirs.

The settings reader is stricter about types than Go's, where `X-XSS-Protection: 0` is text, an empty
value is none, and `on` is true. A file must mean the same to both, so nodes are read by the type
that is wanted. Which keys there are is not known here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from exporter.kit.settings import Problem, SettingsError

Value = object
Read = Callable[[yaml.Node], Value]

_NULL = "tag:yaml.org,2002:null"
_BOOLEANS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"), True),
    **dict.fromkeys(("on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
}
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "\u00b5s": 1e-6,
    "\u03bcs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_SPAN = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_SPANS = re.compile(rf"[-+]?(?:{_SPAN.pattern})+")


class Wrong(Exception):
    """A value cannot be read; the problem is noted."""


class Reader:
    """Reads nodes and notes every problem. `section` begins at the whole file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def root(self, text: str) -> yaml.Node | None:
        """Return the first document, as Go's reader does; None when there is none."""
        loader = yaml.SafeLoader(text)
        try:
            return loader.get_node() if loader.check_node() else None
        except yaml.YAMLError as error:
            # Without the error as its cause: that quotes the file, and keys and hashes with it.
            raise self.fail("", f"is not YAML: {_said(error)}") from None

    def fail(self, path: str, sentence: str) -> SettingsError:
        """Return an error of all problems, with this one last."""
        self.note(path, sentence)
        return SettingsError(tuple(self.problems))

    def note(self, path: str, sentence: str) -> Wrong:
        """Note one problem."""
        self.problems.append(Problem(str(self.file), path, sentence))
        return Wrong()

    def section(
        self, node: yaml.Node | None, path: str, known: Mapping[str, Read]
    ) -> dict[str, Value]:
        """Read a section of known keys; what is null or cannot be read is left out."""
        found: dict[str, Value] = {}
        for key, value in self._pairs(node, path):
            if key not in known:
                names = ", ".join(sorted(known))
                self.note(_join(path, key), f"is not known; known here: {names}")
            elif not _empty(value):
                try:
                    found[key] = known[key](value)
                except Wrong:
                    continue
        return found

    def texts(self, path: str) -> Read:
        """Return a reader of names with texts."""

        def read(node: yaml.Node) -> dict[str, str]:
            return {
                key: "" if _empty(value) else str(self.text(_join(path, key))(value))
                for key, value in self._pairs(node, path)
            }

        return read

    def text(self, path: str) -> Read:
        """Return a reader of a text; numbers and booleans are texts as well."""

        def read(node: yaml.Node) -> str:
            if not isinstance(node, yaml.ScalarNode):
                raise self.note(path, "must be a text")
            return str(node.value)

        return read

    def flag(self, path: str) -> Read:
        """Return a reader of true or false."""

        def read(node: yaml.Node) -> bool:
            if _plain(node) not in _BOOLEANS:
                raise self.note(path, "must be true or false")
            return _BOOLEANS[_plain(node)]

        return read

    def whole(self, path: str) -> Read:
        """Return a reader of a whole number; a fraction is cut off."""

        def read(node: yaml.Node) -> int:
            text = _plain(node)
            if not re.fullmatch(r"[-+]?[0-9]{1,18}(\.[0-9]*)?", text):
                raise self.note(path, "must be a whole number")
            return int(text.partition(".")[0])

        return read

    def seconds(self, path: str) -> Read:
        """Return a reader of a duration as Go writes it; a bare number is nanoseconds there."""

        def read(node: yaml.Node) -> float:
            if re.fullmatch(r"[-+]?[0-9]{1,18}", _plain(node)):
                return int(_plain(node)) * 1e-9
            text = str(self.text(path)(node))
            if not _SPANS.fullmatch(text):
                raise self.note(path, "must be a duration, as in 1s or 250ms")
            sign = -1.0 if text.startswith("-") else 1.0
            return sign * sum(
                float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text)
            )

        return read

    def list_of(self, path: str, one: Callable[[str], Read]) -> Read:
        """Return a reader of a list; `one` returns the reader of an item at a path."""

        def read(node: yaml.Node) -> tuple[Value, ...]:
            if not isinstance(node, yaml.SequenceNode):
                raise self.note(path, "must be a list")
            items = enumerate(node.value)
            return tuple(one(f"{path}[{index}]")(item) for index, item in items)

        return read

    def choice(self, path: str, known: Mapping[str, object]) -> Read:
        """Return a reader of one of some texts."""

        def read(node: yaml.Node) -> str:
            text = str(self.text(path)(node))
            if text not in known:
                raise self.note(path, f"must be one of {', '.join(known)}, not {text!r}")
            return text

        return read

    def _pairs(self, node: yaml.Node | None, path: str) -> Iterator[tuple[str, yaml.Node]]:
        if node is None or _empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self.note(path, "must be a section of keys")
            return
        # Resolves `<<`, on the node itself; it needs nothing of a loader.
        yaml.SafeLoader("").flatten_mapping(node)
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name in seen:
                self.note(_join(path, name), "is there twice")
                continue
            seen.add(name)
            yield name, value


def _said(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, and nothing of what stands there."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "it cannot be read"
    return f"line {mark.line + 1}, column {mark.column + 1}: {said}" if mark is not None else said


def _plain(node: yaml.Node) -> str:
    """Return what a scalar without quotes says; nothing for any other node."""
    unquoted = isinstance(node, yaml.ScalarNode) and node.style is None
    return str(node.value) if unquoted else ""


def _empty(node: yaml.Node) -> bool:
    return bool(node.tag == _NULL)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
