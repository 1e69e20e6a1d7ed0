"""JSON lines on stderr: one object a line with time, level, logger, message and given fields.

Secrets never: a field named like one is hidden, and so is what follows `Bearer` in any text.
"""

import enum
import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO


class Level(enum.StrEnum):
    """From the most to the least talkative."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(
    r"token|password|secret|authorization|credential|private_?key", re.IGNORECASE
)
_SECRET_TEXT = re.compile(r"(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)


def fields(**values: object) -> Mapping[str, object]:
    """Return what `extra=` takes: `log.info("tainted", extra=fields(node=name))`."""
    return {"fields": values}


class JsonLines(logging.Formatter):
    """One record, one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; what cannot be JSON is shown as text."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _scrubbed(record.getMessage()),
        }
        given = getattr(record, "fields", None)
        if isinstance(given, Mapping):
            for name, value in given.items():
                line.setdefault(str(name), _shown(str(name), value))
        if record.exc_info:
            line["exception"] = _scrubbed(self.formatException(record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=False)


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Send all logging of this process to stderr as JSON lines, from `level` upwards."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    # Every scrape and webhook would be a line.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Log from `level` upwards from now on."""
    logging.getLogger().setLevel(level.upper())


def _shown(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return HIDDEN
    return _scrubbed(value) if isinstance(value, str) else value


def _scrubbed(text: str) -> str:
    return _SECRET_TEXT.sub(lambda found: f"{found[1]} {HIDDEN}", text)
