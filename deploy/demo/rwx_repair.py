"""How pvmedic repairs scene `rwx`: a person says yes, and does what the plan leaves to people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from demo.acts import Act, Figure, Sight
from demo.person import APPROVER, Person
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.ground import Ground
    from demo.line import Line


class Healer:
    """What Ann does with pvmedic's plan for the claim, and what becomes of it.

    `say_clear` lets Rok speak; `home` is the node that died.
    """

    def __init__(
        self, ground: Ground, line: Line, say_clear: Callable[[], None], home: str
    ) -> None:
        """Do nothing yet."""
        self._ground = ground
        self._line = line
        self._say_clear = say_clear
        self.home = home
        self._shown: Sequence[str] = ()

    def _status(self) -> dict[str, Any]:
        for item in reversed(self._line.remediations()):
            if item["spec"]["signal"] == "rwx_recovery_blocked":
                return {"name": item["metadata"]["name"], **item.get("status", {})}
        return {}

    def _until(self, phase: str, seconds: float = 90.0) -> None:
        self._ground.wait(f"record {phase}", lambda: self._status().get("phase") == phase, seconds)

    def approve(self) -> None:
        """Let Ann read the plan and say yes; wait until it has stopped what it can."""
        self._until("AwaitingApproval")
        ann = Person(self._ground.cluster, "ann", APPROVER)
        name = self._status()["name"]
        shown, done = ann.types("show", name), ann.types("approve", name, "--yes")
        for one in (shown, done):
            if one.returncode:
                raise LocalClusterError(
                    f"kubectl pvmedic ended with {one.returncode}: {one.stderr}"
                )
        self._shown = shown.stdout.splitlines()
        self._ground.wait("the users stopped", lambda: len(self._status().get("ledger", ())) == 3)  # noqa: PLR2004 -- three Deployments

    def plan(self) -> Sequence[str]:
        """Return the part of `kubectl pvmedic show` that is the plan."""
        text = "\n".join(self._shown)
        return text[text.index("\n  plan") : text.index("\nGuards")].splitlines()

    def by_hand(self) -> None:
        """Delete what nobody would start again, and by force what cannot end."""
        kubectl = self._ground.kubectl
        kubectl("delete", "pods", "fresh", "--wait=false")
        kubectl("delete", "pods", "--selector=app=notebook", "--force", "--grace-period=0")
        self._ground.wait("no pod left", lambda: not kubectl("get", "pods", "-o", "name"))

    def cleared(self) -> None:
        """Let Rok speak a second after the stop, for Events have whole seconds; revive the node."""
        second = int(time.time()) + 1
        self._ground.wait("the next second", lambda: time.time() >= second)
        self._say_clear()
        self._ground.cluster.players.revive(self.home)

    def settled(self) -> None:
        """Wait for the end."""
        self._until("Settled")

    def story(self) -> Sequence[str]:
        """Return what the record tells of it."""
        return [
            f"  {entry['phase']:<10} {entry['sentence']}" for entry in self._status()["history"]
        ]


def acts(
    healer: Healer, free: Sight, nobody: tuple[Figure, ...], over: tuple[Sight, ...]
) -> tuple[Act, ...]:
    """Return the repairs: `free`, `nobody` once no pod has the claim, `over` once it is clear."""
    home = healer.home
    return (
        Act("Ann looks at pvmedic's plan and says yes", "", healer.approve, shows=healer.plan),
        Act(
            f"what the plan leaves to her: pod fresh has no owner, {home} is known to be off",
            "she deletes pod fresh, and by force the pod there",
            healer.by_hand,
            (free,),
            nobody,
        ),
        Act(
            f"Rok says that it is clear; {home} is back",
            "crafted: rok-csi's Event",
            healer.cleared,
            gone=over,
        ),
        Act("pvmedic has started all again", "", healer.settled, shows=healer.story),
    )
