"""node_lost_with_volumes plans: case in, plan or reasoned refusal out."""

import msgspec
import pytest

from exporter.observe.model import Attachment, Kind, NodeTerm, Object, Ready, Volume
from exporter.observe.objects import Objects
from exporter.observe.signals.node_lost_with_volumes import HEARTBEATS
from exporter.observe.view import View, Want
from remediator.handlers import HANDLERS, handler_of
from remediator.handlers.base import Risk
from remediator.handlers.node_lost_with_volumes import NodeLostWithVolumes
from remediator.plan import Declined, Deferred, Plan
from remediator.steps.taints import AddTaint
from tests.story.objects import (
    AUTO,
    DEAD,
    DRIVER,
    KEY,
    LIVE,
    LOST_AT,
    NAME,
    NOW,
    OWNER,
    SUBJECT,
    attachment,
    case,
    claim,
    lease,
    node,
    planned,
    pod,
    record,
    scene,
    taint,
    view,
    volume,
)

HANDLER = NodeLostWithVolumes()
HOST = "kubernetes.io/hostname"
EBS_ZONE = "topology.ebs.csi.aws.com/zone"
ROK = "topology.rok.arrikto.com/node"


def term(key: str, *values: str, operator: str = "In", field: bool = False) -> NodeTerm:
    """Return an affinity term."""
    return NodeTerm(key, operator, values, field)


def declined(seen: View, **fields: object) -> str:
    """Return the sentence of a refusal for good."""
    decision = HANDLER.plan(case(seen, **fields))
    assert isinstance(decision, Declined)
    return decision.sentence


def deferred(seen: View, **fields: object) -> str:
    """Return the sentence of a refusal for now."""
    decision = HANDLER.plan(case(seen, **fields))
    assert isinstance(decision, Deferred)
    return decision.sentence


def test_it_is_the_handler_of_its_signal_and_its_risk_is_data() -> None:
    """One name everywhere."""
    assert handler_of("node_lost_with_volumes") in HANDLERS
    assert handler_of("multi_attach") is None
    assert HANDLER.risk is Risk.DATA


def test_the_plan_is_one_taint_bound_to_the_node_that_was_seen() -> None:
    """Its value says whose it is."""
    decision = HANDLER.plan(case())
    assert isinstance(decision, Plan)
    assert decision.steps == (AddTaint(DEAD, f"uid-{DEAD}", OWNER, KEY, NAME, "NoExecute"),)
    assert DEAD in decision.goal


def test_the_plan_names_the_claims_and_the_drivers_that_it_takes_away() -> None:
    """Goal and proof are about exactly those."""
    other = attachment("x", driver="csi.example.com")
    decision = HANDLER.plan(case(view(other, volume("x", driver="csi.example.com"))))
    assert isinstance(decision, Plan)
    assert decision.used_claims == (("web", "files"), ("web", "rows"))
    assert decision.claim_uids == ("uid-files", "uid-rows")
    assert decision.drivers == ("csi.example.com", DRIVER)


def test_a_claim_that_is_only_attached_is_part_of_the_goal() -> None:
    """Its pod was deleted by force, and another one waits elsewhere for the volume."""
    waiting = (
        pod("shop-2", "files", LIVE, phase="Pending"),
        pod("db-0-new", "rows", "", phase="Pending"),
    )
    there = [obj for obj in scene() if obj.name not in ("shop-1", "db-0")]
    decision = HANDLER.plan(case(View(Objects([*there, *waiting]), NOW)))
    assert isinstance(decision, Plan)
    assert decision.used_claims == (("web", "files"), ("web", "rows"))


def test_what_nobody_wants_any_more_is_no_part_of_the_goal() -> None:
    """A finished Job's claim, and one that is only still attached."""
    finished = pod("job-1", "reports", phase="Succeeded")
    reports = (claim("reports"), volume("reports"), attachment("reports"), finished)
    left = (claim("old"), volume("old"), attachment("old"))
    decision = HANDLER.plan(case(view(*reports, *left)))
    assert isinstance(decision, Plan)
    assert decision.used_claims == (("web", "files"), ("web", "rows"))


def test_a_claim_that_several_nodes_may_use_is_no_part_of_the_goal() -> None:
    """It was never taken from anybody."""
    shared = {"access_modes": ("ReadWriteMany",)}
    seen = view(claim("shared", **shared), volume("shared", **shared), pod("web-1", "shared"))
    decision = HANDLER.plan(case(seen))
    assert isinstance(decision, Plan)
    assert decision.used_claims == (("web", "files"), ("web", "rows"))


def test_a_node_object_that_is_gone_defers() -> None:
    """There is nothing to taint."""
    seen = View(Objects(obj for obj in scene() if obj.name != DEAD), NOW)
    assert f"the Node object of {DEAD} is gone" in deferred(seen)


def test_an_unknown_server_version_defers() -> None:
    """It is read again."""
    assert deferred(view(), server=None) == "the API server's version could not be read"


@pytest.mark.parametrize("server", [(1, 26), (1, 36), (2, 0)])
def test_a_server_that_knows_the_taint_gets_a_plan(server: tuple[int, int]) -> None:
    """From 1.26 on."""
    assert isinstance(HANDLER.plan(case(server=server)), Plan)


def test_somebody_elses_taint_declines_and_names_it() -> None:
    """Whoever put it vouches for it."""
    seen = view(node(DEAD, Ready.UNKNOWN, taints=(taint("nodeshutdown"),)))
    assert f"{KEY}=nodeshutdown:NoExecute" in declined(seen)


def test_our_own_taint_does_not_decline() -> None:
    """After a crash the plan is the same as before."""
    seen = view(node(DEAD, Ready.UNKNOWN, taints=(taint(NAME),)))
    assert HANDLER.plan(case(seen)) == HANDLER.plan(case())


def test_the_taint_of_an_earlier_episode_declines() -> None:
    """That one has its own debt."""
    seen = view(node(DEAD, Ready.UNKNOWN, taints=(taint(NAME[:-1] + "9"),)))
    assert "somebody else" in declined(seen)


def test_a_heartbeat_after_the_node_was_given_up_defers() -> None:
    """A kubelet that renews its Lease is alive, whatever its condition says."""
    assert "it is not dead" in deferred(view(lease(DEAD, LOST_AT + 1.0)))


@pytest.mark.parametrize("renewed", [None, LOST_AT - 40.0, LOST_AT])
def test_a_heartbeat_of_before_is_no_reason_to_wait(renewed: float | None) -> None:
    """The node was given up after it."""
    assert isinstance(HANDLER.plan(case(view(lease(DEAD, renewed)))), Plan)


def test_heartbeats_that_cannot_be_read_defer() -> None:
    """Unseen is not dead."""
    seen = view(unseen={Kind.LEASE: "403"})
    assert deferred(seen) == "the node's heartbeat Lease could not be read"


NODE_LOCAL = {
    "a local volume or hostPath": volume("rows", on_node=True, affinity=()),
    "affinity to its host name": volume("rows", affinity=(term(HOST, DEAD),)),
    "affinity to its name by field": volume(
        "rows", affinity=(term("metadata.name", DEAD, field=True),)
    ),
    "the driver's own key for this node": volume(
        "rows", driver="rok.arrikto.com", affinity=(term(ROK, "id-a"),)
    ),
    "the driver's own key, which the node does not carry": volume(
        "rows", affinity=(term("topology.lvm.example/node", DEAD),)
    ),
    "a host name that no node carries": volume("rows", affinity=(term(HOST, "renamed"),)),
    "zone and host name": volume(
        "rows", affinity=(term(EBS_ZONE, "eu-central-1a"), term(HOST, DEAD))
    ),
}


def where_nodes_have_rok(*changed: Object) -> View:
    """Return the scene's View with a driver's own topology key on each node."""
    nodes = [obj for obj in scene() if obj.name.startswith("node-") and hasattr(obj, "boot_id")]
    labelled = [
        msgspec.structs.replace(
            one, labels={HOST: one.name, EBS_ZONE: "eu-central-1a", ROK: f"id-{one.name[-1]}"}
        )
        for one in nodes
    ]
    return view(*labelled, *changed)


@pytest.mark.parametrize("local", NODE_LOCAL.values(), ids=NODE_LOCAL)
def test_a_volume_that_lives_on_the_node_declines(local: Volume) -> None:
    """No other node can have it, and its data may only be there."""
    sentence = declined(where_nodes_have_rok(local))
    assert sentence.startswith(f"volume pv-rows ({local.driver}) lives on node {DEAD} itself")


@pytest.mark.parametrize("local", NODE_LOCAL.values(), ids=NODE_LOCAL)
def test_a_driver_listed_as_removable_may_be_taken_away(local: Volume) -> None:
    """An operator says that its volumes have copies elsewhere."""
    policy = msgspec.structs.replace(AUTO, removable_drivers=frozenset({local.driver}))
    assert isinstance(HANDLER.plan(case(where_nodes_have_rok(local), policy=policy)), Plan)


def test_a_removable_driver_is_no_leave_for_another() -> None:
    """Each driver is listed or not."""
    policy = msgspec.structs.replace(AUTO, removable_drivers=frozenset({"other.example"}))
    local = NODE_LOCAL["a local volume or hostPath"]
    assert "lives on node" in declined(view(local), policy=policy)


def test_a_node_local_volume_without_an_attachment_is_found_by_its_pod() -> None:
    """Local volumes are never attached."""
    local = volume("scratch", on_node=True, driver="kubernetes.io/local")
    seen = view(claim("scratch"), local, pod("cache-0", "scratch"))
    assert "pv-scratch (kubernetes.io/local)" in declined(seen)


@pytest.mark.parametrize(
    "affinity",
    [
        (),
        (term(EBS_ZONE, "eu-central-1a"),),
        (term("topology.kubernetes.io/region", "eu-central-1"),),
        (term("failure-domain.beta.kubernetes.io/zone", "eu-central-1a"),),
        (term(ROK, "id-a", "id-b"),),
        (term(HOST, DEAD, LIVE),),
        (term(HOST, DEAD, operator="NotIn"),),
        (term(HOST, operator="Exists"),),
    ],
    ids=[
        "none",
        "a zone",
        "a region",
        "an old zone",
        "a rack of two",
        "two host names",
        "not this host",
        "any host",
    ],
)
def test_a_volume_that_several_nodes_can_have_is_planned_for(
    affinity: tuple[NodeTerm, ...],
) -> None:
    """A zone says where a machine stands, not which one it is."""
    seen = where_nodes_have_rok(volume("rows", affinity=affinity))
    assert isinstance(HANDLER.plan(case(seen)), Plan)


def test_a_zone_with_only_this_node_in_it_is_still_a_zone() -> None:
    """A new node there could have the volume."""
    lonely = node(DEAD, Ready.UNKNOWN, labels={EBS_ZONE: "eu-central-1z"})
    seen = view(lonely, volume("rows", affinity=(term(EBS_ZONE, "eu-central-1z"),)))
    assert isinstance(HANDLER.plan(case(seen)), Plan)


def test_it_reads_all_nodes_the_heartbeat_and_what_the_guards_ask() -> None:
    """Guards see only what was read."""
    wanted = set(HANDLER.reads(record(), view()))
    assert {Want(Kind.NODE), Want(Kind.LEASE, HEARTBEATS, DEAD)} <= wanted
    assert Want(Kind.NAMESPACE, name="web") in wanted


def test_once_planned_it_reads_the_claims_and_pods_of_its_goal() -> None:
    """They may be anywhere by then."""
    wanted = set(HANDLER.reads(record(plan=planned()), View(Objects(), NOW)))
    assert Want(Kind.CLAIM, "web", "files") in wanted
    assert Want(Kind.CLAIM, "web", "rows") in wanted
    assert Want(Kind.POD, "web") in wanted


def test_the_nodes_power_is_named_by_its_provider_id() -> None:
    """Nothing else says which machine it is."""
    assert HANDLER.powered_by(SUBJECT, view()) == "aws:///eu-central-1a/i-0a"
    assert HANDLER.powered_by(SUBJECT, View(Objects(), NOW)) == ""


def test_the_taint_is_a_debt_that_remembers_the_boot_of_before() -> None:
    """The bootID of before is what a new one is held against."""
    decision = HANDLER.plan(case())
    assert isinstance(decision, Plan)
    (made,) = decision.steps
    assert made.owes
    assert made.prior(view())["bootID"] == f"boot-1-{DEAD}"


def test_an_inline_volume_counts_for_its_driver() -> None:
    """It has no PersistentVolume, but a driver that writes."""
    inline = Attachment(
        "va-inline", "u", "1", "inline.example", DEAD, "", attached=True, created=1.0, deletion=None
    )
    decision = HANDLER.plan(case(view(inline)))
    assert isinstance(decision, Plan)
    assert decision.drivers == (DRIVER, "inline.example")
