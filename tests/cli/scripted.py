"""An API server that answers what a test says, and remembers what it was sent."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from exporter.observe.errors import NotInstalled, ObserveError
from exporter.observe.kube.api import GET_SECONDS, Api
from exporter.observe.model import rfc3339
from remediator import approvals, store
from remediator.cli.cluster import REVIEWS
from remediator.record import Record
from tests.intake.resources import Nobody

ANN = "ann@example.org"
MADE = "2027-01-15T08:00:00Z"
Tree = dict[str, Any]


class Scripted(Api):
    """Answers by method and path: one after the other, the last one for ever.

    What is not named does not exist here. Creating an approval gives one.
    """

    def __init__(self, *records: Record) -> None:
        """Hold records."""
        super().__init__(Nobody())
        self.answers: dict[str, list[object]] = {}
        self.sent: list[tuple[str, str, Tree]] = []
        self.on(f"POST {REVIEWS[0]}", {"status": {"userInfo": {"username": ANN}}})
        self.on(f"GET {store.PATH}", {"items": [wire(one) for one in records]})
        for one in records:
            self.on(f"GET {store.PATH}/{one.name}", wire(one))

    def on(self, what: str, *answers: object) -> None:
        """Answer `METHOD /path` with these."""
        self.answers[what] = list(answers)

    def bodies(self, method: str, path: str) -> list[Tree]:
        """Return what was sent there."""
        return [body for how, where, body in self.sent if (how, where) == (method, path)]

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
        sent = json.loads(body) if body is not None else {}
        self.sent.append((method, where, sent))
        answers = self.answers.get(f"{method} {where}")
        if answers is None and method == "POST" and where == approvals.PATH:
            meta = {"name": f"{sent['metadata']['generateName']}1", "uid": "uid-1"}
            return json.dumps(sent | {"metadata": {**meta, "creationTimestamp": MADE}}).encode()
        if answers is None:
            raise NotInstalled(f"{method} {where}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, ObserveError):
            raise answer
        return json.dumps(answer).encode()


def wire(record: Record) -> Tree:
    """Return a record as the API server gives it."""
    meta = {
        "name": record.name,
        "uid": record.uid,
        "resourceVersion": record.version,
        "creationTimestamp": rfc3339(record.created),
    }
    spec, status = (_told(msgspec.to_builtins(one)) for one in (record.spec, record.status))
    return {"metadata": meta, "spec": spec, "status": status}


def _told(value: object, key: str = "") -> object:
    if isinstance(value, dict):
        return {name: _told(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    timely = key == "at" or key.endswith(("At", "Since"))
    return rfc3339(value) if timely and isinstance(value, float) else value
