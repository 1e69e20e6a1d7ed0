"""A cluster, its cloud and its records as plain objects behind the engine's ports; a set clock.

It answers as the real parts do (writes bound to versions, evicted pods come back elsewhere) and can
die before or after each write takes effect. It decides nothing about repairs.
"""

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict, NotFound, ObserveError
from exporter.observe.look import TRIES
from exporter.observe.model import Kind, Object, Ready, Subject
from exporter.observe.objects import Objects
from exporter.observe.parse.instance import InstanceReading, State
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want
from remediator.case import Policy
from remediator.execution import Execution
from remediator.guards import GUARDS
from remediator.judgement import Judge
from remediator.pipeline import Pipeline
from remediator.ports import Reads, Report, Sight, Told
from remediator.record import FINALIZER, Phase, Record
from remediator.steps.base import Step
from remediator.verification import Verification
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.node_patch import NodePatch
from tests.story.objects import AUTO, DEAD, KEY, LIVE, NAME, NOW

if TYPE_CHECKING:
    from remediator.orders import Order


Trouble = tuple[ObserveError | None, bool]


class Killed(BaseException):
    """kill -9: nothing in the program may catch it."""


class Machine(msgspec.Struct):
    """One instance as the cloud knows it."""

    state: State = "running"
    hibernated: bool = False
    account: str = "123456789012"
    launched: float | None = NOW - 86400.0


class FakeCluster:
    """World, Power, Records, Actuator and Sink in one. Fields are there to be set by a test.

    name: the record that it is about. clock: Unix seconds. calls: what was called, in order.
    writes: steps that took effect. answers: what the cloud answered.
    unseen: kinds that cannot be read. refusals: errors for the next calls of `apply`, each with
    whether the write lands all the same. before_write: called when a write has arrived, before it
    is judged. after_look: called when a look has been had. deaths: numbers of the points at which
    the program is killed; there is one before and after each write, and before each question to
    the cloud. trouble: asked at each call with its name, gives an error, and whether a write lands
    all the same. guards: who is asked.
    """

    def __init__(self, objects: Iterable[Object] = (), policy: Policy = AUTO) -> None:
        """Start with the scene of `objects`, its instances running but for the dead node's."""
        self.policy = policy
        self.guards = GUARDS
        self.name = NAME
        self.clock = NOW
        self.objects = Objects(objects or made.scene())
        self.orders: list[Order] = []
        self.alertmanager: Told | str | None = None
        self.machines = {made.instance_id(node): Machine() for node in (DEAD, LIVE, made.SPARE)}
        self.machine.state = "stopped"
        self.kept: dict[str, Record] = {}
        self.calls: list[str] = []
        self.writes: list[Step] = []
        self.glances: list[float] = []
        self.reports: list[Report] = []
        self.unseen: dict[Kind, str] = {}
        self.server: tuple[int, int] | None = (1, 36)
        self.pause: bool | None = False
        self.unheard = ""
        self.ahead: float | None = 0.0
        self.power_fails: ObserveError | None = None
        self.save_fails: ObserveError | None = None
        self.answers: list[InstanceReading] = []
        self.refusals: list[tuple[ObserveError, bool]] = []
        self.before_write: Callable[[], None] | None = None
        self.trouble: Callable[[str], Trouble] = lambda _: (None, True)
        self.after_look: Callable[[], None] | None = None
        self.heals = True
        self.deaths: set[int] = set()
        self.points = 0
        self._version = 100

    # What tests say and ask.

    @property
    def machine(self) -> Machine:
        """Return the dead node's instance."""
        return self.machines[made.instance_id(DEAD)]

    @property
    def node(self) -> model.Node:
        """Return the dead node's object."""
        found = self._node(DEAD)
        assert found is not None
        return found

    @property
    def tainted(self) -> bool:
        """Whether the dead node carries our taint."""
        return any(taint.key == KEY and taint.value == NAME for taint in self.node.taints)

    def put(self, obj: Object) -> None:
        """Store an object under a new version."""
        self._version += 1
        if not isinstance(obj, model.KubeEvent):
            obj = msgspec.structs.replace(obj, version=str(self._version))
        self.objects.put(obj)

    def forget(self, obj: Object) -> None:
        """Delete an object."""
        self.objects.remove(model.ref(obj))

    def change(self, obj: Object, **fields: object) -> None:
        """Change some fields of an object."""
        self.put(msgspec.structs.replace(obj, **fields))

    def come_back(self, *, boot_id: str = "boot-2", ready: Ready = Ready.TRUE) -> None:
        """Let the dead node's instance start and its kubelet report."""
        self.machine.state, self.machine.launched = "running", self.clock - 20.0
        self.change(self.node, ready=ready, ready_since=self.clock, boot_id=boot_id)

    def untaint(self) -> None:
        """Take the taint off, as a person would."""
        taints = tuple(taint for taint in self.node.taints if taint.key != KEY)
        self.change(self.node, taints=taints)

    def open(self, record: Record) -> None:
        """Store a record as if it had been created."""
        self.kept[record.name] = record

    def record(self, name: str = "") -> Record:
        """Return a record as it is stored."""
        return self.kept[name or self.name]

    def phase(self, name: str = "") -> Phase:
        """Return a record's phase."""
        return self.record(name).status.phase

    def phases(self) -> list[Phase]:
        """Return the phases that the record went through."""
        found: list[Phase] = []
        for entry in self.record().status.history:
            if not found or found[-1] is not entry.phase:
                found.append(entry.phase)
        return found

    def engine(self) -> Pipeline:
        """Return an engine that knows nothing but what is stored: a start of the program."""
        judge = Judge(
            world=self,
            power=self,
            alerting=self,
            records=self,
            sinks=(self,),
            policy=self.policy,
            now=lambda: self.clock,
        )
        judge.guards = self.guards
        judge.unheard = lambda: self.unheard
        judge.ahead = lambda: self.ahead
        verification = Verification(self, judge)
        return Pipeline(
            self, self, judge, Execution(self, judge), verification, lambda: self.orders
        )

    # The ports.

    def all(self) -> tuple[Record, ...]:
        """Return every record."""
        return tuple(self.kept.values())

    async def glance(self, detector: Detector, subject: Subject, extra: Reads, due: float) -> Sight:
        """Look, and say so."""
        self.glances.append(due)
        return await self.look(detector, subject, extra)

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Read only what is asked for, as the real look does."""
        found, done = Objects(), set[Want]()
        unseen: dict[Kind, str] = {}
        while True:
            view = View(found, self.clock, unseen)
            wanted = {*detector.reads(subject, view), *extra(subject, view)} - done
            if not wanted:
                break
            done |= wanted
            for want in wanted:
                if (why := self.unseen.get(want.kind) or self._unread(want.kind)) is not None:
                    unseen[want.kind] = why
                    continue
                for obj in self._matching(want):
                    found.put(obj)
        blind = bool(detector.needs & unseen.keys())
        if self.after_look is not None:
            self.after_look()
        return Sight(view, None if blind else detector.decide(subject, view), unseen)

    async def version(self) -> tuple[int, int] | None:
        """Return the server's version."""
        return self.server if self.trouble("version")[0] is None else None

    async def told(self, record: Record) -> Told | str | None:
        """Return what Alertmanager says."""
        assert record.name in self.kept
        return self.alertmanager

    async def paused(self) -> bool | None:
        """Return the kill switch."""
        return self.pause if self.trouble("paused")[0] is None else None

    async def read(self, provider_id: str) -> InstanceReading:
        """Read an instance."""
        self._may_die()
        error = self.power_fails or self.trouble("power")[0]
        if error is not None:
            raise error
        name = provider_id.rpartition("/")[2]
        if name not in self.machines:
            raise NotFound(f"EC2 knows no instance {name}")
        machine = self.machines[name]
        answer = InstanceReading(
            instance_id=name,
            state=machine.state,
            hibernated=machine.hibernated,
            account=machine.account,
            launched=machine.launched,
            read_at=self.clock,
        )
        self.answers.append(answer)
        return answer

    def named(self, name: str) -> Record | None:
        """Return what is kept under a name."""
        return self.kept.get(name)

    async def save(self, record: Record) -> Record:
        """Store the status if nobody else has stored one since it was read."""
        self.calls.append(f"save {record.status.phase}")
        self._may_die()
        error, lands = self.trouble("save")
        if self.save_fails is not None:
            raise self.save_fails
        if error is not None and not lands:
            raise error
        self._next_version(record)
        saved = msgspec.structs.replace(record, version=str(self._version))
        self.kept[record.name] = saved
        self._may_die()
        if error is not None:
            raise error
        return saved

    async def keep(self, record: Record) -> Record:
        """Put the finalizer on."""
        return self._finalized(record, (*record.finalizers, FINALIZER))

    async def let_go(self, record: Record) -> None:
        """Take the finalizer off; a deleted record is gone then."""
        self._finalized(record, ())

    def _next_version(self, record: Record) -> Record:
        """Return what is stored now and count a write to it; raises if another was faster."""
        stored = self.kept.get(record.name)
        if stored is None:
            raise NotFound(f"no Remediation {record.name}")
        if stored.version != record.version:
            raise Conflict(f"Remediation {record.name} has changed")
        self._version += 1
        return stored

    def _finalized(self, record: Record, finalizers: tuple[str, ...]) -> Record:
        self._may_die()
        error, lands = self.trouble("finalize")
        if error is not None and not lands:
            raise error
        stored = self._next_version(record)
        changed = msgspec.structs.replace(stored, version=str(self._version), finalizers=finalizers)
        if changed.deletion is not None and not finalizers:
            del self.kept[record.name]
        else:
            self.kept[record.name] = changed
        self._may_die()
        if error is not None:
            raise error
        return msgspec.structs.replace(changed, status=record.status)

    async def apply(self, step: Step, view: View) -> None:
        """Write to a node as it was seen."""
        self.calls.append(f"apply {type(step).__name__}")
        self._may_die()
        if self.before_write is not None:
            self.before_write()
        error, lands = self.refusals.pop(0) if self.refusals else self.trouble("apply")
        if lands:
            self._patch(step, view)
        if error is not None:
            raise error
        self._may_die()

    def take(self, report: Report) -> None:
        """Keep a report."""
        self.reports.append(report)

    # How it works.

    def _node(self, name: str) -> model.Node | None:
        return View(self.objects, self.clock).node(name)

    def _matching(self, want: Want) -> list[Object]:
        fields = {"spec.nodeName": "node", "involvedObject.kind": "about_kind", "reason": "reason"}
        fields["involvedObject.name"], fields["metadata.name"] = "about_name", "name"
        parts = [part.partition("=") for part in want.field_selector.split(",") if part]
        return [
            obj
            for obj in self.objects.of(want.kind)
            if (not want.name or obj.name == want.name)
            and (not want.namespace or getattr(obj, "namespace", "") == want.namespace)
            and all(getattr(obj, fields[field], "") == value for field, _, value in parts)
        ]

    def _unread(self, kind: Kind) -> str | None:
        """Read as often as a look does; return why not, when it was in vain."""
        errors = (self.trouble(f"read {kind}")[0] for _ in range(TRIES))
        found = list(takewhile(lambda error: error is not None, errors))
        return str(found[-1]) if len(found) == TRIES else None

    def _may_die(self) -> None:
        self.points += 1
        if self.points in self.deaths:
            raise Killed(f"at point {self.points}")

    def _patch(self, step: Step, view: View) -> None:
        write, stored = kube_write(step, view), self._node(step.node)
        if write is None:
            raise Conflict(f"node {step.node} is not the one that was planned for")
        if stored is None:
            raise NotFound(f"no node {step.node}")
        body = msgspec.convert(write.body, NodePatch)
        if (body.metadata.uid, body.metadata.resource_version) != (stored.uid, stored.version):
            raise Conflict(f"node {step.node} has changed")
        notes = {**stored.annotations, **body.metadata.annotations}
        self.change(
            stored,
            taints=tuple(
                model.Taint(t["key"], t["value"], t["effect"], None) for t in body.spec.taints
            ),
            annotations={key: value for key, value in notes.items() if value is not None},
        )
        self.writes.append(step)
        if self.heals and any(t["key"] == KEY for t in body.spec.taints):
            self.evict(step.node)

    def evict(self, name: str) -> None:
        """Start a node's pods elsewhere with their volumes, as the control plane would."""
        view = View(self.objects, self.clock)
        for pod in view.pods_on(name):
            self.forget(pod)
            self.put(
                msgspec.structs.replace(
                    pod, name=f"{pod.name}-again", uid=f"{pod.uid}-again", node=LIVE
                )
            )
        for attachment in view.attachments_on(name):
            self.forget(attachment)
            again = made.attachment(attachment.volume.removeprefix("pv-"), LIVE)
            self.put(msgspec.structs.replace(again, created=self.clock))


async def carry_on(cluster: FakeCluster, engine: Pipeline, until: Callable[[], bool]) -> None:
    """Tick and let time pass as the engine asks, until something is so; at most 2000 ticks."""
    for _ in range(2000):
        if until():
            return
        rest = await engine.tick(cluster.name)
        cluster.clock += max(rest, 0.25)
    raise AssertionError(f"not so after 2000 ticks: {cluster.record().status}")


async def ticks(cluster: FakeCluster, engine: Pipeline, number: int) -> None:
    """Tick a number of times and let time pass."""
    for _ in range(number):
        cluster.clock += max(await engine.tick(cluster.name), 0.25)
