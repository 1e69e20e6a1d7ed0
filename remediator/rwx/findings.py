"""What a person is told before saying yes: how far the data went back, and who uses the claim."""

from collections.abc import Iterator

from exporter.observe import model
from exporter.observe.users import Standing, User
from remediator.case import Case
from remediator.rwx.stopping import person


def findings(users: tuple[User, ...], claim: model.Claim, case: Case) -> Iterator[str]:
    """Yield sentences, the worst first."""
    yield _went_back(claim, case)
    for user in users:
        yield _told(user, case)
    pods = sum(len(user.pods) for user in users)
    yield f"{len(users)} users with {pods} pods: all have to stop before any may start again"


def _went_back(claim: model.Claim, case: Case) -> str:
    """Say how far the data went back, as far as VolumeSnapshots tell."""
    lost = "what was written after the latest snapshot is lost"
    found = case.view.snapshots_of(claim.namespace, claim.name)
    known = [(one.created, one.name) for one in found if one.ready and one.created is not None]
    if not known:
        return f"Rok rolled the volume back: {lost}; how old that is no VolumeSnapshot tells"
    created, name = max(known)
    hours = (case.now - created) / 3600.0
    return (
        f"Rok rolled the volume back: {lost}; VolumeSnapshot {name} is {hours:.1f} h old, Rok may"
        " have a newer one of its own"
    )


def _told(user: User, case: Case) -> str:
    """Say who a user is, how it is stopped, and who may start it again meanwhile."""
    if why := person(user, case):
        return f"{user} {why} ({len(user.pods)} pods)"
    if user.standing is Standing.POD:
        return (
            f"{user} has no owner: it is deleted, its manifest kept on the Remediation, for whoever"
            " may read that, until it is made again; what it has in itself is lost"
        )
    more = [f"{len(user.pods)} pods"]
    if user.standing is Standing.OTHER:
        more.append("stopped by its scale; who owns it would not be seen")
    for scaler in user.autoscalers:
        alone = (
            "leaves zero alone"
            if isinstance(scaler, model.HorizontalPodAutoscaler)
            else ("is paused" if scaler.paused else "raises from zero: pause it first")
        )
        more.append(f"{scaler.kind} {scaler.name} {alone}")
    more += [f"{one.tool} {one.name} may put it back: pause it first" for one in user.keepers]
    return f"{user}: {', '.join(more)}"
