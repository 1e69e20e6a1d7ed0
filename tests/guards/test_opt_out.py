"""opt_out: by node, namespace or claim, of anything that the plan would take from the node."""

import msgspec
import pytest

from exporter.observe.model import Kind, Object, Ready
from remediator.guards.base import Allowed, Denied, NotYet
from remediator.guards.opt_out import opt_in, opt_out
from tests.story.objects import (
    AUTO,
    DEAD,
    LIVE,
    attachment,
    case,
    claim,
    namespace,
    node,
    pod,
    question,
    view,
    view_of,
    volume,
)

OFF = {"pvmedic.dev/remediation": "disabled"}


def test_where_nobody_has_opted_out_it_is_allowed() -> None:
    """The usual case."""
    assert opt_out(question()) == Allowed()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (node(DEAD, Ready.UNKNOWN, labels=OFF), f"node {DEAD}"),
        (node(DEAD, Ready.UNKNOWN, annotations=OFF), f"node {DEAD}"),
        (namespace(annotations=OFF), "namespace web"),
        (claim("rows", annotations=OFF), "claim web/rows"),
    ],
    ids=["the node's label", "the node's annotation", "the namespace", "the claim"],
)
def test_whoever_has_opted_out_is_named(changed: Object, what: str) -> None:
    """A label or an annotation, on any of the three."""
    verdict = opt_out(question(case(view(changed))))
    assert verdict == Denied(f"{what} has opted out (pvmedic.dev/remediation: disabled)")


def test_a_claim_that_is_only_attached_counts_as_well() -> None:
    """Its pod is gone, its volume still is on the node."""
    objects = (
        claim("old", annotations=OFF),
        volume("old"),
        attachment("old"),
    )
    assert isinstance(opt_out(question(case(view(*objects)))), Denied)


def test_a_claim_of_a_read_write_many_volume_counts_as_well() -> None:
    """The taint takes that pod away, too."""
    objects = (
        claim("shared", annotations=OFF, access_modes=("ReadWriteMany",)),
        volume("shared", access_modes=("ReadWriteMany",)),
        pod("web-1", "shared"),
    )
    assert isinstance(opt_out(question(case(view(*objects)))), Denied)


@pytest.mark.parametrize(
    "changed",
    [
        node(LIVE, annotations=OFF),
        namespace("other", OFF),
        claim("elsewhere", annotations=OFF),
        namespace(annotations={"pvmedic.dev/remediation": "enabled"}),
    ],
    ids=["another node", "another namespace", "a claim not on the node", "another word"],
)
def test_what_does_not_concern_the_node_does_not_refuse(changed: Object) -> None:
    """An opt-out is for what has it, and it is one word."""
    assert opt_out(question(case(view(changed)))) == Allowed()


def test_namespaces_that_cannot_be_read_defer() -> None:
    """Somebody may have opted out there."""
    verdict = opt_out(question(case(view(unseen={Kind.NAMESPACE: "403"}))))
    assert verdict == NotYet("namespaces could not be read: 403")


ON = {"pvmedic.dev/remediation": "enabled"}
ASKED_IN = msgspec.structs.replace(AUTO, opt_in=True)


@pytest.mark.parametrize(
    ("changed", "allowed"),
    [
        (namespace(), False),
        (namespace(annotations=ON), True),
        (namespace(annotations=OFF), False),
        (node(DEAD, Ready.UNKNOWN, labels=ON), True),
    ],
    ids=["nobody", "the namespace", "the namespace, away", "the node"],
)
def test_where_we_must_be_asked_in_only_what_asks_is_touched(
    changed: Object, *, allowed: bool
) -> None:
    """Whoever runs the namespace decides; the node's owner decides for all on it."""
    verdict = opt_in(question(case(view(changed), policy=ASKED_IN)))
    assert (verdict == Allowed()) is allowed
    if not allowed:
        assert isinstance(verdict, Denied)
        assert "namespace web" in verdict.reason


def test_namespaces_that_cannot_be_read_have_not_opted_in() -> None:
    """Broken means no."""
    blind = view(unseen={Kind.NAMESPACE: "forbidden"})
    assert isinstance(opt_in(question(case(blind, policy=ASKED_IN))), NotYet)


def test_a_node_without_claims_needs_the_label_itself() -> None:
    """There is nobody else to ask."""
    verdict = opt_in(question(case(view_of(node(DEAD, Ready.UNKNOWN)), policy=ASKED_IN)))
    assert verdict == Denied(f"node {DEAD} has not opted in (pvmedic.dev/remediation: enabled)")
