"""csi_driver_unregistered as values: objects in, signal or nothing out."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals.base import EVERYTHING
from exporter.observe.signals.csi_driver_unregistered import CsiDriverUnregistered, subject_of
from exporter.observe.view import View, Want
from tests.signals import made

EBS, NFS = made.DRIVER, "nfs.csi.k8s.io"
ON_A = subject_of("a", EBS)
DETECTOR = CsiDriverUnregistered()
SERVER = model.Server(Kind.SERVER, "v1.36.1")


def plugin(at: str = "a", driver: str = EBS, **fields: object) -> model.Pod:
    """Return a node plugin pod; keywords override fields of the pod or of the plugin."""
    plain = model.Plugin(driver, (), ready=True, restarts=3, waiting="", exit_message="")
    inner = {key: fields.pop(key) for key in tuple(fields) if hasattr(plain, key)}
    owner = str(fields.setdefault("owner", "DaemonSet/ebs"))
    name = f"{owner.rpartition('/')[2]}-{at}"
    of_plugin = msgspec.structs.replace(plain, **inner)
    return made.pod(name, at, **{"claims": (), "phase": "Running", "plugin": of_plugin, **fields})


def csi_node(at: str = "a", *drivers: str, written: float | None = None) -> model.CsiNode:
    """Return a CSINode."""
    return model.CsiNode(at, drivers, written=written)


INSTALLED = model.CsiDriver(EBS)
BROKEN: list[Object] = [made.node(), INSTALLED, csi_node(), plugin(), SERVER]


def decide(objects: Iterable[Object], subject: Subject = ON_A) -> Signal | None:
    """Decide a node and a driver."""
    return DETECTOR.decide(subject, made.view(objects))


def test_a_plugin_whose_driver_the_node_does_not_list_is_a_signal() -> None:
    """It names the plugin pod."""
    found = decide(BROKEN)
    assert found is not None
    assert (found.subject, found.reason) == (ON_A, "NotListed")
    assert (found.since, found.since_source) == (100.0, SinceSource.OBJECT)
    assert found.named == (("namespace", "web"), ("pod", "ebs-a"))
    assert found.evidence == (
        "the kubelet of node a has not registered ebs.csi.aws.com",
        "plugin pod web/ebs-a is ready, 3 restarts",
    )


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([plugin(ready=False, waiting="CrashLoopBackOff")], "CrashLoop"),
        ([plugin(ready=False, waiting="ContainerCreating")], "PluginNotReady"),
        ([plugin(ready=False)], "PluginNotReady"),
        ([made.node(kubelet_version="v1.37.0")], "VersionSkew"),
        ([made.node(kubelet_version="v1.36.9")], "NotListed"),
        ([made.node(kubelet_version="v1.33.0")], "NotListed"),
        ([made.node(kubelet_version="junk")], "NotListed"),
        ([plugin(exit_cause=Cause.API_MISSING)], "VersionSkew"),
        (
            [made.node(kubelet_version="v1.36.0"), plugin(exit_cause=Cause.API_MISSING)],
            "NotListed",
        ),
        ([plugin(exit_cause=Cause.TIMEOUT, waiting="CrashLoopBackOff")], "CrashLoop"),
    ],
)
def test_versions_come_first_then_the_state_of_the_plugin(
    objects: list[Object], reason: str
) -> None:
    """A skew is not repaired by a restart; without versions the registrar's words count."""
    found = decide([*BROKEN, *objects])
    assert found is not None
    assert found.reason == reason


def test_evidence_tells_skew_last_words_and_fuse() -> None:
    """Whoever restarts the plugin must know whose mounts die."""
    objects: list[Object] = [made.node(kubelet_version="v1.37.0")]
    objects.append(plugin(fuse=True, exit_message="refused"))
    found = decide([*BROKEN, *objects])
    assert found is not None
    assert found.evidence[2:] == (
        "kubelet v1.37.0 is newer than API server v1.36.1",
        "its registrar ended with: refused",
        "the plugin serves FUSE mounts: a restart would end those of every pod that it serves",
    )


@pytest.mark.parametrize(
    ("objects", "since"),
    [
        ([plugin(created=500.0)], 500.0),
        ([csi_node(written=700.0)], 700.0),
        ([made.node(ready_since=None), plugin(created=None)], None),
    ],
    ids=["the plugin is younger", "the list has changed since", "nothing is known"],
)
def test_it_began_with_the_latest_of_all_that_it_takes(
    objects: list[Object], since: float | None
) -> None:
    """All times are the objects' own."""
    found = decide([*BROKEN, *objects])
    assert found is not None
    assert found.since == since
    assert (found.since_source is SinceSource.FIRST_SEEN) == (since is None)


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [made.node(), INSTALLED, csi_node(), SERVER],
        [made.node(), INSTALLED, csi_node("a", EBS), plugin(), SERVER],
        [made.node(ready=Ready.FALSE), INSTALLED, csi_node(), plugin(), SERVER],
        [INSTALLED, csi_node(), plugin(), SERVER],
        [made.node(), csi_node(), plugin(), SERVER],
        [made.node(), INSTALLED, csi_node(), plugin(deletion=30.0), SERVER],
        [made.node(), INSTALLED, csi_node(), plugin(phase="Failed"), SERVER],
        [made.node(), INSTALLED, plugin(), model.Server(Kind.SERVER, "v1.16.0")],
        [made.node(), INSTALLED, plugin()],
    ],
    ids=[
        "an empty cluster",
        "no plugin",
        "it is listed",
        "the node is not ready",
        "the node is gone",
        "nobody knows this name",
        "the plugin is on its way out",
        "the plugin has ended",
        "Kubernetes before CSINode",
        "no CSINode, and the server is not known",
    ],
)
def test_other_states_are_no_signal(objects: list[Object]) -> None:
    """Each part of the definition is needed."""
    assert decide(objects) is None


def test_a_node_without_a_csinode_lacks_every_driver() -> None:
    """Since Kubernetes 1.17 every kubelet makes one."""
    assert decide([made.node(), INSTALLED, plugin(), SERVER]) is not None


WAITS: list[Object] = [made.node(), INSTALLED, csi_node(), made.claim(), made.volume(), made.pod()]


def test_a_pod_that_waits_for_a_driver_without_any_plugin_shows_that_it_is_missing() -> None:
    """A DaemonSet that does not tolerate the node's taints."""
    found = decide(WAITS)
    assert found is not None
    assert (found.reason, found.since, found.named) == (
        "PluginMissing",
        100.0,
        (("namespace", ""), ("pod", "")),
    )
    assert found.evidence[1] == "no node plugin of ebs.csi.aws.com is on node a"


@pytest.mark.parametrize(
    "objects",
    [
        [plugin(driver="some-dir")],
        [csi_node("a", EBS)],
        [made.pod(phase="Running")],
        [made.volume(driver="kubernetes.io/aws-ebs")],
        [made.claim(volume="")],
    ],
    ids=["a plugin that may be it", "listed", "nobody waits", "in-tree", "no volume"],
)
def test_a_plugin_is_missing_only_if_none_there_can_be_it(objects: list[Object]) -> None:
    """And only if somebody needs it there."""
    assert decide([*WAITS, *objects]) is None


def nfs(at: str) -> model.Pod:
    """Return a plugin whose directory is not called as its driver."""
    return plugin(at, "csi-nfsplugin", owner="DaemonSet/nfs")


def learning(*more: Object) -> list[Object]:
    """Return a node whose driver's name only the others tell, and two others."""
    others: list[Object] = [
        obj for at in "bc" for obj in (made.node(at), nfs(at), csi_node(at, NFS, EBS))
    ]
    ebs = [plugin(at) for at in "abc"]
    return [INSTALLED, SERVER, made.node(), nfs("a"), csi_node("a", EBS), *ebs, *others, *more]


ON_A_NFS = subject_of("a", NFS)


def test_a_name_is_learned_from_most_nodes_of_the_same_owner() -> None:
    """Drivers that other plugins there are named after are not it."""
    found = decide(learning(), ON_A_NFS)
    assert found is not None
    assert found.named == (("namespace", "web"), ("pod", "nfs-a"))
    assert decide(learning()) is None


@pytest.mark.parametrize(
    "more",
    [
        [csi_node("a", EBS, "other.csi")],
        [csi_node("b", EBS)],
        [plugin("b", "x", owner="DaemonSet/x")],
    ],
    ids=["it registered another", "only one of two lists it", "another plugin may explain it"],
)
def test_no_name_is_learned_where_it_is_not_certain(more: list[Object]) -> None:
    """A false page is worse than a late one."""
    assert decide(learning(*more), ON_A_NFS) is None


def test_a_directorys_name_that_another_node_lists_is_a_drivers() -> None:
    """Without any CSIDriver object."""
    on_b: list[Object] = [plugin("b", NFS), csi_node("b", NFS)]
    objects = [made.node(), csi_node(), plugin(driver=NFS), *on_b]
    assert decide(objects, ON_A_NFS) is not None


def test_a_change_of_one_of_thousands_of_nodes_touches_itself() -> None:
    """Names are learned from a sample; whoever is outside it teaches nobody."""
    count = 3000
    names = [f"node-{number}" for number in range(count)]
    objects: list[Object] = [nfs(at) for at in names]
    objects += [csi_node(at, NFS) for at in names]
    view = made.view(objects)
    touched = [len(set(DETECTOR.touched(Change(None, csi_node(at)), view))) for at in names[:200]]
    assert sorted(touched)[150] <= 2
    assert sum(touched) / len(touched) < 200


NODES, OWNERS = ("a", "b", "c"), ("DaemonSet/x", "DaemonSet/y")
DIRECTORIES = ("", "dir", EBS, NFS)


@st.composite
def plugins(draw: DrawFn) -> Object:
    """Draw one object that decides which driver a node should have."""
    at = draw(st.sampled_from(NODES))
    driver = draw(st.sampled_from(DIRECTORIES))
    match draw(st.integers(min_value=0, max_value=7)):
        case 0:
            return model.CsiDriver(draw(st.sampled_from(DIRECTORIES[1:])))
        case 1:
            ready = draw(st.sampled_from((Ready.TRUE, Ready.TRUE, Ready.FALSE)))
            return made.node(at, ready=ready)
        case 2 | 3:
            return csi_node(at, *draw(st.sets(st.sampled_from((EBS, NFS, "other.csi")))))
        case _:
            owner = draw(st.sampled_from(OWNERS))
            deletion = draw(st.sampled_from((None, None, 5.0)))
            return plugin(at, driver, owner=owner, deletion=deletion)


def whole(drawn: list[Object]) -> list[Object]:
    """Return a cluster of three nodes with what was drawn put in."""
    return [SERVER, *(made.node(at) for at in NODES), *drawn]


def holding(world: Iterable[Object]) -> Mapping[Subject, Signal]:
    """Decide every subject that there can be."""
    view = made.view(world)
    subjects = [subject_of(at, driver) for at in NODES for driver in (EBS, NFS, "dir", "other.csi")]
    found = {subject: DETECTOR.decide(subject, view) for subject in subjects}
    return {subject: signal for subject, signal in found.items() if signal is not None}


@settings(max_examples=200, deadline=None)
@given(drawn=st.lists(plugins(), max_size=14), new=plugins(), remove=st.booleans())
def test_a_change_touches_whoever_learns_from_it(
    drawn: list[Object], new: Object, *, remove: bool
) -> None:
    """Also those on other nodes; and a full pass names all that hold."""
    objects = Objects(whole(drawn))
    before = holding(obj for kind in Kind for obj in objects.of(kind))
    if remove:
        change = Change(objects.remove(model.ref(new)), None)
    else:
        change = Change(objects.put(new), new)
    view = View(objects, made.NOW)
    after = holding(obj for kind in Kind for obj in objects.of(kind))
    moved = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    touched = set(DETECTOR.touched(change, view))
    assert EVERYTHING in touched or moved <= touched
    pods = objects.of(Kind.POD)
    assert after.keys() <= {one for pod in pods for one in DETECTOR.suspects(pod, view)}


@settings(deadline=None)
@given(st.lists(plugins(), max_size=14))
def test_a_fresh_look_reads_whatever_a_name_is_learned_from(drawn: list[Object]) -> None:
    """The remediator sees what the exporter sees."""
    objects = Objects(whole(drawn))
    for subject, signal in holding(obj for kind in Kind for obj in objects.of(kind)).items():
        read = Objects()
        done: set[Want] = set()
        while wanted := set(DETECTOR.reads(subject, View(read, made.NOW))) - done:
            done |= wanted
            for want in wanted:
                node = want.field_selector.partition("=")[2]
                for obj in objects.of(want.kind):
                    if want.name in {"", obj.name} and node in {"", getattr(obj, "node", "")}:
                        read.put(obj)
        assert DETECTOR.decide(subject, View(read, made.NOW)) == signal
