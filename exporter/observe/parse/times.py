"""Kubernetes times to Unix seconds. A time that cannot be read is a time that is not there."""

from datetime import UTC, datetime


def seconds(text: str | None) -> float | None:
    """Return Unix seconds of an RFC 3339 time; None for nothing, Go's zero time and nonsense."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    found = moment.timestamp()
    return found if found > 0 else None
