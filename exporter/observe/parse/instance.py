"""EC2's answer about one instance -> InstanceReading. Pure; it may not call EC2 or know the time.

Here is decided what counts as hibernated. Pure code reads the type; only the edge makes one.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

State: TypeAlias = Literal[
    "pending", "running", "shutting-down", "terminated", "stopping", "stopped"
]

_TIME = re.compile(r"\(([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) GMT\)")
_PLAIN_STOPS = ("Client.UserInitiatedShutdown", "Client.InstanceInitiatedShutdown")


class InstanceReading(msgspec.Struct, frozen=True):
    """What EC2 said about one instance.

    `hibernated` is true when its memory was, or may have been, kept for later: such a machine goes
    on with its old mounts and unwritten pages, so it proves nothing about its volumes. `account` is
    the owner's account number. `launched` (last start) and `read_at` (when the question was sent,
    so the state is at least as new) are Unix seconds; so is `off_since`, when it was told to stop,
    where the answer's StateTransitionReason has that time.
    """

    instance_id: str
    state: State
    hibernated: bool
    account: str
    launched: float | None
    read_at: float
    off_since: float | None = None


class Absent(msgspec.Struct, frozen=True):
    """EC2 answered properly, and knows no such instance."""


class _State(msgspec.Struct, frozen=True, rename="pascal"):
    name: State


class _Reason(msgspec.Struct, frozen=True, rename="pascal"):
    code: str = ""


class _Hibernation(msgspec.Struct, frozen=True, rename="pascal"):
    configured: bool = False


class _Instance(msgspec.Struct, frozen=True, rename="pascal"):
    instance_id: str
    state: _State
    state_reason: _Reason = _Reason()
    state_transition_reason: str = ""
    hibernation_options: _Hibernation = _Hibernation()
    instance_lifecycle: str = ""
    launch_time: datetime | None = None

    def may_resume(self) -> bool:
        """Whether its memory may have been kept."""
        code = self.state_reason.code
        if "Hibernate" in code:
            return True
        # EC2 hibernates spot instances by itself and then names only the interruption. Where that
        # is possible, a stop counts as a plain one only when its reason says so.
        possible = self.hibernation_options.configured or self.instance_lifecycle == "spot"
        return possible and self.state.name in ("stopping", "stopped") and code not in _PLAIN_STOPS


class _Reservation(msgspec.Struct, frozen=True, rename="pascal"):
    owner_id: str
    instances: list[_Instance]


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    reservations: list[_Reservation]


def reading_of(
    answer: Mapping[str, object], instance_id: str, read_at: float
) -> InstanceReading | Absent | str:
    """Read an answer of DescribeInstances about one instance, as botocore decoded it.

    A str is the sentence why the answer cannot be used.
    """
    try:
        reservations = msgspec.convert(dict(answer), _Answer).reservations
    except msgspec.ValidationError as unfit:
        return f"EC2's answer about {instance_id} is not a DescribeInstances answer: {unfit}"
    found = [(item.owner_id, each) for item in reservations for each in item.instances]
    if not found:
        return Absent()
    if len(found) > 1:
        return f"EC2 answered with {len(found)} instances to a question about {instance_id}"
    account, instance = found[0]
    if instance.instance_id != instance_id:
        return f"EC2 answered about {instance.instance_id} when asked about {instance_id}"
    launched = instance.launch_time
    return InstanceReading(
        instance_id,
        instance.state.name,
        instance.may_resume(),
        account,
        launched.timestamp() if launched else None,
        read_at,
        _told_off(instance.state_transition_reason),
    )


def _told_off(reason: str) -> float | None:
    """Read the time in `User initiated (2026-11-21 04:30:00 GMT)`; other wordings have none."""
    found = _TIME.search(reason)
    try:
        return datetime.fromisoformat(f"{found[1]}+00:00").timestamp() if found else None
    except ValueError:
        return None
