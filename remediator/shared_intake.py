"""Intake beside a replica that executes: what is heard here must reach the records, not only us.

All replicas accept, one executes. What the others hold of the records is as old as their watch, and
what they hear they could only tell themselves. So before a replica that does not execute says 200,
it reads afresh what may be over by now, and writes on the record when its alert was last heard.
Edge, as the intake is.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Protocol

from remediator.alert import Existing, Notification, Outcome
from remediator.intake import Episodes, Intake
from remediator.record import ENDS, Record

REMEMBERED = 600.0
"""Seconds by which the last notification on record may lag: repeats come far more often."""
TRIES = 3
"""Times one notification is taken: once more for each episode that was over without our knowing."""

Heard = dict[str, float]
_HEARD: ContextVar[Heard] = ContextVar("heard")


class Shared(Episodes, Protocol):
    """Records that others change, too."""

    @property
    def followed(self) -> bool:
        """Whether what others change comes here at once."""
        ...

    def named(self, name: str) -> Record | None:
        """Return a record as last seen."""
        ...

    async def again(self, name: str) -> Record | None:
        """Read a record afresh; None when it is gone."""
        ...

    async def note(self, record: Record, at: float) -> None:
        """Write on a record when its alert was last heard."""
        ...


class SharedIntake(Intake):
    """An intake that knows whether `leads`, its own replica, executes."""

    def __init__(
        self,
        shared: Shared,
        heard: Callable[[str, float], None],
        now: Callable[[], float],
        existing: Mapping[str, Existing] | None = None,
        cluster: str = "",
        *,
        leads: Callable[[], bool],
    ) -> None:
        """Tell the engine here as an intake does; it may come to lead."""
        super().__init__(shared, self._hear, now, existing, cluster)
        self._shared = shared
        self._engine = heard
        self._leads = leads

    async def take(self, notification: Notification) -> list[Outcome]:
        """Take it; again where an episode that was held as open turns out to be over."""
        outcomes = [Outcome.KNOWN] * len(notification.alerts)
        for _ in range(TRIES):
            heard: Heard = {}
            token = _HEARD.set(heard)
            try:
                taken = await super().take(notification)
            finally:
                _HEARD.reset(token)
            outcomes = [
                before if before is Outcome.RECORDED else after
                for before, after in zip(outcomes, taken, strict=True)
            ]
            over = await asyncio.gather(*(self._was_over(*one) for one in heard.items()))
            if not any(over):
                break
        return outcomes

    def _hear(self, name: str, at: float) -> None:
        heard = _HEARD.get({})
        heard[name] = max(at, heard.get(name, at))
        self._engine(name, at)

    async def _was_over(self, name: str, at: float) -> bool:
        """See to it that the record knows; return whether its episode is over after all."""
        async with self._slots:
            return await self._looked(name, at)

    async def _looked(self, name: str, at: float) -> bool:
        record = self._shared.named(name)
        if not self._leads() and (
            record is None or record.status.phase in ENDS or not self._shared.followed
        ):
            record = await self._shared.again(name)
        if record is None or record.over:
            return True
        last = max(record.heard or 0.0, record.status.last_alert_at or record.created)
        if not self._leads() and at - last > REMEMBERED:
            await self._shared.note(record, at)
        return False
