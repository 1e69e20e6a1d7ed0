"""Pods: from the wire to the model. What few pods need is only decoded for those.

A pod that mounts the kubelet's plugin registry (`.../plugins_registry`) is a CSI node plugin:
node-driver-registrar registers there, in every version since 1.0.
"""

import msgspec

from exporter.observe import model
from exporter.observe.model.names import LONGEST_TEXT
from exporter.observe.parse import registration
from exporter.observe.parse.conditions import WireCondition, condition_of
from exporter.observe.parse.envelope import shared
from exporter.observe.parse.owners import OwnedMeta, controller
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

REGISTRY = "/plugins_registry"
REGISTRATION_PATH = "--kubelet-registration-path"
DRIVER_NAMES = ("--drivername", "--driver-name", "--driver_name")
"""Arguments of the drivers themselves: csi-driver-nfs and -smb, hostpath, ceph-csi."""
FUSE = ("fuse", "rbd-nbd", "glusterfs", "juicefs", "s3fs", "geesefs", "goofys")
"""What names a plugin whose mounts are processes of its own pod: they die with it."""


_NOTHING = msgspec.Raw(b"null")


class WireClaimSource(msgspec.Struct, gc=False):
    """PersistentVolumeClaimVolumeSource."""

    claimName: str | None = None


class WireEphemeral(msgspec.Struct, gc=False):
    """EphemeralVolumeSource: its presence is what counts."""


class WireHostPath(msgspec.Struct, gc=False):
    """HostPathVolumeSource."""

    path: str | None = None


class WirePodVolume(msgspec.Struct):
    """One entry of a pod's spec.volumes."""

    name: str | None = None
    persistentVolumeClaim: WireClaimSource | None = None
    ephemeral: WireEphemeral | None = None
    hostPath: WireHostPath | None = None


class WirePodSpec(msgspec.Struct):
    """PodSpec."""

    nodeName: str | None = None
    volumes: list[WirePodVolume] | None = None
    containers: msgspec.Raw = _NOTHING


class WirePodStatus(msgspec.Struct):
    """PodStatus."""

    phase: str | None = None
    conditions: list[WireCondition] | None = None
    initContainerStatuses: msgspec.Raw = _NOTHING
    containerStatuses: msgspec.Raw = _NOTHING


class WirePod(msgspec.Struct):
    """core/v1 Pod."""

    metadata: OwnedMeta | None = None
    spec: WirePodSpec | None = None
    status: WirePodStatus | None = None


class WireContainer(msgspec.Struct):
    """Container."""

    name: str | None = None
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None


class WireReason(msgspec.Struct, gc=False):
    """ContainerStateWaiting or ContainerStateTerminated."""

    reason: str | None = None
    message: str | None = None


class WireState(msgspec.Struct):
    """ContainerState."""

    waiting: WireReason | None = None
    running: WireReason | None = None
    terminated: WireReason | None = None


class WireContainerStatus(msgspec.Struct):
    """ContainerStatus."""

    ready: bool | None = None
    restartCount: int | None = None
    state: WireState | None = None
    lastState: WireState | None = None


_containers = msgspec.json.Decoder(list[WireContainer] | None)
_statuses = msgspec.json.Decoder(list[WireContainerStatus] | None)


def pod(wire: WirePod) -> model.Pod:
    """Keep what is read of a Pod."""
    meta, spec = wire.metadata or OwnedMeta(), wire.spec or WirePodSpec()
    status = wire.status or WirePodStatus()
    scheduled = condition_of(status.conditions, "PodScheduled")
    placed = scheduled is not None and scheduled.status == "True"
    sandbox = condition_of(status.conditions, "PodReadyToStartContainers")
    owner = controller(meta.ownerReferences)
    claims, volumes = _claims(meta.name or "", spec.volumes or [])
    phase = shared(status.phase)
    states = _states(status) if phase == "Pending" and claims else []
    return model.Pod(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        node=shared(spec.nodeName),
        phase=phase,
        claims=claims,
        created=seconds(meta.creationTimestamp),
        scheduled=seconds(scheduled.lastTransitionTime) if scheduled and placed else None,
        deletion=seconds(meta.deletionTimestamp),
        claim_volumes=volumes,
        starting=phase in ("Pending", "") and not any(_has_started(state) for state in states),
        owner=shared(owner.packed) if owner else "",
        plugin=_plugin(spec, status),
        sandbox=None if sandbox is None else sandbox.status == "True",
        blocked_by=_first_waiting(states),
    )


def _claims(name: str, volumes: list[WirePodVolume]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    claims, named = [], []
    for volume in volumes:
        claim = claim_of(name, volume.name, volume.persistentVolumeClaim, volume.ephemeral)
        if claim:
            claims.append(claim)
            named.append(shared(volume.name))
    return tuple(claims), tuple(named)


def claim_of(
    pod: str,
    volume: str | None,
    source: WireClaimSource | None,
    ephemeral: WireEphemeral | None,
) -> str:
    """Return the claim that a volume of a pod is; empty where it is none.

    A generic ephemeral volume's claim is named `<pod>-<volume>`.
    """
    if source is not None and source.claimName:
        return source.claimName
    return f"{pod}-{volume}" if ephemeral is not None and volume else ""


def _states(status: WirePodStatus) -> list[WireContainerStatus]:
    found: list[WireContainerStatus] = []
    for raw in (status.initContainerStatuses, status.containerStatuses):
        found += _statuses.decode(raw) or ()
    return found


def _has_started(status: WireContainerStatus) -> bool:
    state = status.state
    return state is not None and (state.running is not None or state.terminated is not None)


def _first_waiting(statuses: list[WireContainerStatus]) -> str:
    for status in statuses:
        if status.state is not None and status.state.waiting is not None:
            return shared(status.state.waiting.reason)
    return ""


def _plugin(spec: WirePodSpec, status: WirePodStatus) -> model.Plugin | None:
    paths = [v.hostPath.path or "" for v in spec.volumes or () if v.hostPath is not None]
    if not any(path.rstrip("/").endswith(REGISTRY) for path in paths):
        return None
    containers = _containers.decode(spec.containers) or []
    statuses = _states(status)
    arguments = [a for c in containers for a in [*(c.command or ()), *(c.args or ())]]
    images = tuple(c.image or "" for c in containers)
    last_words = _last_exit(statuses)
    return model.Plugin(
        driver=_driver(arguments),
        images=images,
        ready=bool(statuses) and all(s.ready for s in statuses),
        restarts=max((s.restartCount or 0 for s in statuses), default=0),
        waiting=_first_waiting(statuses),
        exit_message=last_words,
        exit_cause=registration.cause(last_words),
        fuse=any(word in text for text in (*images, *arguments) for word in FUSE),
    )


def _driver(arguments: list[str]) -> str:
    """Return the driver's name as its plugin is told it.

    Else the directory of the socket in the registrar's argument: the name, by convention.
    """
    given: dict[str, str] = {}
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        given.setdefault(name, value if equals else "".join(arguments[number + 1 : number + 2]))
    said = next((given[name] for name in DRIVER_NAMES if given.get(name)), "")
    return said or given.get(REGISTRATION_PATH, "").rpartition("/")[0].rpartition("/")[2]


def _last_exit(statuses: list[WireContainerStatus]) -> str:
    for status in statuses:
        for state in (status.state, status.lastState):
            if state is not None and state.terminated is not None and state.terminated.message:
                return state.terminated.message[:LONGEST_TEXT]
    return ""
