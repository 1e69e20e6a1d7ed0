"""What every detector is: the contract, and the words they share. No detector lives here.

A detector decides one subject at a time over a View and keeps nothing. The exporter asks it when an
object changed or a time has come; the remediator asks it over freshly read objects. Same code, both
times.
"""

from collections.abc import Iterable
from typing import Protocol

from exporter.observe import model
from exporter.observe.model import Change, Kind, Signal, Subject
from exporter.observe.view import View, Want

OTHER = "Other"
"""The reason for what a closed set does not name."""


class Detector(Protocol):
    """Sees one failure.

    name: the one name of this failure, in every file that speaks of it.
    subject_labels: the labels of its subject, in order.
    named_labels: further labels on its series.
    reasons: the closed set of reasons.
    needs: kinds without which it cannot decide. helps: kinds that only add to what it says.
    """

    @property
    def name(self) -> str: ...
    @property
    def subject_labels(self) -> tuple[str, ...]: ...
    @property
    def named_labels(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> frozenset[str]: ...
    @property
    def needs(self) -> frozenset[Kind]: ...
    @property
    def helps(self) -> frozenset[Kind]: ...

    def touched(self, change: Change, view: View) -> Iterable[Subject]:
        """Name the subjects that this change may have decided anew."""
        ...

    def reads(self, subject: Subject, view: View) -> Iterable[Want]:
        """Name what must be read to decide.

        Asked again with the answers until it names nothing new.
        """
        ...

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the failure holds for this subject."""
        ...


def versions(change: Change) -> list[model.Object]:
    """Return the versions of an object that a change speaks of, old one first."""
    return [obj for obj in (change.old, change.new) if obj is not None]


def exclusive(volume: model.Volume | None) -> bool:
    """Whether this volume goes to one node at a time.

    One that we cannot read is taken to be such.
    """
    return volume is None or volume.exclusive


def claim_of(attachment: model.Attachment, view: View) -> tuple[str, str] | None:
    """Return namespace and name of the claim whose volume this attachment is for."""
    volume = view.volume(attachment.volume) if attachment.volume else None
    if volume is None or not volume.claim_name:
        return None
    return (volume.claim_namespace, volume.claim_name)


def lost(node: model.Node | None) -> bool:
    """Whether a node is not there: gone, or not Ready. One that never reported counts as lost."""
    return node is None or node.ready is not model.Ready.TRUE
