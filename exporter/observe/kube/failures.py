"""HTTP answers and transport exceptions become our errors here, and only here."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp

from exporter.observe import errors
from exporter.observe.kube.resources import Asked
from exporter.observe.parse import envelope
from exporter.observe.parse.wire import UndecodableError

UNKNOWN_PATH = b"404 page not found"
"""All that the API server says of a resource type that it does not have."""
SHOWN = 300
"""How many characters of a foreign text go into a message."""

_SPECIAL: Mapping[HTTPStatus, tuple[type[errors.ObserveError], str]] = {
    HTTPStatus.UNAUTHORIZED: (errors.Unauthorized, "our credentials are not accepted"),
    HTTPStatus.FORBIDDEN: (errors.Forbidden, "not allowed"),
    HTTPStatus.CONFLICT: (errors.Conflict, "conflict"),
    HTTPStatus.GONE: (errors.Gone, "the resource version is too old"),
}
_CLASSES: Mapping[int, tuple[type[errors.ObserveError], str]] = {
    4: (errors.Invalid, "refused"),
    5: (errors.ServerFailed, "the server failed"),
}


def of_answer(
    status: int, headers: Mapping[str, str], body: bytes, asked: Asked
) -> errors.ObserveError:
    """Return the error that an HTTP answer outside 2xx means."""
    said = _shown(body)
    if status == HTTPStatus.NOT_FOUND:
        return _missing(body, asked, said)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        message = f"{asked}: too many requests (429): {said}"
        return errors.Throttled(message, retry_after(headers))
    if status in _SPECIAL:
        error, meaning = _SPECIAL[HTTPStatus(status)]
    else:
        error, meaning = _CLASSES.get(status // 100, (errors.Garbage, "an answer nobody promised"))
    return error(f"{asked}: {meaning} ({status}): {said}")


def of_watch(status: envelope.Status, asked: Asked) -> errors.ObserveError:
    """Return the error that a Status inside a watch means."""
    body = (status.message or status.reason or "no reason given").encode()
    return of_answer(status.code or 0, {}, body, asked)


@contextmanager
def translated(asked: Asked) -> Iterator[None]:
    """Turn what the HTTP library, TLS and the decoder raise into our errors."""
    try:
        yield
    except TimeoutError as error:
        message = f"{asked}: no answer in time"
        raise errors.Unreachable(message) from error
    except (UndecodableError, UnicodeDecodeError, RecursionError) as error:
        # The last two are what a decoder makes of bytes that are no text, and of endless brackets.
        message = f"{asked}: cannot read the answer: {_cut(str(error))}"
        raise errors.Garbage(message) from error
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        message = f"{asked}: an answer that is not HTTP: {_cut(str(error))}"
        raise errors.Garbage(message) from error
    except aiohttp.ClientConnectorError as error:
        why = error.os_error.strerror or str(error.os_error)
        message = f"{asked}: cannot connect to {error.host}:{error.port}: {_cut(why)}"
        raise errors.Unreachable(message) from error
    except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
        text = _cut(str(error)) or type(error).__name__
        message = f"{asked}: no answer: {text}"
        raise errors.Unreachable(message) from error


def _missing(body: bytes, asked: Asked, said: str) -> errors.ObserveError:
    # Creating in a namespace that is not there is a 404 on a collection too, but that one explains
    # itself.
    status = envelope.status(body)
    explained = status.reason == "NotFound"
    foreign = status == envelope.Status() and body.strip() != UNKNOWN_PATH
    if foreign or (asked.name and not explained):
        # A load balancer's or a proxy's 404: to believe it would be to believe that a node is gone.
        return errors.Garbage(f"{asked}: a 404 that is not the API server's: {said}")
    if asked.name or (asked.verb == "create" and explained and '"' in said):
        return errors.NotFound(f"{asked}: not there (404): {said}")
    return errors.NotInstalled(f"{asked}: this resource type does not exist here (404)")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server asks us to wait.

    A date counts from the answer's own Date: the server's clock need not be ours.
    """
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        asked = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, asked.total_seconds())


def _shown(body: bytes) -> str:
    return _cut(envelope.status(body).message or body[: 4 * SHOWN].decode(errors="replace"))


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}..."
