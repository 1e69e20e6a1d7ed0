"""Settings from environment variables: `kubernetes.server` is PVMEDIC_KUBERNETES_SERVER. Pure.

A variable's text is read as the setting's file would read it: a text as it is, anything else as
YAML. A variable of ours that names no setting is a mistake, not a wish. Kubernetes puts variables
into every pod for each Service beside it, so a Service called pvmedic-exporter makes some that look
like ours: those of exactly these shapes are passed over.
"""

import enum
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from exporter.kit.described import leaves, without_none

PREFIX = "PVMEDIC_"
DEVELOPMENT = frozenset({"PVMEDIC_CACHE", "PVMEDIC_PROMETHEUS", "PVMEDIC_PROMTOOL"})
"""What a checkout's own tools read; whoever works on pvmedic has them around every program."""

_SERVICE = "PVMEDIC(?:_[A-Z0-9]+)*?"
_OF_SERVICES = (
    (re.compile(rf"{_SERVICE}_SERVICE_HOST"), re.compile(r"[0-9a-fA-F.:]+|None")),
    (re.compile(rf"{_SERVICE}_SERVICE_PORT(?:_[A-Z0-9_]+)?"), re.compile(r"[0-9]+")),
    (
        re.compile(rf"{_SERVICE}_PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?"),
        re.compile(r"(?:tcp|udp|sctp)://.+"),
    ),
    (
        re.compile(rf"{_SERVICE}_PORT_[0-9]+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)"),
        re.compile(r"tcp|udp|sctp|[0-9a-fA-F.:]+"),
    ),
)


class Given(NamedTuple):
    """By path: the variable and its value. And (variable, sentence) for what is wrong."""

    values: Mapping[str, tuple[str, object]]
    problems: tuple[tuple[str, str], ...]


def name_of(path: str) -> str:
    """Return the variable of a setting."""
    return PREFIX + path.replace(".", "_").upper()


def read(environ: Mapping[str, str], into: type[msgspec.Struct]) -> Given:
    """Return what the variables say of a struct's settings."""
    known = {name_of(path): (path, field) for path, field in leaves(into)}
    values: dict[str, tuple[str, object]] = {}
    problems: list[tuple[str, str]] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in DEVELOPMENT:
            continue
        if name not in known:
            if not _of_a_service(name, environ[name]):
                names = ", ".join(sorted(known))
                problems.append((name, f"is not a setting; known are {names}"))
            continue
        path, field = known[name]
        try:
            values[path] = (name, _value(environ[name], field.type))
        except yaml.YAMLError:
            problems.append((name, "is not YAML"))
    return Given(values, tuple(problems))


def laid_over(raw: object, given: Given) -> object:
    """Return a file's content with the variables' values in it; what is no section stays."""
    for path, (_, value) in given.values.items():
        raw = _with(raw, path.split("."), value)
    return raw


def _with(raw: object, path: list[str], value: object) -> object:
    if not path:
        return value
    if raw is None:
        raw = {}
    if not isinstance(raw, Mapping):
        return raw
    return {**raw, path[0]: _with(raw.get(path[0], {}), path[1:], value)}


def _value(text: str, wanted: Any) -> object:  # noqa: ANN401 -- a type as an annotation spells it
    inner = without_none(wanted)
    if inner is not wanted and not text:
        return None
    is_text = isinstance(inner, type) and (
        hasattr(inner, "parse") or issubclass(inner, str | Path | enum.Enum)
    )
    return text if is_text else yaml.safe_load(text)


def _of_a_service(name: str, value: str) -> bool:
    return any(
        shape.fullmatch(name) and content.fullmatch(value) for shape, content in _OF_SERVICES
    )
