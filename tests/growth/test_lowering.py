"""An expansion that failed: the smaller request, or why a person has to do something, or nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind
from remediator.growth.growing import Later, Never
from remediator.growth.lowering import Lower, lowered
from remediator.growth.policy import GIB, Driver, Growth
from tests.growth.made import DRIVER, NOW, claim, later, never, view, volume

NEW = (1, 32)
OLD = (1, 31)
INFEASIBLE = "ControllerResizeInfeasible"
IN_PROGRESS = "ControllerResizeInProgress"
ERROR = (model.Condition("ControllerResizeError", status=True, since=None),)
NODE_STEP = (model.Condition("FileSystemResizePending", status=True, since=None),)


def growing(**fields: object) -> model.Claim:
    """Return the claim with 10Gi that asks for 100Gi, for which its driver says no."""
    whole = {"requested": 100 * GIB, "resize_status": INFEASIBLE}
    return claim(**{**whole, **fields})


def answer(
    one: model.Claim,
    *objects: model.Object,
    reason: str = "Infeasible",
    server: tuple[int, int] | None = NEW,
    growth: Growth | None = None,
) -> Lower | Never | Later:
    """Return what may be done about this claim beside these objects."""
    return lowered(one, reason, view(*objects), growth or Growth(), server)


def lower(found: object) -> int:
    """Return the GiB that it is lowered to."""
    assert isinstance(found, Lower)
    assert found.size % GIB == 0
    return found.size // GIB


def test_the_request_becomes_the_next_gib_above_what_is_there() -> None:
    """Kubernetes takes nothing that is not more than the capacity."""
    assert lower(answer(growing())) == 11
    assert lower(answer(growing(capacity=10 * GIB + 5))) == 11
    assert lower(answer(growing(), server=(1, 36))) == 11
    assert lower(answer(growing(resize_status="NodeResizeInfeasible"))) == 11


def test_after_any_final_error_the_condition_is_enough() -> None:
    """An internal error leaves the status in progress, and the condition beside it."""
    assert lower(answer(growing(resize_status=IN_PROGRESS, conditions=ERROR))) == 11
    assert lower(answer(growing(resize_status="", conditions=ERROR))) == 11


def test_what_the_driver_can_is_asked_for_where_it_is_known() -> None:
    """Unless even that was refused, or is less than there is."""
    known = Growth(drivers={DRIVER: Driver(largest=64 * GIB + 1)})
    assert lower(answer(growing(), growth=known)) == 64
    assert lower(answer(growing(requested=64 * GIB), growth=known)) == 11
    assert lower(answer(growing(), growth=Growth(drivers={DRIVER: Driver(largest=GIB)}))) == 11


def test_why_it_is_that_size_is_said() -> None:
    """Whoever says yes knows whether it is known or the least that there is."""
    known = answer(growing(), growth=Growth(drivers={DRIVER: Driver(largest=64 * GIB)}))
    assert isinstance(known, Lower)
    assert f"the settings say that {DRIVER} makes volumes of at most 64Gi" in known.findings
    guessed = answer(growing())
    assert isinstance(guessed, Lower)
    assert any("next GiB above" in one for one in guessed.findings)


def test_the_least_that_a_claim_may_ask_for_counts() -> None:
    """A LimitRange would refuse the smaller request."""
    assert lower(answer(growing(), model.LimitRange("web", "l", least=20 * GIB - 1))) == 20
    too_much = model.LimitRange("web", "l", least=100 * GIB)
    assert "no whole GiB" in never(answer(growing(), too_much))


def test_without_a_size_between_only_the_back_end_can_help() -> None:
    """11Gi of 10Gi is the least that can be asked for already."""
    assert "no whole GiB" in never(answer(growing(requested=11 * GIB)))


@pytest.mark.parametrize("server", [OLD, NEW])
@pytest.mark.parametrize(
    ("fields", "large"),
    [
        ({"resize_status": "NodeResizePending"}, 10),
        ({"resize_status": "NodeResizeInProgress"}, 10),
        ({"conditions": (*NODE_STEP, *ERROR)}, 10),
        ({"resize_status": ""}, 100),
    ],
)
def test_never_while_only_the_nodes_step_is_missing(
    fields: dict[str, object], large: int, server: tuple[int, int]
) -> None:
    """A claim made anew would hide it; a ControllerResizeError beside it is left over."""
    found = answer(growing(**fields), volume(capacity=large * GIB), server=server)
    assert "restart a pod" in never(found)


@pytest.mark.parametrize("reason", ["NoSpace", "Timeout", "InProgress", "ControllerError"])
def test_not_while_the_larger_size_may_still_come(reason: str) -> None:
    """The resizer goes on asking for it, whatever the claim asks for then."""
    found = later(answer(growing(resize_status=IN_PROGRESS), reason=reason))
    assert "it may still become 100Gi" in found


@pytest.mark.parametrize(
    "reason", ["NoSpace", "QuotaExceeded", "Timeout", "InProgress", "NoResizer"]
)
def test_what_asking_for_less_does_not_repair_is_waited_for(reason: str) -> None:
    """On old clusters as well: nobody is told to delete a claim because a disk is full."""
    later(answer(growing(resize_status=""), reason=reason, server=OLD))
    later(answer(growing(resize_status=""), reason=reason))


@pytest.mark.parametrize(
    ("reason", "said"), [("OfflineOnly", "stop the pods"), ("ClassForbids", "allow it again")]
)
def test_what_a_person_has_to_do_instead_is_said(reason: str, said: str) -> None:
    """Whatever the versions."""
    assert said in never(answer(growing(), reason=reason))
    assert said in never(answer(growing(), reason=reason, server=OLD))


@pytest.mark.parametrize(
    ("one", "server", "said"),
    [
        (growing(), OLD, "Kubernetes 1.31 is older than 1.32"),
        (growing(resize_status=""), NEW, "csi-resizer is older than 1.13"),
    ],
)
def test_who_cannot_take_a_request_back_is_said_with_the_commands(
    one: model.Claim, server: tuple[int, int], said: str
) -> None:
    """The sentence is short; the commands stand apart."""
    found = answer(one, server=server)
    assert said in never(found)
    assert isinstance(found, Never)
    assert "kubectl" in found.commands
    assert "\n" not in found.sentence


def test_what_cannot_be_seen_is_waited_for() -> None:
    """The volume, the version, the LimitRanges."""
    unseen = view(unseen={Kind.VOLUME: "403"})
    assert "its volume could not" in later(lowered(growing(), "Infeasible", unseen, Growth(), NEW))
    assert "version could not be read" in later(answer(growing(), server=None))
    unseen = view(unseen={Kind.LIMIT_RANGE: "403"})
    assert "cannot see" in later(lowered(growing(), "Infeasible", unseen, Growth(), NEW))


def test_a_claim_that_grows_no_more_or_goes_is_left_alone() -> None:
    """Nothing is missing then."""
    later(answer(claim(resize_status=INFEASIBLE)))
    later(answer(growing(deletion=NOW)))


SIZES = st.integers(1, 200 * GIB)


@given(
    requested=SIZES,
    capacity=SIZES,
    large=SIZES,
    least=SIZES,
    largest=st.none() | SIZES,
    status=st.sampled_from(("", INFEASIBLE, IN_PROGRESS, "NodeResizeInfeasible")),
    failed=st.booleans(),
)
def test_a_request_is_only_lowered_and_never_to_what_is_there(
    *,
    requested: int,
    capacity: int,
    large: int,
    least: int,
    largest: int | None,
    status: str,
    failed: bool,
) -> None:
    """Whatever the sizes: more than there is, less than was asked for, and after a final error."""
    one = claim(
        requested=requested,
        capacity=capacity,
        resize_status=status,
        conditions=ERROR if failed else (),
    )
    found = answer(
        one,
        volume(capacity=large),
        model.LimitRange("web", "l", least=least),
        growth=Growth(drivers={DRIVER: Driver(largest=largest)}),
    )
    if not isinstance(found, Lower):
        return
    assert found.size % GIB == 0
    assert capacity < found.size < requested
    assert found.size >= least
    assert failed or status in (INFEASIBLE, "NodeResizeInfeasible")
