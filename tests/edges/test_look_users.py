"""Reading who uses a claim: one list a kind; what is not installed is absent, never unseen."""

import asyncio
from collections.abc import Iterator

import pytest

from exporter.observe.look import Look, look_again
from exporter.observe.model import Kind, Subject
from exporter.observe.signals import claim_lost
from exporter.observe.signals.base import claim_subject
from exporter.observe.users import KINDS, blind, user_wants, users_of
from exporter.observe.view import View, Want
from tests.edges.fake_api_server import FakeApiServer, said
from tests.observe import manifests

CUSTOM = {"DeploymentConfig", "Notebook", "Workflow", "CronWorkflow", "Rollout", "ScaledObject"}
"""Kinds that are no part of Kubernetes."""


def path(kind: str, version: str = "") -> str:
    """Return the path of a kind's list in namespace web."""
    newest, resource = manifests.NAMES[kind]
    spoken = version or newest
    base = f"/apis/{spoken}" if "/" in spoken else f"/api/{spoken}"
    return f"{base}/namespaces/web/{resource}"


def lists(server: FakeApiServer, kinds: set[str]) -> None:
    """Let the server have these kinds, each with what uses `data`."""
    server.json("/api/v1/namespaces/web/pods", {"metadata": {}, "items": []})
    for kind in kinds:
        items = [body for body in manifests.ALL if body["kind"] == kind]
        server.json(path(kind), {"metadata": {"resourceVersion": "9"}, "items": items})


def look(server: FakeApiServer) -> Look:
    """Look once, at the users of web/data too."""

    def extra(subject: Subject, view: View) -> Iterator[Want]:
        del subject, view
        yield from user_wants("web")

    async def run() -> Look:
        async with server.api() as api, asyncio.timeout(20):
            detector = claim_lost.ClaimLost()
            return await look_again(api, detector, claim_subject("web", "data"), extra)

    return asyncio.run(run())


def asked(server: FakeApiServer) -> list[str]:
    """Return the paths that were asked for the users."""
    resources = {resource for _, resource in manifests.NAMES.values()} | {"pods"}
    return [one.path for one in server.requests if one.path.rpartition("/")[2] in resources]


def test_with_everything_installed_it_is_one_call_a_kind(server: FakeApiServer) -> None:
    """Each workload is found, and nothing is unseen."""
    lists(server, set(manifests.NAMES))
    view = look(server).view
    assert blind(view) == {}
    found = {user.top.kind for user in users_of("web", "data", view)}
    assert found == {str(body["kind"]) for body in manifests.ALL}
    assert len(asked(server)) == len(KINDS) == 15


def test_what_is_not_installed_is_absent_and_not_unseen(server: FakeApiServer) -> None:
    """A plain Kubernetes: one call more, for the Notebook's older version."""
    core = set(manifests.NAMES) - CUSTOM
    lists(server, core)
    view = look(server).view
    assert blind(view) == {}
    found = {user.top.kind for user in users_of("web", "data", view)}
    assert found == core - {"HorizontalPodAutoscaler"}
    assert len(asked(server)) == len(KINDS) + 1


@pytest.mark.parametrize("kind", sorted(set(manifests.NAMES) - CUSTOM))
def test_a_kind_of_kubernetes_itself_is_never_taken_to_be_missing(
    server: FakeApiServer, kind: str
) -> None:
    """Its 404 is a mistake or a proxy's."""
    lists(server, set(manifests.NAMES) - {kind})
    assert set(blind(look(server).view)) == {Kind(manifests.NAMES[kind][1])}


@pytest.mark.parametrize("kind", sorted(manifests.NAMES))
def test_what_may_not_be_read_is_unseen(server: FakeApiServer, kind: str) -> None:
    """Custom kinds too: somebody's Notebooks are there, and we do not know whose."""
    lists(server, set(manifests.NAMES))
    server.answer(path(kind), said({"message": "no"}, 403))
    assert set(blind(look(server).view)) == {Kind(manifests.NAMES[kind][1])}


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("CronJob", "batch/v1beta1"),
        ("HorizontalPodAutoscaler", "autoscaling/v1"),
        ("Notebook", "kubeflow.org/v1beta1"),
    ],
)
def test_older_versions_are_read_where_the_newest_is_not_there(
    server: FakeApiServer, kind: str, version: str
) -> None:
    """Kubernetes 1.16 to 1.22, and older Kubeflow."""
    lists(server, set(manifests.NAMES) - {kind})
    items = [body for body in manifests.ALL if body["kind"] == kind]
    server.json(path(kind, version), {"metadata": {}, "items": items})
    view = look(server).view
    assert blind(view) == {}
    found = {user.top.kind for user in users_of("web", "data", view)}
    assert found == {str(body["kind"]) for body in manifests.ALL}
