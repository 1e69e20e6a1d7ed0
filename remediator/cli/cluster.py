"""The person's own way to the API server, and the objects that are read there. Edge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from exporter.observe import errors
from exporter.observe.kube.access import Access, Kubeconfig, Where, access, kubeconfig
from exporter.observe.kube.api import GET_SECONDS, Api
from remediator import store
from remediator.cli import attestation
from remediator.cli.attestation import Attestation
from remediator.record import Record

PATIENT_TRIES = 4
LONGEST_PAUSE = 5.0
"""Seconds: a person waits for the answer."""

Tree = dict[str, object]
T = TypeVar("T")

REVIEWS = (
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews",
)
"""Who am I: v1 since Kubernetes 1.28, v1beta1 in 1.27."""


class Kept(msgspec.Struct, frozen=True):
    """A Remediation as a value, and as the API server gave it."""

    record: Record
    raw: Tree


class _List(msgspec.Struct):
    items: list[msgspec.Raw] = []


class _User(msgspec.Struct):
    username: str = ""


class _ReviewStatus(msgspec.Struct, rename="camel"):
    user_info: _User = msgspec.field(default_factory=_User)


class _Review(msgspec.Struct):
    status: _ReviewStatus = msgspec.field(default_factory=_ReviewStatus)


def way(named: Path | None, context: str, environ: Mapping[str, str]) -> Access:
    """Return the kubeconfig's way, or in a pod the pod's own; Unauthorized where there is none."""
    path = named or kubeconfig(environ)
    if path is not None:
        return Kubeconfig(path, context=context)
    if "KUBERNETES_SERVICE_HOST" in environ:
        return access(Where(), environ)
    raise errors.Unauthorized(
        "there is no kubeconfig: name one with --kubeconfig or KUBECONFIG, as for kubectl"
    )


async def whoami(api: Api) -> str:
    """Return the person's name as the API server knows it."""
    for where in REVIEWS:
        group = where.removeprefix("/apis/").rpartition("/")[0]
        review = {"apiVersion": group, "kind": "SelfSubjectReview"}
        with contextlib.suppress(errors.NotInstalled):
            body = await api.send("POST", where, msgspec.json.encode(review))
            return _decoded(body, _Review).status.user_info.username
    raise errors.NotInstalled(
        "this API server does not say who you are (it does from Kubernetes 1.27 on):"
        " give your name as it is in the audit log with --approver NAME"
    )


async def remediation(api: Api, name: str) -> Kept:
    """Read one; NotFound when there is none."""
    return _kept(await _got(api, f"{store.PATH}/{_segment(name)}"))


async def remediations(api: Api) -> tuple[list[Kept], list[str]]:
    """Read all, oldest first, and why some cannot be read."""
    found: list[Kept] = []
    unreadable: list[str] = []
    for item in await _items(api, store.PATH):
        try:
            found.append(_kept(item))
        except errors.Garbage as error:
            unreadable.append(str(error))
    return sorted(found, key=lambda one: (one.record.created, one.record.name)), unreadable


async def attestations(api: Api) -> list[Attestation]:
    """Read all attestations, newest first."""
    found = [attestation.decode(item) for item in await _items(api, attestation.PATH)]
    return sorted(found, key=lambda one: one.created, reverse=True)


async def following(
    api: Api, name: str, seconds: float, pause: float, now: Callable[[], float]
) -> AsyncIterator[Record]:
    """Yield a Remediation again and again, until `seconds` have passed.

    An API server that is away for a moment is waited for.
    """
    end = now() + seconds
    while now() < end:
        try:
            found = await remediation(api, name)
        except (errors.Unreachable, errors.Throttled, errors.ServerFailed):
            found = None
        if found is not None:
            yield found.record
        await asyncio.sleep(pause)


async def _items(api: Api, path: str) -> list[msgspec.Raw]:
    return _decoded(await _got(api, path, timeout=60.0), _List).items


async def _got(api: Api, path: str, timeout: float = GET_SECONDS) -> bytes:  # noqa: ASYNC109 -- the client's own
    """Read; a server that asks for patience, as after its start, is given some."""
    for _ in range(PATIENT_TRIES):
        try:
            return await api.send("GET", path, timeout=timeout)
        except errors.Throttled as error:
            await asyncio.sleep(min(error.retry_after or 1.0, LONGEST_PAUSE))
    return await api.send("GET", path, timeout=timeout)


def _kept(body: bytes | msgspec.Raw) -> Kept:
    return Kept(store.decode(body), msgspec.json.decode(body, type=Tree))


def _segment(name: str) -> str:
    if not name or not all(letter.isalnum() or letter in "-." for letter in name):
        raise errors.NotFound(f"{name!r} is no name of a Remediation")
    return name


def _decoded(body: bytes, into: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.DecodeError as error:
        raise errors.Garbage(f"an answer that cannot be read: {error}") from error
