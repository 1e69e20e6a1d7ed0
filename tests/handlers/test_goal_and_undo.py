"""node_lost_with_volumes afterwards: is the goal reached, and may the taint come off."""

from collections.abc import Iterable

import msgspec
import pytest

from exporter.observe.model import Object, Ready
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View
from remediator.handlers.base import Back, Closed, Goal, Wait
from remediator.handlers.node_lost_with_volumes import NodeLostWithVolumes
from remediator.record import LedgerEntry, Record
from remediator.steps.taints import RemoveTaint
from tests.story.objects import (
    DEAD,
    KEY,
    LIVE,
    NAME,
    NOW,
    OWNER,
    PROOF,
    SPARE,
    attachment,
    claim,
    instance_id,
    node,
    planned,
    pod,
    record,
    taint,
    view_of,
    volume,
)

HANDLER = NodeLostWithVolumes()
ACTED = record(plan=planned(), acted_at=NOW, readings=PROOF)


def moved(name: str, claim_name: str, **fields: object) -> list[Object]:
    """Return a pod that runs on the live node, and its volume's attachment there."""
    return [pod(name, claim_name, LIVE, **fields), attachment(claim_name, LIVE)]


def everything(*objects: Object) -> View:
    """Return nodes, claims and volumes, and what else there is."""
    nodes: list[Object] = [node(DEAD, Ready.UNKNOWN), node(LIVE), node(SPARE)]
    claims: list[Object] = [claim("files"), claim("rows"), volume("files"), volume("rows")]
    return view_of(*nodes, *claims, *objects)


def goal(seen: View, about: Record = ACTED) -> Goal:
    """Ask for the goal."""
    return HANDLER.goal(about, seen)


def test_the_goal_is_reached_when_each_claim_has_a_running_pod_with_its_volume() -> None:
    """The Deployment's under another name, the StatefulSet's under the same."""
    found = goal(everything(*moved("shop-2", "files"), *moved("db-0", "rows")))
    assert found == Goal(
        reached=True, sentence="every claim is used again by a Running pod on a Ready node"
    )


@pytest.mark.parametrize(
    "other",
    [
        [],
        moved("db-0", "rows", phase="Pending"),
        moved("db-0", "rows", deletion=NOW),
        moved("db-0", "rows", phase="Failed"),
        [pod("db-0", "rows", ""), attachment("rows", LIVE)],
        [pod("db-0", "rows", DEAD), attachment("rows", DEAD)],
        [pod("db-0", "rows", "nowhere"), attachment("rows", "nowhere")],
        [pod("db-0", "rows", LIVE), attachment("rows", SPARE)],
        [pod("db-0", "rows", LIVE), attachment("rows", LIVE, attached=False)],
    ],
    ids=[
        "no pod",
        "pending",
        "on its way out",
        "failed",
        "not placed",
        "on the lost node",
        "on a node that is gone",
        "attached elsewhere",
        "not yet attached",
    ],
)
def test_one_claim_without_a_working_pod_is_waited_for(other: Iterable[Object]) -> None:
    """The sentence names it."""
    found = goal(everything(*moved("shop-2", "files"), *other))
    assert not found.reached
    assert found.sentence.startswith("waiting for a Running pod with web/rows")


def test_a_volume_that_needs_no_attaching_is_used_where_its_pod_runs() -> None:
    """NFS and the like have no VolumeAttachments."""
    found = goal(everything(*moved("shop-2", "files"), pod("db-0", "rows", LIVE)))
    assert found.reached


def test_one_working_pod_of_several_is_enough() -> None:
    """The old one may hang on for a while."""
    old = pod("db-0-old", "rows", DEAD, deletion=NOW - 60.0)
    assert goal(everything(*moved("shop-2", "files"), old, *moved("db-0", "rows"))).reached


def test_a_claim_that_nobody_asks_for_is_said_to_be_so() -> None:
    """Scaled to zero, or a pod without an owner: a person knows which."""
    found = goal(everything(*moved("shop-2", "files")))
    assert found.sentence == "waiting for a Running pod with web/rows (nobody asks for it)"


def test_a_claim_that_is_gone_is_nobodys() -> None:
    """Whoever deleted it wanted that."""
    seen = view_of(node(LIVE), claim("files"), volume("files"), *moved("shop-2", "files"))
    assert goal(seen).reached


def test_without_a_plan_there_is_nothing_to_wait_for() -> None:
    """No claim was named."""
    assert goal(everything(), about=record()).reached


DONE = {"key": KEY, "value": NAME, "effect": "NoExecute", "owner": OWNER}
DEBT = LedgerEntry(
    kind="AddTaint",
    target=DEAD,
    target_uid=f"uid-{DEAD}",
    at=NOW,
    prior={"bootID": "boot-1", "taint": ""},
    done=DONE,
)
BACK = node(DEAD, boot_id="boot-2", taints=(taint(),))
RUNNING = InstanceReading(
    instance_id=instance_id(DEAD),
    state="running",
    hibernated=False,
    account="123456789012",
    launched=NOW + 300.0,
    read_at=NOW + 400.0,
)


def undo(
    *objects: Object, power: InstanceReading | None = RUNNING, debt: LedgerEntry = DEBT
) -> Wait | Closed | Back:
    """Ask what to do about the debt."""
    return HANDLER.undo(debt, ACTED, view_of(*objects), power)


def test_after_a_proven_power_cycle_the_taint_comes_off() -> None:
    """Exactly ours, from exactly that node."""
    found = undo(BACK)
    assert isinstance(found, Back)
    assert found.step == RemoveTaint(target=DEAD, uid=f"uid-{DEAD}", **DONE)
    assert "power cycle" in found.sentence


@pytest.mark.parametrize("ready", [Ready.UNKNOWN, Ready.FALSE, Ready.MISSING])
def test_a_node_that_is_not_ready_keeps_its_taint(ready: Ready) -> None:
    """It is not back."""
    found = undo(msgspec.structs.replace(BACK, ready=ready))
    assert isinstance(found, Wait)
    assert found.sentence == (
        f"node {DEAD} is not Ready; the taint stays until it is back after a power cycle"
    )


@pytest.mark.parametrize(
    ("now", "before"), [("boot-1", "boot-1"), ("", "boot-1"), ("boot-2", ""), ("", "")]
)
def test_without_a_new_boot_id_the_taint_stays(now: str, before: str) -> None:
    """One that is not known shows no new boot."""
    debt = msgspec.structs.replace(DEBT, prior={"bootID": before})
    found = undo(msgspec.structs.replace(BACK, boot_id=now), debt=debt)
    assert isinstance(found, Wait)
    assert "its bootID shows no new boot" in found.sentence


@pytest.mark.parametrize(
    "power",
    [
        None,
        msgspec.structs.replace(RUNNING, state="stopped"),
        msgspec.structs.replace(RUNNING, state="pending"),
        msgspec.structs.replace(RUNNING, launched=None),
    ],
    ids=["no answer", "stopped", "pending", "launch unknown"],
)
def test_an_instance_that_is_not_read_as_running_keeps_the_taint(
    power: InstanceReading | None,
) -> None:
    """Another machine may have answered to the node's name."""
    found = undo(BACK, power=power)
    assert isinstance(found, Wait)
    assert "could not be read as running" in found.sentence


@pytest.mark.parametrize("launched", [NOW - 86400.0, NOW - 90000.0])
def test_an_instance_launched_before_the_proof_keeps_the_taint(launched: float) -> None:
    """The launch that was read as off, or an older one, is no new one."""
    found = undo(BACK, power=msgspec.structs.replace(RUNNING, launched=launched))
    assert isinstance(found, Wait)
    assert "was not launched after the proof" in found.sentence


def test_a_record_without_readings_keeps_the_taint() -> None:
    """There is no proof to be launched after."""
    about = record(plan=planned(), acted_at=NOW)
    found = HANDLER.undo(DEBT, about, view_of(BACK), RUNNING)
    assert isinstance(found, Wait)


@pytest.mark.parametrize("created", [None, NOW, NOW - 3600.0])
def test_an_attachment_of_before_keeps_the_taint(created: float | None) -> None:
    """The volume may still be mounted there."""
    found = undo(BACK, attachment("rows", created=created))
    assert isinstance(found, Wait)
    assert "an attachment of before is still there" in found.sentence


def test_a_terminating_pod_of_before_keeps_the_taint() -> None:
    """The kubelet has not cleaned up yet."""
    found = undo(BACK, pod("db-0", "rows", deletion=NOW))
    assert isinstance(found, Wait)
    assert "a Terminating pod of before is still there" in found.sentence


def test_new_pods_and_attachments_on_the_node_are_no_hindrance() -> None:
    """Life goes on there, if it tolerates the taint."""
    found = undo(BACK, pod("db-0", "rows"), attachment("rows", created=NOW + 1.0))
    assert isinstance(found, Back)


@pytest.mark.parametrize("objects", [(), (node(DEAD, uid="uid-new", taints=(taint(),)),)])
def test_a_node_object_that_is_gone_closes_the_debt(objects: tuple[Object, ...]) -> None:
    """A new one of the same name is not ours to touch."""
    assert undo(*objects) == Closed("the Node object is gone, and our taint with it")


@pytest.mark.parametrize("there", [(), (taint("by-hand"),), (taint(effect="NoSchedule"),)], ids=str)
def test_a_taint_that_is_not_as_we_left_it_closes_the_debt(there: tuple[object, ...]) -> None:
    """Somebody else took it off or changed it: left alone."""
    found = undo(msgspec.structs.replace(BACK, taints=there))
    assert isinstance(found, Closed)
    assert "somebody else took it off" in found.sentence
