"""check-access: whether an account has the remediator's rights, asked of the API server. Edge.

Without `account` it is about whoever asks (a pod's own token), else about that user, which takes
the right to create SubjectAccessReviews.
"""

import asyncio

import msgspec

from exporter.observe import errors
from exporter.observe.kube.api import Api
from remediator.cli.rights import NEWEST, NOTHING_MORE, More, Right, needed, unwanted
from remediator.cli.said import DONE, NO, Said, said
from remediator.world import KubernetesWorld

SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OTHER = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
AT_ONCE = 8
ACCOUNT = "system:serviceaccount:"


class _Status(msgspec.Struct):
    allowed: bool = False
    denied: bool = False


class _Review(msgspec.Struct):
    status: _Status


async def check(api: Api, account: str, namespace: str, more: More = NOTHING_MORE) -> Said:
    """Ask for every right, those that settings make necessary too; raises ObserveError."""
    slots = asyncio.Semaphore(AT_ONCE)
    server = await KubernetesWorld(api, namespace).version() or NEWEST
    wanted, surely_not = needed(namespace, more, server), unwanted(server)

    async def one(right: Right) -> bool:
        async with slots:
            return await _allowed(api, account, right)

    answers = await asyncio.gather(*map(one, (*wanted, *surely_not)))
    has = dict(zip((*wanted, *surely_not), answers, strict=True))
    missing = [right for right in wanted if not has[right]]
    surplus = [right for right in surely_not if has[right]]
    who = account or "this account"
    lines = [f"MISSING  {right}: {right.why}" for right in missing]
    lines += [f"TOO MUCH {right}: {right.why}" for right in surplus]
    lines.append(
        f"{who} lacks {len(missing)} of {len(wanted)} rights, and has {len(surplus)} too many."
        if lines
        else f"{who} has all {len(wanted)} rights, and none of those that it must not have."
    )
    data = {
        "account": account,
        "missing": [str(right) for right in missing],
        "tooMuch": [str(right) for right in surplus],
        "checked": len(has),
    }
    return said(NO if missing or surplus else DONE, lines, data)


async def _allowed(api: Api, account: str, right: Right) -> bool:
    resource, _, sub = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": sub,
        "namespace": right.namespace,
        "name": right.name,
    }
    spec: dict[str, object] = {"resourceAttributes": attributes}
    if account:
        spec |= {"user": account, "groups": _groups(account)}
    kind = "SubjectAccessReview" if account else "SelfSubjectAccessReview"
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    body = await api.send("POST", OTHER if account else SELF, msgspec.json.encode(review))
    try:
        status = msgspec.json.decode(body, type=_Review).status
    except msgspec.DecodeError as error:
        raise errors.Garbage(f"an answer that cannot be read: {error}") from error
    return status.allowed and not status.denied


def _groups(account: str) -> list[str]:
    """Return the groups that the API server itself gives to an account."""
    groups = ["system:authenticated"]
    if account.startswith(ACCOUNT):
        namespace = account.removeprefix(ACCOUNT).partition(":")[0]
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return groups
