"""All settings of a program as YAML that it reads, each with its sentence and its default. Pure.

What has no default is commented out, so that who forgets it is told so by the reader.
"""

import enum
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import yaml

from exporter.kit.described import Field, fields_of, is_section, without_none
from exporter.kit.environment import name_of

WIDTH = 100


def reference(into: type[msgspec.Struct]) -> str:
    """Return the text."""
    return "\n".join(_section(into, "", "")).lstrip("\n") + "\n"


def _section(into: type[msgspec.Struct], path: str, indent: str) -> Iterator[str]:
    for name, field in fields_of(into).items():
        place = f"{path}.{name}" if path else name
        if not path:
            yield ""
        yield from _comment(field, place, indent)
        if is_section(field.type):
            yield f"{indent}{name}:"
            yield from _section(field.type, place, f"{indent}  ")
        elif field.required:
            yield f"{indent}# {name}:"
        else:
            yield f"{indent}{name}: {_shown(field.default)}"


def _comment(field: Field, path: str, indent: str) -> Iterator[str]:
    more = [field.description]
    if field.unit:
        more.append(f"Unit: {field.unit}.")
    inner = without_none(field.type)
    if isinstance(inner, type) and issubclass(inner, enum.Enum):
        more.append(f"One of {', '.join(str(one.value) for one in inner)}.")
    if field.required and not is_section(field.type):
        more.append("Must be set.")
    if field.live:
        more.append("Changes without a restart.")
    if not is_section(field.type):
        more.append(f"Environment: {name_of(path)}.")
    text = " ".join(filter(None, more))
    for line in textwrap.wrap(text, WIDTH - len(indent) - 2, break_on_hyphens=False):
        yield f"{indent}# {line}"


def _shown(value: object) -> str:
    """Return a default as YAML on one line."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=1 << 20, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: object) -> object:
    match value:
        case enum.Enum():
            return value.value
        case None | bool() | str():
            return value
        case Path():
            return str(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case msgspec.Struct():
            return {name: _plain(item) for name, item in msgspec.structs.asdict(value).items()}
        case _ if hasattr(type(value), "parse"):
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value
