"""Puts the remediator together: the only place that imports actuators and hands out edges."""

import asyncio
import logging
import os
import signal
import socket
import time
from functools import partial

from exporter.kit import build, logs
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.reload import Reload, follow
from exporter.kit.web import About, Web
from exporter.observe import node_pods
from exporter.observe.ec2 import Ec2
from exporter.observe.errors import ObserveError
from exporter.observe.kube.access import access
from exporter.observe.kube.api import Api
from exporter.observe.kube.scales import scales
from exporter.observe.kubelets import Reader
from exporter.observe.look import Beside, no_nodes
from exporter.observe.model import Kind
from remediator.actuators.cloud import CloudActuator
from remediator.actuators.fenced import Fenced
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.node_leases import NodeLeases
from remediator.actuators.nodes import NodeActuator
from remediator.actuators.routed import Routed
from remediator.alertmanager import Alertmanager
from remediator.approvals import approvals
from remediator.dry_run import dry_run
from remediator.execution import Execution
from remediator.intake import Intake
from remediator.judgement import Judge
from remediator.leader import Leader, times
from remediator.metrics import Metrics
from remediator.orders import Order
from remediator.pipeline import Pipeline
from remediator.reading import PLAN, ReadingServer
from remediator.reconcile import Reconcile
from remediator.record import Record
from remediator.resources import Resources
from remediator.rok_edges import RokEdges
from remediator.server import WEBHOOK, Token, WebhookServer
from remediator.settings import Fencing, RecordSettings, Settings
from remediator.shared_intake import SharedIntake
from remediator.sinks import AuditLog, KubeEvents
from remediator.store import Store
from remediator.verification import Verification
from remediator.world import Ec2Power, KubernetesWorld

LOG = logging.getLogger("pvmedic.app")

PARKED_WITHIN = 20.0
"""Seconds in which a step that is under way comes to its end, or is parked, before we stop."""
PRUNE_EVERY = 600.0
AGAIN = 2.0
"""Seconds until what must be known before anything begins is asked for again."""

ABOUT = About(
    "pvmedic remediator",
    build.our_version(),
    "Repairs persistent-storage failures that alerts report, after looking again, under guards.",
    {"https://pvmedic.dev/": "documentation"},
)


class _Late:
    """Hands the metrics what is made after them.

    The API client counts, and the store reads through it.
    """

    store: Store | None = None
    intake: Intake | None = None
    leader: Leader | None = None
    pipeline: Pipeline | None = None

    def said(self, order: Order) -> None:
        if self.pipeline is not None:
            self.pipeline.asked(order.remediation)

    def opened(self) -> None:
        if self.pipeline is not None:
            self.pipeline.wake()

    def records(self) -> tuple[Record, ...]:
        return self.store.all() if self.store is not None else ()

    def watchdog_at(self) -> float:
        return self.intake.watchdog_at if self.intake is not None else time.time()

    def leads(self) -> bool:
        return self.leader is not None and self.leader.leads()


async def run(start: Start[Settings]) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ObserveError without an API server's address, OSError without a port, ValueError
    without a token.
    """
    stop, settings = asyncio.Event(), start.settings
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token, policy, late = Token(settings.webhook.token_file), settings.policy(), _Late()
    metrics = Metrics(late.records, policy, time.time, late.watchdog_at)
    start.entrance.publish(metrics.registry)
    reload = Reload(start.source, settings, _apply, metrics.registry, time.time)
    asked = Alertmanager(settings.alertmanager, existing=settings.alerts, cluster=settings.cluster)
    account = access(settings.kubernetes, os.environ)
    async with (
        Api(account, metrics) as api,
        asked as alertmanager,
        Reader(account, settings.kubelets) as kubelets,
        node_pods.Reader(api, account, settings.facts) as pods,
    ):
        who = settings.identity or socket.gethostname()
        leader = _leader(api, settings, who)
        store = Store(api, leader.fence, leader.pace.margin, late.opened)
        rok = RokEdges(api, account, settings, leader)
        world = _world(api, settings, kubelets, pods, rok)
        people = approvals(api, late.said)
        events = KubeEvents(api)
        judge = Judge(
            world=world,
            power=_power(settings.fencing),
            alerting=alertmanager,
            records=store,
            sinks=(metrics, AuditLog(), events),
            policy=policy,
            now=time.time,
        )
        judge.unheard, judge.ahead = lambda: people.trouble, lambda: api.clock.ahead
        actuator = _actuator(api, settings.medik8s_leases, leader, rok)
        pipeline = Pipeline(
            world,
            store,
            judge,
            Execution(actuator, judge, settings.replicas.landing),
            Verification(actuator, judge),
            people.values,
            settings.limits.look_every,
        )
        pipeline.claims = actuator
        intake = SharedIntake(
            store,
            pipeline.heard,
            time.time,
            settings.alerts,
            settings.cluster,
            leads=leader.leads,
        )
        asking = settings.alertmanager
        reconcile = Reconcile(alertmanager, intake.take, metrics, asking.receiver, asking.every)
        if alertmanager.named:
            metrics.reconciles()
        late.store, late.intake, late.leader, late.pipeline = store, intake, leader, pipeline
        metrics.executes(who, leader.leads, pipeline.due_since, judge.ahead)
        webhook = WebhookServer(token, intake, metrics, lambda: store.loaded, reconcile.ask)

        def not_ready() -> str:
            if stop.is_set():
                return "stopping"
            return "" if store.loaded else "the Remediations could not be listed yet"

        largest = settings.webhook.largest_body_bytes
        web = Web(settings.listen, ABOUT, metrics.parts, not_ready, largest)
        webhook.routes(web.app)
        web.entrance, web.own_tokens = start.entrance, frozenset({WEBHOOK, PLAN})
        reading = ReadingServer(settings.reading.token_file, partial(dry_run, world, judge, store))
        reading.routes(web.app)
        engine = _Engine(leader, store, people, pipeline, settings.records)
        async with web, asyncio.TaskGroup() as group:
            LOG.info("serving", extra=fields(address=str(web.address), mode=policy.mode))
            work = (store.run(), people.run(), events.run())
            more = (reconciled(store, reconcile), follow([reload, start.entrance]))
            tasks = [group.create_task(one) for one in (*work, *more)]
            leading = group.create_task(leader.run())
            running = group.create_task(engine.run())
            await stop.wait()
            LOG.info("stopping")
            pipeline.end()
            await _ended(running, leading, leader, tasks)


def _leader(api: Api, settings: Settings, who: str) -> Leader:
    """Return who knows whether we lead."""
    pace = times(settings.replicas.lease)
    return Leader(api, settings.namespace, who, time.monotonic, time.time, pace)


def _world(
    api: Api, settings: Settings, kubelets: Reader, pods: node_pods.Reader, rok: RokEdges
) -> KubernetesWorld:
    """Return the engine's eyes: nodes are asked only where the settings name their Service."""
    nodes = pods.fresh if settings.facts.service else no_nodes
    others = {**rok.askers(), Kind.SCALE: scales(api, settings.stopping.kinds())}
    return KubernetesWorld(api, settings.namespace, Beside(kubelets.ask, nodes, others=others))


def _power(fencing: Fencing) -> Ec2Power:
    """Return who reads whether machines have power."""
    return Ec2Power(
        Ec2(
            endpoint_url=fencing.ec2_endpoint_url,
            region=fencing.ec2_region,
            account=fencing.ec2_account,
        )
    )


def _actuator(api: Api, space: str, leader: Leader, rok: RokEdges) -> NodeLeases:
    """Return what changes the world: no longer than we lead, and only on nodes that are ours."""
    within, shell = leader.pace.margin, rok.commands()
    nodes = NodeActuator(shell) if shell is not None else None
    routed = Routed(KubernetesActuator(api, within), nodes, CloudActuator(rok.cloud()))
    fenced = Fenced(routed, leader.fence)
    return NodeLeases(fenced, api, space, time.time, leader.fence, within)


async def _ended(
    running: asyncio.Task[None],
    leading: asyncio.Task[None],
    leader: Leader,
    others: list[asyncio.Task[None]],
) -> None:
    """Let the step that is under way end, then give the Lease back, and end the rest.

    Who gives it back must neither write any more nor take it again.
    """
    await asyncio.wait([running], timeout=PARKED_WITHIN)
    running.cancel()
    leading.cancel()
    await asyncio.wait([running, leading])
    await leader.release()
    for task in others:
        task.cancel()


def _apply(settings: Settings) -> None:
    """Use what may change while plans are under way: nothing that guards or handlers read."""
    logs.set_level(settings.log_level)


async def reconciled(store: Store, reconcile: Reconcile) -> None:
    """Compare with what fires once the records are known: else everything would look new."""
    while not store.loaded:  # noqa: ASYNC110 -- a list has no event, and takes a moment once
        await asyncio.sleep(0.1)
    await reconcile.run()


class _Engine:
    """Executes while we lead, over records that were read after we came to lead."""

    def __init__(
        self,
        leader: Leader,
        store: Store,
        people: Resources[Order],
        pipeline: Pipeline,
        kept: RecordSettings,
    ) -> None:
        self._leader = leader
        self._store = store
        self._people = people
        self._pipeline = pipeline
        self._kept = kept

    async def run(self) -> None:
        """Run until the pipeline is told to end."""
        while not self._pipeline.ending:
            self._pipeline.reign(leads=self._leader.leads())
            if not self._leader.leads():
                await asyncio.sleep(0.1)
                continue
            try:
                # What the replica before us did must be known before we do anything.
                await self._store.load()
            except ObserveError as error:
                LOG.warning("Remediations could not be listed", extra=fields(why=str(error)))
                await asyncio.sleep(AGAIN)
                continue
            heard = await self._hear()
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._prune())]
                if not heard:
                    beside.append(group.create_task(self._hear_again()))
                await self._pipeline.run(self._leader.leads)
                for task in beside:
                    task.cancel()

    async def _hear(self) -> bool:
        """Learn what people have said; where that fails, a guard lets nothing begin."""
        try:
            await self._people.load()
        except ObserveError as error:
            self._people.trouble = str(error)
            LOG.warning("what people say could not be listed", extra=fields(why=str(error)))
            return False
        return True

    async def _hear_again(self) -> None:
        """Try until it is known: a watch that works would never list again by itself."""
        while True:
            await asyncio.sleep(AGAIN)
            if await self._hear():
                return

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY)
            try:
                kept = self._kept
                await self._store.prune(time.time(), kept.keep_for, kept.at_most)
            except ObserveError as error:
                LOG.warning("old Remediations could not be deleted", extra=fields(why=str(error)))
