"""What looks and writes for the repair of a full Rok snapshot space, made from the settings. Edge.

Both know the same cloud, the same pods and the same volume group: what was changed is looked at
where it was changed.
"""

from collections.abc import Callable, Mapping

from exporter.observe.aws import Aws
from exporter.observe.drain import DrainReader
from exporter.observe.kube.access import Access
from exporter.observe.kube.api import Api
from exporter.observe.look import AskOther
from exporter.observe.machines import Machines
from exporter.observe.model import Kind
from exporter.observe.node_disks import NodeDisksReader
from exporter.observe.node_machines import MachineReader
from exporter.observe.shell import Shell
from exporter.observe.shell.pod import InPod
from remediator.cloud import TAG_REMEDIATION
from remediator.ec2 import Ec2Writer
from remediator.leader import Leader
from remediator.settings import Settings


class RokEdges:
    """Makes them; nothing is asked before somebody wants it."""

    def __init__(self, api: Api, account: Access, settings: Settings, leader: Leader) -> None:
        """Keep what both are made of; `leader` fences what changes something."""
        self._api = api
        self._account = account
        self._settings = settings
        self._leader = leader
        self._machines = Machines(self._aws())

    def askers(self) -> Mapping[Kind, AskOther]:
        """Return who reads the kinds that only this repair's looks want."""
        machines = MachineReader(self._machines, TAG_REMEDIATION)
        place = self._settings.rok.place()
        return {
            Kind.MACHINE: machines.of_node,
            Kind.REPAIR_DISKS: machines.of_repair,
            Kind.NODE_DISKS: NodeDisksReader(self._shell(None), place).ask,
            Kind.DRAIN: DrainReader(self._api).ask,
        }

    def commands(self) -> Callable[[str], Shell] | None:
        """Return where commands that change a node run; None where the settings allow none."""
        return self._shell(self._leader.fence)

    def cloud(self) -> Ec2Writer:
        """Return what changes the cloud: each call once, and over before we may lead no more."""
        aws = self._aws(timeout=self._leader.pace.margin, attempts=1)
        return Ec2Writer(aws, self._machines, self._leader.fence)

    def _shell(self, fence: Callable[[], None] | None) -> Callable[[str], Shell] | None:
        pods = self._settings.rok.pods()
        if pods is None:
            return None
        # What only asks, asks one pod all that belongs together.
        once = fence is None
        return lambda node: InPod(self._api, self._account, pods, node, fence, once=once)

    def _aws(self, timeout: float = 10.0, attempts: int = 2) -> Aws:
        fencing = self._settings.fencing
        return Aws(
            endpoint_url=fencing.ec2_endpoint_url,
            scaling_endpoint_url=self._settings.rok.autoscaling_endpoint_url,
            region=fencing.ec2_region,
            timeout_seconds=timeout,
            attempts=attempts,
        )
