"""What the remediator's account must be allowed to do, and what it must not. Pure.

deploy/manifests/access/remediator.yaml is made from the same.
"""

from collections.abc import Iterator, Mapping

import msgspec

from remediator.handlers import HANDLERS
from remediator.rights import ENGINE, MEDIK8S, OWN, ROK, ROK_SPACE, Grant

NEWEST = (1, 1000)
"""A version of the API server that needs nothing which only older ones do."""


class Right(msgspec.Struct, frozen=True):
    """One verb on one resource. `namespace` and `name` empty: all. `why` is for a person."""

    verb: str
    group: str
    resource: str
    why: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As it would be told to an administrator."""
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        only = f" {self.name}" if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{only}{where}"


def granted() -> tuple[Grant, ...]:
    """Return what the engine and all handlers need, as the manifests say it."""
    found = [grant for handler in HANDLERS for grant in handler.rights]
    return tuple(dict.fromkeys((*found, *ENGINE)))


def needed(
    namespace: str, medik8s: str = "", server: tuple[int, int] = NEWEST, rok: str = ""
) -> tuple[Right, ...]:
    """Return what it needs, right by right; `namespace` is its own.

    `medik8s`: what its setting `medik8s_leases` says; `rok`: `rok.exec.namespace`. `server` is the
    API server's version. A right that several need has all their reasons.
    """
    spaces = {OWN: namespace, MEDIK8S.namespace: medik8s, ROK_SPACE: rok}
    found: dict[Right, list[str]] = {}
    for right in _each(spaces, server):
        reasons = found.setdefault(msgspec.structs.replace(right, why=""), [])
        reasons += [] if right.why in reasons else [right.why]
    return tuple(
        msgspec.structs.replace(one, why=" ".join(reasons)) for one, reasons in found.items()
    )


def unwanted(server: tuple[int, int] = NEWEST) -> tuple[Right, ...]:
    """Return what its account must not be allowed to do on a server of this version."""
    wanted = needed("", server=server)
    has = {(one.verb, one.group, one.resource) for one in wanted}
    return tuple(one for one in UNWANTED if (one.verb, one.group, one.resource) not in has)


def _each(spaces: Mapping[str, str], server: tuple[int, int]) -> Iterator[Right]:
    """Yield the rights; `spaces` are the namespaces that stand for those of the manifests."""
    medik8s = (MEDIK8S,) if spaces[MEDIK8S.namespace] else ()
    optional = (*medik8s, *(ROK if spaces[ROK_SPACE] else ()))
    now = (one for one in granted() if one.before is None or server < one.before)
    return (
        Right(
            verb,
            grant.group,
            resource,
            grant.why,
            spaces.get(grant.namespace, grant.namespace),
            name,
        )
        for grant in (*now, *optional)
        for resource in grant.resources
        for verb in grant.verbs
        for name in grant.names or ("",)
    )


UNWANTED = (
    Right("create", "pvmedic.dev", "remediationapprovals", "it could say yes to its own plans"),
    Right("create", "pvmedic.dev", "nodeattestations", "it could prove what it likes"),
    Right("get", "", "secrets", "it has no use for them"),
    Right("create", "", "pods/exec", "it runs commands in Rok Disk Manager's pods at most"),
    Right("delete", "", "pods", "the control plane does that (it is needed only before 1.26)"),
    Right("impersonate", "", "users", "it could be anybody"),
)
"""What its account must not be allowed to do, unless a version needs it."""
