"""What a scene took: when it reached what, and how much was asked for. A sentence each."""

from __future__ import annotations

import time

from prometheus_client.parser import text_string_to_metric_families

READS = frozenset({"get", "list", "watch"})
LEASE = "leases"
"""Asked for every few seconds whatever happens: who leads."""


class Times:
    """Seconds since this was made."""

    def __init__(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._noted: list[str] = []

    def note(self, what: str) -> None:
        """Take the time of a milestone."""
        self._noted.append(f"{what} {time.monotonic() - self._began:.1f} s")

    def sentence(self) -> str:
        """Return all of them."""
        return f"Since it began: {'; '.join(self._noted)}."


def asked(exposition: str) -> str:
    """Return how often the remediator asked the API server, by its own exposition. Pure."""
    counts = [
        (sample.labels, int(sample.value))
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == "pvmedic_kube_requests_total"
    ]
    counts = [(labels, count) for labels, count in counts if labels["resource"] != LEASE]
    all_ = sum(count for _, count in counts)
    writes = sum(count for labels, count in counts if labels["verb"] not in READS)
    return (
        f"The remediator has asked the API server {all_} times, {writes} of them to write (records"
        " and Events with it; its Lease apart)."
    )
