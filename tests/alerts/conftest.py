"""Prometheus' and Alertmanager's own checkers, from the cache where `make setup` puts them."""

from pathlib import Path

import pytest

from local import tools


@pytest.fixture(scope="session")
def found() -> tools.Tools:
    """Return the tools; a machine that cannot have them fails here, with a sentence."""
    return tools.ensure(print)


@pytest.fixture(scope="session")
def promtool(found: tools.Tools) -> Path:
    """Return promtool."""
    return found.promtool


@pytest.fixture(scope="session")
def amtool(found: tools.Tools) -> Path:
    """Return amtool."""
    return found.amtool
