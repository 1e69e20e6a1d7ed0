"""Reading a foreign kind's scale and a pod's manifest in a fresh look, over real HTTP."""

import asyncio
from collections.abc import Iterable

import pytest

from exporter.observe import model
from exporter.observe.kube.scales import Scalable, scales
from exporter.observe.look import Beside, Look, look_again
from exporter.observe.model import Kind, Subject
from exporter.observe.signals import claim_lost
from exporter.observe.signals.base import claim_subject
from exporter.observe.view import View, Want
from tests.edges.fake_api_server import FakeApiServer, said
from tests.story.more_users import body

PATH = "/apis/example.com/v1/namespaces/web/farms/x/scale"
KINDS = {"Farm.example.com": Scalable("/apis/example.com/v1", "farms")}
SCALE = Want(Kind.SCALE, "web", "Farm.example.com/x")
META = {"name": "x", "namespace": "web", "uid": "uid-farm", "resourceVersion": "7"}


def look(server: FakeApiServer, *wants: Want) -> Look:
    """Look once, at these too."""

    def extra(subject: Subject, view: View) -> Iterable[Want]:
        del subject, view
        return wants

    async def run() -> Look:
        async with server.api() as api, asyncio.timeout(20):
            detector = claim_lost.ClaimLost()
            about = claim_subject("web", "data")
            beside = Beside(others={Kind.SCALE: scales(api, KINDS)})
            return await look_again(api, detector, about, extra, beside=beside)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("spec", "status", "replicas"),
    [
        ({"replicas": 3}, {"replicas": 2}, (3, 2)),
        ({}, {"replicas": 1}, (0, 1)),
        (None, None, (0, 0)),
    ],
)
def test_a_listed_kind_is_read_by_its_scale(
    server: FakeApiServer, spec: object, status: object, replicas: tuple[int, int]
) -> None:
    """Zero is left out on the wire."""
    server.json(PATH, {"metadata": META, "spec": spec, "status": status})
    found = look(server, SCALE).view.scale("web", "Farm.example.com/x")
    assert found == model.Scale("web", SCALE.name, "uid-farm", "7", PATH, *replicas)


def test_a_kind_that_is_not_listed_is_not_asked_for(server: FakeApiServer) -> None:
    """Its scale is nobody's business."""
    seen = look(server, Want(Kind.SCALE, "web", "Mill.example.com/x"))
    assert Kind.SCALE not in seen.unseen
    assert not [one for one in server.requests if "scale" in one.path]


def test_an_object_that_is_gone_has_no_scale(server: FakeApiServer) -> None:
    """Not there is absent; what may not be read, or cannot be, is unseen."""
    server.answer(PATH, said({"reason": "NotFound", "message": "not found"}, 404))
    gone = look(server, SCALE)
    assert (gone.view.scale("web", SCALE.name), Kind.SCALE in gone.unseen) == (None, False)
    server.answer(PATH, said({"message": "no"}, 403))
    assert "get farms/scale web/x: not allowed (403)" in look(server, SCALE).unseen[Kind.SCALE]
    server.json(PATH, ["junk"])
    assert "cannot read the answer" in look(server, SCALE).unseen[Kind.SCALE]


def test_a_pod_s_manifest_is_the_list_of_its_name(server: FakeApiServer) -> None:
    """To read pods by their names is a right of its own, which the program does not have."""
    server.json("/api/v1/namespaces/web/pods", {"metadata": {}, "items": [body()]})
    wanted = Want(Kind.POD_MANIFEST, "web", field_selector="metadata.name=lonely")
    found = look(server, wanted).view.manifest("web", "lonely")
    assert found is not None
    assert found.uid == "uid-lonely"
    queries = [one.query for one in server.requests if one.path.endswith("/pods")]
    assert "metadata.name=lonely" in {query.get("fieldSelector") for query in queries}
