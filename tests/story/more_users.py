"""Users of a claim beyond workloads that everybody knows: pods without owner, and a foreign kind.

The cluster deletes and makes pods as the API server does, bound to what the request says, and
scales; it decides nothing about repairs.
"""

import json
from collections.abc import Iterable

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict, NotFound
from exporter.observe.model import Kind, Object, Owner
from exporter.observe.parse import wire
from exporter.observe.view import View
from remediator.case import Policy
from remediator.steps.base import KubeWrite, Step
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.objects import LIVE
from tests.story.rwx_cluster import RwxCluster, scene

ALLOWED = Policy(mode="auto", bare_pods=True, scalable=frozenset({"Farm.example.com"}))
ASKED = {"pvmedic.dev/remediation": "enabled", "pvmedic.dev/recreate": "enabled"}
FARM = Owner("example.com", "Farm", "x", "uid-farm")


def body(name: str = "lonely", **spec: object) -> dict[str, object]:
    """Return a pod without owner as the API server has it."""
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    return {
        "metadata": {
            "name": name,
            "namespace": "web",
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "labels": {"app": name},
        },
        "spec": {
            "containers": [{"name": "main", "image": "example.com/app:1"}],
            "volumes": [volume],
            "nodeName": LIVE,
            "terminationGracePeriodSeconds": 30,
            **spec,
        },
        "status": {"phase": "Running"},
    }


def manifest(of: dict[str, object]) -> model.PodManifest:
    """Return a pod's manifest as a look reads it."""
    read = wire.one(Kind.POD_MANIFEST, json.dumps(of).encode())
    assert isinstance(read, model.PodManifest)
    return read


def bare(name: str = "lonely", **spec: object) -> list[Object]:
    """Return a pod without owner, and its manifest."""
    pod = made.pod(name, "data", LIVE, starting=False)
    return [pod, manifest(body(name, **spec))]


def farm(replicas: int = 3) -> list[Object]:
    """Return the scale of a foreign kind, and its pods."""
    path = "/apis/example.com/v1/namespaces/web/farms/x/scale"
    scale = model.Scale("web", "Farm.example.com/x", "uid-farm", "1", path, replicas, replicas)
    pods = [
        made.pod(f"farm-{number}", "data", LIVE, starting=False, owner=FARM.packed)
        for number in range(replicas)
    ]
    return [scale, *pods]


class MoreUsers(RwxCluster):
    """A namespace that asks for its bare pods to be made again."""

    def __init__(self, objects: Iterable[Object], policy: Policy = ALLOWED) -> None:
        """Start with the usual scene and these."""
        super().__init__([*scene(), made.namespace(annotations=ASKED), *objects], policy)
        self.born = 0

    def there_is(self, name: str) -> model.PodManifest | None:
        """Return the pod of a name as it is now."""
        return self.seen().manifest("web", name)

    def scale(self) -> model.Scale:
        """Return the foreign kind's scale."""
        found = self.seen().scale("web", "Farm.example.com/x")
        assert found is not None
        return found

    def end_pods(self) -> None:
        """Let every pod end that is not to stay, and Rok speak."""
        for one in list(self.objects.of(Kind.POD_MANIFEST)):
            if isinstance(one, model.PodManifest) and one.deletion is not None:
                self.forget(one)
        super().end_pods()

    def make(self, of: dict[str, object]) -> None:
        """Make a pod, as anybody may."""
        self.born += 1
        read = manifest(of)
        again = f"{read.uid or 'uid-new'}-{self.born}"
        pod = made.pod(read.name, "data", LIVE, starting=False, uid=again, created=self.clock)
        self.put(pod)
        self.put(msgspec.structs.replace(read, uid=again))

    def _patch(self, step: Step, view: View) -> None:
        write = kube_write(step, view)
        if write is None:
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        sent = json.loads(msgspec.json.encode(write.body))
        if write.method == "DELETE":
            self._delete(write, sent)
        elif write.method == "POST":
            self._create(write, sent)
        elif write.path.endswith("/scale"):
            self._scale(sent)
        else:
            super()._patch(step, view)
            return
        self.writes.append(step)

    def _delete(self, write: KubeWrite, sent: dict[str, object]) -> None:
        name = write.path.rpartition("/")[2]
        found = self.there_is(name)
        if found is None:
            raise NotFound(f"no pod {name}")
        assert "gracePeriodSeconds" not in sent
        bound = {"uid": found.uid, "resourceVersion": found.version}
        if sent["preconditions"] != bound:
            raise Conflict(f"pod {name} has changed")
        pod = self.seen().pod("web", name)
        assert pod is not None
        if not self.ends:
            self.change(found, deletion=self.clock + 30.0)
            self.change(pod, deletion=self.clock + 30.0)
            return
        self.forget(found)
        self.forget(pod)
        self._all_gone()

    def _create(self, write: KubeWrite, sent: dict[str, object]) -> None:
        assert write.path == "/api/v1/namespaces/web/pods"
        if self.there_is(manifest(sent).name) is not None:
            raise Conflict("pods already exists")
        self.make(sent)

    def _scale(self, sent: dict[str, dict[str, object]]) -> None:
        found = self.scale()
        if sent["metadata"]["resourceVersion"] != found.version:
            raise Conflict("the scale has changed")
        replicas = sent["spec"]["replicas"]
        assert isinstance(replicas, int)
        self.change(found, replicas=replicas, current=replicas)
        mine = [one for one in self.seen().pods_of("web", "data") if one.owner == FARM.packed]
        for pod in mine if not replicas and self.ends else ():
            self.forget(pod)
        for number in range(replicas):
            self.put(
                made.pod(
                    f"farm-{number}",
                    "data",
                    LIVE,
                    starting=False,
                    owner=FARM.packed,
                    created=self.clock,
                    scheduled=self.clock,
                )
            )
        self._all_gone()

    def _all_gone(self) -> None:
        if self.speaks and not self.seen().pods_of("web", "data"):
            self.speak()
