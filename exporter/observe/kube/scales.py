"""The `/scale` of an object of any kind: how many replicas it is to have."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote

import msgspec

from exporter.observe import errors, model
from exporter.observe.kube.api import Api
from exporter.observe.model import Object
from exporter.observe.objects import Objects
from exporter.observe.parse.envelope import BareMeta
from exporter.observe.view import Want


class WireReplicas(msgspec.Struct):
    """ScaleSpec and ScaleStatus: zero is left out."""

    replicas: int | None = None


class WireScale(msgspec.Struct):
    """autoscaling/v1 Scale."""

    metadata: BareMeta | None = None
    spec: WireReplicas | None = None
    status: WireReplicas | None = None


class Scalable(msgspec.Struct, frozen=True):
    """Where a kind lives that may be scaled: `base` is `/apis/<group>/<version>` or `/api/v1`."""

    base: str
    resource: str


def scales(
    api: Api, kinds: Mapping[str, Scalable]
) -> Callable[[Want, Objects], Awaitable[Sequence[Object]]]:
    """Return who reads the scales of these kinds; of others there is none."""

    async def ask(want: Want, objects: Objects) -> Sequence[Object]:
        del objects
        return await scale(api, kinds, want.namespace, want.name)

    return ask


async def scale(
    api: Api, kinds: Mapping[str, Scalable], namespace: str, name: str
) -> Sequence[model.Scale]:
    """Read the scale of `Kind.group/name`; nothing where the kind is not one of `kinds`.

    Raises ObserveError; NotFound where the object, or its scale, is not there.
    """
    typed, _, object_name = name.partition("/")
    where = kinds.get(typed)
    if where is None:
        return ()
    spaced = f"{where.base}/namespaces/{quote(namespace, safe='')}"
    path = f"{spaced}/{where.resource}/{quote(object_name, safe='')}/scale"
    body = await api.send("GET", path)
    try:
        found = msgspec.json.decode(body, type=WireScale)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise errors.Garbage(f"get {path}: cannot read the answer: {error}") from error
    meta = found.metadata or BareMeta()
    return [
        model.Scale(
            namespace=namespace,
            name=name,
            uid=meta.uid or "",
            version=meta.resourceVersion or "",
            path=path,
            replicas=(found.spec or WireReplicas()).replicas or 0,
            current=(found.status or WireReplicas()).replicas or 0,
        )
    ]
