"""Calls a cloud as steps say it. Edge.

What an error says of a call is in `exporter.observe.aws`; whether it was done, a look tells.
"""

from typing import assert_never

from remediator.cloud import (
    AttachDisk,
    CloudCall,
    CloudWriter,
    CreateDisk,
    DeleteDisk,
    DeleteWithMachine,
    DetachDisk,
    ProtectMachine,
    TerminateMachine,
)


class CloudActuator:
    """Hands each value to the method of its name. `writer` is fenced itself, call by call."""

    def __init__(self, writer: CloudWriter) -> None:
        """Write through this one."""
        self._writer = writer

    async def call(self, act: CloudCall) -> None:
        """Make one call."""
        writer = self._writer
        match act:
            case CreateDisk(disk, region):
                await writer.create_disk(disk, region=region)
            case AttachDisk(volume, machine, device, region):
                await writer.attach(volume, machine, device, region=region)
            case DeleteWithMachine(volume, machine, device, on, region):
                await writer.delete_with_machine(volume, machine, device, on=on, region=region)
            case DetachDisk(volume, machine, tags, region):
                await writer.detach(volume, machine, tags, region=region)
            case DeleteDisk(volume, tags, region):
                await writer.delete_disk(volume, tags, region=region)
            case ProtectMachine(group, machine, on, region):
                await writer.protect(group, machine, on=on, region=region)
            case TerminateMachine(machine, shrink, region):
                await writer.terminate(machine, shrink=shrink, region=region)
            case _:
                assert_never(act)
