"""Cases of the two handlers that change what a claim asks for."""

from exporter.observe import model
from exporter.observe.model import Signal, SinceSource, Subject
from exporter.observe.signals.base import claim_subject
from remediator.case import Case, Policy
from remediator.record import Record
from tests.growth.made import NOW, view
from tests.story import objects as story

SUBJECT: Subject = claim_subject("web", "data")


def record(signal: str) -> Record:
    """Return a record about the claim, with nothing done."""
    return story.record(subject=SUBJECT, signal=signal)


def case(
    signal: str,
    *objects: model.Object,
    reason: str = "Infeasible",
    server: tuple[int, int] | None = (1, 36),
    policy: Policy = story.AUTO,
) -> Case:
    """Return a case over these objects and the claim's surroundings."""
    return Case(
        record=record(signal),
        signal=Signal(signal, SUBJECT, None, SinceSource.FIRST_SEEN, reason),
        view=view(*objects),
        now=NOW,
        policy=policy,
        server=server,
    )
