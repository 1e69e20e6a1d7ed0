"""Scene `rwx`: the node of a Rok ReadWriteMany volume is lost, and Rok brings the volume back.

Rok cannot be had: its Events are crafted, as is what a kubelet says of the mount that is refused.
Where there is a line, its remediator stops the users and starts them again; else a person does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo import crafted, rwx_repair
from demo.acts import Act, Figure, Play, Sight
from local.csi_objects import volume_name

if TYPE_CHECKING:
    from demo.ground import Ground
    from demo.line import Line
    from demo.told import ToldNodes

ROK = "rok.arrikto.com"
SPEAKER = "rok-csi"
CLAIM = "shared"
CRAFTED = (
    "Crafted here, because it cannot be had: Rok (its Events), and the kubelet of the node where a"
    " mount is refused. Real: API server, scheduler, node life cycle controller, garbage"
    " collection. Played: the nodes' kubelets."
)


def play(ground: Ground, told: ToldNodes, waiting: str, line: Line | None = None) -> Play:
    """Return the scene on three nodes, of which the first dies; `waiting` is a told one."""
    space = ground.space
    volume, server = volume_name(space, CLAIM), f"pvc-access-server-{space}"
    where = {"namespace": space, "persistentvolumeclaim": CLAIM, "persistentvolume": volume}
    home, *others = ground.nodes[:3]
    users = {"notebook": home, "pipeline": others[0], "reports": others[1]}

    warned = ground.first_event("PersistentVolumeClaim", CLAIM, "WARNING")

    def sight(stage: str, reason: str) -> Sight:
        return Sight("rwx_recovery_blocked", {**where, "stage": stage, "reason": reason}, warned)

    refused = Sight(
        "mount_failing",
        {
            "namespace": space,
            "pod": "fresh",
            "persistentvolumeclaim": CLAIM,
            "node": waiting,
            "reason": "RecoveredRwxVolume",
        },
        ground.mount_began("fresh", volume, waiting),
        alerts=False,
    )

    def holders(number: int) -> tuple[Figure, ...]:
        labels = {"namespace": space, "persistentvolumeclaim": CLAIM}
        return (Figure("pvmedic_rwx_recovery_users", labels, number),)

    def recover() -> None:
        ground.tell(
            "PersistentVolumeClaim",
            CLAIM,
            "WARNING",
            f"About to recover access-server volume '{server}': You will need to stop any Pods"
            f" which are currently using RWX volume '{volume}'",
            SPEAKER,
        )

    def refuse() -> None:
        ground.apply(crafted.pod(space, "fresh", CLAIM, waiting))
        ground.wait("the new pod's node", lambda: ground.scheduled("fresh")() is not None)
        told.say_of_pod(space, "fresh", crafted.mounting(time.time()))
        ground.tell(
            "Pod",
            "fresh",
            "FailedMount",
            f'MountVolume.SetUp failed for volume "{volume}" : kubernetes.io/csi: mounter.SetupAt'
            " failed: rpc error: code = FailedPrecondition desc = Cannot publish recovered RWX"
            f" volume '{volume}' yet: You have to stop any Pods which are currently using the"
            " volume",
            "kubelet",
        )

    def stop_users() -> None:
        ground.kubectl("scale", "deployments", "--all", "--replicas=0")
        ground.kubectl("delete", "pods", "--selector=app=notebook", "--force", "--grace-period=0")

    def clear() -> None:
        told.run(space, "fresh")
        say_clear()

    def say_clear() -> None:
        ground.tell(
            "PersistentVolumeClaim",
            CLAIM,
            "INFO",
            f"All Pods using RWX volume '{volume}' are gone: You can start using the volume again",
            SPEAKER,
            warning=False,
        )

    blocked = sight("refused", "Blocked")
    by_person = (
        Act(
            f"a person stops every user, that on {home} by force",
            "",
            stop_users,
            (sight("refused", "UsersGone"),),
            holders(0),
        ),
        Act(
            "Rok says that it is clear, and the new pod runs",
            "crafted: rok-csi's Event, the pod's status",
            clear,
            gone=(blocked, refused),
        ),
        Act(f"{home} is back", "", lambda: ground.cluster.players.revive(home)),
    )

    return Play(
        "Scene rwx: a ReadWriteMany volume of Rok comes back read-only",
        f"Three pods on three nodes share claim {CLAIM}; its data live on {home}.",
        CRAFTED,
        (
            Act(
                f"three pods use claim {CLAIM}",
                "real: scheduler; played: kubelets",
                lambda: _begin(ground, users, volume, waiting),
            ),
            Act(
                f"{home}, where the data live, dies",
                "real: it is NotReady for the node life cycle controller",
                lambda: _die(ground, home),
            ),
            Act(
                "Rok recovers the volume from its latest snapshot",
                "crafted: rok-csi's warning on the claim",
                recover,
                (sight("warned", "Recovering"),),
                holders(3),
            ),
            Act(
                f"a new pod wants it on {waiting}, and Rok refuses",
                "crafted: the kubelet's FailedMount",
                refuse,
                (blocked, refused),
                holders(3),
            ),
        ),
        by_person
        if line is None
        else rwx_repair.acts(
            rwx_repair.Healer(ground, line, say_clear, home),
            sight("warned", "UsersGone"),
            holders(0),
            (blocked, refused),
        ),
    )


def _begin(ground: Ground, users: dict[str, str], volume: str, waiting: str) -> None:
    space, many = ground.space, "ReadWriteMany"
    source = crafted.csi(ROK, volume)
    ground.apply(
        crafted.driver(space, ROK, attach=False),
        crafted.volume(space, volume, CLAIM, "rok", source, mode=many),
        crafted.claim(space, CLAIM, "rok", mode=many, volume=volume),
        *(crafted.deployment(space, name, CLAIM, node) for name, node in users.items()),
    )
    for node in (*users.values(), waiting):
        ground.register(node, ROK)
    mine = f"--selector=app in ({','.join(users)})"
    running = ("get", "pods", mine, "--field-selector=status.phase=Running", "-o", "name")
    ground.wait("three Running pods", lambda: len(ground.kubectl(*running).split()) == len(users))


def _die(ground: Ground, home: str) -> None:
    ground.cluster.players.die(home)
    ground.wait(f"silence of {home}", lambda: ground.cluster.condition(home) != "True")
