"""What every detector is: the contract, and the words they share. No detector lives here.

A detector decides one subject at a time over a View and keeps nothing. The exporter asks it when an
object changed or a time has come; the remediator asks it over freshly read objects. Same code, both
times.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.view import View, Want

OTHER = "Other"
"""The reason for what a closed set does not name."""


EVERYTHING = Subject(())
"""What `touched` names when a change may have decided any subject: seldom, and in one mark."""


def claim_subject(namespace: str, claim: str) -> Subject:
    """Return the subject for a claim."""
    return Subject((("namespace", namespace), ("persistentvolumeclaim", claim)))


def claim_subjects(claims: Iterable[model.Claim]) -> Iterator[Subject]:
    """Return the subjects for claims."""
    return (claim_subject(claim.namespace, claim.name) for claim in claims)


def node_subject(node: str) -> Subject:
    """Return the subject for a node's name."""
    return Subject((("node", node),))


def volume_subject(volume: str) -> Subject:
    """Return the subject for a volume's name."""
    return Subject((("persistentvolume", volume),))


class Detector(Protocol):
    """Sees one failure.

    name: the one name of this failure, in every file that speaks of it.
    meaning: what is wrong with a subject, in one sentence for people.
    subject_labels: the labels of its subject, in order.
    named_labels: further labels on its series.
    reasons: the closed set of reasons.
    since_sources: where its time may be from.
    patience: seconds for which this state is everyday life; alerts begin no earlier.
    needs: kinds without which it cannot decide. helps: kinds that only add to what it says.
    starts: kinds whose objects alone lead to every subject that may hold; see `suspects`.
    """

    @property
    def name(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def subject_labels(self) -> tuple[str, ...]: ...
    @property
    def named_labels(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> frozenset[str]: ...
    @property
    def since_sources(self) -> frozenset[SinceSource]: ...
    @property
    def patience(self) -> float: ...
    @property
    def needs(self) -> frozenset[Kind]: ...
    @property
    def helps(self) -> frozenset[Kind]: ...
    @property
    def starts(self) -> frozenset[Kind]: ...

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the subjects for which this object, of a kind in `starts`, is a symptom.

        A full pass asks only this, a million times: healthy objects must cost next to nothing (a
        plain function that returns `()`, not a generator). Every subject that `decide` would
        confirm must be named by some object.
        """
        ...

    def touched(self, change: Change, view: View) -> Iterable[Subject]:
        """Name the subjects that this change may have decided anew, or EVERYTHING."""
        ...

    def reads(self, subject: Subject, view: View) -> Iterable[Want]:
        """Name what must be read to decide.

        Asked again with the answers until it names nothing new.
        """
        ...

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the failure holds for this subject."""
        ...


@runtime_checkable
class Unsure(Protocol):
    """A detector of what many tell, of whom one may be silent while the kind as a whole is seen."""

    def unsure(self, subject: Subject, view: View) -> bool:
        """Whether it may hold although `decide` says nothing: who should tell of it does not.

        It is not said to hold then; since when it was seen is kept.
        """
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


def events_since(
    began: float | None, about: tuple[str, str, str], view: View
) -> list[model.KubeEvent]:
    """Return the kept Events about (kind, namespace, name), oldest first, not older than `began`.

    Events outlive what they are about: without a beginning, a namesake's would be taken for its
    own, or an earlier try's for this one.
    """
    found = view.events_of(*about)
    return [e for e in found if began is None or e.last is None or e.last >= began]


def node_moved(change: Change) -> bool:
    """Whether a change of a Node says anything about attachments; a heartbeat does not."""
    old, new = change.old, change.new
    if not isinstance(old, model.Node) or not isinstance(new, model.Node):
        return True
    return (old.ready, old.attached, old.in_use) != (new.ready, new.attached, new.in_use)


def volumes_on(node: model.Node, view: View) -> set[str]:
    """Return the volumes attached to a node, those that this version of it names among them."""
    found = {attachment.volume for attachment in view.attachments_on(node.name)}
    found |= {volume.name for unique in node.attached for volume in view.named_by(unique)}
    return found - {""}


def in_use(volume: model.Volume, node: model.Node) -> bool:
    """Whether the node's kubelet says that it still has the volume mounted."""
    if volume.in_tree:
        return volume.attach_name in {model.attach_name(unique) for unique in node.in_use} - {""}
    return f"kubernetes.io/csi/{volume.driver}^{volume.handle}" in node.in_use
