"""Multi-Attach Events, counted. They decide no signal: each is written once and lives an hour.

Each Event counts once, however often it is listed: what is new is the difference between the
version that was known and the version that came. Events from before this program began are known
from the start, so that a restart does not count an hour's Events again.
"""

from collections import Counter

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Change, KubeEvent
from exporter.observe.model.facts import MultiAttachBlocked
from exporter.observe.view import View

EVENTS = Family(
    "pvmedic_multi_attach_events_total",
    FamilyType.COUNTER,
    "Multi-Attach Events (or 'Waiting for detach', Kubernetes 1.37) since this program began."
    " A lower bound: Kubernetes drops repeats.",
    ("driver", "node"),
    "multi_attach",
)
FAMILIES = (EVENTS,)

Key = tuple[str, str]
"""Driver and node; each is empty when unknown."""


def fold(totals: Counter[Key], change: Change, view: View, began: float) -> Key | None:
    """Add what a change of an Event brings to the totals; return the key that moved.

    `began` is when the program began, in Unix seconds.
    """
    event = change.new
    if not isinstance(event, KubeEvent) or not isinstance(event.fact, MultiAttachBlocked):
        return None
    more = _new_occurrences(change.old, event, began)
    if more <= 0:
        return None
    volume = view.volume(event.fact.volume)
    pod = view.pod(event.about_namespace, event.about_name)
    key = (volume.driver if volume is not None else "", pod.node if pod is not None else "")
    totals[key] += more
    return key


def sample(key: Key, total: int) -> Sample:
    """Return one counter."""
    driver, node = key
    return Sample((("driver", driver), ("node", node)), total)


def _new_occurrences(old: object, event: KubeEvent, began: float) -> int:
    if isinstance(old, KubeEvent) and old.uid == event.uid:
        return event.count - old.count
    if event.last is not None and event.last < began:
        return 0
    return event.count
