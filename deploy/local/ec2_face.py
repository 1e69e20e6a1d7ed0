"""The EC2 endpoint of a run: passes on to moto, corrects its answers, goes wrong on command."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

import aiohttp
from aiohttp import web

from local import ec2_answers
from local.ec2_answers import Fault, Known
from local.ec2_disks import WRITES, DiskFault, Disks, first

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GROUP_END = "TerminateInstanceInAutoScalingGroup"
ENDS = frozenset({"TerminateInstances", GROUP_END})
POWER = {
    "StopInstances": False,
    "TerminateInstances": False,
    GROUP_END: False,
    "StartInstances": True,
}
EC2_VERSION = "2016-11-15"
HELD_SECONDS = 60.0
"""Seconds after which a call that nobody lets on goes on by itself."""
NOT_PASSED_ON = frozenset({"host", "content-length", "accept-encoding", "connection"})


@dataclass(frozen=True)
class PowerChange:
    """An instance was switched; `resumed` when it goes on after hibernation as the same boot.

    `ended`: for good.
    """

    instance: str
    running: bool
    resumed: bool
    ended: bool = False


class Hold:
    """Holds one call on its way to the cloud until it is let on."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self.there = threading.Event()
        self.on = threading.Event()


class Face:
    """Stands in front of moto, in the background's event loop.

    `writes` counts what was done, by action; what was answered from memory was not done. `holds`
    are for the next call of an action.
    """

    def __init__(self, moto: str, changed: Callable[[PowerChange], Awaitable[None]]) -> None:
        """`moto` is the URL behind; `changed` hears of a switched instance before the answer."""
        self._moto = moto
        self._changed = changed
        self.writes: Counter[str] = Counter()
        self._known = Known()
        self._disks = Disks()
        self._fault: Fault | None = None
        self._fault_of: str | None = None
        self._fault_over = asyncio.Event()
        self.holds: dict[str, Hold] = {}
        self._session = aiohttp.ClientSession()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1; raises OSError when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()

    async def close(self) -> None:
        """Stop listening."""
        self._fault_over.set()
        await self._runner.cleanup()
        await self._session.close()

    async def set_fault(self, fault: Fault | None, instance: str | None) -> None:
        """Let DescribeInstances go wrong from now on, always or when `instance` is named."""
        self._fault_over.set()
        self._fault_over = asyncio.Event()
        self._fault, self._fault_of = fault, instance

    async def set_disk_fault(self, fault: DiskFault | None) -> None:
        """Let what changes something, or what is told of disks, go wrong from now on."""
        self._disks.fault = fault

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        form = parse_qs(body.decode(errors="replace"))
        action = form.get("Action", [""])[0]
        instances = [value[0] for name, value in form.items() if name.startswith("InstanceId.")]
        fault = self._fault if self._concerns(action, instances) else None
        if fault is Fault.TIMEOUT:
            await self._fault_over.wait()
        if fault is not None and (wrong := ec2_answers.instead(fault, instances)) is not None:
            return web.Response(status=wrong[0], text=wrong[1], content_type="text/xml")
        if (hold := self.holds.pop(action, None)) is not None:
            hold.there.set()
            await asyncio.to_thread(hold.on.wait, HELD_SECONDS)
        wrong = self._disks.instead(action, form)
        if action == "AttachVolume" and wrong is None:
            wrong = await self._attach_refused(request, form)
        if wrong is not None:
            return web.Response(status=wrong[0], text=wrong[1], content_type="text/xml")
        status, text = await self._pass_on(request, body)
        if status == HTTPStatus.OK and action == "DescribeInstances":
            text = self._corrected(text, fault, instances)
        elif status == HTTPStatus.OK and action in POWER:
            hibernate = form.get("Hibernate", ["false"])[0].lower() == "true"
            switched = [first(form, "InstanceId")] if action == GROUP_END else instances
            await self._switch(action, switched, hibernate=hibernate)
        elif status == HTTPStatus.OK and action == "DescribeVolumes":
            text = self._disks.told(text)
        if status == HTTPStatus.OK:
            self.writes.update({action} & WRITES)
            status, text = self._disks.done(action, form, text)
        return web.Response(status=status, text=text, content_type="text/xml")

    async def _attach_refused(
        self, request: web.Request, form: dict[str, list[str]]
    ) -> tuple[int, str] | None:
        told = []
        for action, kind in (("DescribeVolumes", "VolumeId"), ("DescribeInstances", "InstanceId")):
            words = {"Action": action, "Version": EC2_VERSION, f"{kind}.1": first(form, kind)}
            status, text = await self._pass_on(request, urlencode(words).encode())
            if status != HTTPStatus.OK:
                return status, text
            told.append(text)
        return self._disks.refused(form, *told)

    def _concerns(self, action: str, instances: list[str]) -> bool:
        named = self._fault_of is None or self._fault_of in instances
        return action == "DescribeInstances" and named

    def _corrected(self, text: str, fault: Fault | None, instances: list[str]) -> str:
        other = fault is Fault.ANOTHER_ACCOUNT
        account = ec2_answers.OTHER_ACCOUNT if other else ec2_answers.ACCOUNT
        asleep = set(self._known.hibernated)
        if fault is Fault.HIBERNATED:
            asleep |= {self._fault_of} if self._fault_of else set(instances)
        return ec2_answers.corrected(text, Known(self._known.launched, asleep), account=account)

    async def _pass_on(self, request: web.Request, body: bytes) -> tuple[int, str]:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in NOT_PASSED_ON
        }
        url = self._moto + request.path_qs
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def _switch(self, action: str, instances: list[str], *, hibernate: bool) -> None:
        running = POWER[action]
        for instance in instances:
            resumed = running and instance in self._known.hibernated
            self._known.hibernated.discard(instance)
            if running:
                self._known.launched[instance] = time.time()
            elif hibernate:
                self._known.hibernated.add(instance)
            await self._changed(PowerChange(instance, running, resumed, action in ENDS))
