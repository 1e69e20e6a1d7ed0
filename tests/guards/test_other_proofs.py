"""fencing_proof without a machine that can be read: a person's word, and fenced storage."""

import msgspec
import pytest

from exporter.observe.model import Attestation, Kind, NetworkFence, Object, Ready
from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.guards.fencing_proof import fencing_proof
from remediator.node_loss.proofs import FENCED
from tests.story.objects import (
    DEAD,
    DRIVER,
    LOST_AT,
    NOW,
    case,
    lease,
    node,
    plan,
    question,
    reading,
    record,
    view,
)

SAID_AT = NOW - 100.0
CEPH = "rook-ceph.rbd.csi.ceph.com"
BARE = node(DEAD, Ready.UNKNOWN, provider_id="", internal_ips=("10.0.0.7", "fd00::7"))


def word(**fields: object) -> Attestation:
    """Return ann's word that the dead node is off, which counts."""
    made = Attestation(
        f"{DEAD}-off-x", "1", DEAD, f"uid-{DEAD}", "Off", "ann", SAID_AT, NOW + 3600.0
    )
    return msgspec.structs.replace(made, **fields)


def fence(**fields: object) -> NetworkFence:
    """Return a fence over the dead node's addresses, which is closed."""
    made = NetworkFence(
        name="fence-a",
        version="1",
        driver=DRIVER,
        state="Fenced",
        cidrs=("10.0.0.7/32", "fd00::/64"),
        result="Succeeded",
        message=FENCED,
        created=SAID_AT,
        deletion=None,
    )
    return msgspec.structs.replace(made, **fields)


def asked(
    *objects: Object, of: tuple[str, ...] = (DRIVER,), there: object = BARE, **fields: object
) -> Question:
    """Return a question about a machine that nobody can read."""
    unseen = fields.pop("unseen", None)
    seen = view(there, *objects, unseen=unseen)  # type: ignore[arg-type]
    needs = msgspec.structs.replace(plan(), drivers=of)
    return question(case(seen, record=record()), plan=needs, **fields)


def reason(verdict: Verdict) -> str:
    """Return why not."""
    assert isinstance(verdict, NotYet)
    return verdict.reason


def test_a_persons_word_proves_every_driver() -> None:
    """And the verdict says whose word it was."""
    verdict = fencing_proof(asked(word(), of=(CEPH, DRIVER)))
    assert verdict == Allowed(f"ann attests that node {DEAD} is off ({DEAD}-off-x)")


def test_a_word_counts_where_the_cloud_does_not_answer() -> None:
    """That is what it is for."""
    there = node(DEAD, Ready.UNKNOWN)
    verdict = fencing_proof(asked(word(), there=there, power="EC2 does not answer"))
    assert isinstance(verdict, Allowed)


def test_a_word_against_the_clouds_own_counts_for_nothing() -> None:
    """Somebody was wrong about the machine, and a wrong word costs data."""
    there = node(DEAD, Ready.UNKNOWN)
    power = "EC2 says that instance i-0a is running"
    said = reason(fencing_proof(asked(word(), there=there, power=power, running=True)))
    assert said.startswith(f"{power}; ann attests that it is off")
    assert "but the cloud says otherwise" in said


VOID: dict[str, tuple[tuple[Object, ...], str]] = {
    "of another Node of this name": (
        (word(node_uid="uid-old"),),
        "it is for another Node of this name",
    ),
    "that expires now": ((word(expires=NOW),), "it has expired"),
    "from the future": ((word(created=NOW + 1.0),), "it is from the future"),
    "that it is on": ((word(power="On"),), "it says that the power is On"),
    "from before it was lost": (
        (word(created=LOST_AT - 1.0),),
        "the node's Ready condition has changed since",
    ),
    "before the kubelet beat again": (
        (word(), lease(DEAD, SAID_AT)),
        "the kubelet has renewed its Lease since",
    ),
}


@pytest.mark.parametrize(("objects", "why"), VOID.values(), ids=VOID)
def test_a_void_word_proves_nothing_and_the_sentence_says_why(
    objects: tuple[Object, ...], why: str
) -> None:
    """Whoever gave it can give another one."""
    said = reason(fencing_proof(asked(*objects)))
    assert f"the word of ann ({DEAD}-off-x) does not count: {why}" in said
    assert "has no EC2 instance in its providerID" in said


def test_a_word_about_another_node_is_no_word() -> None:
    """Not even a void one."""
    assert "ann" not in reason(fencing_proof(asked(word(node="node-b"))))


def test_a_word_while_heartbeats_cannot_be_read_proves_nothing() -> None:
    """Nobody could tell whether the kubelet beat again."""
    said = reason(fencing_proof(asked(word(), unseen={Kind.LEASE: "403"})))
    assert "heartbeat Lease could not be read" in said


def test_of_several_words_one_that_counts_is_enough() -> None:
    """A newer one that is void takes nothing from it."""
    newer = word(name="newer", created=NOW - 1.0, node_uid="uid-old")
    assert isinstance(fencing_proof(asked(word(), newer)), Allowed)


def test_a_word_of_exactly_when_it_was_lost_counts_until_it_ends() -> None:
    """The edges belong to it, but the last one."""
    assert isinstance(fencing_proof(asked(word(created=LOST_AT, expires=NOW + 0.1))), Allowed)


def test_a_fence_proves_its_own_driver() -> None:
    """Over every InternalIP of the node."""
    verdict = fencing_proof(asked(fence()))
    assert verdict == Allowed(f"the storage of {DEAD} is fenced: {DRIVER} by fence-a")


def test_a_fence_holds_while_the_machine_runs() -> None:
    """It is for machines that nobody can stop."""
    there = node(DEAD, Ready.UNKNOWN, internal_ips=BARE.internal_ips)
    power = "EC2 says that instance i-0a is running"
    verdict = fencing_proof(asked(fence(), there=there, power=power, running=True))
    assert isinstance(verdict, Allowed)


def test_a_fence_leaves_other_drivers_unproven_and_the_sentence_names_them() -> None:
    """Their volumes would have two writers."""
    said = reason(fencing_proof(asked(fence(), of=(DRIVER, CEPH))))
    assert f"fenced is {DRIVER} by fence-a" in said
    assert f"a proof for {CEPH} would be" in said


def test_two_fences_prove_two_drivers() -> None:
    """Each its own."""
    both = (fence(), fence(name="fence-b", driver=CEPH))
    assert isinstance(fencing_proof(asked(*both, of=(CEPH, DRIVER))), Allowed)


OPEN = {
    "that is unfenced": fence(state="Unfenced"),
    "whose last operation failed": fence(result="Failed"),
    "that was opened, and is to be closed again": fence(message="unfencing operation successful"),
    "of nobody knows which driver": fence(driver=""),
    "of one of two addresses": fence(cidrs=("10.0.0.7/32",)),
    "of other addresses": fence(cidrs=("10.0.0.8/32", "fd01::/64")),
    "of nothing": fence(cidrs=()),
    "whose addresses are none": fence(cidrs=("10.0.0.7/32", "everybody")),
    "from before the node was lost": fence(created=LOST_AT - 1.0),
    "of an unknown time": fence(created=None),
    "that is being deleted": fence(deletion=NOW),
}


@pytest.mark.parametrize("one", OPEN.values(), ids=OPEN)
def test_a_fence_proves_nothing(one: NetworkFence) -> None:
    """Unless all of it is closed, since the node was lost."""
    assert f"a proof for {DRIVER} would be" in reason(fencing_proof(asked(one)))


@pytest.mark.parametrize("ips", [(), ("not an address",)])
def test_a_node_without_addresses_cannot_be_fenced(ips: tuple[str, ...]) -> None:
    """Nobody knows which ones its clients have."""
    there = msgspec.structs.replace(BARE, internal_ips=ips)
    reason(fencing_proof(asked(fence(), there=there)))


def test_a_volume_whose_driver_is_not_known_is_fenced_by_nobody() -> None:
    """Nor is a fence without a driver one for it."""
    reason(fencing_proof(asked(fence(driver=""), of=("",))))


def test_a_node_that_is_ready_again_is_not_dead_whatever_is_said_or_fenced() -> None:
    """It reports."""
    there = msgspec.structs.replace(BARE, ready=Ready.TRUE)
    assert "is Ready" in reason(fencing_proof(asked(word(), fence(), there=there)))


def test_fences_prove_nothing_for_a_plan_without_drivers() -> None:
    """All of none is no proof."""
    reason(fencing_proof(asked(fence(), of=())))


def test_when_to_come_again_is_kept_beside_other_proofs() -> None:
    """The second reading is due then."""
    half = case(view(word(expires=NOW)), record=record(readings=(reading(NOW - 10.0),)))
    verdict = fencing_proof(question(half))
    assert isinstance(verdict, NotYet)
    assert verdict.until == NOW + 20.0
