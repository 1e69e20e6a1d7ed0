"""What a struct of settings says of itself: fields, types, defaults, and what each is for.

`Annotated[int, setting("How many ...", unit="series")]`. Readers, the reference and the reload all
go by this and by nothing else.
"""

import types
import typing
from collections.abc import Iterator, Mapping

import msgspec

Wanted: typing.TypeAlias = typing.Any
"""A type as an annotation spells it, which static typing has no name for."""


class Field(msgspec.Struct, frozen=True):
    """One setting. `default` means nothing when it is `required`; `live`: no restart is needed."""

    name: str
    type: Wanted
    required: bool
    default: object
    description: str
    unit: str
    live: bool


def setting(description: str, *, unit: str = "", live: bool = False) -> msgspec.Meta:
    """Say what a setting is for, in a sentence, and in what it is counted.

    A type that carries its unit in its text, such as a duration, needs none here.
    """
    return msgspec.Meta(description=description, extra={"unit": unit, "live": live})


def fields_of(struct: type[msgspec.Struct]) -> Mapping[str, Field]:
    """Return the fields by the names that a file has for them."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {
        field.name: _field(field, hints[field.name]) for field in msgspec.structs.fields(struct)
    }


def leaves(struct: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, Field]]:
    """Yield every setting that is no section, with its path."""
    for name, field in fields_of(struct).items():
        if is_section(field.type):
            yield from leaves(field.type, joined(path, name))
        else:
            yield joined(path, name), field


def is_section(wanted: Wanted) -> bool:
    """Whether a type is a section of settings."""
    return isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)


def without_none(wanted: Wanted) -> Wanted:
    """Return what else an optional type is; any other as it is."""
    origin: object = typing.get_origin(wanted)
    if origin not in (types.UnionType, typing.Union):
        return wanted
    rest = [one for one in typing.get_args(wanted) if one is not type(None)]
    return rest[0] if len(rest) == 1 else wanted


def joined(path: str, name: str) -> str:
    """Return the path of a name within a section."""
    return f"{path}.{name}" if path and name else path or name


def _field(field: msgspec.structs.FieldInfo, hint: Wanted) -> Field:
    metas = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, msgspec.Meta)]
    meta = metas[0] if metas else msgspec.Meta()
    extra = meta.extra or {}
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Field(
        name=field.name,
        type=hint.__origin__ if metas else hint,
        required=field.required,
        default=default,
        description=meta.description or "",
        unit=str(extra.get("unit", "")),
        live=bool(extra.get("live", False)),
    )
