"""The service accounts that ship, asked of the real API server: what they may not do."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from demo.line import Line
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

WRITES = ("create", "update", "patch", "delete", "deletecollection")
KINDS = (
    "/nodes",
    "/pods",
    "/persistentvolumes",
    "/persistentvolumeclaims",
    "/events",
    "/configmaps",
    "storage.k8s.io/volumeattachments",
    "apps/deployments",
    "apps/statefulsets",
    "pvmedic.dev/remediations",
)
NEITHER = (
    ("delete", "/pods"),
    ("patch", "/pods"),
    ("create", "/pods/exec"),
    ("create", "/pods/eviction"),
    ("get", "/nodes/proxy"),
    ("update", "/nodes"),
    ("delete", "/nodes"),
    ("get", "/secrets"),
    ("list", "/secrets"),
    ("delete", "storage.k8s.io/volumeattachments"),
    ("patch", "storage.k8s.io/volumeattachments"),
    ("delete", "/persistentvolumes"),
    ("delete", "pvmedic.dev/remediations"),
    ("impersonate", "/users"),
    ("bind", "rbac.authorization.k8s.io/clusterroles"),
)


def allowed(cluster: LocalCluster, account: str, wishes: list[tuple[str, str]]) -> dict[str, bool]:
    """Ask the API server about {verb, group/resource/subresource} wishes of a service account."""
    reviews = []
    for verb, kind in wishes:
        group, resource, *sub = kind.split("/")
        attributes = {"verb": verb, "group": group, "resource": resource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:pvmedic:{account}",
                "groups": [
                    "system:serviceaccounts",
                    "system:serviceaccounts:pvmedic",
                    "system:authenticated",
                ],
                "resourceAttributes": {**attributes, "subresource": "".join(sub)},
            },
        }
        reviews.append(json.dumps(review))
    output = cluster.kubectl(
        "create",
        "-f",
        "-",
        "-o",
        'jsonpath={.status.allowed}{"\\n"}',
        stdin="\n---\n".join(reviews),
    )
    answers = [line == "true" for line in output.splitlines()]
    return {f"{verb} {kind}": answer for (verb, kind), answer in zip(wishes, answers, strict=True)}


def test_the_exporter_may_write_nothing(line: Line) -> None:
    """Every write to what it could want to write is refused, and so is what runs commands."""
    wishes = [*product(WRITES, KINDS), *NEITHER]
    answers = allowed(line.cluster, "pvmedic-exporter", wishes)
    assert not any(answers.values()), answers


def test_the_remediator_may_do_nothing_but_its_own_few_writes(line: Line) -> None:
    """It patches what steps change, writes Events, keeps records; it deletes and runs nothing."""
    wishes = [*product(WRITES, KINDS), *NEITHER, ("update", "pvmedic.dev/remediations/status")]
    answers = allowed(line.cluster, "pvmedic-remediator", wishes)
    assert {wish for wish, answer in answers.items() if answer} == {
        "patch /nodes",
        "patch /persistentvolumeclaims",
        "patch apps/deployments",
        "patch apps/statefulsets",
        "create /events",
        "create pvmedic.dev/remediations",
        "patch pvmedic.dev/remediations",
        "delete pvmedic.dev/remediations",
        "update pvmedic.dev/remediations/status",
    }
