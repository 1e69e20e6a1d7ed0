"""What would be done about a subject now, and what every guard says: asked, and kept nowhere.

The same eyes, handler and guards as the engine's, and none of its pen: nothing is recorded, no
record counts as looked at, and a reading that is taken here proves nothing later.
"""

import msgspec

from exporter.observe.model import Kind, Subject
from exporter.observe.signals import detector_of
from exporter.observe.signals.base import Detector
from remediator import plan as plans
from remediator import verdicts
from remediator.handlers import handler_of
from remediator.handlers.base import Handler
from remediator.judgement import Judge
from remediator.plan import Declined, Deferred, Plan
from remediator.ports import Records, World
from remediator.record import (
    AlertRef,
    Phase,
    PlanRecord,
    Reading,
    Record,
    Seen,
    Spec,
    Status,
    VerdictRecord,
    name_of,
    with_status,
)


class DryRun(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What would become of an alert about this subject.

    `phase` is where its record would go. `remediation` names the record that there is, if its
    episode is not over; `plan` is none where a handler refuses, or nothing is seen.
    """

    signal: str
    subject: dict[str, str]
    seen: Seen
    phase: Phase
    sentence: str
    remediation: str = ""
    unseen: dict[Kind, str] = {}
    plan: PlanRecord | None = None
    verdicts: tuple[VerdictRecord, ...] = ()
    readings: tuple[Reading, ...] = ()


def named(signal: str, given: dict[str, str]) -> tuple[Detector, Handler, Subject] | str:
    """Return who sees and who repairs a failure, and its subject; else why there is none."""
    detector, handler = detector_of(signal), handler_of(signal)
    if detector is None:
        return f"there is no failure {signal!r}"
    if handler is None:
        return f"{signal} is seen, and nothing repairs it: a person does, by its runbook"
    if given.keys() != set(detector.subject_labels) or not all(given.values()):
        wanted = " ".join(f"{label}=..." for label in detector.subject_labels)
        return f"the subject of {signal} is {wanted}"
    return detector, handler, Subject(tuple((one, given[one]) for one in detector.subject_labels))


async def dry_run(
    world: World,
    judge: Judge,
    records: Records,
    asked: tuple[Detector, Handler, Subject],
) -> DryRun:
    """Look, plan, ask every guard, and forget. Raises ObserveError where nobody could be asked."""
    detector, handler, subject = asked
    record, there = _record(records, detector.name, subject, judge.now())

    await judge.prepare()
    sight = await world.look(detector, subject, lambda _, view: judge.reads(handler, record, view))

    def answer(seen: Seen, phase: Phase, sentence: str) -> DryRun:
        name = record.name if there else ""
        return DryRun(detector.name, dict(subject.labels), seen, phase, sentence, name)

    if sight.unseen:
        why = "; ".join(f"{kind}: {text}" for kind, text in sorted(sight.unseen.items()))
        unseen = answer(Seen.UNSEEN, Phase.DEFERRED, f"cannot see {why}")
        return msgspec.structs.replace(unseen, unseen=dict(sight.unseen))
    if sight.signal is None:
        return answer(Seen.GONE, Phase.CLEARED, "a fresh look does not see this failure")
    case = judge.case(record, sight.signal, sight.view)
    match handler.plan(case):
        case Declined(sentence=sentence):
            return answer(Seen.PRESENT, Phase.DECLINED, sentence)
        case Deferred(sentence=sentence):
            return answer(Seen.PRESENT, Phase.DEFERRED, sentence)
        case Plan() as plan:
            read, said = await judge.ask(case, plan, handler)
            result = verdicts.outcome(said, judge.mode(record), plan.goal)
            return msgspec.structs.replace(
                answer(Seen.PRESENT, result.phase, result.sentence),
                plan=plans.to_record(plan),
                verdicts=verdicts.recorded(said),
                readings=read.status.readings,
            )


def _record(records: Records, signal: str, subject: Subject, now: float) -> tuple[Record, bool]:
    """Return the record that is not over, or one as it would be made; whether it is there."""
    same = [
        one
        for one in records.all()
        if one.spec.signal == signal and one.spec.subject == dict(subject.labels)
    ]
    newest = max(same, key=lambda one: one.spec.episode, default=None)
    if newest is not None and not newest.over:
        return with_status(newest, last_alert_at=now), True
    spec = Spec(
        signal=signal,
        subject=dict(subject.labels),
        subject_text=str(subject),
        episode=newest.spec.episode + 1 if newest is not None else 1,
        alert=AlertRef(labels={"signal": signal, **dict(subject.labels)}),
    )
    name = name_of(signal, subject, spec.episode)
    # As if an alert had come this moment: what is asked is what it would lead to.
    status = Status(last_alert_at=now)
    return Record(name=name, uid="", version="", created=now, spec=spec, status=status), False
