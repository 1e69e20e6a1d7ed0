"""Asks EC2 for the state of one instance. The only place that knows boto3; read-only.

boto3 is imported by the first reading and not before: it costs 34 MB, which neither the exporter
nor a remediator without a lost node should pay. It blocks, so each reading runs in a thread of its
own. The threads are daemons: one that hangs in a broken connection must not keep the program from
ending, as a thread of an executor would. Every failure leaves as an `ObserveError`.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from exporter.observe.errors import (
    Forbidden,
    Garbage,
    Invalid,
    NotFound,
    ObserveError,
    ServerFailed,
    Throttled,
    Unauthorized,
    Unreachable,
)
from exporter.observe.parse.instance import Absent, InstanceReading, reading_of

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from exporter.observe.parse.provider_id import Instance

_OPERATION = "DescribeInstances"
_MAY_HANG = 4
_SHOWN = 300
_SERVER_FAILED = 500

_CODES: Mapping[str, type[ObserveError]] = {
    **dict.fromkeys(
        ("UnauthorizedOperation", "AuthFailure", "AccessDenied", "AccessDeniedException"), Forbidden
    ),
    **dict.fromkeys(("OptInRequired", "Blocked", "PendingVerification"), Forbidden),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "MissingAuthenticationToken",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        Unauthorized,
    ),
    **dict.fromkeys(
        (
            "EC2ThrottledException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        Throttled,
    ),
    "InvalidInstanceID.NotFound": NotFound,
}


class WrongAccount(ObserveError):
    """The instance belongs to another account than the one in the settings."""

    reason = "WrongAccount"


class NoRegion(ObserveError):
    """Neither the providerID, nor the settings, nor the environment name a region."""

    reason = "NoRegion"


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
        self._endpoint_url = endpoint_url
        self._region = region
        self._account = account
        self._timeout = timeout_seconds
        self._clock = clock
        self._connect = connect or self._boto3_client
        self._clients: dict[str, Client] = {}
        self._running = 0

    async def read(self, instance: "Instance") -> InstanceReading:
        """Return what EC2 says now about one instance; raise an `ObserveError` otherwise."""
        if self._running >= _MAY_HANG:
            message = (
                f"EC2 was not asked about {instance.instance_id}: "
                f"{self._running} earlier questions still hang"
            )
            raise Unreachable(message)
        read_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._in_thread(lambda: self._ask(instance))
        except TimeoutError as late:
            message = f"EC2 gave no answer about {instance.instance_id} in {self._timeout:g} s"
            raise Unreachable(message) from late
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

    def _ask(self, instance: "Instance") -> Mapping[str, object]:
        """Ask EC2; runs in a thread."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - imported late

        region = instance.region or self._region
        try:
            # Two threads may both make a client; they are alike, and the later one is kept.
            client = self._clients.get(region) or self._connect(region)
            self._clients[region] = client
            return client.describe_instances(InstanceIds=[instance.instance_id])
        except ClientError as refused:
            raise _refused(refused, instance) from refused
        except BotoCoreError as failed:
            raise _failed(failed, instance) from failed
        except Exception as broken:
            # botocore's parsers raise what they like, with the whole answer in the text.
            text = repr(broken)[:_SHOWN]
            message = f"EC2's answer about {instance.instance_id} cannot be read: {text}"
            raise Garbage(message) from broken

    def _boto3_client(self, region: str) -> Client:
        import boto3  # noqa: PLC0415 - see the module's docstring
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=self._timeout / 3,
            read_timeout=self._timeout / 2,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent_extra="pvmedic",
        )
        # A session of its own: boto3's default session may not be shared between threads.
        client: Client = boto3.session.Session().client(
            "ec2",
            region_name=region or None,
            endpoint_url=self._endpoint_url or None,
            config=config,
        )
        return client

    async def _in_thread(self, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Mapping[str, object]] = loop.create_future()

        def deliver(result: Mapping[str, object] | None, error: ObserveError | None) -> None:
            self._running -= 1
            if answer.done():
                return
            if result is not None:
                answer.set_result(result)
            elif error is not None:
                answer.set_exception(error)

        def run() -> None:
            result, error = None, None
            try:
                result = ask()
            except ObserveError as failed:
                error = failed
            try:
                loop.call_soon_threadsafe(deliver, result, error)
            except RuntimeError:
                # The loop is closed: nobody waits any more.
                return

        self._running += 1
        threading.Thread(target=run, name="ec2-read", daemon=True).start()
        return await answer


def _not_found(instance: "Instance") -> NotFound:
    place = f" in {instance.region}" if instance.region else ""
    return NotFound(f"EC2 knows no instance {instance.instance_id}{place}; that proves nothing")


def _refused(refused: "ClientError", instance: "Instance") -> ObserveError:
    """Translate an error answer of EC2, or of STS when the credentials come from there."""
    code = str(refused.response.get("Error", {}).get("Code", ""))
    status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    default = ServerFailed if status >= _SERVER_FAILED or not status else Invalid
    kind = _CODES.get(code, default)
    asked = f"EC2 was asked about {instance.instance_id}"
    if refused.operation_name != _OPERATION and kind not in (Throttled, ServerFailed):
        return Unauthorized(f"no AWS credentials: {refused}")
    if kind is NotFound:
        return _not_found(instance)
    if kind is Forbidden:
        return Forbidden(f"{asked} and refused ({code}): ec2:{_OPERATION} is not allowed to us")
    return kind(f"{asked} and said: {refused}")


def _failed(failed: Exception, instance: "Instance") -> ObserveError:
    """Translate what botocore says when there was no usable answer at all."""
    from botocore import exceptions as boto  # noqa: PLC0415 - see the module's docstring

    text = f"EC2 was asked about {instance.instance_id}: {failed}"
    match failed:
        case boto.NoRegionError():
            return NoRegion(f"{text} Set the region in the settings or in AWS_REGION.")
        case (
            boto.NoCredentialsError()
            | boto.PartialCredentialsError()
            | boto.CredentialRetrievalError()
            | boto.TokenRetrievalError()
            | boto.MetadataRetrievalError()
            | boto.SSOError()
            | boto.LoginError()
            | boto.ProfileNotFound()
        ):
            return Unauthorized(text)
        case boto.ConnectionError() | boto.HTTPClientError() | boto.IncompleteReadError():
            return Unreachable(text)
        case _:
            return Invalid(text)
