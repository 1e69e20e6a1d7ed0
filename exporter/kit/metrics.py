"""A program's metrics about itself: a registry of its own, and its exposition in either format.

What else is counted is the program's. Series of the exporter's subject do not go through here: they
are rendered once per change, elsewhere.
"""

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.kit import build


def registry(role: str) -> CollectorRegistry:
    """Return a registry with the process's metrics and `pvmedic_build_info` of this role."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    made = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=made)
    labels = ["version", "python_version", "role"]
    Gauge("pvmedic_build_info", "Which build this is.", labels, registry=made).labels(
        build.our_version(), build.python_version(), role
    ).set(1)
    return made


def rendered(from_registry: CollectorRegistry, *, openmetrics: bool) -> bytes:
    """Return the exposition; for OpenMetrics with the end mark, so it comes last."""
    if openmetrics:
        body: bytes = generate_openmetrics(from_registry)  # type: ignore[no-untyped-call]
        return body
    return generate_latest(from_registry)


class Reloads:
    """Whether a file could be read again, and when that went well for the last time.

    At the program's start it went well, or there would be no program.
    """

    def __init__(self, name: str, what: str, in_registry: CollectorRegistry, now: float) -> None:
        self._successful = Gauge(
            f"pvmedic_{name}_last_reload_successful",
            f"1 while the {what} in force is the one in its file, 0 while that cannot be used.",
            registry=in_registry,
        )
        self._at = Gauge(
            f"pvmedic_{name}_last_reload_success_timestamp_seconds",
            f"When the {what} was last read and could be used, in Unix seconds.",
            registry=in_registry,
        )
        self.tell(good=True, now=now)

    def tell(self, *, good: bool, now: float) -> None:
        """Say how reading it went."""
        self._successful.set(good)
        if good:
            self._at.set(now)
