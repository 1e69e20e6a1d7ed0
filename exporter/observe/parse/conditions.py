"""status.conditions, as nodes and pods have them."""

import msgspec

# ruff: noqa: N815 -- field names are the wire's


class WireCondition(msgspec.Struct, gc=False):
    """One entry of status.conditions."""

    type: str | None = None
    status: str | None = None
    lastTransitionTime: str | None = None


def condition_of(conditions: list[WireCondition] | None, name: str) -> WireCondition | None:
    """Return the first condition of this type."""
    return next((c for c in conditions or () if c.type == name), None)
