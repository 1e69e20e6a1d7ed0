"""Puts the remediator together: the only place that imports actuators and hands out edges."""

import asyncio
import logging
import os
import signal
import time

from exporter.kit import build, logs
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.reload import Reload, follow
from exporter.kit.web import About, Web
from exporter.observe.ec2 import Ec2
from exporter.observe.errors import ObserveError
from exporter.observe.kube.access import access
from exporter.observe.kube.api import Api
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.alertmanager import Alertmanager
from remediator.execution import Execution
from remediator.intake import Intake
from remediator.judgement import Judge
from remediator.metrics import Metrics
from remediator.pipeline import Pipeline
from remediator.reconcile import Reconcile
from remediator.record import Record
from remediator.server import WEBHOOK, Token, WebhookServer
from remediator.settings import Settings
from remediator.sinks import AuditLog, KubeEvents
from remediator.store import Store
from remediator.verification import Verification
from remediator.world import Ec2Power, KubernetesWorld

LOG = logging.getLogger("pvmedic.app")

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

    def records(self) -> tuple[Record, ...]:
        return self.store.all() if self.store is not None else ()

    def watchdog_at(self) -> float:
        return self.intake.watchdog_at if self.intake is not None else time.time()


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
    fencing = settings.fencing
    power = Ec2Power(
        Ec2(
            endpoint_url=fencing.ec2_endpoint_url,
            region=fencing.ec2_region,
            account=fencing.ec2_account,
        )
    )
    asked = Alertmanager(settings.alertmanager)
    async with Api(access(settings.kubernetes, os.environ), metrics) as api, asked as alertmanager:
        store, world, events = Store(api), KubernetesWorld(api, settings.namespace), KubeEvents(api)
        judge = Judge(
            world=world,
            power=power,
            alerting=alertmanager,
            records=store,
            sinks=(metrics, AuditLog(), events),
            policy=policy,
            now=time.time,
        )
        actuator = KubernetesActuator(api)
        pipeline = Pipeline(
            world,
            store,
            judge,
            Execution(actuator, judge),
            Verification(actuator, judge),
            settings.limits.look_every,
        )
        intake = Intake(store, pipeline.heard, time.time, settings.alerts, settings.cluster)
        reconcile = Reconcile(
            alertmanager,
            intake.take,
            metrics,
            settings.alertmanager.receiver,
            settings.alertmanager.every,
        )
        if alertmanager.named:
            metrics.reconciles()
        late.store, late.intake = store, intake
        webhook = WebhookServer(token, intake, metrics, lambda: store.loaded, reconcile.ask)

        def not_ready() -> str:
            return "" if store.loaded else "the Remediations could not be listed yet"

        largest = settings.webhook.largest_body_bytes
        web = Web(settings.listen, ABOUT, metrics.parts, not_ready, largest)
        webhook.routes(web.app)
        web.entrance, web.own_tokens = start.entrance, frozenset({WEBHOOK})
        async with web, asyncio.TaskGroup() as group:
            LOG.info("serving", extra=fields(address=str(web.address), mode=policy.mode))
            tasks = [
                group.create_task(work)
                for work in (
                    _engine(store, pipeline, reconcile),
                    store.keep_fresh(),
                    events.run(),
                    follow([reload, start.entrance]),
                )
            ]
            await stop.wait()
            LOG.info("stopping")
            for task in tasks:
                task.cancel()


def _apply(settings: Settings) -> None:
    """Use what may change while plans are under way: nothing that guards or handlers read."""
    logs.set_level(settings.log_level)


async def _engine(store: Store, pipeline: Pipeline, reconcile: Reconcile) -> None:
    """Start the engine once the records are known.

    It must not believe that nothing is under way.
    """
    while not store.loaded:
        try:
            await store.load()
        except ObserveError as error:
            LOG.warning("Remediations could not be listed", extra=fields(why=str(error)))
            await asyncio.sleep(2.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        group.create_task(reconcile.run())
