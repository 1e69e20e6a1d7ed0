"""Prometheus and promtool, from the cache where `make setup` puts them."""

import pytest

from local import tools


@pytest.fixture(scope="session")
def found() -> tools.Tools:
    """Return the tools; a machine that cannot have them fails here, with a sentence."""
    return tools.ensure(print)
