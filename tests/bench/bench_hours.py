"""What waiting for hours asks of the API server and the cloud, handler by handler. Printed.

Over plain objects and a set clock, reads counted as the real look does them; tests/story/test_cost
judges the same numbers.
"""

from __future__ import annotations

from tests.bench.figures import tell
from tests.story.hours import WAYS, spent


def test_an_hour_of_waiting() -> None:
    """One line for each way to wait."""
    tell(
        "\nwhile one record waits, in an hour: looks, calls of the API server, questions to EC2, to"
        " a node"
    )
    for way in WAYS:
        one = spent(way)
        tell(
            f"  {way.handler:<24}{way.what:<32}{one.looks:5.0f} looks {one.reads:7.0f} reads"
            f" ({one.reads / one.looks:4.1f} a look) {one.writes:3.0f} writes {one.cloud:5.0f} EC2"
            f" {one.commands:5.0f} node"
        )
