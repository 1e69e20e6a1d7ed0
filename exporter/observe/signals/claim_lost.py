"""claim_lost: a claim was bound, and its volume is gone or belongs to another claim.

How it is recognised: phase Lost, or phase Bound while the volume that the claim names does not
exist or names another claim's uid. A volume whose reference has no uid, or that names nobody, is
being bound: the controller repairs that by itself.

Since: nothing says when. The Event ClaimLost is written once and lives an hour; an age that began
with it would be another one after the hour, so it is not read and the time is when we first saw it.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

subject_of = base.claim_subject


class ClaimLost:
    """Sees it.

    Reasons: VolumeGone (its PersistentVolume does not exist), VolumeTaken (it is bound to another
    claim, perhaps a later one of the same name), PhaseLost (Kubernetes says Lost, the volume seems
    to be right).
    """

    name = "claim_lost"
    meaning = "A claim has lost its volume."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("persistentvolume",)
    reasons = frozenset({"VolumeGone", "VolumeTaken", "PhaseLost", base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 60.0
    needs = frozenset({Kind.CLAIM, Kind.VOLUME})
    helps: frozenset[Kind] = frozenset()
    starts = frozenset({Kind.CLAIM})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a claim whose volume is not its own."""
        if not isinstance(obj, model.Claim) or _why(obj, view) is None:
            return ()
        return (subject_of(obj.namespace, obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claim, or the claims that name a volume."""
        for obj in base.versions(change):
            match obj:
                case model.Claim():
                    yield subject_of(obj.namespace, obj.name)
                case model.Volume():
                    for claim in view.claims_of(obj.name):
                        yield subject_of(claim.namespace, claim.name)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim and the volume that it names."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        claim = view.claim(namespace, name)
        if claim is not None and claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the claim's volume is not its own."""
        claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
        found = _why(claim, view) if claim is not None else None
        if claim is None or found is None:
            return None
        reason, why = found
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason,
            named=(("persistentvolume", claim.volume),),
            evidence=(f"the claim is {claim.phase}", why),
        )


def _why(claim: model.Claim, view: View) -> tuple[str, str] | None:
    """Return the reason and what shows it; None for a claim that is not lost."""
    lost = claim.phase == "Lost"
    if not lost and (claim.phase != "Bound" or not claim.volume):
        return None
    if not claim.volume:
        return ("PhaseLost", "it names no volume any more")
    volume = view.volume(claim.volume)
    if volume is None:
        return ("VolumeGone", f"volume {claim.volume} does not exist")
    if volume.claim_uid and claim.uid and volume.claim_uid != claim.uid:
        owner = f"{volume.claim_namespace}/{volume.claim_name}"
        return (
            "VolumeTaken",
            f"volume {volume.name} belongs to claim {owner} with uid {volume.claim_uid}",
        )
    return ("PhaseLost", f"volume {volume.name} is {volume.phase or 'there'}") if lost else None
