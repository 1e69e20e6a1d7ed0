"""Pods without owner and a foreign kind, from the alert to the end, over plain objects."""

import asyncio
import json

import msgspec
import pytest

from exporter.observe.errors import Forbidden, Unreachable
from exporter.observe.model import Object
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import MANIFEST, Phase
from remediator.steps.bare_pods import StopPod
from tests.pipeline.people import say, until
from tests.story import objects as made
from tests.story.fake_cluster import Killed, ticks
from tests.story.more_users import ALLOWED, MoreUsers, bare, body, farm
from tests.story.objects import NOW
from tests.story.rwx_cluster import clear, shop
from tests.story.test_rwx import did

WHOLE = [
    ("StopScale", "web/x"),
    ("StopPod", "web/lonely"),
    ("StopWorkload", "web/shop"),
    ("StartWorkload", "web/shop"),
    ("RecreatePod", "web/lonely"),
    ("StartScale", "web/x"),
]


def begun(*objects: Object) -> tuple[MoreUsers, Pipeline]:
    """Return a cluster with these users beside the usual one, and an engine over it."""
    cluster = MoreUsers(objects or [*bare(), *farm()])
    cluster.before_write = lambda: kept_before(cluster)
    return cluster, cluster.engine()


def kept_before(cluster: MoreUsers) -> None:
    """Demand that a manifest stands on the stored record before its pod is deleted."""
    if cluster.calls[-1] != f"apply {StopPod.__name__}":
        return
    texts = [entry.prior.get(MANIFEST, "") for entry in cluster.record().owes]
    (text,) = [text for text in texts if text]
    assert json.loads(text)["metadata"]["name"] == "lonely"


def some(cluster: MoreUsers, engine: Pipeline, number: int) -> None:
    """Tick a number of times."""
    asyncio.run(ticks(cluster, engine, number))


def test_what_was_deleted_is_made_again_and_what_was_scaled_is_scaled_back() -> None:
    """First what needs rights of its own; in reverse order back; no manifest is left on record."""
    cluster, engine = begun()
    until(cluster, engine, Phase.SETTLED)
    assert did(cluster) == WHOLE
    assert cluster.scale().replicas == 3
    again = cluster.there_is("lonely")
    assert again is not None
    assert again.uid != "uid-lonely"
    found = json.loads(again.text)
    assert "nodeName" not in found["spec"]
    assert found["metadata"]["labels"] == {"app": "lonely"}
    assert found["metadata"]["annotations"]["pvmedic.dev/recreated-by"].startswith(cluster.name)
    assert not cluster.record().owes
    assert not [entry for entry in cluster.record().status.ledger if MANIFEST in entry.prior]


def test_killed_anywhere_it_comes_to_the_same_end() -> None:
    """The manifest outlives the program; nothing is deleted, made or scaled twice."""
    whole, engine = begun()
    until(whole, engine, Phase.SETTLED)
    assert whole.points >= 30
    for point in range(1, whole.points + 1):
        cluster, _ = begun()
        cluster.deaths = {point}
        survive(cluster)
        assert did(cluster) == WHOLE, point
        assert cluster.born == 1, point
        assert cluster.scale().replicas == 3, point
        assert not cluster.record().owes, point


def survive(cluster: MoreUsers) -> None:
    """Carry on to the end, with a new start after each death."""
    for _ in range(3):
        try:
            until(cluster, cluster.engine(), Phase.SETTLED)
        except Killed:
            continue
        return
    raise AssertionError("it died again and again")


@pytest.mark.parametrize("lands", [True, False], ids=["landed", "lost"])
@pytest.mark.parametrize("number", range(1, len(WHOLE) + 1))
def test_a_call_without_an_answer_is_looked_after(number: int, lands: bool) -> None:  # noqa: FBT001
    """Whether it landed is seen in the world; the manifest is not lost on the way."""
    cluster, engine = begun()
    calls = iter(range(1, 100))

    def trouble(call: str) -> tuple[Unreachable | None, bool]:
        if call == "apply" and next(calls) == number:
            return Unreachable("no answer"), lands
        return None, True

    cluster.trouble = trouble
    until(cluster, engine, Phase.SETTLED)
    assert did(cluster) == WHOLE
    assert cluster.born == 1


def test_a_pod_that_somebody_else_makes_again_is_left_alone() -> None:
    """By its name: theirs counts."""
    cluster, engine = begun(*bare())
    cluster.ends = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 10)
    cluster.end_pods()
    cluster.make(body(nodeName="node-c"))
    theirs = cluster.there_is("lonely")
    for pod in cluster.seen().pods_of("web", "data"):
        cluster.forget(pod)
    until(cluster, engine, Phase.SETTLED)
    assert cluster.there_is("lonely") == theirs
    assert ("RecreatePod", "web/lonely") not in did(cluster)
    assert not cluster.record().owes


def test_what_nobody_allowed_is_a_person_s_as_before() -> None:
    """Neither the setting nor the annotation alone is enough."""
    for policy, asked in (
        (msgspec.structs.replace(ALLOWED, bare_pods=False), True),
        (ALLOWED, False),
    ):
        cluster = MoreUsers(bare(), policy)
        if not asked:
            cluster.put(made.namespace(annotations={"pvmedic.dev/remediation": "enabled"}))
        until(cluster, cluster.engine(), Phase.AWAITING_APPROVAL)
        plan = cluster.record().status.plan
        assert plan is not None
        assert "StopPod" not in [step.kind for step in plan.steps]


def test_an_account_that_may_not_delete_pods_has_stopped_nothing() -> None:
    """It is the first that is tried."""
    cluster, engine = begun(*bare())
    cluster.refusals = [(Forbidden("delete pods web/lonely: not allowed (403)"), False)]
    until(cluster, engine, Phase.FAILED)
    assert did(cluster) == []
    assert not cluster.record().owes
    assert "delete pods web/lonely: not allowed" in cluster.record().status.message


def test_a_pod_that_may_not_be_made_keeps_its_manifest_on_record_and_is_tried_again() -> None:
    """A quota, a policy: said, and a person finds the manifest."""
    cluster, engine = begun(*bare())
    allowed: tuple[None, bool] = (None, True)
    until(cluster, engine, Phase.RUNNING)
    cluster.trouble = lambda call: (
        (Forbidden("exceeded quota"), False)
        if call == "apply" and cluster.calls[-1] == "apply RecreatePod"
        else allowed
    )
    until(cluster, engine, Phase.FAILED)
    (owed,) = cluster.record().owes
    assert json.loads(owed.prior[MANIFEST])["spec"]["containers"][0]["image"] == "example.com/app:1"
    cluster.trouble = lambda _: allowed
    some(cluster, engine, 5)
    assert cluster.there_is("lonely") is not None
    assert not cluster.record().owes


def test_a_word_older_than_the_first_deletion_is_none() -> None:
    """A pod that is gone carries no note; the record knows when it was."""
    cluster, engine = begun(*bare())
    for one in cluster.seen().pods_of("web", "data"):
        if one.name.startswith("shop"):
            cluster.forget(one)
    cluster.delete(cluster.there(shop()))
    cluster.speaks = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 5)
    cluster.put(clear(NOW - 60.0))
    some(cluster, engine, 5)
    assert did(cluster) == [("StopPod", "web/lonely")]
    cluster.speak()
    until(cluster, engine, Phase.SETTLED)


def test_a_person_may_have_it_made_again_before_rok_s_word() -> None:
    """As with every other debt."""
    cluster, engine = begun(*bare())
    cluster.speaks = False
    until(cluster, engine, Phase.FAILED)
    say(cluster, Decision.UNDO)
    some(cluster, engine, 5)
    assert cluster.there_is("lonely") is not None
    assert not cluster.record().owes


def test_who_scales_it_up_again_stops_the_plan() -> None:
    """Its own operator, or whoever owns it: nobody fights."""
    cluster, engine = begun(*farm())
    cluster.ends = cluster.speaks = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 8)
    cluster.change(cluster.scale(), replicas=2)
    some(cluster, engine, 2)
    message = cluster.record().status.message
    assert "somebody else took it back: stop Farm.example.com web/x" in message


def test_a_foreign_kind_that_is_not_listed_is_named_and_not_touched() -> None:
    """Its scale is not even looked at."""
    policy = msgspec.structs.replace(ALLOWED, scalable=frozenset())
    cluster = MoreUsers(farm()[1:], policy)
    until(cluster, cluster.engine(), Phase.AWAITING_APPROVAL)
    plan = cluster.record().status.plan
    assert plan is not None
    assert "Farm.example.com web/x is of a kind that nobody here knows" in str(plan.findings)
