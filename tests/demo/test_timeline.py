"""The timeline as values: two looks at the world in, lines out."""

from __future__ import annotations

from dataclasses import replace

from demo.snapshot import (
    Alert,
    Claim,
    Entry,
    Focus,
    Node,
    Pod,
    Reading,
    Record,
    Snapshot,
    metrics_of,
    unrecorded,
)
from demo.stage import reached
from demo.timeline import Mark, lines

TAINT = "node.kubernetes.io/out-of-service=record-1:NoExecute"
UP = Node("node-a", "True", "", "boot-1")
DOWN = replace(UP, ready="Unknown", why="Kubelet stopped posting node status.")
SERIES = 'pvmedic_node_lost_with_volumes_since_timestamp_seconds{node="node-a"} 5'


def said(before: Snapshot, after: Snapshot) -> list[tuple[float, str, str]]:
    """Return clock, what and evidence."""
    return [(line.at, line.what, line.evidence) for line in lines(before, after)]


def test_nothing_changed_says_nothing() -> None:
    """Two equal looks have no line between them."""
    pods = (Pod("db-0", "1", "node-a", "Running"),)
    look = Snapshot(10.0, (SERIES,), node=DOWN, pods=pods)
    assert said(look, replace(look, at=11.0)) == []


def test_a_node_that_falls_silent_and_is_seen_is_two_lines() -> None:
    """NotReady comes with the condition's message, the signal with its series."""
    after = Snapshot(11.0, (SERIES,), node=DOWN)
    assert said(Snapshot(10.0, node=UP), after) == [
        (11.0, "node node-a is NotReady", "Ready=Unknown: Kubelet stopped posting node status."),
        (11.0, "seen: node_lost_with_volumes", SERIES),
    ]


def test_a_power_cycle_shows_both_boots() -> None:
    """Ready again names the new bootID and the old one."""
    back = replace(UP, boot_id="boot-2")
    assert said(Snapshot(1.0, node=DOWN), Snapshot(2.0, node=back)) == [
        (2.0, "node node-a is Ready again", "new bootID boot-2, it was boot-1")
    ]


def test_our_taint_is_told_and_kubernetes_own_are_not() -> None:
    """Only the out-of-service taint is news, when it comes and when it goes."""
    tainted = replace(DOWN, taints=("node.kubernetes.io/unreachable=:NoExecute", TAINT))
    one, two = Snapshot(1.0, node=DOWN), Snapshot(2.0, node=tainted)
    assert said(one, two) == [(2.0, "node node-a is tainted", TAINT)]
    assert said(two, one) == [(2.0, "the taint is off node node-a", TAINT)]


def test_a_record_that_moved_twice_between_looks_tells_both_at_their_own_times() -> None:
    """History and readings are told in the order of their own clocks."""
    before = Snapshot(10.0, record=Record("record-1", "Lost", "pvmedic", "Deferred"))
    history = (Entry(10.3, "Running", "allowed"), Entry(10.4, "Verifying", "done"))
    reading = Reading("i-1", "stopped", 10.2)
    record = Record("record-1", "Lost", "pvmedic", "Verifying", history, (reading,))
    assert [(at, what) for at, what, _ in said(before, Snapshot(11.0, record=record))] == [
        (10.2, "fencing proof, reading 1"),
        (10.3, "record: Running"),
        (10.4, "record: Verifying"),
    ]


def test_a_line_is_never_earlier_than_the_look_before() -> None:
    """What was written before the last look but seen later does not turn the clock back."""
    record = Record("r", "Lost", "pvmedic", "Deferred", (Entry(9.0, "Deferred", "why"),))
    assert {at for at, _, _ in said(Snapshot(10.0), Snapshot(11.0, record=record))} == {10.0}


def test_an_alert_is_told_when_it_fires_changes_and_resolves() -> None:
    """The state is Alertmanager's, the first time is Prometheus'."""
    active = Alert("Lost", '{node="node-a"}', "active", 10.5)
    quiet = replace(active, state="suppressed")
    none, one, two = (
        Snapshot(10.0),
        Snapshot(11.0, alerts=(active,)),
        Snapshot(12.0, alerts=(quiet,)),
    )
    assert said(none, one) == [(10.5, "alert Lost is active", active.labels)]
    assert said(one, two) == [(12.0, "alert Lost is suppressed", active.labels)]
    assert said(two, replace(none, at=13.0)) == [(13.0, "alert Lost is resolved", active.labels)]


def test_a_stateful_pod_that_moves_is_an_old_one_gone_and_a_new_one() -> None:
    """Pods are told apart by uid, for the name stays."""
    old, new = Pod("db-0", "1", "node-a", "Running"), Pod("db-0", "2", "node-b", "Running")
    assert said(Snapshot(1.0, pods=(old,)), Snapshot(2.0, pods=(new,))) == [
        (2.0, "pod db-0 is gone from node-a", "uid 1"),
        (2.0, "pod db-0 is Running on node-b", "a new pod, uid 2"),
    ]


def test_a_claims_request_refusal_and_size_are_told() -> None:
    """Each when it changes, not when the claim is new."""
    small = Claim("media", "10Gi", "10Gi")
    looks = [
        Snapshot(float(at), claims=claims)
        for at, claims in enumerate(
            (
                (),
                (small,),
                (Claim("media", "40Gi", "10Gi", "ControllerResizeInfeasible"),),
                (Claim("media", "40Gi", "40Gi"),),
            )
        )
    ]
    assert said(looks[0], looks[1]) == []
    assert said(looks[1], looks[2]) == [
        (2.0, "claim media asks for 40Gi", "it asked for 10Gi and had 10Gi"),
        (2.0, "claim media: ControllerResizeInfeasible", "its own status"),
    ]
    assert said(looks[2], looks[3]) == [(3.0, "claim media has 40Gi", "it had 10Gi")]


def test_what_went_well_is_marked_good() -> None:
    """A settled record and a running pod are good news, a failed record is bad."""
    pod = Pod("db-0", "1", "node-b", "Running")
    entries = (Entry(2.0, "Settled", "done"), Entry(2.1, "Failed", "no"))
    record = Record("r", "Lost", "pvmedic", "Failed", entries)
    found = lines(
        Snapshot(1.0, record=Record("r", "", "")), Snapshot(2.0, record=record, pods=(pod,))
    )
    assert [line.mark for line in found] == [Mark.GOOD, Mark.GOOD, Mark.BAD]


def test_milestones_are_reached_in_the_order_of_the_story() -> None:
    """Pods that still count as Running on the dead node heal nothing."""
    here = (Pod("db-0", "1", "node-a", "Running"), Pod("web", "2", "node-a", "Running"))
    there = tuple(replace(pod, uid=f"new {pod.uid}", node="node-b") for pod in here)
    lost = Snapshot(5.0, (SERIES,), node=DOWN, pods=here)
    assert reached(lost, "node-a") == {"not_ready": 5.0, "seen": 5.0}
    readings = (Reading("i-1", "stopped", 6.0), Reading("i-1", "stopped", 8.0))
    record = Record("r", "", "", "Running", readings=readings)
    done = Snapshot(9.0, node=replace(DOWN, taints=(TAINT,)), record=record, pods=there)
    assert reached(done, "node-a") == {"not_ready": 9.0, "acted": 9.0, "healed": 9.0, "proven": 8.0}


def test_only_series_of_the_scene_are_evidence() -> None:
    """Another node's and another namespace's series are left out."""
    multi = "pvmedic_multi_attach_since_timestamp_seconds"
    full = 'pvmedic_volume_filling_since_timestamp_seconds{namespace="shop",reason="Bytes"} 1'
    mine = [SERIES, f'{multi}{{namespace="shop",pod="web"}} 1', full]
    others = [SERIES.replace("node-a", "node-b"), mine[1].replace("shop", "shop-two"), "# HELP x"]
    assert metrics_of("\n".join(mine + others), Focus("shop", "node-a")) == mine


def test_the_webhooks_answer_is_read_from_the_log_for_this_namespace_only() -> None:
    """Each outcome and alert counts once, however often it is repeated."""
    labels = '{"alertname": "PvmedicMultiAttach", "namespace": "blog"}'
    line = f'{{"message": "not recorded", "outcome": "NoHandler", "labels": {labels}}}'
    log = "\n".join([line, line.replace("blog", "shop"), line, "starting"])
    assert unrecorded(log, Focus("blog")) == [("NoHandler", "PvmedicMultiAttach")]
