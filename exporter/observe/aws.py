"""Calls of AWS by boto3, each in a thread of its own, within a hard time limit; errors are ours.

The only place that knows boto3. It is imported by the first call and not before: it costs 34 MB,
which neither the exporter nor a remediator without a lost node should pay. The threads are daemons:
one that hangs in a broken connection must not keep the program from ending, as a thread of an
executor would. Every failure leaves as an `ObserveError`, and of a call that changes something the
class says what became of it:

    Forbidden, Invalid                  refused, and it will be again: nothing was done
    Conflict, NotFound, Unauthorized,   refused as things are now: nothing was done by this call;
    NotNow, DeviceTaken, Throttled      look, and try again if it is still wanted
    Unreachable, ServerFailed, Garbage  it may have been done, or be done yet: look
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from exporter.observe.errors import (
    Conflict,
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

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_MAY_HANG = 4
_SHOWN = 300
_SERVER_FAILED = 500

Service: TypeAlias = Literal["ec2", "autoscaling"]
_SERVICES: Mapping[Service, str] = {"ec2": "EC2", "autoscaling": "EC2 Auto Scaling"}

Connect: TypeAlias = Callable[[Service, str], Any]
"""Makes boto3's client of a service in a region ("": the environment's); may block."""


class NotNow(Conflict):
    """AWS cannot do it as things are now; nothing was done."""

    reason = "NotNow"


class DeviceTaken(Conflict):
    """The machine has another disk under this device name."""

    reason = "DeviceTaken"


class WouldSucceed(ObserveError):
    """A dry run was allowed: nothing was done, and that is all that was asked."""

    reason = "WouldSucceed"


class WrongAccount(ObserveError):
    """The instance belongs to another account than the one in the settings."""

    reason = "WrongAccount"


class NoRegion(ObserveError):
    """Neither the providerID, nor the settings, nor the environment name a region."""

    reason = "NoRegion"


CODES: Mapping[str, type[ObserveError]] = {
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
    **dict.fromkeys(
        (
            "InvalidInstanceID.NotFound",
            "InvalidVolume.NotFound",
            "InvalidAttachment.NotFound",
        ),
        NotFound,
    ),
    # The disk of this token exists and is not seen yet, or is another one: a look tells.
    "IdempotentParameterMismatch": Conflict,
    "VolumeInUse": Conflict,
    "DryRunOperation": WouldSucceed,
    **dict.fromkeys(
        (
            "IncorrectState",
            "IncorrectInstanceState",
            "InsufficientVolumeCapacity",
            "ResourceContention",
            "ScalingActivityInProgress",
        ),
        NotNow,
    ),
}
"""What AWS's error codes mean. Another one is ServerFailed at HTTP 5xx, and else Invalid."""

WORDS: tuple[tuple[str, str, type[ObserveError]], ...] = (
    ("InvalidParameterValue", "already in use", DeviceTaken),
    # EC2 has attached it, and another part of EC2 does not know it yet.
    ("InvalidInstanceAttributeValue", "No device is currently mapped", NotNow),
    ("ValidationError", "is not in InService", NotNow),
    ("ValidationError", "No managed instance found", NotFound),
    ("ValidationError", "is not part of Auto Scaling group", NotFound),
)
"""Codes that mean another thing where these words stand with them."""


class Aws:
    """Calls AWS, a few at a time."""

    def __init__(
        self,
        *,
        endpoint_url: str = "",
        scaling_endpoint_url: str = "",
        region: str = "",
        timeout_seconds: float = 10.0,
        attempts: int = 2,
        connect: Connect | None = None,
    ) -> None:
        """Keep the settings; nothing is imported, read or connected yet.

        The endpoints are EC2's and Auto Scaling's; empty: AWS' own. `region` is for calls that name
        none. `attempts` are boto3's within one call: 1 for what
        changes something, for only the caller can look in between. `connect` runs in the call's
        thread and may block.
        """
        self._endpoints = {"ec2": endpoint_url, "autoscaling": scaling_endpoint_url}
        self._region = region
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._connect = connect or self._boto3_client
        self._clients: dict[tuple[Service, str], Any] = {}
        self._running = 0

    async def call(
        self,
        service: Service,
        operation: str,
        words: Mapping[str, object],
        *,
        region: str,
        asked: str,
    ) -> Mapping[str, object]:
        """Call boto3's `operation`, such as "describe_volumes", and return its answer.

        `asked` says in an error's text what AWS "was asked", such as "about i-0abc".
        """
        who = _SERVICES[service]
        if self._running >= _MAY_HANG:
            raise Unreachable(
                f"{who} was not asked {asked}: {self._running} earlier questions still hang"
            )
        ask = _Question(service, operation, words, region or self._region)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._in_thread(lambda: self._ask(ask, f"{who} was asked {asked}"))
        except TimeoutError as late:
            message = f"{who} was asked {asked} and gave no answer in {self._timeout:g} s"
            raise Unreachable(message) from late

    def _ask(self, ask: "_Question", asked: str) -> Mapping[str, object]:
        """Ask AWS; runs in a thread."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - imported late

        key = (ask.service, ask.region)
        try:
            # Two threads may both make a client; they are alike, and the later one is kept.
            client = self._clients.get(key) or self._connect(*key)
            self._clients[key] = client
            answer: Mapping[str, object] = getattr(client, ask.operation)(**ask.words)
        except ClientError as refused:
            raise _refused(refused, ask, asked) from refused
        except BotoCoreError as failed:
            raise _failed(failed, asked) from failed
        except Exception as broken:
            # botocore's parsers raise what they like, with the whole answer in the text.
            text = repr(broken)[:_SHOWN]
            raise Garbage(f"{asked} and the answer cannot be read: {text}") from broken
        return answer

    def _boto3_client(self, service: Service, region: str) -> Any:  # noqa: ANN401 - made at run time
        import boto3  # noqa: PLC0415 - see the module's docstring
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=self._timeout / 3,
            read_timeout=self._timeout / 2,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            user_agent_extra="pvmedic",
        )
        # A session of its own: boto3's default session may not be shared between threads.
        return boto3.session.Session().client(
            service,
            region_name=region or None,
            endpoint_url=self._endpoints[service] or None,
            config=config,
        )

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
        threading.Thread(target=run, name="aws", daemon=True).start()
        return await answer


class _Question(msgspec.Struct, frozen=True):
    """One call, before it is asked."""

    service: Service
    operation: str
    words: Mapping[str, object]
    region: str

    @property
    def name(self) -> str:
        """AWS's own name of the operation."""
        return "".join(word.capitalize() for word in self.operation.split("_"))


def _refused(refused: "ClientError", ask: _Question, asked: str) -> ObserveError:
    """Translate an error answer of AWS, or of STS when the credentials come from there."""
    error = refused.response.get("Error", {})
    code, said = str(error.get("Code", "")), str(error.get("Message", ""))
    status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    default = ServerFailed if status >= _SERVER_FAILED or not status else Invalid
    kind = CODES.get(code, default)
    if refused.operation_name != ask.name and kind not in (Throttled, ServerFailed):
        return Unauthorized(f"no AWS credentials: {refused}")
    if kind is Forbidden:
        # EC2 adds a long encoded message, which only an administrator can decode.
        missing = f"{ask.service}:{ask.name} is not allowed to us"
        return Forbidden(f"{asked} and refused ({code}): {missing}")
    for of_code, words, meant in WORDS:
        if code == of_code and words in said:
            kind = meant
    return kind(f"{asked} and said: {refused}")


def _failed(failed: Exception, asked: str) -> ObserveError:
    """Translate what botocore says when there was no usable answer at all."""
    from botocore import exceptions as boto  # noqa: PLC0415 - see the module's docstring

    text = f"{asked}: {failed}"
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
