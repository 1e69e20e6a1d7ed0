"""Remediation resources in the API server: create, list, save. Edge.

A record is created before the webhook is answered, and saved before anything is done; both are etcd
writes. What is held here is what the watch brought or we wrote: the engine sees its own writes at
once, and what others and people change as soon as the API server tells.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from exporter.observe.errors import Conflict, Garbage, Gone, NotFound
from exporter.observe.kube.api import GET_SECONDS, Api
from exporter.observe.model import Subject, rfc3339
from remediator.record import FINALIZER, Record, Spec, Status, name_of, subject_key
from remediator.resources import Resources

GROUP = "pvmedic.dev/v1alpha1"
PATH = f"/apis/{GROUP}/remediations"
KEY_LABEL = "pvmedic.dev/subject"
HEARD = "pvmedic.dev/heard-at"
"""On a record: when a replica that does not execute last heard its alert."""

MAPS = frozenset({"labels", "params", "prior", "done", "subject", "claimUids"})
"""Keys whose value is a map with keys of its own, none of them a time."""


class _Meta(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    labels: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    annotations: dict[str, str] = {}


class _Wire(msgspec.Struct, rename="camel"):
    metadata: _Meta
    spec: dict[str, object] = {}
    status: dict[str, object] = {}
    api_version: str = GROUP
    kind: str = "Remediation"


class Store:
    """The engine's Records and the intake's Episodes.

    `fence` is asked before every write of the engine and raises when we may not write any more.
    """

    def __init__(
        self,
        api: Api,
        fence: Callable[[], None] = lambda: None,
        within: float = GET_SECONDS,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        """Start empty; `run` fills.

        `within` is how long the answer to a write may take, in seconds. `opened` hears that there
        is a record that was not known.
        """
        self._api = api
        self._fence = fence
        self._within = within
        self._opened = opened
        self._resources = Resources(api, PATH, decode, self._index)
        self._by_subject: dict[str, set[str]] = {}
        self._subjects: dict[str, str] = {}
        self.run = self._resources.run
        self.load = self._resources.load

    @property
    def loaded(self) -> bool:
        """Whether the records are known."""
        return self._resources.loaded

    @property
    def followed(self) -> bool:
        """Whether what others change comes here at once; else what is held may be old."""
        return self._resources.followed

    def all(self) -> tuple[Record, ...]:
        """Return every record, as last seen."""
        return tuple(self._resources.held.values())

    def named(self, name: str) -> Record | None:
        """Return a record as last seen."""
        return self._resources.held.get(name)

    def newest(self, signal: str, subject: Subject) -> Record | None:
        """Return the latest episode of a subject."""
        names = self._by_subject.get(subject_key(signal, subject), ())
        same = (self._resources.held[name] for name in names)
        return max(same, key=lambda record: record.spec.episode, default=None)

    async def again(self, name: str) -> Record | None:
        """Read one record afresh; None when it is gone."""
        try:
            return self._put(decode(await self._api.send("GET", f"{PATH}/{name}", timeout=5.0)))
        except NotFound:
            self._resources.drop(name)
            return None

    async def note(self, record: Record, at: float) -> None:
        """Write on the record itself when its alert was last heard, for the replica that executes.

        An annotation, bound to the uid alone: the status is for the one that executes.
        """
        body = {"metadata": {"uid": record.uid, "annotations": {HEARD: _fine(at)}}}
        answer = await self._api.send(
            "PATCH",
            f"{PATH}/{record.name}",
            msgspec.json.encode(body),
            content_type="application/merge-patch+json",
            timeout=5.0,
        )
        self._put(decode(answer))

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
        return await self._write("PUT", record, "/status", msgspec.json.encode(wire))

    async def keep(self, record: Record) -> Record:
        """Put our finalizer on it, bound to its version; the status in hand stays."""
        kept = await self._finalize(record, (*record.finalizers, FINALIZER))
        return msgspec.structs.replace(kept, status=record.status)

    async def let_go(self, record: Record) -> None:
        """Take our finalizer off, bound to its version."""
        rest = tuple(name for name in record.finalizers if name != FINALIZER)
        await self._finalize(record, rest)

    async def prune(self, now: float, older_than: float, at_most: int) -> int:
        """Delete what is over for long, and what is over the number; return how many went.

        A subject's newest record stays, or its next episode would have a number again.
        """
        newest = {
            max(names, key=lambda name: self._resources.held[name].spec.episode)
            for names in self._by_subject.values()
            if names
        }
        old = sorted(
            (r for r in self.all() if r.over and not r.kept and r.name not in newest),
            key=lambda record: record.status.over_at or 0.0,
        )
        surplus = max(0, len(self._resources.held) - at_most)
        gone = 0
        for number, record in enumerate(old):
            if number < surplus or now - (record.status.over_at or now) > older_than:
                await self._delete(record)
                gone += 1
        return gone

    async def _delete(self, record: Record) -> None:
        self._fence()
        only = {"uid": record.uid, "resourceVersion": record.version}
        body = msgspec.json.encode({"preconditions": only})
        try:
            await self._api.send("DELETE", f"{PATH}/{record.name}", body, timeout=self._within)
        except (Conflict, NotFound):
            return

    async def _finalize(self, record: Record, finalizers: tuple[str, ...]) -> Record:
        meta = {
            "uid": record.uid,
            "resourceVersion": record.version,
            "finalizers": list(finalizers),
        }
        body = msgspec.json.encode({"metadata": meta})
        return await self._write(
            "PATCH", record, "", body, content_type="application/merge-patch+json"
        )

    async def _write(
        self,
        method: str,
        record: Record,
        sub: str,
        body: bytes,
        content_type: str = "application/json",
    ) -> Record:
        self._fence()
        where = f"{PATH}/{record.name}"
        try:
            answer = await self._api.send(
                method, f"{where}{sub}", body, content_type=content_type, timeout=self._within
            )
        except (Conflict, Gone, NotFound):
            await self.again(record.name)
            raise
        return self._put(decode(answer))

    def _put(self, record: Record) -> Record:
        self._resources.put(record.name, record, record.version)
        self._index(record.name)
        return record

    def _index(self, name: str) -> None:
        """Note which subject a record is about, or that it is gone."""
        record = self._resources.held.get(name)
        if record is None:
            self._by_subject.get(self._subjects.pop(name, ""), set()).discard(name)
            return
        key = subject_key(record.spec.signal, record.subject)
        if name not in self._subjects:
            self._opened()
        self._subjects[name] = key
        self._by_subject.setdefault(key, set()).add(name)


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
            finalizers=meta.finalizers,
            deletion=_seconds(meta.deletion_timestamp) if meta.deletion_timestamp else None,
            heard=_heard(meta.annotations.get(HEARD, "")),
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise Garbage(f"this is no Remediation of ours: {error}") from error


def _heard(text: str) -> float | None:
    """Return a time that anybody may have written there; None where it is none."""
    try:
        return _seconds(text) if text else None
    except ValueError:
        return None


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
