"""Times as logs write them, `2021-02-01 02:41:30.695758`, to Unix seconds.

The zone is in the line (`+0200`), or is the reader's to know. An hour that a clock change makes
come twice is taken for the first. Nothing raises: what is no time is None.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache


def unix(text: bytes, offset: bytes | None, zone: tzinfo) -> float | None:
    """Read a time of exactly that form; `offset` as in `+0200` goes before `zone`."""
    minute = _minute(text[:16], offset, zone)
    if minute is None or text[17:19] > b"60":
        return None
    return minute + float(text[17:])


@lru_cache(maxsize=256)
def _minute(text: bytes, offset: bytes | None, zone: tzinfo) -> float | None:
    """A flood has thousands of lines in one minute: it is worked out once."""
    try:
        if offset is not None:
            ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
            zone = timezone(-ahead if offset.startswith(b"-") else ahead) if ahead else UTC
        return datetime.fromisoformat(text.decode("ascii")).replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None
