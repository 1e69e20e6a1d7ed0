"""A real mount that answers, hangs, or has lost its server, as told: FUSE without a library.

The kernel speaks to a thread of ours over /dev/fuse, in the protocol's oldest form that is still
spoken. Who asks a silent one waits in the kernel, beyond any signal, until it answers again or is
cut off. It needs root.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import struct
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE = "/dev/fuse"
DETACH = 2
"""umount2: let go even of what is in use."""

_HEADER = struct.Struct("<IIQQIIII")
_ANSWER = struct.Struct("<IiQ")
_LARGEST = 256 * 1024
_TICK = 0.05
"""Seconds after which the server looks whether it should listen."""
_SETTLING_TICKS = 200
_NOT_FOUND, _NOT_KNOWN = 2, 38

_LOOKUP, _GETATTR, _STATFS, _RELEASE, _FLUSH, _INIT = 1, 3, 17, 18, 25, 26
_OPENDIR, _RELEASEDIR, _DESTROY = 27, 29, 38
_UNANSWERED = (2, 36, 42)
"""FORGET, INTERRUPT, BATCH_FORGET."""

_DIRECTORY = 0o040755
_ANSWERS = {
    _INIT: struct.pack("<IIIIHHI", 7, 22, 0, 0, 4, 3, 4096),
    _GETATTR: struct.pack(
        "<QII6Q3I7I", 1, 0, 0, *[1, 0, 0, 0, 0, 0], 0, 0, 0, _DIRECTORY, *[1] * 6
    ),
    _STATFS: struct.pack("<5Q4I24x", 1000, 500, 500, 100, 50, 4096, 255, 4096, 0),
    _OPENDIR: struct.pack("<QII", 1, 0, 0),
    _RELEASEDIR: b"",
    _RELEASE: b"",
    _FLUSH: b"",
    _DESTROY: b"",
}


class FuseMount:
    """One mount at `point`. Used as `with FuseMount(point) as mount`.

    `delay` is how many seconds each answer takes.
    """

    def __init__(self, point: Path) -> None:
        self.point = point
        self.delay = 0.0
        self._answers = threading.Event()
        self._answers.set()
        self._listens = threading.Event()
        self._listens.set()
        self._greeted = threading.Event()
        self._device = -1
        self._server = threading.Thread(target=self._serve, name="fuse", daemon=True)

    def __enter__(self) -> Self:
        """Mount it; raises OSError."""
        self.point.mkdir(parents=True, exist_ok=True)
        self._device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0,allow_other"
        try:
            _checked(
                _libc().mount(b"pvmedic", bytes(self.point), b"fuse", 0, options.encode()),
                f"mount {self.point}",
            )
        except OSError:
            os.close(self._device)
            raise
        self._server.start()
        # Before both sides have met, nobody hangs in it beyond a signal.
        self._greeted.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        """Let go of whoever hangs in it, and take it away."""
        self.answer()
        _libc().umount2(bytes(self.point), DETACH)
        self._server.join(10)
        self._close()

    def hang(self) -> None:
        """Answer nothing any more."""
        self._answers.clear()

    def stop(self) -> None:
        """Do not even hear what is asked: who asks can be killed then, as on a dead NFS."""
        self._listens.clear()

    def answer(self) -> None:
        """Answer again, what was asked meanwhile first."""
        self._listens.set()
        self._answers.set()

    def cut_off(self) -> None:
        """End the server and leave the mount: the transport endpoint is not connected."""
        self.answer()
        self._close()
        # Only when the last one who reads the device lets go is it cut off.
        self._server.join(10)
        # Who asks while it is being cut off is told of an abort, and not that nobody is there.
        for _ in range(_SETTLING_TICKS):
            try:
                os.statvfs(self.point)
            except OSError as error:
                if error.errno == errno.ENOTCONN:
                    return
            time.sleep(_TICK)

    def _close(self) -> None:
        device, self._device = self._device, -1
        if device >= 0:
            os.close(device)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while (device := self._device) >= 0:
                if not (select.select([device], [], [], _TICK)[0] and self._listens.wait(_TICK)):
                    continue
                asked = os.read(device, _LARGEST)
                self._answers.wait()
                time.sleep(self.delay)
                _, operation, unique, *_ = _HEADER.unpack_from(asked)
                if operation in _UNANSWERED:
                    continue
                known = _ANSWERS.get(operation)
                error = 0 if known is not None else -_NOT_KNOWN
                if operation == _LOOKUP:
                    error = -_NOT_FOUND
                said = known or b""
                with contextlib.suppress(FileNotFoundError):
                    # Nobody waits for the answer any more.
                    os.write(device, _ANSWER.pack(_ANSWER.size + len(said), error, unique) + said)
                if operation == _INIT:
                    self._greeted.set()


@contextlib.contextmanager
def hung(point: Path) -> Iterator[FuseMount]:
    """Give a mount that holds whoever asks it, beyond any signal, until the end of this."""
    with FuseMount(point) as mount:
        mount.hang()
        yield mount


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
