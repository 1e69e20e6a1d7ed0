"""Runs commands on nodes, each in the one pod there that the settings choose. Edge.

How a command ends is no proof of anything: one that was done before fails, and one that failed may
have done its part. So a status that is not 0 is raised as what lets the engine look again, and
never as a refusal that ends the repair:

    NotFound     126, 127: the pod has no such program, or cannot run it
    Unreachable  124, 137 and other signals: it was ended, and a part of it may be under way still
    Conflict     any other: it is over; whether anything was done, a look tells
"""

from collections.abc import Callable

from exporter.observe import model
from exporter.observe.errors import Conflict, Invalid, NotFound, ObserveError, Unreachable
from exporter.observe.shell import Output, Shell
from remediator.steps.base import NodeCommand

LARGEST = 64 * 1024
"""Bytes that a command may say."""
CANNOT_RUN = (126, 127)
TIMED_OUT = 124
SIGNALLED = 128
"""From here on a status is a signal's."""


class NodeActuator:
    """Runs them. `shell` returns where commands run on a node; it is fenced by who made it."""

    def __init__(self, shell: Callable[[str], Shell]) -> None:
        """Run nothing yet."""
        self._shell = shell

    async def run(self, command: NodeCommand) -> None:
        """Run one command to its end; raises ObserveError."""
        shell = self._shell(command.node)
        try:
            said = await shell.run(command.argv, timeout=command.seconds, largest=LARGEST)
        except Invalid as error:
            # Two pods while one takes the other's place: nothing was run, and it passes.
            raise Conflict(str(error)) from error
        if said.status != 0:
            raise _ended(command, said)


def _ended(command: NodeCommand, said: Output) -> ObserveError:
    words = said.stderr.decode(errors="replace").split()
    why = " ".join(words)[: model.LONGEST_TEXT] or "it said nothing"
    text = f"{' '.join(command.argv)} on node {command.node} ended with {said.status}: {why}"
    if said.status in CANNOT_RUN:
        return NotFound(text)
    ended = said.status == TIMED_OUT or said.status > SIGNALLED or said.status < 0
    return (Unreachable if ended else Conflict)(text)
