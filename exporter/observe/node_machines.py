"""The machine behind a node, and the disks of one repair, read when a repair asks. Edge.

Which cloud a node is in is told by its providerID. Of one that is not AWS nothing is asked, and
nothing is unseen: there is no such machine.
"""

import asyncio
import re
from collections.abc import Sequence

from exporter.observe.errors import Invalid, NotFound
from exporter.observe.machines import Machines
from exporter.observe.model import Kind, Machine, Node, Object, RepairDisks
from exporter.observe.objects import Objects
from exporter.observe.parse.provider_id import instance_of
from exporter.observe.view import Want

AT_ONCE = 3
"""Questions under way: more would only wait, and some look as if the cloud did not answer."""
_NAMED = re.compile(r"(?P<region>[a-z0-9-]*)/(?P<id>i-[0-9a-f]{1,32})")


class MachineReader:
    """Answers wants of Kind.MACHINE and Kind.REPAIR_DISKS. `tag` carries a Remediation's uid."""

    def __init__(self, machines: Machines, tag: str) -> None:
        self._machines = machines
        self._tag = tag
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def of_node(self, want: Want, known: Objects) -> Sequence[Object]:
        """Return a node's Machine; nothing where its providerID names no instance of AWS's.

        The want's name is the node's, which must have been read before; or its namespace names the
        instance itself, as `REGION/i-0abc`: of a node that is gone nobody else can tell it. Raises
        ObserveError, and no NotFound: an instance that EC2 does not know is a Machine without a
        reading.
        """
        region, instance_id = _named(want, known)
        if not instance_id:
            return ()
        async with self._slots:
            try:
                reading = await self._machines.machine(instance_id, region=region)
            except NotFound:
                reading = None
            disks = await self._machines.disks_of(instance_id, region=region)
            group = await self._machines.group_of(instance_id, region=region)
        return [Machine(want.name, instance_id, region, reading, disks, group)]

    async def of_repair(self, want: Want, known: Objects) -> Sequence[Object]:
        """Return the RepairDisks of a Remediation: the want's name is its uid.

        The want's namespace is the region, empty for the settings'. What is being deleted is left
        out. Raises ObserveError.
        """
        del known
        async with self._slots:
            found = await self._machines.disks_tagged({self._tag: want.name}, region=want.namespace)
        return [RepairDisks(want.name, tuple(one for one in found if not one.gone))]


def _named(want: Want, known: Objects) -> tuple[str, str]:
    """Return region and instance of what is wanted; empty where none is named."""
    if want.namespace:
        found = _NAMED.fullmatch(want.namespace)
        if found is None:
            raise Invalid(f"{want.namespace!r} is not REGION/INSTANCE")
        return (found["region"], found["id"])
    node = known.get(Kind.NODE, "", want.name)
    instance = instance_of(node.provider_id) if isinstance(node, Node) else None
    return (instance.region, instance.instance_id) if instance else ("", "")
