"""Only what every test needs: one repair of a test library. Fixtures live beside their tests.

aioresponses 0.7.9 builds aiohttp's ClientResponse without `stream_writer`, which aiohttp requires
since 3.14 (pnuckowski/aioresponses#289). This gives it one; delete it when their fix is released.
"""

from types import SimpleNamespace

import aioresponses.core
from aiohttp import ClientResponse


class _ResponseWithWriter(ClientResponse):
    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


setattr(aioresponses.core, "ClientResponse", _ResponseWithWriter)  # noqa: B010 -- not exported
