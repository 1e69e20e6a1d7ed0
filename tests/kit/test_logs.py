"""Log lines: JSON, one a record, without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from exporter.kit import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Set logging up on a stream, and put it back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    target = io.StringIO()
    logs.set_up(logs.Level.INFO, target)
    yield target
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Return the lines, decoded."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_fields(stream: io.StringIO) -> None:
    """What is not JSON becomes text."""
    log = logging.getLogger("pvmedic.test")
    log.info("tainted %s", "a", extra=logs.fields(node="a", seconds=1.5, error=OSError("x")))
    log.debug("not shown")
    (line,) = lines(stream)
    assert str(line.pop("time")).endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "pvmedic.test",
        "message": "tainted a",
        "node": "a",
        "seconds": 1.5,
        "error": "x",
    }


def test_a_field_cannot_replace_what_every_line_has(stream: io.StringIO) -> None:
    """The message stays the message."""
    logging.getLogger("x").info("real", extra=logs.fields(message="other", level="none"))
    (line,) = lines(stream)
    assert (line["message"], line["level"]) == ("real", "info")


def test_secrets_are_hidden(stream: io.StringIO) -> None:
    """By the name of a field, and by what a text looks like."""
    header = "Bearer abcdef.ghijkl-mnop"
    given = logs.fields(webhook_token="hunter22", header=header)  # noqa: S106 -- that is the test
    logging.getLogger("x").info("sent %s", header, extra=given)
    assert "hunter22" not in stream.getvalue()
    assert "abcdef" not in stream.getvalue()
    (line,) = lines(stream)
    assert line["webhook_token"] == logs.HIDDEN
    assert line["message"] == f"sent Bearer {logs.HIDDEN}"


def test_an_exception_stays_on_the_line(stream: io.StringIO) -> None:
    """With its traceback, as one JSON text."""
    try:
        int("x")
    except ValueError:
        logging.getLogger("x").exception("broken")
    (line,) = lines(stream)
    assert "ValueError" in str(line["exception"])


def test_without_a_stream_it_is_stderr(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a container's logs are read from."""
    logs.set_up(logs.Level.WARNING)
    logging.getLogger("x").warning("here")
    assert '"message": "here"' in capsys.readouterr().err
    assert not stream.getvalue()
