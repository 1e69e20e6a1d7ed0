"""The few calls to the API server that the players need, and a cache kept by list and watch.

No retry policy of a product: on any trouble a cache lists again a moment later.
"""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from local.errors import LocalClusterError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

Object = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
AGAIN_SECONDS = 0.5
CALL_SECONDS = 10.0
LINE_LIMIT = 8 * 1024 * 1024

logger = logging.getLogger(__name__)


class ApiError(LocalClusterError):
    """The API server refused; `status` is its HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the status beside the text."""
        super().__init__(f"{status}: {text}")
        self.status = status


class Api:
    """Calls as the administrator. Made and used in one event loop."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        """Open nothing yet; connections are made when needed."""
        self._server = server
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, read_bufsize=LINE_LIMIT
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> Object:
        """Do one request and return the decoded answer; raises ApiError and aiohttp.ClientError."""
        data = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": kind}
        url = self._server + path
        async with self._session.request(method, url, data=data, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(answer.status, text)
            decoded: Object = json.loads(text)
            return decoded

    async def get(self, path: str) -> Object | None:
        """Return an object or list, or None where there is none."""
        try:
            return await self.call("GET", path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def create(self, path: str, body: Object) -> None:
        """Create an object; one that is there already is left as it is."""
        try:
            await self.call("POST", path, body)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    async def patch(self, path: str, body: Object) -> None:
        """Merge `body` into an object; one that is gone is left gone."""
        await self._unless_gone(self.call("PATCH", path, body, MERGE_PATCH))

    async def delete(self, path: str, body: Object) -> None:
        """Delete an object; `body` is DeleteOptions."""
        await self._unless_gone(self.call("DELETE", path, body))

    async def watch(self, path: str, version: str, seen: Callable[[str, Object], None]) -> str:
        """Hand every change to `seen(type, object)` until the server ends the watch."""
        url = f"{self._server}{path}?watch=1&allowWatchBookmarks=true&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CALL_SECONDS)
        async with self._session.get(url, timeout=timeout) as answer:
            if answer.status != HTTPStatus.OK:
                raise ApiError(answer.status, await answer.text())
            async for line in answer.content:
                event: Object = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 0), str(event["object"]))
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    seen(event["type"], event["object"])
        return version

    async def _unless_gone(self, call: Any) -> None:  # noqa: ANN401 - any awaitable call
        try:
            await call
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


class Watched:
    """The objects of one kind by (namespace, name); `changed(object)` hears every change."""

    def __init__(self, api: Api, path: str, changed: Callable[[Object], None]) -> None:
        """`path` is the collection's, such as /api/v1/pods."""
        self._api = api
        self._path = path
        self._changed = changed
        self.objects: dict[tuple[str, str], Object] = {}

    async def follow(self) -> None:
        """List and watch for ever; while the server is away, the last state stands."""
        while True:
            try:
                version = await self._list()
                while True:
                    version = await self._api.watch(self._path, version, self._see)
            except (aiohttp.ClientError, OSError, TimeoutError, ApiError, ValueError) as error:
                logger.debug("watch of %s: %s", self._path, error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _list(self) -> str:
        listed = await self._api.call("GET", self._path)
        before, self.objects = self.objects, {key(item): item for item in listed["items"]}
        gone = [item for name, item in before.items() if name not in self.objects]
        for item in [*gone, *self.objects.values()]:
            self._changed(item)
        version: str = listed["metadata"]["resourceVersion"]
        return version

    def _see(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self.objects.pop(key(item), None)
        else:
            self.objects[key(item)] = item
        self._changed(item)


def key(item: Object) -> tuple[str, str]:
    """Return (namespace or "", name)."""
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
