"""Directories that look like a pod's projected service account volume, with tokens kept fresh.

A token is asked for like a kubelet asks: TokenRequest, written again well before it expires.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from local.kubelet import TROUBLE

if TYPE_CHECKING:
    from pathlib import Path

    from local.api import Api
    from local.background import Background

VALID_SECONDS = 3600
FRESH_FOR = 0.8
AGAIN_SECONDS = 5.0


class ServiceAccountTokens:
    """Issues tokens into directories and renews them in the background until that ends."""

    def __init__(self, background: Background, api: Api, root: Path, ca_file: Path) -> None:
        """`root` will hold one directory per service account."""
        self._background = background
        self._api = api
        self._root = root
        self._ca_file = ca_file
        self._tasks: set[asyncio.Task[None]] = set()

    def directory(self, namespace: str, name: str) -> Path:
        """Return a directory with `token`, `ca.crt`, `namespace`; ApiError without account."""
        path = self._root / f"{namespace}.{name}"
        if not path.exists():
            path.mkdir(mode=0o700, parents=True)
            shutil.copy(self._ca_file, path / "ca.crt")
            (path / "namespace").write_text(namespace)
            self._background.run(self._issue_and_keep(path, namespace, name))
        return path

    async def _issue_and_keep(self, path: Path, namespace: str, name: str) -> None:
        try:
            await self._issue(path, namespace, name)
        except TROUBLE:
            shutil.rmtree(path)
            raise
        self._tasks.add(asyncio.create_task(self._renew(path, namespace, name)))

    async def _renew(self, path: Path, namespace: str, name: str) -> None:
        pause = VALID_SECONDS * FRESH_FOR
        while True:
            await asyncio.sleep(pause)
            try:
                await self._issue(path, namespace, name)
                pause = VALID_SECONDS * FRESH_FOR
            except TROUBLE:
                pause = AGAIN_SECONDS

    async def _issue(self, path: Path, namespace: str, name: str) -> None:
        url = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": VALID_SECONDS},
        }
        answer = await self._api.call("POST", url, body)
        unfinished = path / ".token"
        unfinished.touch(mode=0o600)
        unfinished.write_text(answer["status"]["token"])
        unfinished.rename(path / "token")
