"""Looking again: fresh reads until nothing new, and no judgement from what cannot be read."""

import asyncio
from collections.abc import Iterator

import pytest

from exporter.observe import errors
from exporter.observe.look import (
    TRIES,
    AskNodes,
    Beside,
    ExtraReads,
    Fresh,
    Look,
    look_again,
    no_extra_reads,
    no_nodes,
)
from exporter.observe.model import Kind, Subject
from exporter.observe.signals import multi_attach, node_lost_with_volumes
from exporter.observe.view import View, Want
from tests.edges.fake_api_server import FakeApiServer, said
from tests.signals import made

CORE = "/api/v1"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
NODE_LOST = node_lost_with_volumes.NodeLostWithVolumes()
A = node_lost_with_volumes.subject_of("a")
SILENT = {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2023-11-14T22:13:20Z"}


def items(*objects: object) -> dict[str, object]:
    """Return a list on the wire."""
    return {"metadata": {"resourceVersion": "9"}, "items": list(objects)}


@pytest.fixture
def lost(server: FakeApiServer) -> FakeApiServer:
    """Return a cluster whose node `a` is silent and holds the volume of web/data."""
    spec = {"attacher": "d", "nodeName": "a", "source": {"persistentVolumeName": "pv"}}
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    pod = {
        "metadata": {"name": "db-0", "namespace": "web"},
        "spec": {"nodeName": "a", "volumes": volumes},
    }
    plain = {"metadata": {"name": "plain", "namespace": "web"}}
    modes = {"accessModes": ["ReadWriteOnce"]}
    server.json(f"{CORE}/nodes/a", {"metadata": {"name": "a"}, "status": {"conditions": [SILENT]}})
    server.json(ATTACHMENTS, items({"metadata": {"name": "csi-1"}, "spec": spec}))
    server.json(f"{CORE}/pods", items(pod))
    server.json(f"{CORE}/namespaces/web/pods", items(pod, plain))
    server.json(
        f"{CORE}/persistentvolumes/pv",
        {
            "metadata": {"name": "pv"},
            "spec": {**modes, "claimRef": {"namespace": "web", "name": "data"}},
        },
    )
    server.json(
        f"{CORE}/namespaces/web/persistentvolumeclaims/data",
        {"metadata": {"name": "data", "namespace": "web"}, "spec": {"volumeName": "pv", **modes}},
    )
    return server


def look(server: FakeApiServer, extra: ExtraReads = no_extra_reads, subject: Subject = A) -> Look:
    """Look once."""

    async def run() -> Look:
        async with server.api() as api, asyncio.timeout(20):
            return await look_again(api, NODE_LOST, subject, extra, lambda: 1000.0)

    return asyncio.run(run())


def test_it_reads_until_nothing_new_and_decides(lost: FakeApiServer) -> None:
    """Node, attachments and pods; then volume and claim: each asked for once."""
    found = look(lost)
    assert found.signal is not None
    assert (found.signal.since, found.signal.reason) == (1_700_000_000.0, "Unreachable")
    assert found.view.taken == 1000.0
    assert not found.unseen
    paths = [request.path_qs for request in lost.requests]
    assert len(paths) == len(set(paths))
    assert f"{CORE}/pods?limit=500&fieldSelector=spec.nodeName%3Da" in paths


def test_a_subject_that_is_nowhere_is_no_signal(lost: FakeApiServer) -> None:
    """NotFound is an answer: absent, not unseen."""
    lost.json(f"{CORE}/pods", items())
    lost.json(f"{CORE}/nodes/never", {"kind": "Status", "reason": "NotFound"}, 404)
    found = look(lost, subject=node_lost_with_volumes.subject_of("never"))
    assert found.signal is None
    assert not found.unseen


def test_a_404_that_is_not_the_api_servers_is_not_believed(lost: FakeApiServer) -> None:
    """A load balancer without back-ends knows neither nodes nor attachments."""
    lost.answer(f"{CORE}/nodes/a", said("<html>default backend - 404</html>", 404))
    lost.answer(ATTACHMENTS, said("default backend - 404", 404))
    found = look(lost)
    assert found.signal is None
    assert set(found.unseen) == {Kind.NODE, Kind.ATTACHMENT}


def test_an_object_of_a_list_that_cannot_be_read_is_not_absent(lost: FakeApiServer) -> None:
    """It may be the attachment that decides, so nothing is cleared without it."""
    broken = {"metadata": {"name": "csi-1", "resourceVersion": "1"}, "spec": 5}
    lost.json(ATTACHMENTS, {"metadata": {"resourceVersion": "1"}, "items": [broken]})
    found = look(lost)
    assert found.signal is None
    assert "csi-1" in found.unseen[Kind.ATTACHMENT]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_needed_kind_that_cannot_be_read_means_no_judgement(
    lost: FakeApiServer, status: int
) -> None:
    """Unseen is neither healthy nor sick; the sentence says why."""
    lost.answer(ATTACHMENTS, said({"message": "no"}, status))
    found = look(lost)
    assert found.signal is None
    assert set(found.unseen) == {Kind.ATTACHMENT}
    assert f"({status})" in found.unseen[Kind.ATTACHMENT]
    assert found.view.unseen == found.unseen


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_answer_that_was_lost_does_not_blind_a_look(lost: FakeApiServer, status: int) -> None:
    """It is asked for again, a moment later; else a busy API server would never be seen whole."""
    volumes = {"persistentVolumeName": "pv"}
    spec = {"attacher": "d", "nodeName": "a", "source": volumes}
    whole = items({"metadata": {"name": "csi-1"}, "spec": spec})
    lost.answer(ATTACHMENTS, said({"message": "no"}, status), said(whole))
    found = look(lost)
    assert found.signal is not None
    assert not found.unseen


def test_what_is_not_asked_for_again_in_vain(lost: FakeApiServer) -> None:
    """A right that is missing is missing a moment later, too."""
    lost.answer(ATTACHMENTS, said({"message": "no"}, 403))
    look(lost)
    assert len([one for one in lost.requests if one.path == ATTACHMENTS]) == 1


def test_what_stays_away_is_asked_for_three_times(lost: FakeApiServer) -> None:
    """Then it is unseen, and the look goes on without it."""
    lost.answer(ATTACHMENTS, said({"message": "no"}, 503))
    found = look(lost)
    assert len([one for one in lost.requests if one.path == ATTACHMENTS]) == TRIES
    assert set(found.unseen) == {Kind.ATTACHMENT}


def test_one_unreadable_object_makes_its_kind_unseen(lost: FakeApiServer) -> None:
    """Garbage for one volume is not the absence of that volume."""
    lost.answer(f"{CORE}/persistentvolumes/pv", said("<html>"))
    found = look(lost)
    assert found.signal is None
    assert set(found.unseen) == {Kind.VOLUME}


def test_extra_reads_are_made_and_do_not_decide(lost: FakeApiServer) -> None:
    """A guard wants the namespaces and a handler the leases; they may be unseen."""

    def extra(subject: Subject, view: View) -> Iterator[Want]:
        assert subject == A
        yield Want(Kind.LEASE, "kube-node-lease", "a")
        for pod in view.pods_on("a"):
            yield Want(Kind.NAMESPACE, name=pod.namespace)

    lost.json(f"{CORE}/namespaces/web", {"metadata": {"name": "web"}})
    lost.answer("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a", said("no", 403))
    found = look(lost, extra)
    assert found.signal is not None
    assert found.view.namespace("web") is not None
    assert set(found.unseen) == {Kind.LEASE}


FACTS_OF_A = (Want(Kind.GLUSTERD, name="a"), Want(Kind.GLUSTER_LOG, name="a"))


def told(server: FakeApiServer, nodes: AskNodes, *wants: Want) -> Look:
    """Look once, for what nodes tell as well."""

    def extra(subject: Subject, view: View) -> Iterator[Want]:
        del subject, view
        yield from wants

    async def run() -> Look:
        async with server.api() as api, asyncio.timeout(20):
            return await look_again(
                api, NODE_LOST, A, extra, clock=lambda: 1000.0, beside=Beside(nodes=nodes)
            )

    return asyncio.run(run())


def test_nodes_look_again_once_for_all_that_is_wanted_of_them(lost: FakeApiServer) -> None:
    """One question a node, and one to all of them; what they tell is in the view."""
    asked: list[tuple[str, frozenset[Kind]]] = []

    async def nodes(node: str, kinds: frozenset[Kind]) -> Fresh:
        asked.append((node, kinds))
        return Fresh([made.glusterd(node or "b")], {})

    found = told(lost, nodes, *FACTS_OF_A, Want(Kind.ROK_SPACE))
    assert sorted(asked) == [
        ("", frozenset({Kind.ROK_SPACE})),
        ("a", frozenset({Kind.GLUSTERD, Kind.GLUSTER_LOG})),
    ]
    assert not found.unseen
    assert found.signal is not None
    assert found.view.sees(Kind.GLUSTERD)


def test_what_nodes_do_not_tell_is_unseen_and_what_they_tell_is_there(lost: FakeApiServer) -> None:
    """A kind that one of them does not see is unseen, though others told of it."""

    async def nodes(node: str, kinds: frozenset[Kind]) -> Fresh:
        assert kinds == {Kind.GLUSTERD, Kind.GLUSTER_LOG}
        return Fresh([made.glusterd(node)], {Kind.GLUSTER_LOG: "node a: no log"})

    found = told(lost, nodes, *FACTS_OF_A)
    assert found.unseen == {Kind.GLUSTER_LOG: "node a: no log"}

    async def away(node: str, kinds: frozenset[Kind]) -> Fresh:
        raise errors.Unreachable(f"nothing of node {node} or {len(kinds)} kinds")

    found = told(lost, away, *FACTS_OF_A)
    why = "nothing of node a or 2 kinds"
    assert found.unseen == {Kind.GLUSTERD: why, Kind.GLUSTER_LOG: why}


def test_a_program_that_asks_no_nodes_says_so(lost: FakeApiServer) -> None:
    """What only they show is unseen."""
    found = told(lost, no_nodes, *FACTS_OF_A)
    why = "nodes are not asked for glusterd, glusterlog by this program"
    assert set(found.unseen.values()) == {why}


def test_what_is_no_resource_is_unseen_and_ends_no_look(lost: FakeApiServer) -> None:
    """A Heketi is not asked by who looks again."""
    found = told(lost, no_nodes, Want(Kind.HEKETI, name="http://heketi:8080"))
    assert found.unseen == {Kind.HEKETI: "heketi is nothing that this program asks for"}


def test_the_other_detector_looks_in_the_same_way(lost: FakeApiServer) -> None:
    """One function for every signal."""

    async def run() -> Look:
        async with lost.api() as api:
            subject = multi_attach.subject_of("web", "data")
            return await look_again(api, multi_attach.MultiAttach(), subject)

    found = asyncio.run(run())
    assert found.signal is None
    assert not found.unseen
    assert found.view.claim("web", "data") is not None
    assert found.view.taken > 1_700_000_000
