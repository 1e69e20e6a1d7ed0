"""What the API server tells of commands in containers: in which pod, and how one ended."""

from collections.abc import Sequence

import msgspec

# ruff: noqa: N815 -- field names are the wire's

SHOWN = 3
"""Pods that a sentence names."""


class WireMeta(msgspec.Struct):
    """ObjectMeta, as far as a pod is chosen by it."""

    name: str = ""
    deletionTimestamp: str | None = None


class WireContainer(msgspec.Struct):
    """Container."""

    name: str = ""


class WireSpec(msgspec.Struct):
    """PodSpec."""

    containers: list[WireContainer] | None = None


class WireCondition(msgspec.Struct):
    """PodCondition."""

    type: str = ""
    status: str = ""


class WirePodStatus(msgspec.Struct):
    """PodStatus."""

    phase: str | None = None
    conditions: list[WireCondition] | None = None


class WirePod(msgspec.Struct):
    """Pod."""

    metadata: WireMeta = msgspec.field(default_factory=WireMeta)
    spec: WireSpec = msgspec.field(default_factory=WireSpec)
    status: WirePodStatus = msgspec.field(default_factory=WirePodStatus)


class WirePods(msgspec.Struct):
    """PodList."""

    items: list[WirePod] | None = None


class WireCause(msgspec.Struct):
    """StatusCause."""

    reason: str = ""
    message: str = ""


class WireDetails(msgspec.Struct):
    """StatusDetails."""

    causes: list[WireCause] | None = None


class WireEnd(msgspec.Struct):
    """The Status with which a command's stream ends."""

    status: str = ""
    message: str = ""
    reason: str = ""
    details: WireDetails | None = None


class Chosen(msgspec.Struct, frozen=True):
    """Where a command is to run."""

    pod: str
    container: str


class NoPod(msgspec.Struct, frozen=True):
    """Why no pod could be chosen; `several`: because there is more than one."""

    why: str
    several: bool = False


_pods = msgspec.json.Decoder(WirePods)
_end = msgspec.json.Decoder(WireEnd)


def only(body: bytes, container: str) -> Chosen | NoPod:
    """Choose the one pod of a list that is Running, Ready and not about to go.

    `container` may be empty where a pod has one. Raises msgspec.MsgspecError.
    """
    pods = _pods.decode(body).items or []
    ready = [pod for pod in pods if not _against(pod)]
    if not pods:
        return NoPod("no pod matches")
    if not ready:
        return NoPod("no pod that matches is ready: " + _shown([_why(pod) for pod in pods]))
    if len(ready) > 1:
        return NoPod(
            "several pods match: " + _shown([p.metadata.name for p in ready]), several=True
        )
    (pod,) = ready
    names = [one.name for one in pod.spec.containers or ()]
    if container and container not in names:
        return NoPod(f"pod {pod.metadata.name} has no container {container}: {_shown(names)}")
    if not container and len(names) != 1:
        why = f"pod {pod.metadata.name} has several containers: {_shown(names)}"
        return NoPod(why, several=True)
    return Chosen(pod.metadata.name, container or names[0])


def ended(body: bytes) -> int | str:
    """Return a command's exit status, or why there is none. Raises msgspec.MsgspecError."""
    end = _end.decode(body)
    if end.status == "Success":
        return 0
    for cause in (end.details.causes if end.details is not None else None) or ():
        if cause.reason == "ExitCode" and cause.message.isascii() and cause.message.isdigit():
            return int(cause.message)
    return end.message or end.reason or "no reason given"


def _against(pod: WirePod) -> str:
    """Say what speaks against a pod; nothing does when it is Running and Ready."""
    if pod.metadata.deletionTimestamp:
        return "Terminating"
    if pod.status.phase != "Running":
        return pod.status.phase or "without a phase"
    ready = any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ())
    return "" if ready else "not Ready"


def _why(pod: WirePod) -> str:
    return f"{pod.metadata.name} is {_against(pod)}"


def _shown(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(sorted(texts)[:SHOWN]) + more
