"""An EC2 of one run: moto's server in a child process, behind a face that adds what moto lacks.

Instances are switched with EC2's own calls through the face: whoever switches one, here or in
a program under test, its node feels it.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from local.ec2_answers import ACCOUNT, Fault
from local.ec2_disks import DiskFault
from local.ec2_face import Face, Hold, PowerChange
from local.processes import Child, PortTakenError, Processes, free_ports, listening, on_free_ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from local.background import Background

START_SECONDS = 60.0
REGION = "us-east-1"
ZONE = "us-east-1a"
IMAGE = "ami-12c6146b"  # one that moto knows


@dataclass(frozen=True)
class Disk:
    """A disk that is attached to an instance."""

    volume_id: str
    gib: int
    device: str

    @property
    def serial(self) -> str:
        """What the instance's own tools call it."""
        return self.volume_id.replace("-", "")


class Cloud:
    """A running EC2 endpoint; its methods may be called from any thread."""

    account = ACCOUNT

    def __init__(self, background: Background, processes: Processes) -> None:
        """Start moto; `open` waits for it."""
        self._background = background
        self._processes = processes
        self._moto_port, self._moto = self._start_moto()
        self._face: Face | None = None
        # To make one costs more than to ask a hundred times; they may be used from any thread.
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self.endpoint_url = ""

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which an AWS client talks to this endpoint."""
        return {
            "AWS_ENDPOINT_URL_EC2": self.endpoint_url,
            "AWS_ENDPOINT_URL_AUTO_SCALING": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    def open(self, changed: Callable[[PowerChange], Awaitable[None]]) -> None:
        """Wait for moto and listen; `changed` runs in the background's event loop."""
        try:
            self._moto.wait_ready(lambda: listening(self._moto_port), START_SECONDS)
        except PortTakenError:
            on_free_ports(self._start_moto_again)
        self._face, port = on_free_ports(lambda: self._background.run(self._open_face(changed)))
        self.endpoint_url = f"http://127.0.0.1:{port}"

    def run_instance(self) -> str:
        """Start a new instance and return its ID."""
        answer = self._client().run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
        instance: str = answer["Instances"][0]["InstanceId"]
        return instance

    def run_group(self, name: str, *, smallest: int, desired: int) -> list[str]:
        """Start a scaling group of machines in one zone, and return their IDs."""
        client = self._client(service="autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName=name, ImageId=IMAGE, InstanceType="m5.large"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=smallest,
            DesiredCapacity=desired,
            MaxSize=desired + 1,
            AvailabilityZones=[ZONE],
        )
        return self.members(name)

    def members(self, name: str) -> list[str]:
        """Return the IDs of the machines that a scaling group has now."""
        client = self._client(service="autoscaling")
        answer = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return [one["InstanceId"] for one in answer["AutoScalingGroups"][0]["Instances"]]

    def group_around(self, name: str, instances: Sequence[str], *, smallest: int) -> None:
        """Make a scaling group of instances that run already."""
        client = self._client(service="autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName=name, ImageId=IMAGE, InstanceType="m5.large"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=0,
            DesiredCapacity=0,
            MaxSize=len(instances) + 1,
            AvailabilityZones=[ZONE],
        )
        client.attach_instances(InstanceIds=list(instances), AutoScalingGroupName=name)
        client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=smallest)

    def add_disk(self, instance: str, gib: int, device: str) -> str:
        """Give an instance a disk that ends with it, and return its ID."""
        client = self._client()
        made = client.create_volume(
            AvailabilityZone=ZONE, Size=gib, VolumeType="gp3", Encrypted=True
        )
        volume: str = made["VolumeId"]
        client.attach_volume(VolumeId=volume, InstanceId=instance, Device=device)
        client.modify_instance_attribute(
            InstanceId=instance,
            BlockDeviceMappings=[
                {"DeviceName": device, "Ebs": {"VolumeId": volume, "DeleteOnTermination": True}}
            ],
        )
        return volume

    def attached(self, instance: str) -> tuple[Disk, ...]:
        """Return the disks that have arrived at an instance, as the endpoint tells of them."""
        client = self._client()
        wanted = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return tuple(
            Disk(volume["VolumeId"], volume["Size"], at["Device"])
            for volume in client.describe_volumes(Filters=wanted)["Volumes"]
            for at in volume["Attachments"]
            if at["InstanceId"] == instance and at["State"] == "attached"
        )

    def disks(self) -> list[str]:
        """Return the IDs of all disks, whatever fault is set."""
        client = self._client(f"http://127.0.0.1:{self._moto_port}")
        return [one["VolumeId"] for one in client.describe_volumes()["Volumes"]]

    def writes(self) -> dict[str, int]:
        """Return how often each call that changes disks, machines or groups was done so far."""
        return dict(self._face.writes) if self._face is not None else {}

    def disk_fault(self, kind: DiskFault | str | None) -> None:
        """Let calls that change something, or what is told of disks, go wrong; None heals."""
        fault = None if kind is None else DiskFault(kind)
        if self._face is not None:
            self._background.run(self._face.set_disk_fault(fault))

    def hold(self, action: str) -> Hold:
        """Hold the next call of this name."""
        hold = Hold()
        if self._face is not None:
            self._face.holds[action] = hold
        return hold

    def stop(self, instance: str, *, hibernate: bool = False) -> None:
        """Stop an instance; its node dies."""
        self._client().stop_instances(InstanceIds=[instance], Hibernate=hibernate)

    def start(self, instance: str) -> None:
        """Start a stopped instance: new launch time, and a new boot ID unless it was hibernated."""
        self._client().start_instances(InstanceIds=[instance])

    def terminate(self, instance: str) -> None:
        """Terminate an instance; its node dies."""
        self._client().terminate_instances(InstanceIds=[instance])

    def state(self, instance: str) -> str:
        """Return the state's name, such as "running", whatever fault is set."""
        client = self._client(f"http://127.0.0.1:{self._moto_port}")
        answer = client.describe_instances(InstanceIds=[instance])
        name: str = answer["Reservations"][0]["Instances"][0]["State"]["Name"]
        return name

    def fault(self, kind: Fault | str | None, instance: str | None = None) -> None:
        """Let DescribeInstances go wrong, for all or for one instance; None heals."""
        fault = None if kind is None else Fault(kind)
        if self._face is not None:
            self._background.run(self._face.set_fault(fault, instance))

    def close(self) -> None:
        """Stop listening; the run's processes end with the run."""
        if self._face is not None:
            self._background.run(self._face.close())

    async def _open_face(
        self, changed: Callable[[PowerChange], Awaitable[None]]
    ) -> tuple[Face, int]:
        (port,) = free_ports(1)
        face = Face(f"http://127.0.0.1:{self._moto_port}", changed)
        try:
            await face.start(port)
        except OSError as error:
            await face.close()
            raise PortTakenError(str(error)) from error
        return face, port

    def _start_moto_again(self) -> None:
        self._moto_port, self._moto = self._start_moto()
        self._moto.wait_ready(lambda: listening(self._moto_port), START_SECONDS)

    def _start_moto(self) -> tuple[int, Child]:
        (port,) = free_ports(1)
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        return port, self._processes.start("moto", command)

    def _client(  # boto3 makes it at run time
        self, endpoint: str = "", service: Literal["ec2", "autoscaling"] = "ec2"
    ) -> Any:  # noqa: ANN401
        known = (endpoint or self.endpoint_url, service)
        with self._making:
            if known not in self._clients:
                self._clients[known] = boto3.client(
                    service,
                    endpoint_url=known[0],
                    region_name=REGION,
                    aws_access_key_id="local",
                    aws_secret_access_key="local",  # noqa: S106 - moto takes any
                    config=Config(proxies={}),
                )
            return self._clients[known]
