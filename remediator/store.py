"""Remediation resources in the API server: create, list, save. Edge.

A record is created before the webhook is answered, and saved before anything is done; both are etcd
writes. What is held here is what was last listed or written: the engine sees its own writes at
once, and within half a minute what people changed.
"""

import asyncio
import logging
from datetime import datetime

import msgspec

from exporter.observe.errors import Conflict, Garbage, Gone, ObserveError
from exporter.observe.kube.api import Api
from exporter.observe.model import Subject, rfc3339
from remediator.record import Record, Spec, Status, name_of, subject_key

LOG = logging.getLogger("pvmedic.store")
GROUP = "pvmedic.dev/v1alpha1"
PATH = f"/apis/{GROUP}/remediations"
KEY_LABEL = "pvmedic.dev/subject"
LIST_EVERY = 30.0
"""Seconds between two lists.

We are the only writer; a list brings in what people changed or deleted.
"""


MAPS = frozenset({"labels", "params", "prior", "done", "subject", "claimUids"})
"""Keys whose value is a map with keys of its own, none of them a time."""


class _Meta(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str = ""
    labels: dict[str, str] = {}


class _Wire(msgspec.Struct, rename="camel"):
    metadata: _Meta
    spec: dict[str, object] = {}
    status: dict[str, object] = {}
    api_version: str = GROUP
    kind: str = "Remediation"


class _List(msgspec.Struct):
    items: list[msgspec.Raw]


class Store:
    """The engine's Records and the intake's Episodes."""

    def __init__(self, api: Api) -> None:
        """Start empty; `load` fills."""
        self._api = api
        self._records: dict[str, Record] = {}
        self._written: set[str] = set()
        self.loaded = False

    def all(self) -> tuple[Record, ...]:
        """Return every record, as last seen."""
        return tuple(self._records.values())

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode of a subject."""
        key = subject_key(signal, subject)
        same = [r for r in self._records.values() if subject_key(r.spec.signal, r.subject) == key]
        return max(same, key=lambda record: record.spec.episode, default=None)

    async def load(self) -> None:
        """Read all records from the API server."""
        self._written.clear()
        body = await self._api.send("GET", PATH)
        try:
            items = msgspec.json.decode(body, type=_List).items
        except msgspec.DecodeError as error:
            raise Garbage(f"list {PATH}: {error}") from error
        found: dict[str, Record] = {}
        for item in items:
            try:
                record = decode(item)
            except Garbage as error:
                LOG.warning(
                    "a Remediation cannot be read; left alone",
                    extra={"fields": {"why": str(error)}},
                )
                continue
            found[record.name] = record
        # What was written while the list was on its way is not in it.
        found |= {name: self._records[name] for name in self._written}
        self._records = found
        self.loaded = True

    async def keep_fresh(self) -> None:
        """List again and again, until cancelled."""
        while True:
            try:
                await self.load()
                rest = LIST_EVERY
            except ObserveError as error:
                LOG.warning(
                    "Remediations could not be listed", extra={"fields": {"why": str(error)}}
                )
                rest = 2.0
            await asyncio.sleep(rest)

    async def create(self, spec: Spec) -> Record:
        """Create a record; Conflict when the episode exists already, which is then in the cache."""
        subject = Subject(tuple(spec.subject.items()))
        name = name_of(spec.signal, subject, spec.episode)
        labels = {KEY_LABEL: subject_key(spec.signal, subject)}
        wire = _Wire(metadata=_Meta(name=name, labels=labels), spec=_timed(spec, out=True))
        try:
            body = await self._api.send("POST", PATH, msgspec.json.encode(wire), timeout=5.0)
        except Conflict:
            self._put(decode(await self._api.send("GET", f"{PATH}/{name}", timeout=5.0)))
            raise
        return self._put(decode(body))

    async def save(self, record: Record) -> Record:
        """Write the status, bound to the record's version."""
        meta = _Meta(name=record.name, uid=record.uid, resource_version=record.version)
        spec, status = _timed(record.spec, out=True), _timed(record.status, out=True)
        wire = _Wire(metadata=meta, spec=spec, status=status)
        where = f"{PATH}/{record.name}"
        try:
            body = await self._api.send("PUT", f"{where}/status", msgspec.json.encode(wire))
        except (Conflict, Gone):
            self._put(decode(await self._api.send("GET", where)))
            raise
        return self._put(decode(body))

    def _put(self, record: Record) -> Record:
        self._records[record.name] = record
        self._written.add(record.name)
        return record


def decode(body: bytes | msgspec.Raw) -> Record:
    """Return the record that a resource holds; Garbage when it is not one of ours."""
    try:
        wire = msgspec.json.decode(body, type=_Wire)
        meta = wire.metadata
        return Record(
            name=meta.name,
            uid=meta.uid,
            version=meta.resource_version,
            created=_seconds(meta.creation_timestamp),
            spec=msgspec.convert(_walk(wire.spec, out=False), Spec),
            status=msgspec.convert(_walk(wire.status, out=False), Status),
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise Garbage(f"this is no Remediation of ours: {error}") from error


def _timed(value: Spec | Status, *, out: bool) -> dict[str, object]:
    walked = _walk(msgspec.to_builtins(value), out=out)
    return walked if isinstance(walked, dict) else {}


def _walk(value: object, *, out: bool, key: str = "") -> object:
    """Turn times between Unix seconds and RFC 3339.

    Every key that is `at` or ends in At or Since.
    """
    if isinstance(value, dict):
        if key in MAPS:
            return value
        return {name: _walk(item, out=out, key=name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, out=out) for item in value]
    if key == "at" or key.endswith(("At", "Since")):
        if out and isinstance(value, float):
            return _fine(value)
        if not out and isinstance(value, str):
            return _seconds(value)
    return value


def _fine(when: float) -> str:
    """Milliseconds, so that two readings two seconds apart do not look like one."""
    seconds, millis = divmod(round(when * 1000), 1000)
    return f"{rfc3339(seconds)[:-1]}.{millis:03d}Z"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
