"""heketi_down: the Heketi that makes and deletes volumes of Gluster's does not answer.

How it is recognised: `GET /hello` is asked from outside, as the provisioner reaches it, of each
Heketi that a StorageClass names or the settings do; any answer but `200 Hello from Heketi` in time
is none. A Heketi that answers and will not show its database is not down.

Until it is back no claim of its classes gets a volume, and none is deleted or grows; Kubernetes
tries again by itself. Running pods are not disturbed.

Since: when it was first seen.
"""

from collections.abc import Iterable, Iterator, Sequence

from exporter.observe import model
from exporter.observe.model import Change, HeketiProblem, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

NAMED = 5
"""So many of what waits are named in the evidence."""


def subject_of(endpoint: str) -> Subject:
    """Return the subject for a Heketi's URL."""
    return Subject((("endpoint", endpoint),))


class HeketiDown:
    """Sees it. Reasons: why it does not answer, see `HeketiProblem`."""

    name = "heketi_down"
    meaning = "A Heketi does not answer: volumes of its classes are neither made nor deleted."
    subject_labels = ("endpoint",)
    named_labels = ()
    reasons = frozenset(HeketiProblem) - {HeketiProblem.NO_KEY}
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 120.0
    needs = frozenset({Kind.HEKETI})
    helps = frozenset({Kind.STORAGE_CLASS, Kind.CLAIM, Kind.VOLUME})
    starts = frozenset({Kind.HEKETI})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a Heketi that is not up."""
        del view
        return (subject_of(obj.name),) if isinstance(obj, model.Heketi) and not obj.up else ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the Heketi, and that of the class of what waits for it."""
        for obj in base.versions(change):
            match obj:
                case model.Heketi():
                    yield subject_of(obj.name)
                case model.StorageClass(heketi=endpoint) if endpoint:
                    yield subject_of(endpoint)
                case model.Claim(phase="Pending", storage_class=name) if name:
                    yield from _of_class(name, view)
                case model.Volume(storage_class=name) if name and obj.undeleted:
                    yield from _of_class(name, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The Heketi and its classes; then claims and volumes, which no selector narrows."""
        yield Want(Kind.HEKETI, name=subject["endpoint"])
        yield Want(Kind.STORAGE_CLASS)
        if classes(subject["endpoint"], view):
            yield Want(Kind.CLAIM)
            yield Want(Kind.VOLUME)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while it does not answer."""
        endpoint = subject["endpoint"]
        heketi = view.heketi(endpoint)
        if heketi is None or heketi.up:
            return None
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=heketi.reason if heketi.reason in self.reasons else base.OTHER,
            evidence=tuple(_evidence(endpoint, view)),
        )


def classes(endpoint: str, view: View) -> list[str]:
    """Return the StorageClasses whose volumes this Heketi makes."""
    return sorted(one.name for one in view.storage_classes() if one.heketi == endpoint)


def waiting_claims(endpoint: str, view: View) -> list[model.Claim]:
    """Return the claims that wait for a volume of this Heketi's."""
    return [claim for name in classes(endpoint, view) for claim in view.pending_of(name)]


def waiting_volumes(endpoint: str, view: View) -> list[model.Volume]:
    """Return the volumes that this Heketi has to delete."""
    return [one for name in classes(endpoint, view) for one in view.undeleted_of(name)]


def _of_class(name: str, view: View) -> Iterator[Subject]:
    found = view.storage_class(name)
    if found is not None and found.heketi:
        yield subject_of(found.heketi)


def _evidence(endpoint: str, view: View) -> Iterator[str]:
    named = classes(endpoint, view)
    yield (
        f"StorageClasses that name it: {', '.join(named)}" if named else "no StorageClass names it"
    )
    claims = [f"{one.namespace}/{one.name}" for one in waiting_claims(endpoint, view)]
    volumes = [one.name for one in waiting_volumes(endpoint, view)]
    yield from _list("claims that wait for a volume", claims)
    yield from _list("volumes that wait to be deleted", volumes)


def _list(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = ", ..." if len(names) > NAMED else ""
        yield f"{what} ({len(names)}): {', '.join(names[:NAMED])}{more}"
