"""Rok Disk Manager's pod of one node, with the real tools on loop devices.

Real: LVM, lsblk, wipefs, blkid, resize2fs. Played: how a node names these disks, and that lsblk
calls them disks with serials. The kernel maps no logical volumes here: what LVM says of rok-fisks
is metadata only, and its blocks are a loop device of their own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from local import workloads
from local.exec_face import STDOUT, NoProgramError, on_this_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.exec_face import Command, Say
    from local.lvm import Lvm

MANAGER = "rok-disk-manager"
VOLUME = "/dev/rokvg/rok-fisks"


def manifest(space: str, node: str, name: str = f"{MANAGER}-x1y2z") -> str:
    """Return the pod, with a second container that somebody injected."""
    pod = yaml.safe_load(workloads.plain_pod(space, name, node))
    (main,) = pod["spec"]["containers"]
    pod["metadata"]["labels"] = {"name": MANAGER}
    pod["spec"]["containers"] = [{**main, "name": one} for one in (MANAGER, "side")]
    return f"---\n{json.dumps(pod)}\n"


class RokPod:
    """Plays commands; `serials` are the disks' by their names on the node, "" for one of none."""

    def __init__(self, lvm: Lvm, devices: Mapping[str, str], serials: Mapping[str, str]) -> None:
        """`devices` are this machine's, by their names on the node."""
        self._lvm = lvm
        self._devices = devices
        self._serials = serials

    async def played(self, command: Command, say: Say) -> int:
        """Run it as in the container."""
        words: list[str] = []
        for word in command.arguments:
            words += self._lvm.words if word == "lvm" else (self._devices.get(word, word),)
        if "xfs_growfs" in words:
            raise NoProgramError("xfs_growfs")
        said: dict[int, bytearray] = {}

        async def keep(channel: int, body: bytes) -> None:
            said.setdefault(channel, bytearray()).extend(body)

        status = await on_this_host(replace(command, arguments=tuple(words)), keep)
        for channel, body in said.items():
            text = bytes(body).decode(errors="replace")
            if "lsblk" in words and channel == STDOUT:
                text = self._listed(text)
            await say(channel, self._there(text).encode())
        return status

    def _listed(self, text: str) -> str:
        """Return lsblk's list with the node's disks alone."""
        ours = {here: there for there, here in self._devices.items()}
        found = [one for one in json.loads(text)["blockdevices"] if one["path"] in ours]
        for one in found:
            one["type"] = "lvm" if ours[one["path"]] == VOLUME else "disk"
            one["serial"] = self._serials.get(ours[one["path"]])
        return json.dumps({"blockdevices": found})

    def _there(self, text: str) -> str:
        for there, here in self._devices.items():
            text = text.replace(here, there)
        return text
