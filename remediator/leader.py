"""Which replica executes: the one that holds a Lease (coordination.k8s.io/v1). Edge.

Clocks of replicas need not agree: a Lease of somebody else counts as run out when *we* have seen it
unchanged for its whole duration, by a clock that only goes forward. Our own is believed for less
time than others wait for, counted from before the request that renewed it; a process that was
stopped in between finds out before its next write. The records themselves are bound by their
versions, so that even a machine whose clocks stood still with it cannot write over what came after.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from exporter.observe.errors import Conflict, Garbage, NotFound, ObserveError
from exporter.observe.kube.api import Api
from remediator.errors import Deposed

LOG = logging.getLogger("pvmedic.leader")

NAME = "pvmedic-remediator"
DURATION = 15.0
"""Seconds that others wait after our last renewal."""


class Times(NamedTuple):
    """Seconds, all from one: how long others wait after our last renewal.

    believed: how long we believe in our own. renew: how often we do it. margin: what must be left
    of our belief when a write begins; a write has no longer to be answered.
    """

    duration: float
    believed: float
    renew: float
    margin: float


def times(duration: float = DURATION) -> Times:
    """Return what goes with a duration."""
    return Times(duration, duration * 2 / 3, duration * 2 / 15, duration / 3)


class _Meta(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str
    namespace: str = ""
    resource_version: str = ""


class _Spec(msgspec.Struct, rename="camel", omit_defaults=True):
    holder_identity: str = ""
    lease_duration_seconds: int = int(DURATION)
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class _Lease(msgspec.Struct, rename="camel"):
    metadata: _Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    api_version: str = "coordination.k8s.io/v1"
    kind: str = "Lease"


class Leader:
    """Takes and keeps the Lease. `steady` judges, `wall` is what people see."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        identity: str,
        steady: Callable[[], float],
        wall: Callable[[], float],
        pace: Times | None = None,
    ) -> None:
        """Hold nothing yet."""
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._steady = steady
        self._wall = wall
        self.pace = pace or times()
        self._until = float("-inf")
        self._seen: tuple[str, float] = ("", float("-inf"))
        self._renewed: deque[str] = deque(maxlen=8)
        self.holder = ""

    def leads(self, margin: float = 0.0) -> bool:
        """Whether we hold the Lease, and still will in `margin` seconds."""
        return self._steady() < self._until - margin

    def fence(self) -> None:
        """Raise Deposed unless a write that begins now ends while we lead."""
        if not self.leads(self.pace.margin):
            raise Deposed(
                f"the Lease {NAME} is not ours, or not for long enough: nothing is written"
            )

    async def run(self) -> None:
        """Take it, keep it, take it again, until cancelled."""
        led = False
        while True:
            try:
                await self.once()
            except ObserveError as error:
                LOG.warning("the Lease could not be renewed: %s", error)
            if self.leads() != led:
                led = not led
                LOG.info(
                    "leading" if self.leads() else "not leading", extra={"fields": self.shown()}
                )
            await asyncio.sleep(self.pace.renew)

    def shown(self) -> dict[str, str]:
        """Return who holds it, for logs."""
        return {"holder": self.holder, "us": self._identity}

    async def once(self) -> None:
        """Read the Lease, and take or renew it where that is ours to do."""
        began = self._steady()
        found = await self._read()
        if found is None:
            wanted = _Lease(_Meta(NAME, self._namespace), self._spec(None))
            await self._write("POST", "", wanted, began)
            return
        self.holder = found.spec.holder_identity
        mark = found.metadata.resource_version
        if self._seen[0] != mark:
            self._seen = (mark, began)
        ours = self._ours(found.spec)
        if self.leads() and self.holder == self._identity and not ours:
            LOG.error("another process has our name and took the Lease: set `identity`")
        waited = began - self._seen[1]
        if (
            not ours
            and self.holder
            and waited < (found.spec.lease_duration_seconds or self.pace.duration)
        ):
            self._until = float("-inf")
            return
        wanted = msgspec.structs.replace(found, spec=self._spec(found.spec))
        await self._write("PUT", f"/{NAME}", wanted, began)

    async def release(self) -> None:
        """Give it back, so that nobody waits for it. `run` must have ended: it would take it again.

        A renewal that was cut off may have landed, so what is given back is read first.
        """
        self._until = float("-inf")
        try:
            found = await self._read()
            if found is None or not self._ours(found.spec):
                return
            spec = msgspec.structs.replace(found.spec, holder_identity="", lease_duration_seconds=1)
            wanted = msgspec.structs.replace(found, spec=spec)
            await self._api.send(
                "PUT", f"{self._path}/{NAME}", msgspec.json.encode(wanted), timeout=3.0
            )
        except ObserveError as error:
            LOG.warning("the Lease could not be given back: %s", error)

    @property
    def _path(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"

    def _ours(self, spec: _Spec) -> bool:
        """Whether this process wrote it, or one of our name before we wrote anything.

        Of two of one name that live the later one leads; the other finds a time that it never
        wrote. Of our own the last few count: answers may have been lost.
        """
        known = not self._renewed or spec.renew_time in self._renewed
        return spec.holder_identity == self._identity and known

    async def _read(self) -> _Lease | None:
        try:
            body = await self._api.send("GET", f"{self._path}/{NAME}", timeout=5.0)
        except NotFound:
            return None
        return _decoded(body)

    async def _write(self, method: str, name: str, wanted: _Lease, began: float) -> None:
        self._renewed.append(wanted.spec.renew_time)
        try:
            body = await self._api.send(
                method, f"{self._path}{name}", msgspec.json.encode(wanted), timeout=5.0
            )
        except Conflict:
            # Somebody was faster; who, the next look tells.
            self._until = float("-inf")
            return
        held = _decoded(body)
        self._seen = (held.metadata.resource_version, began)
        self.holder = self._identity
        self._until = began + self.pace.believed

    def _spec(self, before: _Spec | None) -> _Spec:
        seconds = math.ceil(self.pace.duration)
        now = datetime.fromtimestamp(self._wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if before is not None and before.holder_identity == self._identity:
            return msgspec.structs.replace(before, renew_time=now, lease_duration_seconds=seconds)
        transitions = before.lease_transitions + 1 if before is not None else 0
        return _Spec(self._identity, seconds, now, now, transitions)


def _decoded(body: bytes) -> _Lease:
    try:
        return msgspec.json.decode(body, type=_Lease)
    except msgspec.DecodeError as error:
        raise Garbage(f"this is no Lease: {error}") from error
