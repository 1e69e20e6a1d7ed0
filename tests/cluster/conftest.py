"""One real cluster and one line for all tests here; each test gets its own nodes and namespace.

Nodes are used again after some tests only, and only when no alert speaks of them any more.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count, cycle
from typing import TYPE_CHECKING, TypeAlias

import pytest

from demo.line import Line, Pace
from local import tools, workloads
from local.cluster import LocalCluster
from tests.cluster.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

NODES = tuple(f"node-{letter}" for letter in "abcdefghijkl")
Stages: TypeAlias = "Callable[[], AbstractContextManager[Stage]]"


@pytest.fixture(scope="session")
def line() -> Iterator[Line]:
    """All four programs beside a cluster, with a page that comes soon."""
    with LocalCluster.start(tools.ensure(print), nodes=NODES) as cluster:
        line = Line(cluster, Pace(page_after=12.0, look_every=1.0))
        line.start()
        cluster.apply(workloads.storage_class())
        yield line


@pytest.fixture(scope="session")
def stages(line: Line) -> Stages:
    """Make stages, each left as healthy as it was found."""
    numbers, nodes = count(1), cycle(zip(NODES[::2], NODES[1::2], strict=True))

    @contextmanager
    def opened() -> Iterator[Stage]:
        stage = Stage(line, f"test-{next(numbers)}", *next(nodes))
        try:
            stage.open()
            yield stage
        finally:
            stage.close()

    return opened


@pytest.fixture
def stage(stages: Stages) -> Iterator[Stage]:
    """One test's stage."""
    with stages() as stage:
        yield stage
