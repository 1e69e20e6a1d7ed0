"""What a claim asks for, as steps: what the call carries, and how it is seen to be done."""

import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from remediator import steps
from remediator.growth.policy import GIB, GROWN_AT
from remediator.steps.base import KubeWrite, Progress
from remediator.steps.claims import GrowClaim, LowerRequest
from tests.growth.made import NOW, claim, view

GROW = GrowClaim("web/data", "uid-data", "r/u", 12 * GIB)
LOWER = LowerRequest("web/data", "uid-data", "r/u", 11 * GIB)
PATH = "/api/v1/namespaces/web/persistentvolumeclaims/data"


def test_growing_writes_request_and_time_in_one_call() -> None:
    """Bound to uid and resourceVersion: another claim of the same name is refused."""
    assert GROW.act(view(claim())) == KubeWrite(
        "PATCH",
        PATH,
        {
            "metadata": {
                "uid": "uid-data",
                "resourceVersion": "7",
                "annotations": {GROWN_AT: model.rfc3339(NOW)},
            },
            "spec": {"resources": {"requests": {"storage": "12Gi"}}},
        },
    )


def test_lowering_writes_the_request_only() -> None:
    """It was not grown."""
    assert LOWER.act(view(claim())) == KubeWrite(
        "PATCH",
        PATH,
        {
            "metadata": {"uid": "uid-data", "resourceVersion": "7"},
            "spec": {"resources": {"requests": {"storage": "11Gi"}}},
        },
    )


@pytest.mark.parametrize(
    ("step", "requested", "progress"),
    [
        (GROW, 10, Progress.NOT_DONE),
        (GROW, 12, Progress.DONE),
        (GROW, 20, Progress.DONE),
        (LOWER, 100, Progress.NOT_DONE),
        (LOWER, 11, Progress.DONE),
        (LOWER, 10, Progress.DONE),
    ],
)
def test_it_is_done_when_the_claim_asks_for_it(
    step: GrowClaim | LowerRequest, requested: int, progress: Progress
) -> None:
    """Whoever asked; and what a person asked for beyond it is left alone."""
    assert step.observe(view(claim(requested=requested * GIB))).progress is progress


@pytest.mark.parametrize("step", [GROW, LOWER])
def test_another_claim_is_not_changed_and_what_is_not_seen_is_unknown(
    step: GrowClaim | LowerRequest,
) -> None:
    """A claim that was made anew has another uid."""
    other = view(claim(uid="uid-new"))
    assert step.observe(other).progress is Progress.GONE
    assert step.act(other) is None
    assert step.observe(view()).progress is Progress.GONE
    assert step.observe(view(unseen={Kind.CLAIM: "403"})).progress is Progress.UNKNOWN
    assert step.observe(view(claim(requested=None))).progress is Progress.UNKNOWN


@pytest.mark.parametrize("step", [GROW, LOWER])
def test_it_comes_back_from_its_record(step: GrowClaim | LowerRequest) -> None:
    """The size is a number again, and the sentence says it in words."""
    told = steps.to_record(step)
    assert steps.from_record(told) == step
    assert told.says == step.sentence()
    assert "Gi" in told.says
    assert step.claim == ("web", "data")
