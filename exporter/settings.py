"""The exporter's settings.

Few: what can be seen or decided by the program itself is not asked for.
"""

import msgspec

from exporter.kit.logs import Level
from exporter.kit.values import Address
from exporter.observe.kube.access import Where


class Settings(msgspec.Struct, frozen=True):
    """`listen` is where metrics are served, `kubernetes` where the API server is."""

    listen: Address = Address("0.0.0.0", 9821)  # noqa: S104 -- Prometheus is elsewhere
    kubernetes: Where = Where()
    log_level: Level = Level.INFO
