"""A fresh cluster with a line for each measurement: what was measured before leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.line import Line
from local import tools
from local.cluster import LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def line() -> Iterator[Line]:
    """All four programs beside a cluster of three nodes, with the demo's times."""
    with LocalCluster.start(tools.ensure(print)) as cluster:
        line = Line(cluster)
        line.start()
        yield line
