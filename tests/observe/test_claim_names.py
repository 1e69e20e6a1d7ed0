"""Which claims a template names: by name, and by the names that controllers make."""

import json
from collections.abc import Mapping

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import ClaimNames, Kind, Owner, Workload
from exporter.observe.parse import wire
from exporter.observe.users import Found, Standing, users_of
from tests.observe import manifests
from tests.observe.using import NONE, only, owned, users, workload
from tests.signals import made


@pytest.mark.parametrize("body", manifests.ALL, ids=lambda body: str(body["kind"]))
def test_each_kind_is_found_by_its_template_without_any_pod(body: Mapping[str, object]) -> None:
    """Seed 001 looked at two kinds; another claim and another namespace are not used."""
    kind = Kind(manifests.NAMES[str(body["kind"])][1])
    obj = wire.one(kind, json.dumps(body).encode())
    assert isinstance(obj, Workload)
    user = only(obj)
    assert (user.workload, user.top) == (obj, obj.reference)
    assert (user.standing, user.found, user.parts) == (Standing.WORKLOAD, Found.TEMPLATE, ())
    assert users(obj, claim="other") == ()
    assert users_of("elsewhere", "data", made.view([obj])) == ()


@pytest.mark.parametrize(
    ("claim", "uses"),
    [
        ("logs-db-0", True),
        ("logs-db-17", True),
        ("data", True),
        # What seed 001 compares: the template's name alone is no claim of it.
        ("logs", False),
        ("logs-db", False),
        ("logs-db-", False),
        ("logs-db-01", False),
        ("logs-db-x", False),
        ("logs-db-0-1", False),
        ("logs-other-0", False),
        ("more-logs-db-0", False),
    ],
)
@pytest.mark.parametrize("replicas", [0, 3])
def test_a_stateful_set_uses_what_is_named_after_it_at_any_scale(
    claim: str, replicas: int, *, uses: bool
) -> None:
    """Names are made from template, set and ordinal; one at zero has its claims still."""
    names = ClaimNames(("data",), ("logs",))
    db = workload(model.StatefulSet, "db", claims=names, replicas=replicas)
    assert [user.workload for user in users(db, claim=claim)] == ([db] if uses else [])


@pytest.mark.parametrize(
    ("cls", "pod", "never"),
    [
        (model.StatefulSet, "x-0", "x-a"),
        (model.Notebook, "x-0", "x-00"),
        (model.Deployment, "x-6d5f8c9b7d-x2k4z", "x-x2k4z"),
        (model.Deployment, "x-1-x2k4z", "x-y-6d5f8c9b7d-x2k4z"),
        (model.Rollout, "x-6d5f8c9b7d-x2k4z", "x-6d5f8c9b7d-aaaaa"),
        (model.DeploymentConfig, "x-12-x2k4z", "x-a-x2k4z"),
        (model.ReplicaSet, "x-x2k4z", "x-x2k4z1"),
        (model.ReplicationController, "x-x2k4z", "y-x2k4z"),
        (model.DaemonSet, "x-x2k4z", "x"),
        (model.Job, "x-x2k4z", "x-a-x2k4z"),
        (model.Job, "x-3-x2k4z", "x-3"),
        (model.CronJob, "x-28462320-x2k4z", "x-x2k4z"),
        (model.CronJob, "x-28462320-0-x2k4z", "x-a-0-x2k4z"),
    ],
)
def test_an_ephemeral_claim_is_named_after_a_pod_of_the_workload(
    cls: type[Workload], pod: str, never: str
) -> None:
    """As each controller names its pods."""
    obj = workload(cls, "x", claims=ClaimNames(ephemeral=("tmp",)))
    assert only(obj, claim=f"{pod}-tmp").found is Found.TEMPLATE
    assert users(obj, claim=f"{never}-tmp") == ()
    assert users(obj, claim=f"{pod}-other") == ()


def test_a_workflow_makes_its_claim_under_its_own_name_and_a_cron_workflow_under_a_time() -> None:
    """Argo's volumeClaimTemplates."""
    names = ClaimNames(made=("scratch",))
    one = workload(model.Workflow, "train", claims=names)
    cron = workload(model.CronWorkflow, "report", claims=names)
    assert only(one, cron, claim="train-scratch").workload == one
    assert only(one, cron, claim="report-1700000000-scratch").workload == cron
    assert users(one, cron, claim="train-0-scratch") == ()
    assert users(one, cron, claim="report-scratch") == ()


@pytest.mark.parametrize(
    ("name", "claim", "perhaps"),
    [
        ("{{workflow.parameters.where}}", "data", True),
        ("in-{{x}}", "in-data", True),
        ("in-{{x}}", "data", False),
        ("{{a}}-{{b}}.c", "x-y.c", True),
        ("{{a}}-{{b}}.c", "x-y-c", False),
    ],
)
def test_a_parameter_may_be_any_claim_that_it_fits(name: str, claim: str, *, perhaps: bool) -> None:
    """Said as what it is; a template that is not read may be anything too."""
    obj = workload(model.Workflow, "w", claims=ClaimNames((name,)))
    assert [u.found for u in users(obj, claim=claim)] == [Found.PERHAPS] * perhaps
    unread = workload(model.Workflow, "w", claims=ClaimNames(elsewhere=True))
    assert only(unread, claim=claim).found is Found.PERHAPS
    assert only(unread, owned(unread)).found is Found.PODS


def test_a_rollout_uses_the_claims_of_the_deployment_that_it_refers_to() -> None:
    """And perhaps any, where that one is not there."""
    at = Owner("apps", "Deployment", "shop")
    rollout = workload(model.Rollout, "r", claims=NONE, template_of=at)
    shop = workload(model.Deployment, "shop", replicas=0)
    assert [user.workload for user in users(rollout, shop)] == [rollout, shop]
    assert users(rollout, shop, claim="other") == ()
    assert only(rollout).found is Found.PERHAPS
    odd = msgspec.structs.replace(rollout, template_of=Owner("x", "Y", "z"))
    assert only(odd).found is Found.PERHAPS
