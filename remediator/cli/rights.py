"""What the remediator's account must be allowed to do, and what it must not. Pure.

deploy/manifests/access/remediator.yaml is made from the same.
"""

from collections.abc import Iterable, Iterator

import msgspec

from remediator.handlers import HANDLERS
from remediator.rights import BARE_PODS, ENGINE, MEDIK8S, OWN, ROK, ROK_SPACE, SCALES, Grant

NEWEST = (1, 1000)
"""A version of the API server that needs nothing which only older ones do."""


class More(msgspec.Struct, frozen=True):
    """What only some settings make necessary.

    `medik8s`: what `medik8s_leases` says. `bare_pods`: the namespaces whose pods without owner may
    be deleted and made again. `scalable`: group and resource of the kinds that may be scaled.
    `rok`: what `rok.exec.namespace` says.
    """

    medik8s: str = ""
    bare_pods: tuple[str, ...] = ()
    scalable: tuple[tuple[str, str], ...] = ()
    rok: str = ""


NOTHING_MORE = More()


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
    namespace: str, more: More = NOTHING_MORE, server: tuple[int, int] = NEWEST
) -> tuple[Right, ...]:
    """Return what it needs, right by right; `namespace` is its own.

    `server` is the API server's version. A right that several need has all their reasons.
    """
    found: dict[Right, list[str]] = {}
    for right in _each(namespace, more, server):
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


def optional(more: More) -> Iterator[Grant]:
    """Yield what settings make necessary."""
    if more.medik8s:
        yield msgspec.structs.replace(MEDIK8S, namespace=more.medik8s)
    for space in more.bare_pods:
        yield msgspec.structs.replace(BARE_PODS, namespace=space)
    yield from scales(more.scalable)
    for grant in ROK if more.rok else ():
        space = more.rok if grant.namespace == ROK_SPACE else grant.namespace
        yield msgspec.structs.replace(grant, namespace=space)


def scales(kinds: Iterable[tuple[str, str]]) -> Iterator[Grant]:
    """Yield what scaling these needs, each group and resource."""
    for group, resource in kinds:
        yield msgspec.structs.replace(SCALES, group=group, resources=(f"{resource}/scale",))


def _each(namespace: str, more: More, server: tuple[int, int]) -> Iterator[Right]:
    now = (one for one in granted() if one.before is None or server < one.before)
    return (
        Right(
            verb,
            grant.group,
            resource,
            grant.why,
            namespace if grant.namespace == OWN else grant.namespace,
            name,
        )
        for grant in (*now, *optional(more))
        for resource in grant.resources
        for verb in grant.verbs
        for name in grant.names or ("",)
    )


UNWANTED = (
    Right("create", "pvmedic.dev", "remediationapprovals", "it could say yes to its own plans"),
    Right("create", "pvmedic.dev", "nodeattestations", "it could prove what it likes"),
    Right("get", "", "secrets", "it has no use for them"),
    Right("create", "", "pods/exec", "it runs commands in Rok Disk Manager's pods at most"),
    Right("create", "", "pods", "it could be any account (only in namespaces that want it)"),
    Right("delete", "", "pods", "the control plane does that (it is needed only before 1.26)"),
    Right("impersonate", "", "users", "it could be anybody"),
)
"""What its account must not be allowed to do, unless a version needs it."""
