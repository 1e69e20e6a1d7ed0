"""Only what every test needs: one repair of a test library, and who of several workers runs what.

Fixtures live beside their tests.

aioresponses 0.7.9 builds aiohttp's ClientResponse without `stream_writer`, which aiohttp requires
since 3.14 (pnuckowski/aioresponses#289). This gives it one; delete it when their fix is released.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import aioresponses.core
import hypothesis
import pytest
from aiohttp import ClientResponse
from hypothesis import HealthCheck
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]

# How long examples take to be made says how busy the machine is, and nothing about the product.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.register_profile("patient", _PATIENT)
hypothesis.settings.register_profile("soak", _PATIENT, max_examples=1000)
hypothesis.settings.load_profile("patient")

TOGETHER = ("tests/gluster/", "tests/filesystems/")
"""Folders whose tests share what one worker starts: a pool, the host's one table of mounts."""
CLUSTER = "tests/cluster/test_"
"""Tests on a control plane, which mostly wait: two workers have one each, of about equal length."""
SECOND_HALF = "res"


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives what belongs together to one worker, the largest first, and the rest test by test."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(CLUSTER):
            return f"{CLUSTER}{nodeid.removeprefix(CLUSTER) >= SECOND_HALF}"
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Schedule so; xdist's own groups do nothing with pytest 9.2, whose items have no `_nodeid`."""
    return _Scheduling(config, log)


class _ResponseWithWriter(ClientResponse):
    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


setattr(aioresponses.core, "ClientResponse", _ResponseWithWriter)  # noqa: B010 -- not exported
