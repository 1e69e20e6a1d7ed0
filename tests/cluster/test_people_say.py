"""What people say to a plan that waits, on a real API server: what counts, what is refused or void.

With the command `kubectl pvmedic` as the people themselves, and plain kubectl for what the command
would not even send.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from demo.person import APPROVER, Account, Administrator, Person
from local import workloads
from local.errors import LocalClusterError
from remediator.cli.said import DONE, NO, UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Stages
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

READER = "pvmedic-reader"
REMEDIATOR = "system:serviceaccount:pvmedic:pvmedic-remediator"
NOBODY_SPEAKS = "but you are ann: nobody speaks for somebody else"


class Scene:
    """Two dead nodes whose plans wait, and people. ann may approve, eve may only read."""

    def __init__(self, stage: Stage) -> None:
        """Bring both plans to where they wait."""
        self.stage = stage
        cluster = stage.cluster
        cluster.kubectl(
            *("create", "clusterrole", READER, "--verb=get,list"),
            "--resource=remediations.pvmedic.dev",
        )
        self.ann = Person(cluster, "ann", APPROVER, "pvmedic-attester", "view")
        self.eve = Person(cluster, "eve", READER)
        stage.start_remediator(mode="approve")
        stage.shop()
        cluster.apply(
            workloads.claim(stage.space, "log")
            + workloads.pod(stage.space, "log", "log", stage.other)
        )
        stage.wait("the third pod", lambda: stage.running().get(stage.other) == 1)
        for node in (stage.node, stage.other):
            cluster.cloud.stop(cluster.instance_of(node))
        for node in (stage.node, stage.other):
            stage.until_phase("AwaitingApproval", node=node)

    def close(self) -> None:
        """Take the people's rights away again."""
        for binding in (
            "ann-pvmedic-approver",
            "ann-pvmedic-attester",
            "ann-view",
            f"eve-{READER}",
        ):
            self.stage.cluster.kubectl("delete", "clusterrolebinding", binding)
        self.stage.cluster.kubectl("delete", "clusterrole", READER)
        for kind in ("remediationapprovals", "nodeattestations"):
            self.stage.cluster.kubectl("delete", kind, "--all")

    def record(self, node: str = "") -> Json:
        """Return a node's newest Remediation."""
        return self.stage.records(node)[-1]

    def name(self, node: str = "") -> str:
        """Return its name."""
        found: str = self.record(node)["metadata"]["name"]
        return found

    def word(self, node: str = "", **spec: str) -> Json:
        """Return a yes of ann to a node's plan as it stands, with some fields replaced."""
        record = self.record(node)
        said = {
            "remediation": record["metadata"]["name"],
            "remediationUID": record["metadata"]["uid"],
            "planHash": record["status"]["plan"]["hash"],
            "decision": "approve",
            "approver": "ann",
        }
        return {
            "apiVersion": "pvmedic.dev/v1alpha1",
            "kind": "RemediationApproval",
            "metadata": {"generateName": "by-hand-"},
            "spec": said | spec,
        }

    def void(self, node: str = "", **spec: str) -> str:
        """Let ann say it with plain kubectl; return why it is void."""
        done = self.ann.creates(self.word(node, **spec))
        assert done.returncode == 0, done.stderr
        name = done.stdout.strip().rpartition("/")[2]

        def dealt_with() -> list[str]:
            decisions = self.record(node)["status"].get("decisions", ())
            return [one.get("void", "") for one in decisions if one["name"] == name]

        self.stage.wait(f"a word about {name}", dealt_with)
        return dealt_with()[0]


@pytest.fixture(scope="module")
def scene(stages: Stages) -> Iterator[Scene]:
    """Two plans that wait."""
    with stages() as stage:
        scene = Scene(stage)
        bens = scene.word(approver="ben")
        # An API server takes some seconds to put a new admission policy into force.
        stage.wait(
            "the admission policy in force",
            lambda: NOBODY_SPEAKS in scene.ann.creates(bens, "--dry-run=server").stderr,
        )
        yield scene
        scene.close()


def alert_about(node: str) -> bytes:
    """Return what Alertmanager sends when it repeats the alert about a node."""
    labels = {
        "alertname": "PvmedicNodeLostWithVolumes",
        "signal": "node_lost_with_volumes",
        "node": node,
    }
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-11-21T04:00:00Z"}
    return json.dumps({"version": "4", "receiver": "pvmedic", "alerts": [alert]}).encode()


def test_who_may_not_create_is_refused(scene: Scene) -> None:
    """Whoever may read what waits may not say yes to it: RBAC says who may."""
    done = scene.eve.types("approve", scene.name(), "--yes")
    assert done.returncode == UNANSWERED
    assert "create remediationapprovals at cluster scope: not allowed (403)" in done.stderr
    assert 'User "eve" cannot create' in done.stderr


def test_nobody_speaks_for_somebody_else(scene: Scene) -> None:
    """The policy's own sentence is what the person reads; for attestations, too."""
    done = scene.ann.types("approve", scene.name(), "--yes", "--approver", "ben")
    assert done.returncode == UNANSWERED
    assert f"refused by the API server: spec.approver is ben, {NOBODY_SPEAKS}" in done.stderr
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    bens = {"node": "n", "nodeUID": "u", "power": "Off", "attester": "ben", "expires": later}
    kind = {"apiVersion": "pvmedic.dev/v1alpha1", "kind": "NodeAttestation"}
    done = scene.ann.creates({**kind, "metadata": {"name": "bens"}, "spec": bens})
    assert f"spec.attester is ben, {NOBODY_SPEAKS}" in done.stderr


def test_the_remediators_own_account_is_refused_whatever_it_is_bound_to(scene: Scene) -> None:
    """Somebody binds it to pvmedic-approver: it still may not say yes to its own plans."""
    account, binding = Account(scene.stage.cluster), "everybody-approves"
    scene.stage.cluster.kubectl(
        *("create", "clusterrolebinding", binding, f"--clusterrole={APPROVER}"),
        "--serviceaccount=pvmedic:pvmedic-remediator",
    )
    try:
        done = account.types("approve", scene.name(), "--yes")
        bound = Administrator(scene.stage.cluster).types("check-access", "--as", REMEDIATOR)
    finally:
        scene.stage.cluster.kubectl("delete", "clusterrolebinding", binding)
    assert bound.returncode == NO
    assert "TOO MUCH create remediationapprovals.pvmedic.dev" in bound.stdout
    assert done.returncode == UNANSWERED
    assert "the remediator may not say yes to its own plans" in done.stderr


def test_the_account_that_ships_has_exactly_the_rights_it_needs(scene: Scene) -> None:
    """check-access asks the API server for each, and for those that it must not have."""
    done = Administrator(scene.stage.cluster).types("check-access", "--as", REMEDIATOR)
    assert done.returncode == DONE, done.stdout
    assert "and none of those that it must not have" in done.stdout


def test_a_yes_to_another_plan_or_too_late_is_void(scene: Scene) -> None:
    """The record says why, and the plan waits on."""
    plan = scene.record()["status"]["plan"]["hash"]
    assert scene.void(planHash="0123456789abcdef") == (
        f"it is for plan 0123456789abcdef, and the plan is {plan}"
    )
    past = (datetime.now(UTC) - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert scene.void(expires=past) == "it has expired"
    assert "another Remediation" in scene.void(remediationUID="another")
    assert scene.stage.status()["phase"] == "AwaitingApproval"


def test_a_word_never_changes(scene: Scene) -> None:
    """Not even the administrator can turn a no into a yes."""
    made = scene.ann.creates(scene.word(decision="undo"))
    name = made.stdout.strip().rpartition("/")[2]
    changed = json.dumps({"spec": {"decision": "approve"}})
    with pytest.raises(LocalClusterError, match="never changes; create another one"):
        scene.stage.cluster.kubectl(
            "patch", "remediationapproval", name, "--type=merge", f"--patch={changed}"
        )


def test_a_person_reads_what_waits_and_why(scene: Scene) -> None:
    """With no more rights than to read; the running remediator is asked, and writes nothing."""
    why = scene.eve.types("why", f"{scene.stage.space}/web")
    assert why.returncode == DONE
    assert scene.name() in why.stdout
    assert "would change it: with mode approve, a yes: `pvmedic approve" in why.stdout
    versions = [one["metadata"]["resourceVersion"] for one in scene.stage.records()]
    plan = scene.eve.types(
        *("plan", "node_lost_with_volumes", f"node={scene.stage.node}", "-o", "json"),
        *("--url", scene.stage.line.remediator),
        *("--token-file", str(scene.stage.line.reading_token)),
    )
    assert plan.returncode == DONE, plan.stderr
    told = json.loads(plan.stdout)
    assert (told["phase"], told["remediation"]) == ("AwaitingApproval", scene.name())
    assert told["plan"]["hash"] == scene.record()["status"]["plan"]["hash"]
    assert [one["metadata"]["resourceVersion"] for one in scene.stage.records()] == versions


def test_a_node_is_attested_off_on_record(scene: Scene) -> None:
    """The object is there, in ann's name, for this Node object."""
    node = scene.stage.node
    done = scene.ann.types("attest", node, "off", "--note", "I pulled the plug")
    assert done.returncode == DONE, done.stderr
    assert f"{node} is Off, says ann" in done.stdout
    said = scene.stage.cluster.kubectl("get", "nodeattestations").splitlines()
    assert said[1].split()[1:4] == [node, "Off", "ann"]
    assert not scene.stage.touched()


def test_a_no_keeps_its_subject_until_it_is_released(scene: Scene) -> None:
    """Rejected; the alert that comes again finds it so; released, it begins anew."""
    node = scene.stage.other
    first = scene.name(node)
    done = scene.ann.types("reject", first, "--wait", "60s")
    assert done.returncode == DONE, done.stderr
    assert scene.stage.until_phase("Rejected", node=node)["message"] == "rejected by ann"
    assert scene.stage.line.post(alert_about(node))[0] == 200
    assert scene.name(node) == first
    done = scene.ann.types("release", first, "--wait", "60s")
    assert done.returncode == DONE, done.stderr
    assert scene.stage.line.post(alert_about(node))[0] == 200
    scene.stage.until_phase("AwaitingApproval", node=node)
    assert scene.name(node) != first


def test_a_plan_that_is_cancelled_writes_nothing(scene: Scene) -> None:
    """While it waits, it is over at once."""
    node = scene.stage.other
    done = scene.ann.types("cancel", scene.name(node), "--wait", "60s")
    assert done.returncode == DONE, done.stderr
    assert scene.stage.until_phase("Cancelled", node=node)["message"] == "cancelled by ann"
    assert not scene.stage.touched(node)


def test_a_yes_is_done_once(scene: Scene) -> None:
    """Ann's yes to the plan that was shown runs the repair to its end; said again, it is void."""
    assert not scene.stage.touched()
    plan = scene.record()["status"]["plan"]["hash"]
    done = scene.ann.types("approve", scene.name(), "--plan", plan, "--wait", "60s")
    assert done.returncode == DONE, done.stderr
    held = scene.stage.until_phase("Holding")
    assert scene.stage.taints()
    assert scene.stage.runs_elsewhere()
    assert "approved by ann" in scene.stage.sentences()
    assert held["decisions"][-1]["by"] == "ann"
    assert scene.void(planHash=plan) == "nothing waits for it any more: the phase is Holding"


def test_what_was_said_goes_with_the_record_and_what_nobody_owns_stays(scene: Scene) -> None:
    """Kubernetes' own garbage collector deletes it: neither we nor ann may."""
    stage, cluster = scene.stage, scene.stage.cluster
    name = "kept-by-hand-1"
    record = {
        "apiVersion": "pvmedic.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": name},
        "spec": {
            "signal": "node_lost_with_volumes",
            "subject": {"node": "nobody"},
            "subjectText": "node=nobody",
            "episode": 1,
        },
    }
    cluster.apply(json.dumps(record))
    uid = (cluster.get(f"/apis/pvmedic.dev/v1alpha1/remediations/{name}") or {})["metadata"]["uid"]
    by_hand = scene.word(decision="release", remediation=name, remediationUID=uid)
    assert scene.ann.creates(by_hand).returncode == 0
    done = scene.ann.types("release", name)
    assert done.returncode == DONE, done.stderr

    def said() -> list[str]:
        where = "/apis/pvmedic.dev/v1alpha1/remediationapprovals"
        items = (cluster.get(where) or {})["items"]
        ours = (one for one in items if one["spec"]["remediation"] == name)
        return sorted(one["metadata"]["name"] for one in ours)

    (left, owned) = said()
    assert left.startswith("by-hand-")
    assert owned.startswith(f"{name}-release-")
    cluster.kubectl("delete", "remediation", name)
    stage.wait("what was said gone with its record", lambda: said() == [left])
