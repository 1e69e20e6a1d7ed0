"""Each right of the exporter's role, taken away on the real API server: who lacks it hears which.

What a real exporter without one cannot see is unseen and said to be so, and nothing else is.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pytest
import yaml

from demo import crafted
from demo.ground import Ground
from demo.line import ROOT
from exporter.app import judged
from exporter.observe import errors, model
from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api
from exporter.observe.kube.resources import RESOURCES
from exporter.observe.kubelets import KubeletSettings, Reader
from exporter.observe.model import Kind, Ready
from exporter.observe.node_pods import FactsSettings
from exporter.observe.signals import CLUSTER
from local import workloads
from local.background import CLOSING_SECONDS
from local.kubelet_face import KubeletFace
from tests.cluster.eyes import Eyes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from demo.line import Line
    from demo.sightings import Look
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

T = TypeVar("T")

ROLE = "pvmedic-exporter"
LACKING = "lacking"  # the namespace of accounts that lack one right each
KINDS_OF = {resource.name: kind for kind, resource in RESOURCES.items()}


class Right(NamedTuple):
    """One right of the exporter's role."""

    group: str
    resource: str
    verb: str

    @property
    def lacking(self) -> str:
        """The name of the account that has all the others."""
        return f"no-{self.verb}-{self.resource.replace('/', '-')}"


def shipped_rights() -> list[Right]:
    """Return every right of the role that ships."""
    text = (ROOT / "deploy" / "manifests" / "access" / "exporter.yaml").read_text()
    (role,) = (item for item in yaml.safe_load_all(text) if item["kind"] == "ClusterRole")
    return [
        Right(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


RIGHTS = shipped_rights()
LISTED = [right for right in RIGHTS if right.verb == "list"]
WATCHED = [right for right in RIGHTS if right.verb == "watch"]


def account_without(name: str, *missing: Right) -> str:
    """Return an account, and a role bound to it that has every shipped right but these."""
    rules = [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
        for right in RIGHTS
        if right not in missing
    ]
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": LACKING}
    reference = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    labels = {"pvmedic.dev/test": LACKING}
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": LACKING},
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": labels},
            "rules": rules,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": labels},
            "roleRef": reference,
            "subjects": [subject],
        },
    ]
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)


@pytest.fixture(scope="module")
def lacking(line: Line) -> Iterator[LocalCluster]:
    """Give the cluster with an account for each right, which lacks just that one."""
    cluster = line.cluster
    cluster.apply(
        workloads.namespace(LACKING) + "".join(account_without(r.lacking, r) for r in RIGHTS)
    )
    yield cluster
    cluster.kubectl("delete", "namespace", LACKING, "--wait=false")
    selector = f"--selector=pvmedic.dev/test={LACKING}"
    cluster.kubectl("delete", "clusterroles,clusterrolebindings", selector)


def ended(asking: Coroutine[None, None, T]) -> T:
    """Run it, and let closed TLS connections end before their loop does."""

    async def run() -> T:
        try:
            return await asking
        finally:
            await asyncio.sleep(CLOSING_SECONDS)

    return asyncio.run(run())


def api_of(cluster: LocalCluster, namespace: str, account: str) -> Api:
    """Return our client as a service account."""
    directory = cluster.service_account(namespace, account)
    return Api(access(Where(server=cluster.server, service_account_directory=directory), {}))


async def lists(cluster: LocalCluster, account: str, kind: Kind) -> str:
    """List a kind; return what the API server says against it, empty for nothing."""
    async with api_of(cluster, LACKING, account) as api:
        try:
            await api.list(kind)
        except errors.NotInstalled:
            return ""
        except errors.Forbidden as error:
            return str(error)
    return ""


async def watches(cluster: LocalCluster, account: str, kind: Kind) -> str:
    """Begin to watch a kind; return what the API server says against it, empty for nothing."""
    async with api_of(cluster, LACKING, account) as api:
        try:
            async with aclosing(api.watch(kind, "", seconds=1)) as items:
                await anext(items)
        except errors.NotInstalled:
            return ""
        except errors.Forbidden as error:
            return str(error)
    return ""


@pytest.mark.parametrize("right", LISTED, ids=lambda right: right.resource)
def test_who_may_not_list_is_told_so_by_verb_and_resource(
    lacking: LocalCluster, right: Right
) -> None:
    """Just that one list is forbidden; watching the same kind is not."""
    kind = KINDS_OF[right.resource]
    said = ended(lists(lacking, right.lacking, kind))
    assert said.startswith(f"list {right.resource} at cluster scope: not allowed (403)")
    assert f'cannot list resource "{right.resource}" in API group "{right.group}"' in said
    assert ended(watches(lacking, right.lacking, kind)) == ""


@pytest.mark.parametrize("right", WATCHED, ids=lambda right: right.resource)
def test_who_may_not_watch_is_told_so_by_verb_and_resource(
    lacking: LocalCluster, right: Right
) -> None:
    """Just that one watch is forbidden; listing the same kind is not."""
    kind = KINDS_OF[right.resource]
    said = ended(watches(lacking, right.lacking, kind))
    assert said.startswith(f"watch {right.resource} at cluster scope: not allowed (403)")
    assert f'cannot watch resource "{right.resource}" in API group "{right.group}"' in said
    assert ended(lists(lacking, right.lacking, kind)) == ""


def test_every_right_of_the_role_is_tried() -> None:
    """List and watch of what is an object, and get of the kubelets' own resource: no more."""
    others = set(RIGHTS) - {*LISTED, *WATCHED}
    assert others == {Right("", "nodes/stats", "get")}


def test_who_may_not_get_nodes_stats_is_told_so_by_the_kubelet(lacking: LocalCluster) -> None:
    """A kubelet asks the API server who may: the shipped account is answered, this one is not."""
    with KubeletFace(lacking, "kubelet-face-rights") as face:
        face.holds("web", "data", free=1)
        node = model.Node(
            *("face", "", "", Ready.TRUE, 0.0, "", "", {}, {}, ()),
            address="127.0.0.1",
            kubelet_port=face.port,
        )
        settings = KubeletSettings(authority=face.authority)

        async def ask(namespace: str, account: str) -> int:
            directory = lacking.service_account(namespace, account)
            where = Where(server=lacking.server, service_account_directory=directory)
            async with Reader(access(where, {}), settings) as reader:
                return len(await reader.ask(node))

        assert ended(ask("pvmedic", ROLE)) == 1
        with pytest.raises(errors.Forbidden, match=r"^get nodes/stats face: not allowed \(403\)"):
            ended(ask(LACKING, Right("", "nodes/stats", "get").lacking))


EVERYTHING = {one.name: 1.0 for one in judged(CLUSTER, FactsSettings())}
"""What is judged with every right where nodes are not asked what they show, as here."""
ATTACHMENTS = ("storage.k8s.io", "volumeattachments")


def test_without_a_right_exactly_what_needs_it_is_unseen_and_says_so(
    lacking: LocalCluster,
) -> None:
    """A real exporter: success 0 for these failures only, until the right is granted."""
    name, verbs = "blind", ("list", "watch")
    lacking.apply(account_without(name, *(Right(*ATTACHMENTS, verb) for verb in verbs)))
    blind = {detector.name for detector in CLUSTER if Kind.ATTACHMENT in detector.needs}
    expected = {name: float(name not in blind and value) for name, value in EVERYTHING.items()}
    with (
        stuck_attachment(lacking, name),
        Eyes(lacking, f"exporter-{name}", (LACKING, name)) as eyes,
    ):
        lacking.wait("what can be judged", lambda: success(eyes) == expected, 60.0)
        assert "attachment_stuck" not in seen(eyes.look())
        assert "list volumeattachments at cluster scope: not allowed (403)" in eyes.log()
        lacking.apply(account_without(name))
        lacking.wait("everything judged", lambda: success(eyes) == EVERYTHING, 60.0)
        eyes.wait("what was unseen", lambda look: "attachment_stuck" in seen(look))


def test_who_may_only_watch_sees_everything_where_lists_are_streamed(lacking: LocalCluster) -> None:
    """A streaming list asks for the right to watch alone, so that without `list` nothing is blind.

    Servers without streaming lists refuse; which right is missing is said then (tested above).
    """
    missing = Right(*ATTACHMENTS, "list")
    with (
        stuck_attachment(lacking, "streamed"),
        Eyes(lacking, "exporter-streamed", (LACKING, missing.lacking)) as eyes,
    ):
        eyes.wait("the attachment", lambda look: "attachment_stuck" in seen(look))
        lacking.wait("everything judged", lambda: success(eyes) == EVERYTHING, 60.0)


@contextmanager
def stuck_attachment(cluster: LocalCluster, name: str) -> Iterator[None]:
    """Have a VolumeAttachment for which nobody works."""
    source = {"persistentVolumeName": "of-nobody"}
    spec = {
        "attacher": "nobody.csi.pvmedic.dev",
        "nodeName": cluster.nodes[-1],
        "source": source,
    }
    with Ground(cluster, name, cluster.nodes) as ground:
        ground.apply(crafted.thing("VolumeAttachment", name, name, spec=spec))
        yield


def success(eyes: Eyes) -> dict[str, float]:
    """Return by detector whether it can decide."""
    found = eyes.collectors()
    return {one.name: found[one.name] for one in CLUSTER if one.name in found}


def seen(look: Look) -> set[str]:
    """Return the signals that hold."""
    return {one.signal for one in look.series}
