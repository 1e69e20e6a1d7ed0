"""Where the repair's commands run: a pod, the shipped component, and accounts that may run some.

The component is applied as it ships, to another namespace than Rok's own. It expects nothing.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from demo.ground import Ground
from demo.line import ROOT
from exporter.observe import errors
from exporter.observe.disk_commands import RokVolume
from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api
from exporter.observe.model import Kind, NodeDisks
from exporter.observe.node_disks import NodeDisksReader
from exporter.observe.objects import Objects
from exporter.observe.shell.pod import ExecSettings, InPod
from exporter.observe.view import Want
from local.background import CLOSING_SECONDS
from local.exec_face import ExecFace
from remediator.actuators.nodes import NodeActuator
from remediator.steps.base import NodeCommand
from tests.cluster import rok_pod
from tests.cluster.rok_pod import MANAGER
from tests.cluster.test_exec import account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from exporter.observe.disk_commands import Argv
    from exporter.observe.shell import Shell
    from local.cluster import LocalCluster

COMPONENT = ROOT / "deploy" / "manifests" / "access" / "components" / "rok"
SPACE, ELSEWHERE = "disks", "elsewhere"
NODE, POD = "node-l", f"{MANAGER}-x1y2z"
T = TypeVar("T")


class Scene:
    """The pod, and who may run what in it; `face` is the way of its commands."""

    def __init__(self, ground: Ground, face: ExecFace) -> None:
        self.ground = ground
        self.face = face
        self._accounts: dict[tuple[str, str], Path] = {}
        self.pods = ExecSettings(SPACE, f"name={MANAGER}", MANAGER)

    def asked(
        self,
        ask: Callable[[Api, Callable[[str], Shell]], Awaitable[T]],
        *,
        who: tuple[str, str] = ("pvmedic", "pvmedic-remediator"),
        pods: ExecSettings | None = None,
    ) -> T:
        """Do something as a service account: ours, unless another is named."""
        cluster = self.ground.cluster
        if who not in self._accounts:
            self._accounts[who] = cluster.service_account(*who)
        where = Where(server=cluster.server, service_account_directory=self._accounts[who])
        known, chosen = access(where, {}), pods or self.pods

        async def run() -> T:
            try:
                async with Api(known) as api:
                    return await ask(api, lambda node: InPod(api, known, chosen, node))
            finally:
                await asyncio.sleep(CLOSING_SECONDS)

        return asyncio.run(run())

    def run(
        self,
        argv: Argv,
        *,
        who: tuple[str, str] = ("pvmedic", "pvmedic-remediator"),
        pods: ExecSettings | None = None,
    ) -> None:
        """Run a command as the actuator does."""
        command = NodeCommand(NODE, argv, 30.0)
        self.asked(lambda _, shell: NodeActuator(shell).run(command), who=who, pods=pods)

    def disks(self) -> NodeDisks:
        """Read the node's disks as a look does."""

        async def read(api: Api, shell: Callable[[str], Shell]) -> NodeDisks:
            del api
            want = Want(Kind.NODE_DISKS, name=NODE)
            (found,) = await NodeDisksReader(shell, RokVolume()).ask(want, Objects())
            assert isinstance(found, NodeDisks)
            return found

        return self.asked(read)

    def refusal(self, argv: Argv, **pods: str) -> str:
        """Return the sentence with which a command is forbidden."""
        chosen = ExecSettings(**{"namespace": SPACE, "container": MANAGER, **pods})
        chosen = ExecSettings(chosen.namespace, f"name={MANAGER}", chosen.container)
        with pytest.raises(errors.Forbidden) as caught:
            self.run(argv, pods=chosen)
        return str(caught.value)

    def held(self) -> bool:
        """Whether the policy is at work: the API server takes a moment to compile it."""
        try:
            self.run(("true",))
        except errors.Forbidden as error:
            return "none of the commands" in str(error)
        except errors.ObserveError:
            return False
        return False


@contextmanager
def opened(cluster: LocalCluster) -> Iterator[Scene]:
    """Give the pod, the shipped component in its namespace, and others who may run commands."""
    shipped = "".join(
        f"---\n{(COMPONENT / name).read_text().replace('rok-system', SPACE)}"
        for name in ("rights.yaml", "commands.yaml")
    )
    rights = (("list", "pods"), ("get", "pods/exec"), ("create", "pods/exec"))
    with (
        Ground(cluster, SPACE, (NODE,)) as ground,
        Ground(cluster, ELSEWHERE, (NODE,)),
        ExecFace(cluster) as face,
    ):
        pods = (rok_pod.manifest(SPACE, NODE), rok_pod.manifest(ELSEWHERE, NODE))
        ground.apply(*pods, account("somebody", *rights, space=SPACE), too_much(ELSEWHERE), shipped)
        ground.until_phase("Pod", POD, "Running")
        found = Scene(ground, face)
        try:
            ground.wait("the policy at work", found.held)
            yield found
        finally:
            cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=shipped)


def too_much(space: str) -> str:
    """Return a binding of our account to all that there is: somebody meant well."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "too-much", "namespace": space},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": "pvmedic-remediator", "namespace": "pvmedic"}
        ],
    }
    return f"---\n{json.dumps(binding)}\n"
