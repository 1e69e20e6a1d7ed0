"""Objects of a small cluster and questions about them, what a test does not name is usual.

Nothing here looks, decides or remembers.
"""

from collections.abc import Mapping

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from exporter.observe.view import View
from remediator import plan as plans
from remediator.case import Case, Policy
from remediator.guards.base import Question
from remediator.plan import Plan
from remediator.record import PlanRecord, Reading, Record, Spec, Status, name_of
from remediator.steps.taints import AddTaint

NOW = 1_800_000_000.0
LOST_AT = NOW - 300.0
SIGNAL = "node_lost_with_volumes"
DRIVER = "ebs.csi.aws.com"
DEAD, LIVE, SPARE = "node-a", "node-b", "node-c"
SUBJECT = Subject((("node", DEAD),))
NAME = name_of(SIGNAL, SUBJECT, 1)
OWNER = f"{NAME}/uid-{NAME}"
KEY = model.OUT_OF_SERVICE
AUTO = Policy(mode="auto")


def instance_id(node: str) -> str:
    """Return the id of the instance behind a node."""
    return f"i-0{node[-1]}"


def node(name: str = DEAD, ready: Ready = Ready.TRUE, **fields: object) -> model.Node:
    """Return a Node, Ready unless said otherwise."""
    made = model.Node(
        name=name,
        uid=f"uid-{name}",
        version="1",
        ready=ready,
        ready_since=NOW - 86400.0 if ready is Ready.TRUE else LOST_AT,
        provider_id=f"aws:///eu-central-1a/{instance_id(name)}",
        boot_id=f"boot-1-{name}",
        labels={"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "eu-central-1a"},
        annotations={},
        taints=(),
    )
    return msgspec.structs.replace(made, **fields)


def taint(value: str = NAME, effect: str = "NoExecute", added: float | None = None) -> model.Taint:
    """Return an out-of-service taint, ours unless said otherwise."""
    return model.Taint(KEY, value, effect, added)


def lease(name: str = DEAD, renewed: float | None = LOST_AT - 40.0) -> model.Lease:
    """Return a kubelet's heartbeat; the last one was 40 s before the node was given up."""
    return model.Lease(HEARTBEATS, name, "1", renewed)


def pod(name: str, claim: str, on: str = DEAD, **fields: object) -> model.Pod:
    """Return a Running pod of namespace web with one claim."""
    made = model.Pod(
        namespace="web",
        name=name,
        uid=f"uid-{name}",
        version="1",
        node=on,
        phase="Running",
        claims=(claim,),
        created=NOW - 3600.0,
        scheduled=NOW - 3600.0,
        deletion=None,
    )
    return msgspec.structs.replace(made, **fields)


def claim(name: str, **fields: object) -> model.Claim:
    """Return a ReadWriteOnce claim of namespace web, bound to `pv-<name>`."""
    made = model.Claim(
        "web", name, f"uid-{name}", "1", f"pv-{name}", "Bound", ("ReadWriteOnce",), {}
    )
    return msgspec.structs.replace(made, **fields)


def volume(name: str, **fields: object) -> model.Volume:
    """Return the network volume `pv-<name>` of a claim."""
    made = model.Volume(
        name=f"pv-{name}",
        uid=f"uid-pv-{name}",
        version="1",
        driver=DRIVER,
        handle=f"vol-{name}",
        phase="Bound",
        access_modes=("ReadWriteOnce",),
        claim_namespace="web",
        claim_name=name,
        on_node=False,
        affinity=(model.NodeTerm("topology.kubernetes.io/zone", "In", ("eu-central-1a",), False),),  # noqa: FBT003
    )
    return msgspec.structs.replace(made, **fields)


def attachment(name: str, on: str = DEAD, **fields: object) -> model.Attachment:
    """Return the VolumeAttachment of `pv-<name>`."""
    made = model.Attachment(
        name=f"va-{name}-{on}",
        uid=f"uid-va-{name}-{on}",
        version="1",
        driver=DRIVER,
        node=on,
        volume=f"pv-{name}",
        attached=True,
        created=NOW - 3600.0,
        deletion=None,
    )
    return msgspec.structs.replace(made, **fields)


def namespace(name: str = "web", annotations: Mapping[str, str] | None = None) -> model.Namespace:
    """Return a Namespace."""
    return model.Namespace(name, "1", annotations or {})


def scene() -> list[Object]:
    """Return three nodes, the first of which was lost with the volumes of two pods."""
    return [
        node(DEAD, Ready.UNKNOWN),
        node(LIVE),
        node(SPARE),
        lease(DEAD),
        namespace(),
        *(claim(name) for name in ("files", "rows")),
        *(volume(name) for name in ("files", "rows")),
        *(attachment(name) for name in ("files", "rows")),
        pod("shop-1", "files"),
        pod("db-0", "rows"),
    ]


def view(*changed: Object, unseen: Mapping[Kind, str] | None = None, at: float = NOW) -> View:
    """Return the scene's View with some objects put in or replaced."""
    return View(Objects([*scene(), *changed]), at, unseen)


def view_of(*objects: Object, unseen: Mapping[Kind, str] | None = None) -> View:
    """Return a View of just these objects."""
    return View(Objects(objects), NOW, unseen)


def reading(at: float, state: str = "stopped", **fields: object) -> Reading:
    """Return a reading of the dead node's instance."""
    made = Reading(
        source="ec2",
        subject=instance_id(DEAD),
        state=state,
        read_at=at,
        account="123456789012",
        launched_at=NOW - 86400.0,
    )
    return msgspec.structs.replace(made, **fields)


PROOF = (reading(NOW - 30.0), reading(NOW))


def record(
    episode: int = 1, subject: Subject = SUBJECT, signal: str = SIGNAL, **status: object
) -> Record:
    """Return a record of which a notification was just heard."""
    base = Status(last_alert_at=NOW - 1.0)
    return Record(
        name=name_of(signal, subject, episode),
        uid=f"uid-{name_of(signal, subject, episode)}",
        version="1",
        created=NOW - 60.0,
        spec=Spec(signal, dict(subject.labels), str(subject), episode),
        status=msgspec.structs.replace(base, **status),
    )


def step(node_name: str = DEAD) -> AddTaint:
    """Return the step that takes a node out of service."""
    return AddTaint(
        target=node_name,
        uid=f"uid-{node_name}",
        key=KEY,
        value=NAME,
        effect="NoExecute",
        owner=OWNER,
    )


def plan(node_name: str = DEAD) -> Plan:
    """Return a plan of that one step."""
    claims = (("web", "files"), ("web", "rows"))
    return Plan(
        goal="the claims are used again",
        steps=(step(node_name),),
        used_claims=claims,
        drivers=(DRIVER,),
    )


def planned(node_name: str = DEAD) -> PlanRecord:
    """Return that plan as a record holds it."""
    return plans.to_record(plan(node_name))


def case(seen: View | None = None, **fields: object) -> Case:
    """Return a case in auto mode, with a proof on record, that nothing speaks against."""
    made = Case(
        record=record(readings=PROOF),
        signal=Signal(SIGNAL, SUBJECT, LOST_AT, SinceSource.OBJECT, "Unreachable"),
        view=seen if seen is not None else view(),
        now=NOW,
        policy=AUTO,
        server=(1, 36),
    )
    return msgspec.structs.replace(made, **fields)


def question(about: Case | None = None, **fields: object) -> Question:
    """Return a question that every guard allows."""
    made = Question(
        case=about if about is not None else case(), plan=plan(), others=(), paused=False
    )
    return msgspec.structs.replace(made, **fields)
