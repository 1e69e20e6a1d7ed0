"""Only what every test needs; fixtures live beside their tests.

With several workers all tests of a marker that stands for one real thing (a control plane, a
Gluster pool) go to one of them, so that it is started once. And one repair of a test library:
aioresponses 0.7.9 builds aiohttp's ClientResponse without `stream_writer`, which aiohttp requires
since 3.14 (pnuckowski/aioresponses#289). This gives it one; delete it when their fix is released.
"""

from types import SimpleNamespace

import aioresponses.core
import pytest
from aiohttp import ClientResponse

ONCE = ("cluster", "gluster")
"""Markers of tests that share one real thing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares something that takes long to start."""
    for item in items:
        for marker in ONCE:
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.xdist_group(marker))


class _ResponseWithWriter(ClientResponse):
    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


setattr(aioresponses.core, "ClientResponse", _ResponseWithWriter)  # noqa: B010 -- not exported
