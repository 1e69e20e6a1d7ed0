"""Changes objects at a steady rate, in a process of its own: `python -m tests.bench.changing`.

Arguments: server, directory of a service account, pods, changes a second, seconds. Prints how many
it made. Half are pods that were placed at another time, which is read; half are annotations of
claims that nobody reads.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

import aiohttp

from exporter.observe.model import rfc3339
from tests.bench.copies import FIRST_TIME, names

AT_ONCE = 40
MERGE = "application/merge-patch+json"


async def change(server: str, account: Path, pods: int, rate: float, seconds: float) -> int:
    """Make changes for some time and return how many were made."""
    context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    headers = {"Authorization": f"Bearer {(account / 'token').read_text()}", "Content-Type": MERGE}
    connector = aiohttp.TCPConnector(ssl=context, limit=AT_ONCE)
    began, done = time.monotonic(), 0
    async with aiohttp.ClientSession(server, connector=connector, headers=headers) as session:

        async def work() -> None:
            nonlocal done
            while (passed := time.monotonic() - began) < seconds:
                if done >= passed * rate:
                    await asyncio.sleep(0.002)
                    continue
                number, done = done, done + 1
                path, body = _patch(number, pods)
                async with session.patch(path, data=json.dumps(body)) as answer:
                    answer.raise_for_status()
                    await answer.read()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    return done


def _patch(number: int, pods: int) -> tuple[str, object]:
    name = names(number * 7919 % pods)
    where = f"/api/v1/namespaces/{name['namespace']}"
    if number % 2:
        when = rfc3339(FIRST_TIME + number)
        placed = {"type": "PodScheduled", "status": "True", "lastTransitionTime": when}
        return f"{where}/pods/{name['pod']}/status", {"status": {"conditions": [placed]}}
    marks = {"annotations": {"example.com/change": str(number)}}
    return f"{where}/persistentvolumeclaims/{name['claim']}", {"metadata": marks}


if __name__ == "__main__":
    url, directory, *numbers = sys.argv[1:]
    pods, rate, seconds = map(float, numbers)
    sys.stdout.write(f"{asyncio.run(change(url, Path(directory), int(pods), rate, seconds))}\n")
