"""Settings files: strict YAML into frozen structs, with every mistake told at once.

A struct is the whole description of its section: fields, types, defaults, and `Annotated` with a
`setting()` what each is for. It may have a method `problems()` that yields (field, sentence) for
what contradicts; it is asked once its fields can be read. Environment variables go before the file.
What the settings mean is not decided here, nor how a program ends.
"""

import enum
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import yaml

from exporter.kit import environment
from exporter.kit.described import Wanted, fields_of, joined, without_none

S = typing.TypeVar("S", bound=msgspec.Struct)


class Problem(msgspec.Struct, frozen=True):
    """One mistake. `path` is like `kubernetes.server`; empty for the whole file."""

    file: str
    path: str
    sentence: str

    def __str__(self) -> str:
        """As it is printed: `config.yaml: kubernetes.server: ...`."""
        return ": ".join(part for part in (self.file, self.path, self.sentence) if part)


class SettingsError(Exception):
    """The settings cannot be used; `problems` has every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read(path: Path | None, into: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read a file into a struct; without a file, the defaults. Raises SettingsError.

    What `environ` says goes before the file.
    """
    if path is None:
        return read_text("", "(defaults)", into, environ)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}"
        raise SettingsError((Problem(str(path), "", sentence),)) from error
    except UnicodeDecodeError as error:
        raise SettingsError((Problem(str(path), "", "is not UTF-8 text"),)) from error
    return read_text(text, str(path), into, environ)


def read_text(text: str, file: str, into: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read YAML text into a struct; `file` is what messages call it. Raises SettingsError."""
    given = environment.read(environ or {}, into)
    reader = _Reader(file, {path: name for path, (name, _) in given.values.items()})
    reader.problems.extend(Problem("environment", *problem) for problem in given.problems)
    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader that also refuses double keys
    except yaml.YAMLError as error:
        sentence = f"is not YAML: {' '.join(str(error).split())}"
        raise SettingsError((Problem(file, "", sentence),)) from error
    merged = environment.laid_over({} if raw is None else raw, given)
    found = reader.struct(merged, into, "")
    if reader.problems or found is None:
        raise SettingsError(tuple(reader.problems))
    return found


class _Loader(yaml.SafeLoader):
    """SafeLoader, except that a key written twice is a mistake and not the last one wins."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 -- the base class's signature
    ) -> dict[typing.Hashable, typing.Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


class _Bad(Exception):
    """A value that cannot be read; the problem is noted already."""


class _Reader:
    """Walks values and types side by side, noting problems instead of stopping."""

    def __init__(self, file: str, variables: Mapping[str, str]) -> None:
        self._file = file
        self._variables = variables
        self.problems: list[Problem] = []

    def _bad(self, path: str, sentence: str) -> _Bad:
        for place, name in self._variables.items():
            if path == place or path.startswith((f"{place}.", f"{place}[")):
                self.problems.append(Problem("environment", name + path[len(place) :], sentence))
                return _Bad()
        self.problems.append(Problem(self._file, path, sentence))
        return _Bad()

    def struct(self, raw: object, into: type[S], path: str) -> S | None:
        """Read a section; None when something in it is wrong."""
        if not isinstance(raw, Mapping):
            self._bad(path, f"must be a section of keys, not {_named(raw)}")
            return None
        fields = fields_of(into)
        good = True
        for key in raw:
            if key not in fields:
                known = ", ".join(sorted(fields))
                self._bad(joined(path, str(key)), f"is not a setting; known here: {known}")
                good = False
        values: dict[str, object] = {}
        for name, field in fields.items():
            if name not in raw:
                if field.required:
                    self._bad(joined(path, name), "is missing")
                    good = False
                continue
            try:
                values[name] = self.value(raw[name], field.type, joined(path, name))
            except _Bad:
                good = False
        if not good:
            return None
        found = into(**values)
        return found if self._consistent(found, path) else None

    def _consistent(self, found: msgspec.Struct, path: str) -> bool:
        told: Iterator[tuple[str, str]] = getattr(found, "problems", lambda: iter(()))()
        problems = [self._bad(joined(path, name), sentence) for name, sentence in told]
        return not problems

    def value(self, raw: object, wanted: Wanted, path: str) -> object:
        """Read one value as the wanted type; raises _Bad with the problem noted."""
        inner = without_none(wanted)
        if inner is not wanted:
            return None if raw is None else self.value(raw, inner, path)
        origin: object = typing.get_origin(wanted)
        arguments = typing.get_args(wanted)
        if origin is tuple:
            return tuple(self._items(raw, arguments[0], path))
        if origin in (dict, Mapping):
            return dict(self._entries(raw, arguments[1], path))
        if isinstance(wanted, type):
            return self._plain(raw, wanted, path)
        return self._convert(raw, wanted, path)

    def _plain(self, raw: object, wanted: type, path: str) -> object:
        parse = getattr(wanted, "parse", None)
        if issubclass(wanted, msgspec.Struct):
            found = self.struct(raw, wanted, path)
            if found is None:
                raise _Bad
            return found
        if parse is not None:
            try:
                return parse(raw)
            except ValueError as error:
                raise self._bad(path, str(error)) from error
        if issubclass(wanted, Path):
            if not isinstance(raw, str) or not raw:
                raise self._bad(path, f"must be a path, not {_named(raw)}")
            return Path(raw)
        if issubclass(wanted, enum.Enum):
            known = [str(member.value) for member in wanted]
            if raw not in known:
                raise self._bad(path, f"must be one of {', '.join(known)}, not {_named(raw)}")
            return wanted(raw)
        return self._convert(raw, wanted, path)

    def _convert(self, raw: object, wanted: Wanted, path: str) -> object:
        try:
            return msgspec.convert(raw, wanted, strict=True)
        except msgspec.ValidationError as error:
            said = str(error).replace("`", "")
            raise self._bad(path, f"{said[:1].lower()}{said[1:]}") from error

    def _items(self, raw: object, wanted: object, path: str) -> list[object]:
        if not isinstance(raw, list):
            raise self._bad(path, f"must be a list, not {_named(raw)}")
        return self._all(((f"{path}[{index}]", item) for index, item in enumerate(raw)), wanted)

    def _entries(self, raw: object, wanted: object, path: str) -> Iterator[tuple[str, object]]:
        if not isinstance(raw, Mapping):
            raise self._bad(path, f"must be a section of keys, not {_named(raw)}")
        keys = [str(key) for key in raw]
        places = ((joined(path, key), item) for key, item in zip(keys, raw.values(), strict=True))
        return zip(keys, self._all(places, wanted), strict=True)

    def _all(self, places: Iterator[tuple[str, object]], wanted: object) -> list[object]:
        found: list[object] = []
        good = True
        for path, item in places:
            try:
                found.append(self.value(item, wanted, path))
            except _Bad:
                good = False
        if not good:
            raise _Bad
        return found


def _named(raw: object) -> str:
    match raw:
        case None:
            return "nothing"
        case Mapping():
            return "a section"
        case list():
            return "a list"
        case _:
            return repr(raw)
