"""The role `once`: read a cluster, say what is wrong with its storage, and end. It changes nothing.

For a person a table, for a script JSON. What was not allowed to be read is said, never passed over.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from exporter import report
from exporter.observe import errors, model
from exporter.observe.full_pass import Verdict, judge
from exporter.observe.heketi import Heketis, HeketiSettings
from exporter.observe.kube.access import Access
from exporter.observe.kube.api import Api
from exporter.observe.kube.resources import RESOURCES
from exporter.observe.kube.version import version
from exporter.observe.kubelets import KubeletSettings, Reader
from exporter.observe.model import FACTS, Kind
from exporter.observe.objects import Objects
from exporter.observe.parse import events, wire
from exporter.observe.signals import CLUSTER, READ
from exporter.observe.view import View

HEALTHY, WRONG, UNSEEN = 0, 1, 3
"""Exit statuses; 2 is for what a person must mend in how it is called."""

NOT_HERE = "what only nodes show is not read by this command: their pods are not reached from here"
KUBELETS_AT_ONCE = 32
NARROWEST = 80
PROGRESS_SECONDS = 2.0


class Output(StrEnum):
    """How the result is printed."""

    TABLE = "table"
    JSON = "json"


class Read(msgspec.Struct):
    """What could be read of a cluster, and what could not, with the sentence why."""

    objects: Objects
    unseen: dict[Kind, str]
    kubelets: dict[str, str]
    counts: dict[Kind, int]
    unreadable: dict[str, str]


async def run(
    access: Access,
    kubelets: KubeletSettings,
    heketi: HeketiSettings,
    output: Output,
    *,
    everything: bool,
) -> int:
    """Read, judge, print; return the exit status. Raises ObserveError without an API server."""
    began = time.monotonic()
    async with Api(access) as api, Reader(access, kubelets) as reader:
        # Without an answer to this there is nothing to say about anything.
        server = await version(api)
        found = await _read(api, reader)
        found.objects.put(server)
        await _ask_heketis(heketi, found)
    # What only nodes show is no failure of this run: it cannot be reached from where it runs.
    hidden = dict.fromkeys(READ & FACTS, NOT_HERE)
    elsewhere = {d.name: NOT_HERE for d in CLUSTER if (d.needs | d.starts) & hidden.keys()}
    detectors = [one for one in CLUSTER if one.name not in elsewhere]
    verdict = judge(detectors, found.objects, {**hidden, **found.unseen}, time.time())
    unseen = {str(kind): why for kind, why in found.unseen.items()}
    unseen |= found.unreadable | found.kubelets
    if output is Output.JSON:
        whole = msgspec.structs.replace(verdict, blind={**elsewhere, **verdict.blind})
        print(report.as_json(whole, unseen))  # noqa: T201 -- what was asked for
    else:
        width = max(NARROWEST, shutil.get_terminal_size((120, 24)).columns)
        for line in report.as_table(verdict, unseen, everything=everything, width=width):
            print(line)  # noqa: T201 -- same
        seen = ", ".join(f"{number} {kind}" for kind, number in found.counts.items() if number)
        took = time.monotonic() - began
        print(f"read {seen or 'nothing'} in {took:.1f} s", file=sys.stderr)  # noqa: T201 -- same
    return status(verdict, unseen)


def status(verdict: Verdict, unseen: Mapping[str, str]) -> int:
    """Return the exit status: what is wrong weighs more than what could not be seen."""
    if any(finding.wrong for finding in verdict.findings):
        return WRONG
    return UNSEEN if unseen else HEALTHY


async def _read(api: Api, reader: Reader) -> Read:
    found = Read(Objects(), {}, {}, {}, {})

    async def one(kind: Kind) -> None:
        try:
            listing = await api.list(kind, field_selector=events.SELECTORS.get(kind, ""))
        except errors.NotInstalled as error:
            if RESOURCES[kind].optional:
                found.counts[kind] = 0
            else:
                found.unseen[kind] = str(error)
        except errors.ObserveError as error:
            found.unseen[kind] = str(error)
        else:
            found.counts[kind] = len(listing.objects) + listing.skipped
            for obj in listing.objects:
                found.objects.put(obj)
            for bad in listing.unreadable:
                found.unreadable[str(bad.name or f"one of {kind}")] = bad.error

    async with asyncio.TaskGroup() as group:
        shown = group.create_task(_progress(found))
        reads = [group.create_task(one(kind)) for kind in wire.KINDS if kind in READ]
        await asyncio.gather(*reads)
        await _ask_kubelets(reader, found)
        shown.cancel()
    return found


async def _progress(found: Read) -> None:
    """Say how far reading has come, where a person watches and it takes long."""
    while sys.stderr.isatty():
        await asyncio.sleep(PROGRESS_SECONDS)
        total = sum(found.counts.values())
        print(f"reading ... {total} objects so far", file=sys.stderr)  # noqa: T201 -- for a person


async def _ask_heketis(heketi: HeketiSettings, found: Read) -> None:
    if Kind.STORAGE_CLASS in found.unseen:
        # Nobody knows which there are, and it would wait for that.
        found.unseen |= dict.fromkeys(Heketis.kinds, found.unseen[Kind.STORAGE_CLASS])
        return

    def view() -> View:
        return View(found.objects, time.time(), found.unseen)

    for obj in await Heketis(heketi, view, time.time).look():
        found.objects.put(obj)


async def _ask_kubelets(reader: Reader, found: Read) -> None:
    slots = asyncio.Semaphore(KUBELETS_AT_ONCE)
    nodes = View(found.objects, time.time()).nodes_with_claims()

    async def one(node: model.Node) -> None:
        async with slots:
            try:
                for stats in await reader.ask(node):
                    found.objects.put(stats)
            except errors.ObserveError as error:
                found.kubelets[f"kubelet of node {node.name}"] = str(error)

    await asyncio.gather(*(one(node) for node in nodes))
    if nodes and len(found.kubelets) == len(nodes):
        (first, *_) = found.kubelets.values()
        found.unseen[Kind.VOLUME_STATS] = f"no kubelet could be asked, and the first said: {first}"
        found.kubelets.clear()
