"""Wire to model: what is kept of each kind, and that nothing missing or null hides the rest."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind, Ready
from exporter.observe.parse import wire
from exporter.observe.parse.envelope import Status, status

CREATED = "2023-11-14T22:13:20Z"
AT = 1_700_000_000.0
META = {
    "name": "x",
    "namespace": "web",
    "uid": "u",
    "resourceVersion": "7",
    "creationTimestamp": CREATED,
    "deletionTimestamp": CREATED,
    "managedFields": [{"anything": 1}],
}


def one(kind: Kind, **parts: object) -> model.Object:
    """Decode one object with the usual metadata."""
    return wire.one(kind, json.dumps({"metadata": META, **parts}).encode())


def test_a_node_keeps_readiness_provider_boot_and_taints() -> None:
    """Conditions other than Ready are not kept."""
    found = one(
        Kind.NODE,
        spec={
            "providerID": "aws:///us-east-1a/i-1",
            "taints": [{"key": "k", "value": "v", "effect": "NoExecute", "timeAdded": CREATED}],
        },
        status={
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": "Unknown", "lastTransitionTime": CREATED},
            ],
            "nodeInfo": {"bootID": "b"},
            "images": [{"names": ["big"]}],
        },
    )
    assert isinstance(found, model.Node)
    assert (found.ready, found.ready_since) == (Ready.UNKNOWN, AT)
    assert (found.provider_id, found.boot_id) == ("aws:///us-east-1a/i-1", "b")
    assert found.taint("k") == model.Taint("k", "v", "NoExecute", AT)
    assert found.taint("other") is None


@pytest.mark.parametrize(
    ("text", "ready"),
    [("True", Ready.TRUE), ("False", Ready.FALSE), ("Odd", Ready.UNKNOWN), (None, Ready.MISSING)],
)
def test_ready_is_one_of_four(text: str | None, ready: Ready) -> None:
    """A status nobody knows is not taken for health."""
    found = one(Kind.NODE, status={"conditions": [{"type": "Ready", "status": text}]})
    assert isinstance(found, model.Node)
    assert found.ready is ready


def test_a_pod_keeps_its_claims_those_of_ephemeral_volumes_too() -> None:
    """A generic ephemeral volume's claim is named after pod and volume."""
    volumes = [
        {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "b", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "c", "configMap": {"name": "x"}},
        {"name": "d", "persistentVolumeClaim": {}},
    ]
    condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": CREATED}
    found = one(
        Kind.POD,
        spec={"nodeName": "n", "volumes": volumes},
        status={"phase": "Pending", "conditions": [condition]},
    )
    assert isinstance(found, model.Pod)
    expected = model.Pod("web", "x", "u", "7", "n", "Pending", ("data", "x-b"), AT, AT, AT)
    assert found == msgspec.structs.replace(expected, claim_volumes=("a", "b"))
    assert wire.kept(found)


def test_a_pod_that_is_not_scheduled_has_no_scheduling_time() -> None:
    """The condition is there, and False, with a time of its own."""
    condition = {"type": "PodScheduled", "status": "False", "lastTransitionTime": CREATED}
    found = one(Kind.POD, status={"conditions": [condition]})
    assert isinstance(found, model.Pod)
    assert found.scheduled is None
    assert not wire.kept(found)


def test_a_claim_keeps_what_is_ours_of_labels_and_annotations() -> None:
    """A label's `disabled` is not overruled by an annotation."""
    meta = {
        **META,
        "labels": {"app": "x", "pvmedic.dev/remediation": "disabled", "pvmedic.dev/a": "label"},
        "annotations": {"pvmedic.dev/remediation": "enabled", "pvmedic.dev/a": "b", "other": "x"},
    }
    found = one(
        Kind.CLAIM,
        metadata=meta,
        spec={"volumeName": "pv", "accessModes": ["ReadWriteOnce"]},
        status={"phase": "Bound"},
    )
    ours = {"pvmedic.dev/remediation": "disabled", "pvmedic.dev/a": "b"}
    assert isinstance(found, model.Claim)
    assert (found.volume, found.phase, found.access_modes) == ("pv", "Bound", ("ReadWriteOnce",))
    assert (found.created, found.deletion) == (AT, AT)
    assert found.annotations == ours


@pytest.mark.parametrize(
    ("source", "driver", "handle", "on_node"),
    [
        ({"csi": {"driver": "d", "volumeHandle": "h"}}, "d", "h", False),
        ({"local": {"path": "/mnt"}}, "kubernetes.io/local-volume", "/mnt", True),
        ({"hostPath": {"path": "/mnt"}}, "kubernetes.io/host-path", "/mnt", True),
        ({"awsElasticBlockStore": {"volumeID": "v"}}, "kubernetes.io/aws-ebs", "v", False),
        ({"gcePersistentDisk": {"pdName": "p"}}, "kubernetes.io/gce-pd", "p", False),
        ({"flexVolume": {"driver": "rook"}}, "flexvolume-rook", "", False),
        ({}, "", "", False),
    ],
    ids=["csi", "local", "hostPath", "aws", "gce", "flex", "unknown"],
)
def test_a_volume_keeps_its_driver_and_handle(
    source: dict[str, object], driver: str, handle: str, *, on_node: bool
) -> None:
    """CSI, the sources that were in the tree, and none that we know."""
    found = one(Kind.VOLUME, spec={**source, "claimRef": {"namespace": "web", "name": "data"}})
    assert isinstance(found, model.Volume)
    assert (found.driver, found.handle, found.on_node) == (driver, handle, on_node)
    assert (found.claim_namespace, found.claim_name) == ("web", "data")


def test_a_volumes_affinity_is_flat() -> None:
    """Expressions over labels, and over fields."""
    values = {"key": "k", "operator": "In", "values": ["a", "b"]}
    term = {"matchExpressions": [values], "matchFields": [{"key": "metadata.name"}]}
    found = one(Kind.VOLUME, spec={"nodeAffinity": {"required": {"nodeSelectorTerms": [term, {}]}}})
    assert isinstance(found, model.Volume)
    assert found.affinity == (
        model.NodeTerm("k", "In", ("a", "b"), field=False),
        model.NodeTerm("metadata.name", "", (), field=True),
    )


def test_an_attachment_keeps_who_holds_what_where() -> None:
    """And that its end was asked for."""
    found = one(
        Kind.ATTACHMENT,
        spec={"attacher": "d", "nodeName": "n", "source": {"persistentVolumeName": "pv"}},
        status={"attached": True},
    )
    assert found == model.Attachment(
        "x", "u", "7", "d", "n", "pv", attached=True, created=AT, deletion=AT
    )


@pytest.mark.parametrize(
    ("parts", "count", "last"),
    [
        ({"count": 3, "lastTimestamp": "2023-11-14T22:13:21Z"}, 3, AT + 1),
        ({"series": {"count": 5, "lastObservedTime": "2023-11-14T22:13:22.5Z"}}, 5, AT + 2.5),
        ({"eventTime": "2023-11-14T22:13:23Z", "lastTimestamp": None, "count": 0}, 1, AT + 3),
        ({}, 1, AT),
    ],
    ids=["older writer", "newer writer", "newer, not repeated", "bare"],
)
def test_an_events_count_and_time_follow_whoever_wrote_it(
    parts: dict[str, object], count: int, last: float
) -> None:
    """Series, then the old fields, then the Event's own creation."""
    found = one(Kind.EVENT, reason="R", message="M", **parts)
    assert isinstance(found, model.KubeEvent)
    assert (found.count, found.last, found.reason, found.message) == (count, last, "R", "M")


def test_an_event_keeps_whom_it_is_about_and_who_wrote_it() -> None:
    """The source, or the newer reporting component."""
    about = {"kind": "Pod", "namespace": "web", "name": "new"}
    found = one(Kind.EVENT, involvedObject=about, reportingComponent="c")
    assert isinstance(found, model.KubeEvent)
    assert (found.about_kind, found.about_namespace, found.about_name) == ("Pod", "web", "new")
    assert (found.component, found.about_uid) == ("c", "")
    # A namesake that was there before has another.
    found = one(Kind.EVENT, involvedObject={**about, "uid": "u-1"})
    assert isinstance(found, model.KubeEvent)
    assert found.about_uid == "u-1"


def test_a_lease_and_a_namespace_keep_little() -> None:
    """When it was renewed; what of it is ours."""
    assert one(Kind.LEASE, spec={"renewTime": CREATED}) == model.Lease("web", "x", "7", AT)
    assert one(Kind.NAMESPACE) == model.Namespace("x", "7", {})


@pytest.mark.parametrize("kind", wire.KINDS)
@pytest.mark.parametrize(
    "parts",
    [{}, {"spec": {}, "status": {}}, {"spec": None, "status": None, "involvedObject": None}],
    ids=["missing", "empty", "null"],
)
def test_every_field_but_the_name_may_be_missing(kind: Kind, parts: dict[str, object]) -> None:
    """A kind's own part may be missing, empty or null."""
    body = json.dumps({"metadata": {"name": "x"}, **parts}).encode()
    assert wire.one(kind, body).name == "x"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"{", b"\xff", b'{"metadata":{"name":5}}'])
@pytest.mark.parametrize("kind", wire.KINDS)
def test_what_is_no_object_is_undecodable(kind: Kind, body: bytes) -> None:
    """Nothing else is raised."""
    with pytest.raises(wire.UndecodableError):
        wire.one(kind, body)


def test_a_page_keeps_pods_with_claims_and_counts_the_others() -> None:
    """Version and continue token are the page's."""
    claims = {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}
    items = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}, "spec": claims}]
    meta = {"resourceVersion": "9", "continue": "more"}
    found = wire.page(Kind.POD, json.dumps({"metadata": meta, "items": items}).encode())
    assert [obj.name for obj in found.objects] == ["b"]
    assert (found.skipped, found.version, found.more) == (1, "9", "more")
    assert wire.page(Kind.POD, b'{"items": null}') == wire.Page((), 0, "", "")


def line(kind: str, obj: object) -> bytes:
    """Return one line of a watch."""
    return json.dumps({"type": kind, "object": obj}).encode()


def test_the_lines_of_a_watch_say_what_happened() -> None:
    """Arrivals, changes, removals, bookmarks, and the server's no."""
    obj = {"metadata": {"name": "x", "resourceVersion": "8"}}
    for kind, arrived in (("ADDED", True), ("MODIFIED", False)):
        put = wire.watched(Kind.NODE, line(kind, obj))
        assert isinstance(put, wire.Put)
        assert (put.object.name, put.version, put.arrived) == ("x", "8", arrived)
    removed = wire.watched(Kind.NODE, line("DELETED", obj))
    assert isinstance(removed, wire.Removed)
    assert removed.version == "8"
    bookmark = {"metadata": {"resourceVersion": "9"}}
    assert wire.watched(Kind.NODE, line("BOOKMARK", bookmark)) == wire.Bookmark("9")
    said = wire.watched(Kind.NODE, line("ERROR", {"code": 410, "reason": "Expired"}))
    assert isinstance(said, Status)
    assert (said.code, said.reason) == (410, "Expired")


@pytest.mark.parametrize(
    "text", [b'{"type":"ADDED"', b'{"type":"DANCED","object":{}}', b'{"type":"ADDED","object":7}']
)
def test_a_line_that_is_none_is_undecodable(text: bytes) -> None:
    """Cut, of an unknown type, or not an object."""
    with pytest.raises(wire.UndecodableError):
        wire.watched(Kind.NODE, text)


def test_a_status_is_read_and_anything_else_is_an_empty_one() -> None:
    """A proxy answers in HTML."""
    assert status(b'{"kind":"Status","message":"no"}').message == "no"
    assert status(b"<html>").message is None


@given(st.binary(), st.sampled_from(wire.KINDS))
def test_no_bytes_raise_anything_but_undecodable(body: bytes, kind: Kind) -> None:
    """Lists, objects and lines alike."""
    for read in (wire.one, wire.page, wire.watched):
        try:
            read(kind, body)
        except wire.UndecodableError:
            continue
