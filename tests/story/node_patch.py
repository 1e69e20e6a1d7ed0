"""What our patch of a Node carries, as the fake cluster reads it. Shapes only."""

import msgspec


class Metadata(msgspec.Struct, rename="camel"):
    """What binds it, and our note; None takes that away."""

    uid: str
    resource_version: str
    annotations: dict[str, str | None]


class Taints(msgspec.Struct):
    """All taints that the node has afterwards."""

    taints: list[dict[str, str]]


class NodePatch(msgspec.Struct):
    """The whole patch."""

    metadata: Metadata
    spec: Taints
