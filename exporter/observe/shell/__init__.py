"""Commands whose words tell what no API does: on this host, or in somebody's container.

A command is a list of arguments and never a shell's text; it ends in time, and so does what it
says. What a command is asked for, and what its words mean, is not known here.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Output(msgspec.Struct, frozen=True):
    """What a command said, whole, and how it ended: its exit status, negative for a signal."""

    stdout: bytes
    stderr: bytes
    status: int


class Shell(Protocol):
    """Runs commands somewhere."""

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout: float,  # noqa: ASYNC109 -- what was started is ended within it
        largest: int,
    ) -> Output:
        """Run a command to its end, `timeout` seconds at most; any exit status is an Output.

        Raises ObserveError: NotFound without such a program or pod, Unreachable when it cannot be
        started or does not end in time, Garbage when it says more than `largest` bytes in all.
        """
        ...


__all__ = ["Output", "Shell"]
