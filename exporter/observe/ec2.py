"""Asks EC2 for the state of one instance, which is what a proof of fencing rests on. Read-only.

How AWS is called, and what its errors become, is `aws`.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from exporter.observe.aws import Aws, NoRegion, WrongAccount
from exporter.observe.errors import Garbage, NotFound
from exporter.observe.parse.instance import Absent, InstanceReading, reading_of

if TYPE_CHECKING:
    from exporter.observe.parse.provider_id import Instance

__all__ = ["Client", "Ec2", "NoRegion", "WrongAccount"]


class Client(Protocol):
    """The part of boto3's EC2 client that is used."""

    def describe_instances(
        self,
        *,
        InstanceIds: list[str],  # noqa: N803 - EC2's own name
    ) -> Mapping[str, object]:
        """Ask for instances by id."""


class Ec2:
    """Reads instances, one question at a time, within a hard time limit."""

    def __init__(
        self,
        *,
        endpoint_url: str = "",
        region: str = "",
        account: str = "",
        timeout_seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
        connect: Callable[[str], Client] | None = None,
    ) -> None:
        """Keep the settings; nothing is imported, read or connected yet.

        `region` is for instances whose providerID names none. `account`, when set, must own every
        instance. `clock` gives Unix seconds. `connect` makes the client of a region ("" = the
        environment's); it is called in the reading's thread and may block.
        """
        self._account = account
        self._clock = clock
        self._aws = Aws(
            endpoint_url=endpoint_url,
            region=region,
            timeout_seconds=timeout_seconds,
            connect=None if connect is None else lambda _, place: connect(place),
        )

    async def read(self, instance: "Instance") -> InstanceReading:
        """Return what EC2 says now about one instance; raise an `ObserveError` otherwise."""
        read_at = self._clock()
        try:
            answer = await self._aws.call(
                "ec2",
                "describe_instances",
                {"InstanceIds": [instance.instance_id]},
                region=instance.region,
                asked=f"about {instance.instance_id}",
            )
        except NotFound as absent:
            raise _not_found(instance) from absent
        return self._judge(instance, reading_of(answer, instance.instance_id, read_at))

    def _judge(
        self, instance: "Instance", found: InstanceReading | Absent | str
    ) -> InstanceReading:
        match found:
            case str():
                raise Garbage(found)
            case Absent():
                raise _not_found(instance)
            case InstanceReading(account=account) if self._account not in ("", account):
                message = (
                    f"instance {instance.instance_id} belongs to account {account or '(none)'}, "
                    f"and the settings say {self._account}"
                )
                raise WrongAccount(message)
            case _:
                return found


def _not_found(instance: "Instance") -> NotFound:
    place = f" in {instance.region}" if instance.region else ""
    return NotFound(f"EC2 knows no instance {instance.instance_id}{place}; that proves nothing")
