"""csi_driver_unregistered: a node's kubelet does not know a CSI driver that the node should have.

How it is recognised (CSINode: Kubernetes 1.17 and newer): a node plugin pod is bound to a Ready
node and the node's CSINode does not list its driver (`reasons.drivers` says which one that is). Or
a pod waits on the node for a volume of a driver that is not listed, and no plugin pod that could be
the driver's is there: PluginMissing.

Since: the latest of the node's readiness, the last change of the CSINode's list (managedFields) and
the plugin pod's creation, or, for PluginMissing, the waiting pod's PodScheduled. All are the
objects' own. The kubelet may need minutes: images are fetched, and it tries again slowly.

VersionSkew is a kubelet of a newer minor release than the API server: it may not be repaired by a
restart. Nor may a plugin that serves FUSE mounts be restarted: they die with it.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.model.versions import version
from exporter.observe.signals import base
from exporter.observe.signals.reasons import drivers
from exporter.observe.view import View, Want

SKEW, CRASH_LOOP, NOT_READY = "VersionSkew", "CrashLoop", "PluginNotReady"
MISSING, NOT_LISTED = "PluginMissing", "NotListed"

_ALWAYS_CSI_NODE = (1, 17, 0)
"""From here on every kubelet makes a CSINode, so one that is missing lacks every driver."""


def subject_of(node: str, driver: str) -> Subject:
    """Return the subject for a node and a driver."""
    return Subject((("node", node), ("driver", driver)))


class CsiDriverUnregistered:
    """Sees it.

    Reasons: VersionSkew, CrashLoop, PluginNotReady, PluginMissing, NotListed (the plugin is ready).
    """

    name = "csi_driver_unregistered"
    meaning = "A node does not know a CSI driver that its own plugin pods, or pods there, call for."
    subject_labels = ("node", "driver")
    named_labels = ("namespace", "pod")
    reasons = frozenset({SKEW, CRASH_LOOP, NOT_READY, MISSING, NOT_LISTED, base.OTHER})
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 180.0
    needs = frozenset(
        {Kind.NODE, Kind.CSI_NODE, Kind.CSI_DRIVER, Kind.POD, Kind.CLAIM, Kind.VOLUME}
    )
    helps = frozenset({Kind.SERVER})
    starts = frozenset({Kind.POD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the drivers that a plugin pod stands for, or that a waiting pod calls for."""
        if not isinstance(obj, model.Pod) or not obj.node:
            return ()
        if obj.plugin is not None:
            found = view.csi_node(obj.node)
            if found is None or obj.plugin.driver not in found.drivers:
                return [subject_of(obj.node, driver) for driver in drivers.expected(obj.node, view)]
        if obj.waiting and obj.claims:
            return [subject_of(obj.node, driver) for driver in _wanted_by(obj, view)]
        return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the node that an object speaks of, and those that learn a driver's name from it."""
        for obj in base.versions(change):
            match obj:
                case model.Pod() if obj.node:
                    yield from _at(obj.node, _called_for(obj, view), view)
                    if obj.plugin is not None:
                        yield from _at(obj.node, drivers.possible(obj, view), view)
                        plugins = (obj, *view.plugins_on(obj.node))
                        yield from _learners(plugins, obj.node, (), view)
                case model.CsiNode():
                    yield from _at(obj.name, obj.drivers, view)
                    plugins = tuple(view.plugins_on(obj.name))
                    yield from _learners(plugins, obj.name, obj.drivers, view)
                case model.Claim() | model.Volume():
                    yield from _wanted_anew(obj, view)
                case model.Node() if _moved(change):
                    yield from _at(obj.name, (), view)
                case model.CsiDriver() | model.Server():
                    yield from _everywhere(change)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node's objects; all plugins' only where the driver's name has to be learned."""
        node = subject["node"]
        yield Want(Kind.NODE, name=node)
        yield Want(Kind.CSI_NODE, name=node)
        yield Want(Kind.POD, field_selector=f"spec.nodeName={node}")
        yield Want(Kind.CSI_DRIVER)
        yield Want(Kind.SERVER, name=Kind.SERVER)
        if any(not drivers.is_known(pod, view) for pod in view.plugins_on(node)):
            yield Want(Kind.POD)
            yield Want(Kind.CSI_NODE)
        for pod in view.pods_on(node):
            for name in pod.claims:
                yield Want(Kind.CLAIM, pod.namespace, name)
                claim = view.claim(pod.namespace, name)
                if claim is not None and claim.volume:
                    yield Want(Kind.VOLUME, name=claim.volume)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the driver is expected on the node and not listed there."""
        name, driver = subject["node"], subject["driver"]
        node, listed = view.node(name), view.csi_node(name)
        if node is None or node.ready is not Ready.TRUE or not driver:
            return None
        if driver in listed.drivers if listed is not None else not _has_csi_nodes(view):
            return None
        plugin = drivers.expected(name, view).get(driver)
        written = listed.written if listed is not None else None
        if plugin is not None:
            since = _latest(node.ready_since, plugin.created, written)
            reason = _reason(node, plugin, view)
            evidence = tuple(_evidence(node, driver, plugin, view))
        else:
            waiting = [p for p in view.pods_on(name) if driver in _wanted_by(p, view)]
            if not waiting:
                return None
            pod = min(waiting, key=_waiting_since)
            since, reason = _latest(node.ready_since, pod.scheduled, written), MISSING
            evidence = (
                f"pod {pod.namespace}/{pod.name} waits on node {name} for a volume of {driver}",
                f"no node plugin of {driver} is on node {name}",
            )
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=reason,
            named=(
                ("namespace", plugin.namespace if plugin is not None else ""),
                ("pod", plugin.name if plugin is not None else ""),
            ),
            evidence=evidence,
        )


def _wanted_by(pod: model.Pod, view: View) -> Iterator[str]:
    """Name the CSI drivers that a waiting pod calls for and no plugin pod on its node may be."""
    if not pod.waiting:
        return
    for name in pod.claims:
        claim = view.claim(pod.namespace, name)
        volume = view.volume_of(claim) if claim is not None else None
        if volume is None or volume.in_tree or not volume.driver:
            continue
        if volume.driver in drivers.listed(pod.node, view):
            continue
        plugins = drivers.live(pod.node, view)
        if all(drivers.is_known(p, view) and drivers.name(p) != volume.driver for p in plugins):
            yield volume.driver


def _at(node: str, more: Iterable[str], view: View) -> Iterator[Subject]:
    """Name everything that may be decided of a node."""
    found = set(more)
    for pod in view.pods_on(node):
        if pod.plugin is not None:
            found |= drivers.possible(pod, view)
        if pod.waiting:
            found.update(_called_for(pod, view))
    yield from (subject_of(node, driver) for driver in found - {""})


def _learners(
    plugins: Iterable[model.Pod], node: str, listed: Iterable[str], view: View
) -> Iterator[Subject]:
    for where, driver in drivers.learners(plugins, node, listed, view):
        yield subject_of(where, driver)


def _everywhere(change: Change) -> Iterator[Subject]:
    """Name all when a driver or a server comes, goes or has a new version."""
    match change.old, change.new:
        case (model.CsiDriver(), model.CsiDriver()):
            pass
        case (model.Server() as old, model.Server() as new) if old.git_version == new.git_version:
            pass
        case _:
            yield base.EVERYTHING


def _called_for(pod: model.Pod, view: View) -> Iterator[str]:
    for name in pod.claims:
        claim = view.claim(pod.namespace, name)
        volume = view.volume_of(claim) if claim is not None else None
        if volume is not None:
            yield volume.driver


def _wanted_anew(obj: model.Claim | model.Volume, view: View) -> Iterator[Subject]:
    claims = [obj] if isinstance(obj, model.Claim) else view.claims_of(obj.name)
    for claim in claims:
        volume = obj if isinstance(obj, model.Volume) else view.volume_of(claim)
        if volume is None:
            continue
        for pod in view.pods_of(claim.namespace, claim.name):
            if pod.waiting:
                yield subject_of(pod.node, volume.driver)


def _moved(change: Change) -> bool:
    old, new = change.old, change.new
    if not isinstance(old, model.Node) or not isinstance(new, model.Node):
        return True
    return (old.ready, old.ready_since, old.kubelet_version) != (
        new.ready,
        new.ready_since,
        new.kubelet_version,
    )


def _has_csi_nodes(view: View) -> bool:
    server = view.server()
    found = version(server.git_version) if server is not None else None
    return found is not None and found >= _ALWAYS_CSI_NODE


def _latest(*times: float | None) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _waiting_since(pod: model.Pod) -> tuple[float, str, str]:
    since = pod.scheduled if pod.scheduled is not None else float("inf")
    return (since, pod.namespace, pod.name)


def _skewed(node: model.Node, view: View) -> bool | None:
    """Whether the kubelet's minor release is newer than the API server's; None: not known."""
    server = view.server()
    theirs = version(server.git_version) if server is not None else None
    ours = version(node.kubelet_version)
    return None if ours is None or theirs is None else ours[:2] > theirs[:2]


def _reason(node: model.Node, pod: model.Pod, view: View) -> str:
    plugin, skewed = pod.plugin, _skewed(node, view)
    if plugin is None:
        return base.OTHER
    if skewed or (skewed is None and plugin.exit_cause is Cause.API_MISSING):
        return SKEW
    if plugin.waiting == "CrashLoopBackOff":
        return CRASH_LOOP
    return NOT_LISTED if plugin.ready else NOT_READY


def _evidence(node: model.Node, driver: str, pod: model.Pod, view: View) -> Iterator[str]:
    yield f"the kubelet of node {node.name} has not registered {driver}"
    plugin, server = pod.plugin, view.server()
    if plugin is None:
        return
    state = plugin.waiting or ("ready" if plugin.ready else "not ready")
    yield f"plugin pod {pod.namespace}/{pod.name} is {state}, {plugin.restarts} restarts"
    if _skewed(node, view) and server is not None:
        yield f"kubelet {node.kubelet_version} is newer than API server {server.git_version}"
    if plugin.exit_message:
        yield f"its registrar ended with: {plugin.exit_message}"
    if plugin.fuse:
        yield "the plugin serves FUSE mounts: a restart would end those of every pod that it serves"
