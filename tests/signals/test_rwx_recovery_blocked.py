"""rwx_recovery_blocked as values: the stages of seed 001, with Events in every order."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.rwx_recovery_blocked import further
from exporter.observe import model
from exporter.observe.model import Change, Kind, KubeEvent, Object, Signal, SinceSource, Subject
from exporter.observe.parse import events, mount
from exporter.observe.signals.rwx_recovery_blocked import (
    FEW,
    REFUSALS,
    RwxRecoveryBlocked,
    subject_of,
)
from tests.signals import made

DETECTOR = RwxRecoveryBlocked()
DATA = subject_of("web", "data")
CLAIM = made.claim(access_modes=("ReadWriteMany",))
OLD = made.pod("old", "b", phase="Running", starting=False, scheduled=100.0)
NEW = made.pod("new", "c", scheduled=2000.0)
WORLD: list[Object] = [CLAIM, OLD]

WARNING = (
    "About to recover access-server volume 'pvc-06dad9fe': You will need to stop any Pods which are"
    " currently using RWX volume 'pv-data'"
)
REFUSED = (
    'MountVolume.SetUp failed for volume "pv-data" : kubernetes.io/csi: mounter.SetupAt failed: rpc'
    " error: code = FailedPrecondition desc = Cannot publish recovered RWX volume 'pv-data' yet:"
    " You have to stop any Pods which are currently using the volume"
)
CLEAR = "All Pods using RWX volume 'pv-data' are gone: You can start using the volume again"


def said(about: Object, reason: str, text: str, at: float, first: float | None = None) -> KubeEvent:
    """Return an Event with this text, last written at this time."""
    writer = "kubelet" if isinstance(about, model.Pod) else "rok-csi"
    name = f"{about.name}.{reason}"
    event = made.event(about, None, name=name, component=writer, reason=reason, last=at)
    fact = events.fact(text, event)
    assert fact is not None
    return msgspec.structs.replace(event, fact=fact, first=at if first is None else first)


def warned(at: float = 1000.0, first: float | None = None) -> KubeEvent:
    """Return the warning on the claim."""
    return said(CLAIM, "WARNING", WARNING, at, first)


def refused(at: float = 2010.0, first: float | None = None, pod: model.Pod = NEW) -> KubeEvent:
    """Return the refusal on a pod."""
    return said(pod, "FailedMount", REFUSED, at, first)


def clear(at: float = 3000.0) -> KubeEvent:
    """Return the all-clear on the claim."""
    return said(CLAIM, "INFO", CLEAR, at)


def decided(*objects: Object) -> Signal | None:
    """Decide over the claim, its old user and these."""
    return DETECTOR.decide(DATA, made.view([*WORLD, *objects]))


def users(*objects: Object) -> float:
    """Return how many users the collector counts while the signal holds."""
    view = made.view([*WORLD, *objects])
    (sample,) = (sample for _, sample in further(DATA, DETECTOR.decide(DATA, view), view))
    assert sample.labels == DATA.labels
    return sample.value


def test_a_warning_is_the_first_stage() -> None:
    """The volume is being recovered, and a pod still holds it."""
    found = decided(warned())
    assert found is not None
    assert (found.subject, found.reason) == (DATA, "Recovering")
    assert (found.since, found.since_source) == (1000.0, SinceSource.EVENT)
    assert dict(found.named) == {"persistentvolume": "pv-data", "stage": "warned"}
    assert any("web/old on node b" in line for line in found.evidence)


def test_a_refused_mount_is_the_second_stage() -> None:
    """The age stays that of the warning; the refused pod is no user."""
    found = decided(warned(), NEW, refused())
    assert found is not None
    assert (found.reason, found.since) == ("Blocked", 1000.0)
    assert dict(found.named)["stage"] == "refused"
    assert users(warned(), NEW, refused()) == 1


def test_after_a_restart_the_kubelets_repeats_still_show_it() -> None:
    """The warning's hour is over; the refusal is counted up every two minutes."""
    found = decided(NEW, refused(9000.0, first=2010.0))
    assert found is not None
    assert (found.reason, found.since) == ("Blocked", 2010.0)


def test_a_warning_alone_is_lost_with_its_event() -> None:
    """No object shows it: the loss that is allowed, unless our notes remember the Event."""
    assert decided() is None


def test_the_all_clear_ends_it() -> None:
    """Whatever came before it; in the same second it is the newer one."""
    assert decided(warned(), NEW, refused(), clear()) is None
    assert decided(warned(3000.0), clear(3000.0)) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_in_which_events_arrive_says_nothing(order: tuple[int, ...]) -> None:
    """Each counts by its own time."""
    told = [warned(), clear(), refused()]
    assert decided(NEW, *(told[number] for number in order)) is None
    late = [warned(), clear(1500.0), refused()]
    found = decided(NEW, *(late[number] for number in order))
    assert found is not None
    assert (found.reason, found.since) == ("Blocked", 2010.0)


def test_a_second_recovery_begins_anew() -> None:
    """The same text is the same Event, whose first time is from before the last end."""
    found = decided(warned(5000.0, first=1000.0), clear())
    assert found is not None
    assert found.since == 5000.0


def test_when_all_users_have_gone_the_clear_is_waited_for() -> None:
    """Terminating pods and those that ended are told apart."""
    gone = decided(warned(), made.pod("old", "b", phase="Failed", starting=False))
    assert gone is not None
    assert gone.reason == "UsersGone"
    assert users(warned(), made.pod("old", "b", phase="Failed", starting=False)) == 0
    leaving = decided(warned(), msgspec.structs.replace(OLD, deletion=1500.0))
    assert leaving is not None
    assert leaving.reason == "Recovering"
    assert users(warned(), msgspec.structs.replace(OLD, deletion=1500.0)) == 1


def test_a_mount_that_worked_ends_it_when_the_clear_never_came() -> None:
    """Only once nobody from before the warning is left."""
    running = msgspec.structs.replace(NEW, phase="Running", starting=False)
    assert decided(warned(), running, refused()) is not None
    over = made.pod("old", "b", phase="Succeeded", starting=False)
    assert decided(warned(), over, running, refused()) is None


def test_a_pod_that_has_only_been_placed_holds_nothing_yet() -> None:
    """Its mount will be refused; one that was starting at the warning may hold the volume."""
    assert users(warned(), NEW) == 1
    early = made.pod("early", "c", scheduled=900.0)
    assert users(warned(), early) == 2
    assert users(warned(), made.pod("unplaced", "", scheduled=None)) == 1


def test_events_of_another_volume_or_claim_are_not_ours() -> None:
    """A claim of the same name was there before, or the pod mounts another volume."""
    assert decided(made.claim(volume="pv-new"), warned(), NEW, refused()) is None
    assert decided(msgspec.structs.replace(warned(), about_uid="old")) is None
    assert decided(NEW, msgspec.structs.replace(refused(), about_uid="old")) is None


def test_a_cut_warning_counts_for_the_claim_that_has_it() -> None:
    """The volume's name is at its end."""
    cut = said(CLAIM, "WARNING", WARNING[:90], 1000.0)
    assert decided(cut) is not None


def test_without_its_claim_there_is_nothing() -> None:
    """The Events may outlive it."""
    assert DETECTOR.decide(DATA, made.view([OLD, warned()])) is None
    assert decided(made.claim(volume=""), warned()) is None


def test_an_event_without_any_time_is_first_seen_by_us() -> None:
    """No age is invented."""
    found = decided(msgspec.structs.replace(warned(), last=None, first=None))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_nothing_is_published_of_users_when_nothing_is_wrong() -> None:
    """The count is sparse."""
    view = made.view(WORLD)
    assert list(further(DATA, None, view)) == []


def test_pods_claims_and_events_touch_their_claim() -> None:
    """Also when they go."""
    view = made.view([*WORLD, NEW])
    for obj in (CLAIM, OLD, warned(), clear(), refused()):
        for change in (Change(obj, None), Change(None, obj)):
            assert DATA in set(DETECTOR.touched(change, view))


@given(st.lists(st.sampled_from([warned(), clear(), refused(), NEW, OLD, CLAIM]), max_size=8))
def test_an_event_that_is_seen_twice_says_no_more(objects: list[Object]) -> None:
    """A list after a watch shows everything again."""
    assert decided(*objects, *objects) == decided(*objects)


def test_subjects_are_claims() -> None:
    """Namespace and name."""
    assert Subject((("namespace", "web"), ("persistentvolumeclaim", "data"))) == DATA


def event_reads(*pods: model.Pod) -> list[str]:
    """Return by what the Events are asked for, beside the claim's."""
    wanted = list(DETECTOR.reads(DATA, made.view([CLAIM, *pods])))
    asked = [want.field_selector for want in wanted if want.kind is Kind.EVENT]
    return [selector for selector in asked if "kind=PersistentVolumeClaim" not in selector]


def waiting(number: int) -> list[model.Pod]:
    """Return pods that have not started."""
    return [msgspec.structs.replace(NEW, name=f"new-{n}", uid=f"u-{n}") for n in range(number)]


def test_pods_that_run_are_not_asked_about() -> None:
    """200 of them would be 200 questions with each look, and their Events say nothing here."""
    assert event_reads(*(msgspec.structs.replace(OLD, name=f"old-{n}") for n in range(200))) == []


def test_many_pods_that_wait_are_asked_about_at_once() -> None:
    """By the reasons of which a refusal is one; a few each for itself."""
    assert len(event_reads(*waiting(FEW))) == FEW
    assert event_reads(*waiting(FEW + 1)) == [
        f"involvedObject.kind=Pod,reason={reason}" for reason in REFUSALS
    ]
    refusals = {reason for reason, read in events.READERS.items() if read is mount.failed}
    assert set(REFUSALS) == refusals
