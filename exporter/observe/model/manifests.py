"""What is kept of a pod to make it again, and the replicas of a kind that nobody here knows.

Only a fresh look reads these. What may be deleted, made again or scaled is not decided here.
"""

from collections.abc import Mapping

import msgspec


class PodManifest(msgspec.Struct, frozen=True):
    """A core/v1 Pod as it would be made again.

    `text` is the manifest as JSON: without status, what names or places the one that is there, and
    what admission adds anew. `annotations` are ours. `owners` are `Kind/name` of all that own it,
    whether or not they control it. `grace` is spec.terminationGracePeriodSeconds. `ephemeral`: a
    claim of its own would be deleted with it. `inline` are variables whose value stands in it, as
    `container/NAME`. `deletion` is as in `Pod`.
    """

    namespace: str
    name: str
    uid: str
    version: str
    text: str
    annotations: Mapping[str, str] = {}
    owners: tuple[str, ...] = ()
    finalizers: tuple[str, ...] = ()
    grace: int | None = None
    ephemeral: bool = False
    inline: tuple[str, ...] = ()
    deletion: float | None = None


class Scale(msgspec.Struct, frozen=True):
    """autoscaling/v1 Scale of an object.

    `name` is `Kind.group/name` of that object, `path` where its scale is, `uid` and `version` are
    the object's own. `current` is how many pods there are.
    """

    namespace: str
    name: str
    uid: str
    version: str
    path: str
    replicas: int
    current: int
