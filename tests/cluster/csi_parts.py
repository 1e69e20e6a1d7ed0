"""The CSI parts beside the run's one cluster, for a module of tests; afterwards they are gone.

Their first build takes minutes: it is told on the terminal, and such modules need a long timeout.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from local import tools
from local.csi import Csi

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from local.cluster import LocalCluster

BUILD_SECONDS = 900


@contextmanager
def csi_parts(cluster: LocalCluster, config: pytest.Config) -> Iterator[Csi]:
    """Build what is missing, start everything, and leave the cluster as it was found."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        tools.ensure_csi(print)
    else:
        with capture.global_and_fixture_disabled():
            tools.ensure_csi(print)
    with Csi.start(cluster) as csi:
        yield csi
        csi.uninstall()
