"""The API server's half of Remediation resources: names, uids, versions, the status subresource.

Only what the store asks for; anything else is a KeyError.
"""

import json
from collections.abc import Awaitable, Mapping
from typing import Any

from exporter.observe.errors import Conflict, NotFound, Unauthorized
from exporter.observe.kube.access import Credentials
from exporter.observe.kube.api import GET_SECONDS, Api
from remediator.store import PATH


class Nobody:
    """Credentials that nobody asks for."""

    async def credentials(self) -> Credentials:
        """Refuse."""
        raise Unauthorized("this client sends nothing over a network")


class Resources(Api):
    """Objects by name, as JSON. `write_meanwhile` is done once, when an answer is ready to go."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(Nobody())
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.write_meanwhile: Awaitable[object] | None = None

    async def send(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: float = GET_SECONDS,  # noqa: ASYNC109 -- the client's own signature
    ) -> bytes:
        """Answer one request."""
        del content_type, params, timeout
        name = where.removeprefix(PATH).strip("/")
        sent = json.loads(body) if body is not None else {}
        found = {
            "GET": self._get,
            "POST": self._post,
            "PUT": self._put_status,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }[method](name, sent)
        answer = json.dumps(found).encode()
        if self.write_meanwhile is not None:
            write, self.write_meanwhile = self.write_meanwhile, None
            await write
        return answer

    def _get(self, name: str, _: dict[str, Any]) -> dict[str, Any]:
        if not name:
            meta = {"resourceVersion": str(self.version)}
            return {
                "kind": "RemediationList",
                "metadata": meta,
                "items": list(self.objects.values()),
            }
        if name not in self.objects:
            raise NotFound(name)
        return self.objects[name]

    def _post(self, _: str, sent: dict[str, Any]) -> dict[str, Any]:
        name = sent["metadata"]["name"]
        if name in self.objects:
            raise Conflict(name)
        # The server fills these in, and drops a status that comes with a create.
        meta = {
            **sent["metadata"],
            "uid": f"uid-{name}",
            "creationTimestamp": "2027-01-15T08:00:00Z",
        }
        status = {"phase": "Observed", "seen": "Unseen"}
        return self._keep(name, {**sent, "metadata": meta, "status": status})

    def _put_status(self, where: str, sent: dict[str, Any]) -> dict[str, Any]:
        name = where.removesuffix("/status")
        if name not in self.objects:
            raise NotFound(name)
        there = self.objects[name]
        for field in ("uid", "resourceVersion"):
            if sent["metadata"][field] != there["metadata"][field]:
                raise Conflict(f"{name}: {field}")
        return self._keep(name, {**there, "status": sent["status"]})

    def _patch(self, name: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Change finalizers or annotations; a deleted object without finalizers is gone."""
        if name not in self.objects:
            raise NotFound(name)
        there, wanted = self.objects[name], sent["metadata"]
        for field in {"uid", "resourceVersion"} & wanted.keys():
            if wanted[field] != there["metadata"][field]:
                raise Conflict(f"{name}: {field}")
        notes = {**there["metadata"].get("annotations", {}), **wanted.get("annotations", {})}
        meta = {**there["metadata"], **wanted, "annotations": notes}
        found = self._keep(name, {**there, "metadata": meta})
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            del self.objects[name]
        return found

    def _delete(self, name: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Delete bound to preconditions; finalizers keep the object."""
        if name not in self.objects:
            raise NotFound(name)
        there = self.objects[name]
        for field, wanted in sent.get("preconditions", {}).items():
            if wanted != there["metadata"][field]:
                raise Conflict(f"{name}: {field}")
        if there["metadata"].get("finalizers"):
            meta = {**there["metadata"], "deletionTimestamp": "2027-01-15T09:00:00Z"}
            return self._keep(name, {**there, "metadata": meta})
        return self.objects.pop(name)

    def _keep(self, name: str, found: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        meta = {**found["metadata"], "resourceVersion": str(self.version)}
        self.objects[name] = {**found, "metadata": meta}
        return self.objects[name]
