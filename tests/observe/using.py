"""Workloads and pods that use the claim `data`, and who is told to use it."""

from collections.abc import Iterable

import msgspec

from exporter.observe.model import ClaimNames, Kind, Object, Owner, Pod, Workload
from exporter.observe.users import User, users_of
from tests.signals import made

DATA = ClaimNames(("data",))
NONE = ClaimNames()


def workload(cls: type[Workload], name: str, **fields: object) -> Workload:
    """Return a workload of namespace web whose template names the claim `data`."""
    plain = cls("web", name, f"uid-{name}", "1", claims=DATA, replicas=1)
    return msgspec.structs.replace(plain, **fields)


def owned(by: Workload | Owner | None, name: str = "p", **fields: object) -> Pod:
    """Return a Pod that uses `data`, owned by this."""
    owner = by.reference if isinstance(by, Workload) else by
    pod = made.pod(name, owner=owner.packed if owner else "")
    return msgspec.structs.replace(pod, **fields)


def users(*objects: Object, claim: str = "data", unseen: Iterable[Kind] = ()) -> tuple[User, ...]:
    """Return who uses a claim among these objects."""
    return users_of("web", claim, made.view(objects, dict.fromkeys(unseen, "no")))


def only(*objects: Object, claim: str = "data", unseen: Iterable[Kind] = ()) -> User:
    """Return the one user."""
    (user,) = users(*objects, claim=claim, unseen=unseen)
    return user
