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
