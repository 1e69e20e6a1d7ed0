"""Commands in containers through the real API server; the container's part is played."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from demo.ground import Ground
from exporter.observe import errors
from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api
from exporter.observe.shell import Output
from exporter.observe.shell.pod import ExecSettings, InPod
from local import workloads
from local.background import CLOSING_SECONDS
from local.exec_face import STDOUT, CutError, ExecFace, on_this_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.line import Line
    from local.exec_face import Command, Say

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

SPACE = "commands"
NODE = "node-l"
RBAC = "rbac.authorization.k8s.io"


def account(name: str, *resources: tuple[str, str], space: str = SPACE) -> str:
    """Return a service account and its rights in the namespace: (verb, resource)."""
    about = {"name": name, "namespace": space}
    rules = [{"apiGroups": [""], "resources": [what], "verbs": [verb]} for verb, what in resources]
    items = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": about, "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": about,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", **about}],
        },
    ]
    return "".join(f"---\n{json.dumps(item)}\n" for item in items)


@pytest.fixture(scope="module")
def ground(line: Line) -> Iterator[Ground]:
    """Give a namespace with one Running pod on the node, and who may and may not run there."""
    lists = ("list", "pods")
    with Ground(line.cluster, SPACE, (NODE,)) as ground:
        ground.apply(
            account("may", lists, ("get", "pods/exec"), ("create", "pods/exec")),
            account("may-not", lists),
            workloads.plain_pod(SPACE, "gluster-1", NODE),
        )
        ground.until_phase("Pod", "gluster-1", "Running")
        yield ground


def ran(ground: Ground, *command: str, who: str = "may", timeout: float = 10.0) -> Output:
    """Run a command as a service account."""
    directory = ground.cluster.service_account(SPACE, who)
    known = access(Where(server=ground.cluster.server, service_account_directory=directory), {})

    async def run() -> Output:
        try:
            async with Api(known) as api:
                shell = InPod(api, known, ExecSettings(SPACE, "app=gluster-1"), NODE)
                return await shell.run(command, timeout=timeout, largest=1_000_000)
        finally:
            await asyncio.sleep(CLOSING_SECONDS)

    return asyncio.run(run())


def test_commands_run_in_the_pod_and_end_as_they_should(ground: Ground) -> None:
    """What it says, its status, a program that is not there, too much, no end, and a cut."""
    with ExecFace(ground.cluster) as face:
        script = "echo $0; echo err >&2; exit 3"
        found = ran(ground, "/bin/sh", "-c", script, "two words")
        assert found == Output(b"two words\n", b"err\n", 3)
        assert [(one.namespace, one.pod) for one in face.ran] == [(SPACE, "gluster-1")]
        with pytest.raises(errors.NotFound, match="executable file not found"):
            ran(ground, "nosuchprogram")
        with pytest.raises(errors.Garbage, match="more than 1000000 bytes"):
            ran(ground, "cat", "/dev/zero")
        with pytest.raises(errors.Unreachable, match="did not end within 1 s"):
            ran(ground, "sleep", "300", timeout=1.0)

        async def cut(command: Command, say: Say) -> int:
            del command
            await say(STDOUT, b"half")
            raise CutError

        face.played = cut
        with pytest.raises(errors.Unreachable, match="cut off before"):
            ran(ground, "true")
        face.played = on_this_host
        assert ran(ground, "true") == Output(b"", b"", 0)


def test_who_may_not_run_commands_is_told_the_right(ground: Ground) -> None:
    """And nothing is run."""
    with ExecFace(ground.cluster) as face:
        with pytest.raises(errors.Forbidden, match=r"^create pods/exec commands/gluster-1: not"):
            ran(ground, "true", who="may-not")
        assert face.ran == []
