"""A program that looks at mounts of its own namespace while others of them come and go.

`unshare --mount --propagation private python -m tests.filesystems.vanishing FOLDER`. It prints what
each look saw, and the last one when all that came had gone, as JSON.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import sys
import threading
from pathlib import Path

from exporter.observe.model import Mount, MountCount
from exporter.observe.mounts import Mounts, Places
from exporter.observe.statfs import Statfs
from exporter.observe.volumes import Volumes
from tests.filesystems.mounted import Api

STAY, COME_AND_GO = 20, 60
LOOKS = 40
_BIND, _DETACH = 4096, 2
TABLE = Path("/proc/self/mountinfo")


class Churn:
    """Binds a folder again and again, and lets go of it."""

    def __init__(self, folder: Path) -> None:
        """Make what stays."""
        self.rounds = 0
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._source = folder / "source"
        self._source.mkdir(parents=True)
        points = [
            folder / f"pods/{number}/volumes/kubernetes.io~csi/pv-{number}/mount"
            for number in range(STAY + COME_AND_GO)
        ]
        for point in points:
            point.mkdir(parents=True)
        self._passing = points[::4] + points[1::4] + points[2::4]
        self._end = threading.Event()
        for point in points[3::4]:
            self._mount(point)

    def run(self) -> None:
        """Go on until told."""
        while not self._end.is_set():
            for point in self._passing:
                self._mount(point)
            for point in self._passing:
                self._libc.umount2(bytes(point), _DETACH)
            self.rounds += 1

    def end(self) -> None:
        """Tell it."""
        self._end.set()

    def _mount(self, point: Path) -> None:
        if self._libc.mount(bytes(self._source), bytes(point), None, _BIND, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {point}")


async def looks(churn: Churn) -> dict[str, object]:
    """Look while it churns."""
    statfs = Statfs()
    mounts = Mounts("a", Volumes(Api()), Places(mountinfo=TABLE), statfs)
    counts: list[int] = []
    problems: list[str] = []
    thread = threading.Thread(target=churn.run)
    thread.start()
    try:
        try:
            while len(counts) < LOOKS or not churn.rounds:
                found = await mounts.look()
                problems += [one.problem for one in found if isinstance(one, Mount)]
                counts += [one.well for one in found if isinstance(one, MountCount)]
        finally:
            churn.end()
            thread.join()
        found = await mounts.look()
        (at_rest,) = (one.well for one in found if isinstance(one, MountCount))
    finally:
        statfs.rest()
    return {"counts": counts, "problems": problems, "at_rest": at_rest}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(looks(Churn(Path(sys.argv[1]))))))
