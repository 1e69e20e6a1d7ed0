"""pause, resume: the kill switch, with who and why. Edge.

The switch is the ConfigMap's existence; what is in it is for people.
"""

import msgspec

from exporter.kit.terminal import harmless
from exporter.observe import errors
from exporter.observe.kube.api import Api
from exporter.observe.model import rfc3339
from remediator.cli import cluster
from remediator.cli.said import DONE, NO, Said, said
from remediator.world import PAUSE


class _Wire(msgspec.Struct):
    data: dict[str, str] = {}


async def pause(api: Api, namespace: str, reason: str, now: float) -> Said:
    """Stop everything that has not begun to write; raises ObserveError."""
    try:
        by = await cluster.whoami(api)
    except errors.NotInstalled:
        by = ""  # the audit log knows
    data = {"by": by, "why": reason, "since": rfc3339(now)}
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": PAUSE, "labels": {"app.kubernetes.io/part-of": "pvmedic"}},
        "data": data,
    }
    try:
        await api.send("POST", _where(namespace), msgspec.json.encode(body))
    except errors.Conflict:
        there = await _there(api, namespace)
        return said(DONE, f"it is on already: {_told(there)}", {"paused": True, **there})
    return said(
        DONE,
        "paused: nothing is begun until `pvmedic resume`. What has begun to write is carried on to"
        " its end.",
        {"paused": True, **data},
    )


async def resume(api: Api, namespace: str) -> Said:
    """Take the switch off; raises ObserveError."""
    try:
        there = await _there(api, namespace)
        await api.send("DELETE", f"{_where(namespace)}/{PAUSE}")
    except errors.NotFound:
        return said(NO, "it was not paused.", {"paused": False})
    return said(DONE, f"it goes on. It was on: {_told(there)}", {"paused": False, "was": there})


async def _there(api: Api, namespace: str) -> dict[str, str]:
    body = await api.send("GET", f"{_where(namespace)}/{PAUSE}")
    try:
        return msgspec.json.decode(body, type=_Wire).data
    except msgspec.DecodeError as error:
        raise errors.Garbage(f"ConfigMap {PAUSE} cannot be read: {error}") from error


def _told(data: dict[str, str]) -> str:
    by, since = data.get("by") or "somebody", data.get("since") or "an unknown time"
    reason = data.get("why") or "nobody said why"
    return harmless(f"{by}, since {since}: {reason}")


def _where(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"
