"""The API server's own version, which a kubelet may not be ahead of."""

import msgspec

from exporter.observe import errors, model
from exporter.observe.kube.api import Api
from exporter.observe.model import Kind

PATH = "/version"


class WireVersion(msgspec.Struct):
    """version.Info."""

    gitVersion: str = ""  # noqa: N815 -- the wire's own name


async def version(api: Api) -> model.Server:
    """Ask for it; every account may. Raises ObserveError."""
    body = await api.send("GET", PATH)
    try:
        found = msgspec.json.decode(body, type=WireVersion)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise errors.Garbage(f"get {PATH}: cannot read the answer: {error}") from error
    return model.Server(Kind.SERVER, found.gitVersion)
