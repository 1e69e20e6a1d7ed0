"""What an HTTP answer holds, bounded, when it is the answer that was hoped for.

For whoever asks somebody else than the API server (`api`): a kubelet, a node pod, Alertmanager.
"""

from http import HTTPStatus

import aiohttp

from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.resources import Asked


async def body_of(answer: aiohttp.ClientResponse, largest: int, asked: Asked) -> bytes:
    """Return the body of a 200; raises ObserveError for more than `largest` bytes or another."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > largest:
            raise errors.Garbage(f"{asked}: an answer of more than {largest} bytes")
    if answer.status != HTTPStatus.OK:
        raise failures.of_answer(answer.status, answer.headers, bytes(body), asked)
    return bytes(body)
