"""A namespace whose workloads share a ReadWriteMany claim of Rok, as plain objects; a set clock.

What stops loses its pods, what starts gets them; Rok speaks once nobody is left. It decides nothing
about repairs.
"""

import json
from collections.abc import Iterable
from typing import cast

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict, NotFound
from exporter.observe.model import KIND_OF, Kind, KubeEvent, Object, Owner, Workload
from exporter.observe.model.facts import RwxClear, RwxRecovering
from exporter.observe.signals.rwx_recovery_blocked import subject_of
from exporter.observe.view import View
from remediator.case import Policy
from remediator.record import Record, name_of
from remediator.steps.base import KubeWrite, Step
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import LIVE, NOW, SPARE

SIGNAL = "rwx_recovery_blocked"
SUBJECT = subject_of("web", "data")
NAME = name_of(SIGNAL, SUBJECT, 1)
OWNER = f"{NAME}/uid-{NAME}"
DATA = model.ClaimNames(named=("data",))
CLAIM = made.claim("data", access_modes=("ReadWriteMany",))


def workload(cls: type[Workload], name: str, **fields: object) -> Workload:
    """Return a workload of namespace web whose template names the claim."""
    base = cls(namespace="web", name=name, uid=f"uid-{name}", version="1", claims=DATA)
    return msgspec.structs.replace(base, **fields)


def shop(replicas: int = 2, **fields: object) -> Workload:
    """Return a Deployment."""
    numbers = {"replicas": replicas, "current": replicas, "ready": replicas}
    return workload(model.Deployment, "shop", **{**numbers, **fields})


def pod_of(owner: Workload, number: int = 0, on: str = LIVE, **fields: object) -> model.Pod:
    """Return a pod that a workload has made."""
    usual = {"starting": False, "owner": owner.reference.packed}
    return made.pod(f"{owner.name}-{number}", "data", on, **{**usual, **fields})


def event(name: str, fact: RwxRecovering | RwxClear, at: float) -> KubeEvent:
    """Return what Rok says on the claim."""
    return KubeEvent(
        namespace="web",
        name=f"data.{name}",
        uid=f"uid-{name}",
        version="1",
        reason="WARNING" if isinstance(fact, RwxRecovering) else "INFO",
        message="",
        component="rok-csi",
        about_kind="PersistentVolumeClaim",
        about_namespace="web",
        about_name="data",
        count=1,
        last=at,
        first=at,
        fact=fact,
        about_uid=CLAIM.uid,
    )


def warning(at: float = NOW - 120.0) -> KubeEvent:
    """Return the warning that the volume is recovered."""
    return event("warning", RwxRecovering("pv-server", "pv-data"), at)


def clear(at: float = NOW + 1.0) -> KubeEvent:
    """Return the word that all pods are gone."""
    return event("clear", RwxClear("pv-data"), at)


def scene(*workloads: Workload) -> list[Object]:
    """Return a claim that Rok has warned of, and its users with a pod for each replica."""
    users = workloads or (shop(),)
    return [
        made.node(LIVE),
        made.node(SPARE),
        made.namespace(annotations={"pvmedic.dev/remediation": "enabled"}),
        CLAIM,
        made.volume("data", access_modes=("ReadWriteMany",), driver="rok.arrikto.com"),
        warning(),
        *cast("tuple[Object, ...]", users),
        *(pod_of(one, number) for one in users for number in range(one.replicas or 1)),
    ]


def record() -> Record:
    """Return a record about the claim of which a notification was just heard."""
    return made.record(subject=SUBJECT, signal=SIGNAL)


class RwxCluster(FakeCluster):
    """Fields to set: `ends`: whether pods of what stops go. `speaks`: whether Rok says clear."""

    def __init__(self, objects: Iterable[Object], policy: Policy = made.AUTO) -> None:
        """Start with these objects, and a record about the claim."""
        super().__init__(objects, policy)
        self.name = NAME
        self.ends = True
        self.speaks = True
        self.open(record())

    def there(self, one: Workload) -> Workload:
        """Return a workload as it is now."""
        found = self.seen().workload(KIND_OF[type(one)], one.namespace, one.name)
        assert found is not None
        return found

    def alter(self, one: Workload, **fields: object) -> None:
        """Change some fields of a workload."""
        self.change(cast("Object", one), **fields)

    def delete(self, one: Workload) -> None:
        """Delete a workload, and leave its pods for what else may come."""
        self.forget(cast("Object", one))

    def seen(self) -> View:
        """Return a View of everything."""
        return View(self.objects, self.clock)

    def speak(self) -> None:
        """Let Rok say that all are gone."""
        self.put(clear(self.clock))

    def end_pods(self) -> None:
        """Let every pod end."""
        for pod in self.seen().pods_of("web", "data"):
            self.forget(pod)
        if self.speaks:
            self.speak()

    def _patch(self, step: Step, view: View) -> None:
        write = kube_write(step, view)
        if write is None:
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        *_, resource, name = write.path.split("/")
        stored = self.seen().workload(Kind(resource), "web", name)
        if stored is None:
            raise NotFound(f"no {resource} {name}")
        meta = self._bound(write, stored)
        spec = json.loads(msgspec.json.encode(write.body)).get("spec", {})
        notes = {**stored.annotations, **meta}
        selector = spec.get("template", {}).get("spec", {}).get("nodeSelector", {})
        self.alter(
            stored,
            annotations={key: value for key, value in notes.items() if value is not None},
            replicas=spec.get("replicas", stored.replicas),
            suspended=spec.get("suspend", stored.suspended or "kubeflow-resource-stopped" in meta),
            node_selector={k: v for k, v in selector.items() if v is not None},
        )
        self.writes.append(step)
        self._follow(self.there(stored))

    def _bound(self, write: KubeWrite, stored: Workload) -> dict[str, str | None]:
        meta = json.loads(msgspec.json.encode(write.body))["metadata"]
        if (meta["uid"], meta["resourceVersion"]) != (stored.uid, stored.version):
            raise Conflict(f"{stored.name} has changed")
        notes: dict[str, str | None] = meta["annotations"]
        return notes

    def _follow(self, one: Workload) -> None:
        """Do what its controller does."""
        mine = [p for p in self.seen().pods_of("web", "data") if p.controller == one.reference]
        if not one.replicas:
            for pod in mine if self.ends else ():
                self.forget(pod)
            if self.speaks and not self.seen().pods_of("web", "data"):
                self.speak()
            return
        for number in range(one.replicas - len(mine)):
            self.put(pod_of(one, number, created=self.clock, scheduled=self.clock))
        self.alter(one, ready=one.replicas, current=one.replicas)


def bare(name: str = "lonely") -> model.Pod:
    """Return a pod that has no owner."""
    return made.pod(name, "data", LIVE, starting=False)


def owned_by_stranger() -> model.Pod:
    """Return a pod whose owner's kind nobody knows."""
    owner = Owner("example.com", "Farm", "x", "uid-farm")
    return made.pod("farm-0", "data", LIVE, starting=False, owner=owner.packed)
