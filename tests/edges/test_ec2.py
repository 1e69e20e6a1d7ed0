"""The EC2 edge: what it reads, and what every failure of EC2 and of the network becomes."""

import asyncio
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from exporter.observe import errors
from exporter.observe.ec2 import Client, Ec2, NoRegion, WrongAccount
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.parse.provider_id import Instance

ID = "i-0123456789abcdef0"
INSTANCE = Instance("aws", "us-east-1a", "us-east-1", ID)
OWNER = "111122223333"
LAUNCHED = 1_700_000_000.0
NOW = 1_700_009_000.0


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give boto3 credentials from the environment, and nothing from this machine's files."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def described(instance_id: str = ID, state: str = "stopped") -> dict[str, object]:
    """Build one instance of a DescribeInstances answer."""
    launched = datetime.fromtimestamp(LAUNCHED, UTC)
    return {"InstanceId": instance_id, "State": {"Name": state}, "LaunchTime": launched}


def answer(*instances: dict[str, object]) -> dict[str, object]:
    """Build a DescribeInstances answer with one reservation an instance."""
    return {"Reservations": [{"OwnerId": OWNER, "Instances": [item]} for item in instances]}


def read(prepare: Callable[[Stubber], None], account: str = "") -> InstanceReading:
    """Read INSTANCE through botocore's Stubber."""
    client = boto3.session.Session().client("ec2", region_name="us-east-1")
    with Stubber(client) as stub:
        prepare(stub)
        ec2 = Ec2(account=account, clock=lambda: NOW, connect=lambda _: client)
        return asyncio.run(ec2.read(INSTANCE))


def read_answer(given: Mapping[str, object], account: str = "") -> InstanceReading:
    """Read INSTANCE when EC2 gives this answer to exactly this question."""
    return read(
        lambda stub: stub.add_response("describe_instances", given, {"InstanceIds": [ID]}), account
    )


def read_error(code: str, status: int) -> InstanceReading:
    """Read INSTANCE when EC2 answers with an error."""
    return read(
        lambda stub: stub.add_client_error(
            "describe_instances", code, "because", http_status_code=status
        )
    )


def test_a_stopped_instance_is_read_with_owner_and_times() -> None:
    """All fields of the reading come from the answer and the clock."""
    assert read_answer(answer(described()), OWNER) == InstanceReading(
        ID, "stopped", hibernated=False, account=OWNER, launched=LAUNCHED, read_at=NOW
    )


@pytest.mark.parametrize(
    ("reason", "since"),
    [
        ("User initiated (2026-11-21 04:30:00 GMT)", 1795235400.0),
        ("Server initiated (2026-13-41 04:30:00 GMT)", None),
        ("User initiated shutdown", None),
        ("", None),
    ],
)
def test_when_it_was_told_to_stop_is_read_where_ec2_says_so(
    reason: str, since: float | None
) -> None:
    """StateTransitionReason has the time in brackets, or not at all."""
    found = read_answer(answer({**described(), "StateTransitionReason": reason}), OWNER)
    assert found.off_since == since


@pytest.mark.parametrize(
    ("more", "hibernated"),
    [
        ({"StateReason": {"Code": "Client.UserInitiatedHibernate"}}, True),
        ({"StateReason": {"Code": "Client.UserInitiatedShutdown"}}, False),
        ({"HibernationOptions": {"Configured": True}}, True),
        (
            {
                "HibernationOptions": {"Configured": True},
                "StateReason": {"Code": "Client.UserInitiatedShutdown"},
            },
            False,
        ),
        (
            {
                "InstanceLifecycle": "spot",
                "StateReason": {"Code": "Server.SpotInstanceTermination"},
            },
            True,
        ),
        (
            {
                "InstanceLifecycle": "spot",
                "StateReason": {"Code": "Client.InstanceInitiatedShutdown"},
            },
            False,
        ),
    ],
)
def test_a_stop_that_may_have_kept_the_memory_counts_as_hibernation(
    more: dict[str, object], *, hibernated: bool
) -> None:
    """Named hibernation, and stops for an unknown reason where hibernation is possible."""
    assert read_answer(answer(described() | more)).hibernated is hibernated


@pytest.mark.parametrize("state", ["pending", "running", "shutting-down", "terminated"])
def test_an_instance_able_to_hibernate_has_not_done_so_in_other_states(state: str) -> None:
    """Being configured for hibernation says nothing while the instance is not stopped."""
    able = {"HibernationOptions": {"Configured": True}}
    found = read_answer(answer(described(state=state) | able))
    assert (found.state, found.hibernated) == (state, False)


def test_another_account_is_refused_by_name() -> None:
    """The sentence names both accounts."""
    with pytest.raises(WrongAccount, match=f"{OWNER}.*999988887777"):
        read_answer(answer(described()), "999988887777")


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (answer(), errors.NotFound, ID),
        (answer(described("i-0bad")), errors.Garbage, "i-0bad"),
        (answer(described(), described()), errors.Garbage, "2 instances"),
        ({}, errors.Garbage, "Reservations"),
        (answer({"InstanceId": ID}), errors.Garbage, "State"),
        (answer(described(state="asleep")), errors.Garbage, "asleep"),
    ],
)
def test_an_answer_that_is_not_about_this_one_instance_is_no_reading(
    given: Mapping[str, object], kind: type[errors.ObserveError], words: str
) -> None:
    """None, another, two, half of one, or a state that does not exist."""
    with pytest.raises(kind, match=words):
        read_answer(given)


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("UnauthorizedOperation", 403, errors.Forbidden, "ec2:DescribeInstances"),
        ("AuthFailure", 401, errors.Forbidden, "ec2:DescribeInstances"),
        ("RequestExpired", 400, errors.Unauthorized, "RequestExpired"),
        ("RequestLimitExceeded", 503, errors.Throttled, "RequestLimitExceeded"),
        ("Throttling", 400, errors.Throttled, "Throttling"),
        ("InvalidInstanceID.NotFound", 400, errors.NotFound, "proves nothing"),
        ("InvalidInstanceID.Malformed", 400, errors.Invalid, "Malformed"),
        ("InternalError", 500, errors.ServerFailed, "InternalError"),
        ("Unavailable", 503, errors.ServerFailed, "Unavailable"),
    ],
)
def test_each_error_code_becomes_our_own_error(
    code: str, status: int, kind: type[errors.ObserveError], words: str
) -> None:
    """The words an operator needs are in the text."""
    with pytest.raises(kind, match=words) as caught:
        read_error(code, status)
    assert type(caught.value) is kind


class NoCredentials:
    """A client that finds no credentials."""

    def describe_instances(
        self,
        *,
        InstanceIds: list[str],  # noqa: N803 - EC2's own name
    ) -> Mapping[str, object]:
        """Fail as botocore does when it cannot sign."""
        del InstanceIds
        raise NoCredentialsError


def test_missing_credentials_are_unauthorized() -> None:
    """Nothing is sent then."""
    with pytest.raises(errors.Unauthorized, match="credentials"):
        asyncio.run(Ec2(connect=lambda _: NoCredentials()).read(INSTANCE))


def test_the_region_of_the_zone_wins_over_the_settings() -> None:
    """The settings' region is for providerIDs without a zone."""
    asked: list[str] = []

    def connect(region: str) -> Client:
        asked.append(region)
        return NoCredentials()

    for instance in (INSTANCE, Instance("aws", "", "", ID)):
        with pytest.raises(errors.Unauthorized):
            asyncio.run(Ec2(region="eu-central-1", connect=connect).read(instance))
    assert asked == ["us-east-1", "eu-central-1"]


def test_without_any_region_the_error_says_where_to_set_one() -> None:
    """No region anywhere is a setting that is missing, not an outage."""
    with pytest.raises(NoRegion, match="AWS_REGION"):
        asyncio.run(Ec2().read(Instance("aws", "", "", ID)))


# Over HTTP: a server that misbehaves, and moto's.

THROTTLED = (
    b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error>"
    b"</Errors><RequestID>r</RequestID></Response>"
)


def http(status: str, body: bytes) -> bytes:
    """Build a whole HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Threads(socketserver.ThreadingTCPServer):
    """Does not wait for its threads: it might join one that has not been started yet."""

    daemon_threads = True
    block_on_close = False


@contextmanager
def faulty(reply: bytes | None) -> Iterator[str]:
    """Serve one reply on loopback, or none at all; yield the address."""

    class Serve(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            if reply is None:
                self.rfile.read()
            else:
                self.wfile.write(reply)

    with Threads(("127.0.0.1", 0), Serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def read_from(reply: bytes | None, timeout_seconds: float = 20.0) -> InstanceReading:
    """Read INSTANCE from the misbehaving server."""
    with faulty(reply) as address:
        ec2 = Ec2(endpoint_url=address, timeout_seconds=timeout_seconds)
        return asyncio.run(ec2.read(INSTANCE))


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (http("503 Service Unavailable", THROTTLED), errors.Throttled, "RequestLimitExceeded"),
        (http("503 Service Unavailable", b"<html>busy"), errors.ServerFailed, "503"),
        (http("200 OK", b"\x00\xff not xml"), errors.Garbage, ID),
        (http("200 OK", b"<html><body>proxy</body></html>"), errors.Garbage, ID),
        (http("200 OK", b""), errors.Garbage, ID),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<Desc", errors.Garbage, ID),
        (b"", errors.Unreachable, ID),
        (b"SSH-2.0-OpenSSH_9\r\n", errors.Unreachable, ID),
    ],
)
def test_a_server_that_misbehaves_gives_our_own_error(
    reply: bytes, kind: type[errors.ObserveError], words: str
) -> None:
    """Throttled, failed, not XML, not EC2, empty, cut off, closed and not even HTTP."""
    with pytest.raises(kind, match=words) as caught:
        read_from(reply)
    assert type(caught.value) is kind


def test_a_closed_port_is_unreachable() -> None:
    """Nobody listens at port 9 of loopback."""
    with pytest.raises(errors.Unreachable):
        asyncio.run(Ec2(endpoint_url="http://127.0.0.1:9").read(INSTANCE))


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    """The total limit holds although botocore tries a second time."""
    begun = time.monotonic()
    with pytest.raises(errors.Unreachable):
        read_from(None, 1.0)
    assert time.monotonic() - begun < 5.0


def test_threads_that_hang_do_not_pile_up() -> None:
    """A fifth question is not asked while four are stuck."""

    async def ask_five_times(address: str) -> list[BaseException | InstanceReading]:
        ec2 = Ec2(endpoint_url=address, timeout_seconds=1.0)
        questions = (ec2.read(INSTANCE) for _ in range(5))
        return await asyncio.gather(*questions, return_exceptions=True)

    with faulty(None) as address:
        texts = [str(each) for each in asyncio.run(ask_five_times(address))]
    assert [("still hang" in text) for text in texts] == [False] * 4 + [True]


HANG = """
import asyncio, sys
from exporter.observe.ec2 import Ec2
from exporter.observe.errors import Unreachable
from exporter.observe.parse.provider_id import Instance

class Stuck:
    def describe_instances(self, *, InstanceIds):
        import threading
        threading.Event().wait()

async def main():
    assert "boto3" not in sys.modules and "botocore" not in sys.modules
    ec2 = Ec2(timeout_seconds=0.1, connect=lambda _: Stuck())
    try:
        await ec2.read(Instance("aws", "", "us-east-1", "i-0abc"))
    except Unreachable:
        print("given up", "boto3" in sys.modules)

asyncio.run(main())
"""


def test_a_thread_that_hangs_for_ever_does_not_keep_the_program_from_ending() -> None:
    """A program with a stuck reading ends by itself, and paid for boto3 only when it had to."""
    ended = subprocess.run(
        [sys.executable, "-c", HANG], capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout == "given up False\n"
    assert ended.stderr == ""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto's EC2 on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_an_instance_is_followed_from_running_to_terminated_over_http(moto: str) -> None:
    """What moto's EC2 says arrives unchanged, through one client kept between readings."""
    player = boto3.session.Session().client("ec2", region_name="us-east-1", endpoint_url=moto)
    image = player.describe_images()["Images"][0]["ImageId"]
    made = player.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    name = made["Instances"][0]["InstanceId"]
    instance = Instance("aws", "us-east-1a", "us-east-1", name)
    ec2 = Ec2(endpoint_url=moto, account=made["OwnerId"], clock=lambda: NOW)

    def state() -> str:
        found = asyncio.run(ec2.read(instance))
        assert (found.instance_id, found.hibernated, found.read_at) == (name, False, NOW)
        assert found.launched == made["Instances"][0]["LaunchTime"].timestamp()
        return found.state

    seen = [state()]
    player.stop_instances(InstanceIds=[name])
    seen.append(state())
    player.terminate_instances(InstanceIds=[name])
    seen.append(state())
    assert seen == ["running", "stopped", "terminated"]


def test_an_instance_that_does_not_exist_is_not_found_over_http(moto: str) -> None:
    """Not found is never a proof, and the sentence says so."""
    with pytest.raises(errors.NotFound, match="proves nothing"):
        asyncio.run(Ec2(endpoint_url=moto).read(INSTANCE))
