"""Each right of the remediator, taken away on the real API server: where it shows, what is said.

The calls are the program's own, one a right. With the roles that ship none of them is forbidden;
the repair itself is played with exactly those in test_repair.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

import pytest

from exporter.observe import errors
from exporter.observe.kube.resources import path
from exporter.observe.model import Kind
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from local import workloads
from remediator import approvals, store
from remediator.cli.rights import Right, needed
from remediator.leader import NAME
from remediator.steps.workloads import STOPPABLE
from remediator.world import PAUSE
from tests.cluster.test_seen_rights import api_of, ended

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from demo.line import Line
    from exporter.observe.kube.api import Api
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

Call: TypeAlias = "Callable[[Api], Awaitable[object]]"
SPACE = "lacking-to-act"
RIGHTS = needed("pvmedic")
RECORD = f"{store.PATH}/nobody"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/pvmedic/leases"
MERGE = "application/merge-patch+json"


def sends(method: str, where: str, body: object = None, kind: str = "application/json") -> Call:
    """Return a call of the client's."""
    sent = json.dumps(body).encode() if body is not None else None
    return lambda api: api.send(method, where, sent, content_type=kind)


def gets(kind: Kind, namespace: str = "") -> Call:
    """Return the look at one object that there is none of."""
    return lambda api: api.get(kind, namespace, "nobody")


def lists(kind: Kind) -> Call:
    """Return the look at all objects of a kind."""
    return lambda api: api.list(kind)


def follows(path: str) -> Call:
    """Return the beginning of a watch."""

    async def follow(api: Api) -> None:
        async with aclosing(api.follow(path, "", seconds=1)) as lines:
            await anext(lines)

    return follow


def everywhere(verbs: str, kinds: Iterable[Kind]) -> dict[tuple[str, ...], Call]:
    """Return where the rights to list and patch what makes pods show, and what scales it."""
    found: dict[tuple[str, ...], Call] = {}
    for kind in kinds:
        for verb in verbs.split():
            where = path(kind, "default", "nobody")
            found[verb, str(kind)] = (
                lists(kind) if verb == "list" else sends("PATCH", where, {}, MERGE)
            )
    return found


SHOWS: dict[tuple[str, ...], Call] = {
    **everywhere("list patch", STOPPABLE),
    **everywhere("list", (Kind.WORKFLOW, Kind.AUTOSCALER, Kind.SCALED_OBJECT)),
    **everywhere("list", (Kind.EVENT, Kind.SNAPSHOT, Kind.QUOTA, Kind.LIMIT_RANGE)),
    **everywhere("list", (Kind.ATTESTATION, Kind.NETWORK_FENCE)),
    **everywhere("patch", (Kind.CLAIM,)),
    ("get", "nodes/stats"): sends("GET", "/api/v1/nodes/nobody/stats"),
    ("get", "storageclasses"): gets(Kind.STORAGE_CLASS),
    ("get", "csinodes"): gets(Kind.CSI_NODE),
    ("get", "persistentvolumeclaims"): gets(Kind.CLAIM, "default"),
    ("get", "namespaces"): gets(Kind.NAMESPACE),
    ("get", "persistentvolumes"): gets(Kind.VOLUME),
    ("list", "persistentvolumes"): lists(Kind.VOLUME),
    ("list", "pods"): lists(Kind.POD),
    ("list", "volumeattachments"): lists(Kind.ATTACHMENT),
    ("get", "nodes"): gets(Kind.NODE),
    ("list", "nodes"): lists(Kind.NODE),
    ("patch", "nodes"): sends("PATCH", "/api/v1/nodes/nobody", {}, MERGE),
    ("get", "leases", HEARTBEATS): gets(Kind.LEASE, HEARTBEATS),
    ("create", "events"): sends("POST", "/api/v1/namespaces/default/events", {}),
    ("get", "remediations"): sends("GET", RECORD),
    ("list", "remediations"): sends("GET", store.PATH),
    ("watch", "remediations"): follows(store.PATH),
    ("create", "remediations"): sends("POST", store.PATH, {}),
    ("patch", "remediations"): sends("PATCH", RECORD, {}, MERGE),
    ("delete", "remediations"): sends("DELETE", RECORD),
    ("update", "remediations/status"): sends("PUT", f"{RECORD}/status", {}),
    ("list", "remediationapprovals"): sends("GET", approvals.PATH),
    ("watch", "remediationapprovals"): follows(approvals.PATH),
    ("get", "configmaps"): sends("GET", f"/api/v1/namespaces/pvmedic/configmaps/{PAUSE}"),
    ("create", "leases"): sends("POST", LEASES, {}),
    ("get", "leases"): sends("GET", f"{LEASES}/{NAME}"),
    ("update", "leases"): sends("PUT", f"{LEASES}/{NAME}", {}),
}
"""By verb and resource (and a namespace that is not ours): where the right is used."""


def key(right: Right) -> tuple[str, ...]:
    """Return a right's place in the table."""
    place = (right.verb, right.resource)
    return (*place, right.namespace) if right.namespace not in ("", "pvmedic") else place


def lacking(right: Right) -> str:
    """Return the name of the account that has all the others."""
    return "-".join(("no", *key(right))).replace("/", "-")


def account(name: str, rights: list[Right]) -> str:
    """Return an account with these rights."""
    rbac = "rbac.authorization.k8s.io"
    labels = {"pvmedic.dev/test": SPACE}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": SPACE}
    objects: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": subject_meta(name)}
    ]
    for namespace in sorted({right.namespace for right in rights}):
        kind = "Role" if namespace else "ClusterRole"
        where = {"namespace": namespace} if namespace else {}
        meta = {"name": f"{SPACE}-{name}", "labels": labels, **where}
        rules = [
            {
                "apiGroups": [right.group],
                "resources": [right.resource],
                "verbs": [right.verb],
                **({"resourceNames": [right.name]} if right.name else {}),
            }
            for right in rights
            if right.namespace == namespace
        ]
        reference = {"apiGroup": rbac, "kind": kind, "name": meta["name"]}
        objects += [
            {"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": meta, "rules": rules},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": f"{kind}Binding",
                "metadata": meta,
                "roleRef": reference,
                "subjects": [subject],
            },
        ]
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)


def subject_meta(name: str) -> dict[str, str]:
    """Return an account's metadata."""
    return {"name": name, "namespace": SPACE}


@pytest.fixture(scope="module")
def cluster(line: Line) -> Iterator[LocalCluster]:
    """Give the cluster with an account for each right, which lacks just that one."""
    cluster = line.cluster
    accounts = (account(lacking(one), [r for r in RIGHTS if r != one]) for one in RIGHTS)
    cluster.apply(workloads.namespace(SPACE) + "".join(accounts))
    yield cluster
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")
    selector = f"--selector=pvmedic.dev/test={SPACE}"
    # Two hundred objects: nobody waits until each of them is seen to be gone.
    cluster.kubectl("delete", "clusterroles,clusterrolebindings", selector, "--wait=false")
    of_all = ("roles,rolebindings", "--all-namespaces", selector, "--wait=false")
    cluster.kubectl("delete", *of_all)


async def said(cluster: LocalCluster, space: str, name: str, calls: list[Call]) -> list[str]:
    """Return what the API server says to calls; empty where it is not Forbidden."""
    found = []
    async with api_of(cluster, space, name) as api:
        for call in calls:
            try:
                await call(api)
            except errors.Forbidden as error:
                found.append(str(error))
            except errors.ObserveError:
                found.append("")
            else:
                found.append("")
    return found


def test_every_right_has_a_place_where_it_shows() -> None:
    """A right that no call needs is one too many."""
    assert sorted(map(key, RIGHTS)) == sorted(SHOWS)


def test_with_the_roles_that_ship_nothing_is_forbidden(cluster: LocalCluster) -> None:
    """What does not exist is not found, what is nonsense is invalid; nothing else."""
    answers = ended(said(cluster, "pvmedic", "pvmedic-remediator", list(SHOWS.values())))
    assert answers == [""] * len(SHOWS)


def test_who_lacks_one_right_hears_its_verb_and_resource(cluster: LocalCluster) -> None:
    """At its own call, and at no other."""

    async def all_of_them() -> dict[tuple[str, ...], list[str]]:
        asked = (said(cluster, SPACE, lacking(one), list(SHOWS.values())) for one in RIGHTS)
        return dict(zip(map(key, RIGHTS), await asyncio.gather(*asked), strict=True))

    for missing, answers in ended(all_of_them()).items():
        heard = {place: text for place, text in zip(SHOWS, answers, strict=True) if text}
        assert set(heard) == {missing}
        verb, resource, *_ = missing
        assert f'cannot {verb} resource "{resource}"' in heard[missing]
        assert heard[missing].startswith(f"{verb} {resource} ")
