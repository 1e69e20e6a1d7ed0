"""A cluster on Kubernetes 1.22 whose node is lost, as plain objects; a set clock.

A pod that is deleted by force is made again by what owns it, and waits for its volume; 6 minutes
after the last pod object is gone the volumes are detached, and go where they are wanted. It decides
nothing about repairs.
"""

import json
from collections.abc import Iterable

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict, NotFound
from exporter.observe.model import Kind, Object, Owner, Subject
from exporter.observe.signals.base import Detector
from exporter.observe.view import View
from remediator.case import Policy
from remediator.ports import Reads, Sight
from remediator.steps.base import KubeWrite, Step
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import AUTO, DEAD, LIVE

DETACHES_AFTER = 360.0
"""Seconds: kube-controller-manager, ReconcilerMaxWaitForUnmountDuration."""

SET = Owner("apps", "StatefulSet", "db", "uid-db").packed
REPLICAS = Owner("apps", "ReplicaSet", "shop", "uid-shop").packed
DB = made.pod("db-0", "rows", owner=SET)
SHOP = made.pod("shop-1", "files", owner=REPLICAS)


class OldCluster(FakeCluster):
    """Fields to set: `detaches`: whether the volumes are detached in time."""

    def __init__(self, objects: Iterable[Object] = (), policy: Policy = AUTO) -> None:
        """Start with the scene, its pods owned, these objects put in, and a record about it."""
        super().__init__([*made.scene(), DB, SHOP, *objects], policy)
        self.server = (1, 22)
        self.detaches = True
        self.deleted: dict[str, float] = {}
        self.open(made.record())

    def pods(self) -> dict[str, str]:
        """Return the uid of each pod by its name."""
        return {o.name: o.uid for o in self.objects.of(Kind.POD) if isinstance(o, model.Pod)}

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Let the controllers have their turn, then look."""
        self._controllers()
        return await super().look(detector, subject, extra)

    def _patch(self, step: Step, view: View) -> None:
        write = kube_write(step, view)
        if write is None:
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        if write.method != "DELETE":
            super()._patch(step, view)
            return
        self._delete(write)
        self.writes.append(step)

    def _delete(self, write: KubeWrite) -> None:
        *_, space, resource, name = write.path.split("/")
        assert (space, resource) == ("web", "pods")
        stored = View(self.objects, self.clock).pod(space, name)
        if stored is None:
            raise NotFound(f"no pod {name}")
        options = json.loads(msgspec.json.encode(write.body))
        assert options["gracePeriodSeconds"] == 0
        bound = options["preconditions"]
        if (bound["uid"], bound["resourceVersion"]) != (stored.uid, stored.version):
            raise Conflict(f"pod {name} has changed")
        self.forget(stored)
        self.deleted[f"pv-{stored.claims[0]}"] = self.clock
        self.put(
            msgspec.structs.replace(
                stored, uid=f"{stored.uid}-again", node=LIVE, phase="Pending", created=self.clock
            )
        )

    def _controllers(self) -> None:
        """Detach what is due, attach it where it is wanted, and start who waited for it."""
        for volume, at in list(self.deleted.items()):
            if not self.detaches or self.clock < at + DETACHES_AFTER:
                continue
            del self.deleted[volume]
            seen, name = View(self.objects, self.clock), volume.removeprefix("pv-")
            for one in seen.attachments_of(volume):
                if one.node == DEAD and one.name:
                    self.forget(one)
            left = tuple(unique for unique in self.node.attached if name not in unique)
            self.change(self.node, attached=left)
            self.put(msgspec.structs.replace(made.attachment(name, LIVE), created=self.clock))
            for pod in seen.pods_of("web", name):
                self.change(pod, phase="Running")
