"""What fires is compared with what is recorded, so that nothing is lost for good.

An outage of ours that outlives an alert's repeats, and alerts that a notification left out
(truncatedAlerts), come to us in no other way. It opens records through the intake alone, which
knows what is recorded already.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from exporter.observe.errors import ObserveError
from remediator.alert import Alert, Notification, Outcome

LOG = logging.getLogger("pvmedic.reconcile")

AGAIN = 10.0
"""Seconds to the next try when Alertmanager, or the API server behind the intake, was away."""


class Asked(Protocol):
    """Who knows what fires."""

    @property
    def named(self) -> bool:
        """Whether there is anybody to ask."""
        ...

    async def firing(self) -> list[Alert]:
        """Return what fires for our receiver; raises ObserveError."""
        ...


class Tally(Protocol):
    """Counts rounds."""

    def reconciled(self, outcomes: Sequence[Outcome], failure: str) -> None:
        """One round brought this, or failed for this reason."""
        ...


class Reconcile:
    """Compares at the start, when asked, and every so often."""

    def __init__(
        self,
        alertmanager: Asked,
        take: Callable[[Notification], Awaitable[list[Outcome]]],
        tally: Tally,
        receiver: str,
        every: float,
    ) -> None:
        self._alertmanager = alertmanager
        self._take = take
        self._tally = tally
        self._receiver = receiver
        self._every = every
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Compare soon: something may have been missed."""
        self._asked.set()

    async def run(self) -> None:
        """Compare until cancelled."""
        while self._alertmanager.named:
            self._asked.clear()
            rest = self._every if await self.once() else min(AGAIN, self._every)
            try:
                async with asyncio.timeout(rest):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def once(self) -> bool:
        """Compare once; return whether it could be done."""
        try:
            alerts = await self._alertmanager.firing()
            outcomes = await self._take(Notification("4", alerts, self._receiver))
        except ObserveError as error:
            LOG.warning("what fires could not be compared with the records: %s", error)
            self._tally.reconciled((), error.reason)
            return False
        self._tally.reconciled(outcomes, "")
        return True
