"""The exporter's settings.

Few: what can be seen or decided by the program itself is not asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.logs import Level
from exporter.kit.values import Address
from exporter.observe.kube.access import Where
from exporter.observe.kubelets import KubeletSettings


class Settings(msgspec.Struct, frozen=True):
    """The whole file."""

    listen: Annotated[
        Address, setting("Where metrics are served, HOST:PORT; IPv6 hosts stand in brackets.")
    ] = Address("0.0.0.0", 9821)  # noqa: S104 -- Prometheus is elsewhere
    kubernetes: Annotated[Where, setting("Where the API server is, and who we are to it.")] = (
        Where()
    )
    kubelets: Annotated[KubeletSettings, setting("How kubelets are asked about their volumes.")] = (
        KubeletSettings()
    )
    state: Annotated[
        Path | None,
        setting(
            "A file that keeps what a restart would forget: when failures without a time of their"
            " own were first seen. In a pod, on an emptyDir. Without it, it is forgotten."
        ),
    ] = None
    series_limit: Annotated[
        int,
        setting(
            "How many series one metric may have. What is over it is left out, always the same"
            " ones, and pvmedic_series_dropped says how many.",
            unit="series per metric",
            live=True,
        ),
    ] = 10_000
    log_level: Annotated[Level, setting("How much is logged.", live=True)] = Level.INFO

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what cannot be."""
        if self.series_limit < 1:
            yield ("series_limit", "must be at least 1")
