"""What the usual Kubernetes client needs to hold the same objects.

Run as `python -m tests.bench.typed_client`.
Arguments: kubeconfig, how many objects of each kind at most. Lists page by page with
`kubernetes.aio` and keeps every object. Prints, as JSON, how many objects, seconds of processor
time and MiB at the peak, both beyond what importing costs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

from kubernetes.aio import client, config

PAGE = 500


async def listed(kubeconfig: str, most: int) -> list[Any]:
    """Return the objects."""
    await config.load_kube_config(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    found: list[Any] = []
    async with client.ApiClient() as api:
        core, storage = client.CoreV1Api(api), client.StorageV1Api(api)
        for call in (
            core.list_pod_for_all_namespaces,
            core.list_persistent_volume_claim_for_all_namespaces,
            core.list_persistent_volume,
            storage.list_volume_attachment,
        ):
            found += await _kind(call, most)
    return found


async def _kind(call: Any, most: int) -> list[Any]:  # noqa: ANN401 -- a generated method
    found: list[Any] = []
    more = ""
    while len(found) < most:
        page = await call(limit=PAGE, _continue=more)
        found += page.items
        more = page.metadata._continue  # noqa: SLF001 -- how the client spells `continue`
        if not more:
            break
    return found


def peak() -> float:
    """Return the most memory that was ever resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    memory, began = peak(), time.process_time()
    objects = asyncio.run(listed(sys.argv[1], int(sys.argv[2])))
    spent = {"cpu": time.process_time() - began, "memory": peak() - memory}
    sys.stdout.write(json.dumps({"objects": len(objects), **spent}) + "\n")
