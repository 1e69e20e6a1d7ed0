"""Which CSI drivers a node should have registered: what its node plugin pods are called for.

A plugin's driver is the directory of `--kubelet-registration-path` where a CSIDriver, this or
another node knows that name. Other names are learned from a sample of the owner's other pods: what
most of their nodes list, of nodes that have no plugin which this one lacks, and that no plugin
there is named after. The sample is small and always the same for the same pods, so that thousands
of nodes stay cheap. Whoever decides by this also asks `learners` whom a change concerns.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from exporter.observe import model
from exporter.observe.objects import bucket
from exporter.observe.view import View

_SAMPLE = 20
_MOST = 0.5
_FEWEST = 2
"""One other node is no majority."""


def name(pod: model.Pod) -> str:
    """Return what the plugin's directory is called; empty where there is none."""
    return pod.plugin.driver if pod.plugin is not None else ""


def is_known(pod: model.Pod, view: View) -> bool:
    """Whether a CSIDriver has the name of the plugin's directory."""
    return view.csi_driver(name(pod)) is not None


def listed(node: str, view: View) -> tuple[str, ...]:
    """Return the drivers that a node's kubelet has registered."""
    found = view.csi_node(node)
    return found.drivers if found is not None else ()


def live(node: str, view: View) -> list[model.Pod]:
    """Return a node's plugin pods that are to stay."""
    return [p for p in view.plugins_on(node) if p.deletion is None and not p.ended]


def expected(node: str, view: View) -> Mapping[str, model.Pod]:
    """Return the drivers that the node's own plugins should register, with the pod of each."""
    found: dict[str, model.Pod] = {}
    unnamed: list[model.Pod] = []
    pods, here = live(node, view), listed(node, view)
    for pod in pods:
        driver = name(pod)
        if driver and (driver in here or is_known(pod, view) or _elsewhere(driver, pod, view)):
            found.setdefault(driver, pod)
        else:
            unnamed.append(pod)
    # Where each unnamed plugin may have registered a driver, none is missing.
    if len(set(here) - {name(pod) for pod in pods}) >= len(unnamed):
        return found
    owners = {(pod.namespace, pod.owner) for pod in pods}
    for pod in unnamed:
        for driver in _most_list(pod, owners, view):
            if driver not in here:
                found.setdefault(driver, pod)
    return found


def possible(pod: model.Pod, view: View) -> set[str]:
    """Return every driver that this plugin may turn out to be, or was a change ago."""
    return {name(pod)} if is_known(pod, view) else {name(pod), *taught(pod, view)}


def taught(pod: model.Pod, view: View) -> set[str]:
    """Return the drivers on the nodes of the owner's sample, and of the one that was last in it."""
    peers = islice(view.plugins_of(pod.namespace, pod.owner), _SAMPLE + 1)
    return {driver for peer in peers for driver in listed(peer.node, view)}


def learners(
    pods: Iterable[model.Pod], node: str, drivers: Iterable[str], view: View
) -> Iterator[tuple[str, str]]:
    """Name (node, driver) of who may learn another name because these plugins' node changed.

    `drivers` are those that the node lists or listed. Nobody learns from outside the sample.
    """
    for namespace, owner in dict.fromkeys((pod.namespace, pod.owner) for pod in pods):
        sample = list(islice(view.plugins_of(namespace, owner), _SAMPLE + 1))
        if len(sample) > _SAMPLE and bucket(node) > bucket(sample[-1].node):
            continue
        names = {*drivers, *listed(node, view)}
        names.update(driver for peer in sample for driver in listed(peer.node, view))
        for learner in view.plugins_of(namespace, owner):
            # What a node lists it does not lack, whatever it is called: healthy ones end here.
            lacks = names.difference(listed(learner.node, view))
            if lacks and not is_known(learner, view):
                yield from ((learner.node, driver) for driver in lacks)


def _sample(pod: model.Pod, view: View) -> list[model.Pod]:
    return list(islice(view.plugins_of(pod.namespace, pod.owner), _SAMPLE))


def _elsewhere(driver: str, pod: model.Pod, view: View) -> bool:
    return any(driver in listed(peer.node, view) for peer in _sample(pod, view))


def _most_list(pod: model.Pod, owners: set[tuple[str, str]], view: View) -> list[str]:
    nodes = dict.fromkeys(p.node for p in _sample(pod, view) if p.node and p.node != pod.node)
    counted: Counter[str] = Counter()
    comparable = 0
    for node in nodes:
        plugins = view.plugins_on(node)
        if {(p.namespace, p.owner) for p in plugins} <= owners:
            comparable += 1
            counted.update(set(listed(node, view)) - {name(p) for p in plugins})
    if comparable < _FEWEST:
        return []
    return sorted(driver for driver, count in counted.items() if count > comparable * _MOST)
