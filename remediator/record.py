"""The durable record of one episode: a `Remediation` resource (pvmedic.dev/v1alpha1), as values.

It is the audit trail and the point to resume from, so everything the engine knows about an episode
is in here. The JSON shape is the one of deploy/manifests/access/crd.yaml: camelCase keys, and every
key that is `at` or ends in `At` or `Since` is a time, Unix seconds here and RFC 3339 there. No I/O,
no clock.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from exporter.observe.model import Subject

HISTORY = 50
"""How many history entries a record keeps: the newest ones, and the very first."""


MANIFEST = "manifest"
"""In the ledger: what an object that we deleted is made again from. Kept as long as it is owed."""

FINALIZER = "pvmedic.dev/undo"
"""Keeps a record that somebody deletes until nothing is owed any more."""


class Phase(StrEnum):
    """Where an episode stands: a closed set, also the metric label."""

    OBSERVED = "Observed"
    AWAITING_APPROVAL = "AwaitingApproval"
    DEFERRED = "Deferred"
    RUNNING = "Running"
    VERIFYING = "Verifying"
    HOLDING = "Holding"
    CLEARED = "Cleared"
    DECLINED = "Declined"
    BLOCKED = "Blocked"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    CANCELLED = "Cancelled"
    SETTLED = "Settled"
    UNSETTLED = "Unsettled"
    FAILED = "Failed"


WAITING = frozenset({Phase.OBSERVED, Phase.AWAITING_APPROVAL, Phase.DEFERRED})
"""Nothing has been written to the cluster yet."""

ACTING = frozenset({Phase.RUNNING, Phase.VERIFYING})
"""A repair is under way; these take the execution slot."""

ENDS = frozenset(Phase) - WAITING - ACTING - {Phase.HOLDING}

HELD = frozenset({Phase.FAILED, Phase.UNSETTLED, Phase.REJECTED})
"""Ends that keep their subject until a person releases it.

A re-sent alert is no permission to retry.
"""

FOR_A_HUMAN = frozenset(
    {Phase.AWAITING_APPROVAL, Phase.DECLINED, Phase.BLOCKED, Phase.UNSETTLED, Phase.FAILED}
    | {Phase.EXPIRED}
)
"""While the failure is there, these wait for a person."""

TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    **dict.fromkeys(
        WAITING,
        WAITING
        | {Phase.RUNNING, Phase.CLEARED, Phase.DECLINED, Phase.BLOCKED}
        | {Phase.REJECTED, Phase.EXPIRED, Phase.CANCELLED},
    ),
    # Back to Deferred or Cleared, or to Cancelled or Rejected, only while nothing was written; to
    # Holding when a person cancels what has been begun.
    Phase.RUNNING: frozenset(
        {Phase.RUNNING, Phase.VERIFYING, Phase.DEFERRED, Phase.CLEARED, Phase.FAILED}
        | {Phase.CANCELLED, Phase.REJECTED, Phase.HOLDING}
    ),
    Phase.VERIFYING: frozenset({Phase.VERIFYING, Phase.HOLDING, Phase.SETTLED, Phase.UNSETTLED}),
    # Cancelled: a person had it taken back, and does not want it done again.
    Phase.HOLDING: frozenset({Phase.HOLDING, Phase.SETTLED, Phase.CANCELLED}),
    **{end: frozenset({end}) for end in ENDS},
    # Nothing is owed, and a node that flaps would otherwise never be judged again. The cooldown
    # counts what was done before.
    Phase.CLEARED: frozenset({Phase.CLEARED, Phase.OBSERVED}),
    Phase.SETTLED: frozenset({Phase.SETTLED, Phase.OBSERVED}),
}
"""Every way from one phase to the next; anything else is a bug and raises."""


class Seen(StrEnum):
    """What the last look said about the signal."""

    PRESENT = "Present"
    GONE = "Gone"
    UNSEEN = "Unseen"


class StepState(StrEnum):
    """How far one step is. INTENDED is written before the call, APPLIED after it was accepted.

    WAITING: a step that never acts waits for something; nothing of ours is under way.
    """

    PENDING = "Pending"
    WAITING = "Waiting"
    INTENDED = "Intended"
    APPLIED = "Applied"
    DONE = "Done"
    SKIPPED = "Skipped"


class _Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of what goes into the resource."""


class StepRecord(_Wire, frozen=True):
    """One step of a plan, with how far it is.

    `says` is what it does, for people. `final`: once it has begun there is no way back.
    """

    kind: str
    target: str
    target_uid: str = msgspec.field(default="", name="targetUID")
    params: dict[str, str] = {}
    says: str = ""
    final: bool = False
    state: StepState = StepState.PENDING
    at: float | None = None
    detail: str = ""

    @property
    def begun(self) -> bool:
        """Whether it may have changed something."""
        return self.state not in (StepState.PENDING, StepState.WAITING)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do about it."""
        return self.state in (StepState.DONE, StepState.SKIPPED)


class PlanRecord(_Wire, frozen=True):
    """What will be done.

    `used_claims` are `namespace/name` of claims that must have a Running pod again, `claim_uids`
    their uids by that text. `touches` are things, in words, that no other plan may touch. The rest
    is as in `plan.Plan`.
    """

    hash: str
    goal: str
    steps: tuple[StepRecord, ...] = ()
    used_claims: tuple[str, ...] = ()
    claim_uids: dict[str, str] = {}
    touches: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    gluster_nodes: tuple[str, ...] = ()
    creates: int = 0
    needs_yes: bool = False
    findings: tuple[str, ...] = ()

    @property
    def next_step(self) -> int | None:
        """Return the index of the first step that is neither done nor skipped."""
        return next((i for i, step in enumerate(self.steps) if not step.over), None)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that the steps work on."""
        marked = (text.partition(" ") for text in self.touches)
        return tuple(name for kind, _, name in marked if kind == "node")


class VerdictRecord(_Wire, frozen=True):
    """What one guard said. `verdict` is Allowed, Denied, Deferred or NeedsApproval."""

    guard: str
    verdict: str
    reason: str = ""


class Reading(_Wire, frozen=True):
    """One reading of the thing that powers a node: typed evidence for a fencing proof."""

    source: str
    subject: str
    state: str
    read_at: float
    hibernated: bool = False
    account: str = ""
    launched_at: float | None = None
    off_since: float | None = None


class LedgerEntry(_Wire, frozen=True):
    """One change of ours that we owe to take back, with what was there before."""

    kind: str
    target: str
    at: float
    target_uid: str = msgspec.field(default="", name="targetUID")
    prior: dict[str, str] = {}
    done: dict[str, str] = {}
    closed: bool = False
    closed_at: float | None = None
    note: str = ""

    def settled(self, now: float, note: str) -> "LedgerEntry":
        """Return the entry once nothing is owed for it, and why."""
        prior = {key: value for key, value in self.prior.items() if key != MANIFEST}
        return msgspec.structs.replace(self, closed=True, closed_at=now, note=note, prior=prior)


class DecisionRecord(_Wire, frozen=True):
    """One order of a person, dealt with. `void` says why it did not count, empty where it did.

    `ends_at` is from when on it counts no more.
    """

    name: str
    uid: str
    decision: str
    by: str
    at: float
    plan_hash: str = ""
    void: str = ""
    ends_at: float | None = None


class HistoryEntry(_Wire, frozen=True):
    """One sentence of the episode's story."""

    at: float
    phase: Phase
    sentence: str


class AlertRef(_Wire, frozen=True):
    """The alert that opened the episode, as evidence only."""

    fingerprint: str = ""
    starts_at: float | None = None
    alertname: str = ""
    receiver: str = ""
    labels: dict[str, str] = {}


class Spec(_Wire, frozen=True):
    """What the episode is about; never changes."""

    signal: str
    subject: dict[str, str]
    subject_text: str
    episode: int
    alert: AlertRef = AlertRef()


class Status(_Wire, frozen=True):
    """Everything the engine knows about the episode."""

    phase: Phase = Phase.OBSERVED
    message: str = ""
    seen: Seen = Seen.UNSEEN
    last_alert_at: float | None = None
    phase_since: float | None = None
    deferred_since: float | None = None
    asked_since: float | None = None
    gone_since: float | None = None
    acted_at: float | None = None
    over_at: float | None = None
    released_at: float | None = None
    plan: PlanRecord | None = None
    verdicts: tuple[VerdictRecord, ...] = ()
    readings: tuple[Reading, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    would_have_acted: bool = False
    history: tuple[HistoryEntry, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """One Remediation. `version` is its resourceVersion: every write carries it.

    `deletion` is when somebody deleted it; it is there as long as finalizers keep it. `heard` is
    when a replica that does not execute last heard its alert.
    """

    name: str
    uid: str
    version: str
    created: float
    spec: Spec
    status: Status = Status()
    finalizers: tuple[str, ...] = ()
    deletion: float | None = None
    heard: float | None = None

    @property
    def kept(self) -> bool:
        """Whether our finalizer keeps it from going while something is owed."""
        return FINALIZER in self.finalizers

    @property
    def subject(self) -> Subject:
        """Return the subject as detectors know it."""
        return Subject(tuple(self.spec.subject.items()))

    @property
    def owes(self) -> tuple[LedgerEntry, ...]:
        """Return what we still have to take back."""
        return tuple(entry for entry in self.status.ledger if not entry.closed)

    @property
    def written(self) -> bool:
        """Whether we may have changed the cluster for this episode."""
        plan = self.status.plan
        return plan is not None and any(step.begun for step in plan.steps)

    @property
    def acting(self) -> bool:
        """Whether a repair is under way that does something; one that only waits holds nothing."""
        plan = self.status.plan
        if self.status.phase not in ACTING:
            return False
        index = plan.next_step if plan is not None else None
        return plan is None or index is None or plan.steps[index].state is not StepState.WAITING

    @property
    def returns(self) -> bool:
        """Whether all that was done can still be taken back."""
        plan = self.status.plan
        return plan is None or not any(step.final and step.begun for step in plan.steps)

    @property
    def over(self) -> bool:
        """Whether the next episode of this subject may begin."""
        return self.status.over_at is not None


def subject_key(signal: str, subject: Subject) -> str:
    """Return ten hex digits that name signal and subject, whatever the labels' order."""
    text = "\0".join([signal, *(f"{name}={value}" for name, value in sorted(subject.labels))])
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def name_of(signal: str, subject: Subject, episode: int) -> str:
    """Return the resource's name: the same episode has the same name for everybody who asks."""
    return f"{signal.replace('_', '-')}-{subject_key(signal, subject)}-{episode}"


def moved(record: Record, phase: Phase, sentence: str, now: float) -> Record:
    """Return the record in `phase`, with the sentence in its history.

    A way not in the table raises.
    """
    status = record.status
    if phase not in TRANSITIONS[status.phase]:
        raise ValueError(f"no way from {status.phase} to {phase}")
    if phase is status.phase and sentence == status.message:
        return record
    entry = HistoryEntry(at=now, phase=phase, sentence=sentence)
    history = (*status.history, entry)
    if len(history) > HISTORY:
        history = (history[0], *history[1 - HISTORY :])
    since = status.phase_since if phase is status.phase else now
    return with_status(record, phase=phase, message=sentence, phase_since=since, history=history)


def with_status(record: Record, **changes: object) -> Record:
    """Return the record with some fields of its status replaced."""
    return msgspec.structs.replace(record, status=msgspec.structs.replace(record.status, **changes))
