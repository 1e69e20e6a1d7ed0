"""Prometheus' own checker, and certificates, for the kit's tests."""

from pathlib import Path

import pytest

from local import tools
from tests.kit.authority import Authority


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Return promtool; a machine that cannot have it fails here, with a sentence."""
    return tools.ensure(print).promtool


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority whose files lie in the test's own directory."""
    return Authority(tmp_path)
