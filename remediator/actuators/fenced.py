"""An actuator that acts only while we lead: what no version binds is bound to the Lease here. Edge.

The check comes right before the call, and asks for more time than a call may take.
"""

from collections.abc import Callable

from exporter.observe.view import View
from remediator.ports import Actuator
from remediator.steps.base import Step


class Fenced:
    """Asks `fence`, which raises when we may not write any more, before every step."""

    def __init__(self, actuator: Actuator, fence: Callable[[], None]) -> None:
        """Act through this one."""
        self._actuator = actuator
        self._fence = fence

    async def apply(self, step: Step, view: View) -> None:
        """Do one step, while we lead."""
        self._fence()
        await self._actuator.apply(step, view)
