"""The Event of the attach/detach controller about a volume that another node holds, as facts.

Both wordings are accepted for ever: "Multi-Attach error" up to Kubernetes 1.36, "Waiting for
detach" from 1.37 on. A text may be aggregated (a prefix), cut at any length, or carry what Go's
formatter leaves of a misplaced `%`. A text of another kind is None; no text raises.
"""

import re

from exporter.observe.model.facts import MultiAttachBlocked

_AGGREGATED = "(combined from similar events): "
_PATTERN = re.compile(
    r"""
    (?: Multi-Attach\ error | Waiting\ for\ detach )
    \ for\ volume\ "? (?P<volume> [^"\s]+ ) "? (?P<tail> .* )
    """,
    re.VERBOSE | re.DOTALL,
)
_USED_BY = re.compile(r"used by pod\(s\) (?P<pods>.*)", re.DOTALL)
_ELSEWHERE = re.compile(r"(?:and|used by) (?P<count>[0-9]{1,9}) pod\(s\) in different namespaces")
_POD_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?")


def blocked(message: str) -> MultiAttachBlocked | None:
    """Read the Event's message; None when it is about something else."""
    found = _PATTERN.match(message.removeprefix(_AGGREGATED).lstrip())
    if found is None:
        return None
    tail = found["tail"]
    elsewhere = _ELSEWHERE.search(tail)
    used_by = _USED_BY.search(tail)
    names: list[str] = []
    if used_by is not None:
        for part in used_by["pods"].split(", "):
            name = part.partition(" and ")[0].strip()
            if _POD_NAME.fullmatch(name):
                names.append(name)
    return MultiAttachBlocked(
        found["volume"], tuple(names), int(elsewhere["count"]) if elsewhere else 0
    )
