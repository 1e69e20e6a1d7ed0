"""A call into the kernel that may never return: asked in a thread that nobody waits for too long.

A file system that hangs cannot be asked without a thread that hangs with it, and such a thread can
neither be ended nor must it keep the program from ending. So there is one for each thing asked:
while it hangs nothing more is asked, and that is said at once.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from exporter.observe import errors

T = TypeVar("T")


class Bounded(Generic[T]):
    """Asks `call`, the same each time; `what` it is about, in a sentence."""

    def __init__(self, call: Callable[[], T], what: str) -> None:
        self._call = call
        self._what = what
        self._returned = threading.Event()
        self._returned.set()

    async def ask(self, seconds: float) -> T:
        """Return what the call returns, or raise what it raises.

        Raises Unreachable when it does not within `seconds`, or an earlier one has not yet.
        """
        if not self._returned.is_set():
            raise errors.Unreachable(f"{self._what} still does not answer")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        returned = threading.Event()

        def tell(result: T | None, error: Exception | None) -> None:
            if answer.done():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]  # without an error it is a T

        def work() -> None:
            result, failed = None, None
            try:
                result = self._call()
            except Exception as error:  # noqa: BLE001 -- whoever asked hears of it
                failed = error
            # First: who has the answer may ask again at once.
            returned.set()
            with suppress(RuntimeError):  # whoever asked is gone, and so is the loop
                loop.call_soon_threadsafe(tell, result, failed)

        threading.Thread(target=work, name=self._what, daemon=True).start()
        self._returned = returned
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            if answer.done() and not answer.cancelled():
                raise
            raise errors.Unreachable(
                f"{self._what} does not answer within {seconds:g} s"
            ) from error
