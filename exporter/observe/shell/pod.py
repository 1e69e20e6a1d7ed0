"""Commands in a container of somebody's pod, over the API server's exec.

The right to do so (create pods/exec) runs anything there, so it is off until a namespace and pods
are named, and is to be granted in that namespace alone. What is given up in the middle goes on in
the container: a command that may hang there should end by itself (`timeout 20 gluster ...`).

Our own client speaks it, not kubernetes.aio's: that one costs 26 MB and more in a process that aims
at 50, has no bound for what a command says, and would need its own credentials. The protocol is
`v4.channel.k8s.io`: all that v5 adds is the end of stdin, which is not used here, and v4 is what
API servers hand to every kubelet as it is.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from exporter.kit.described import setting
from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.access import Access, Credentials
from exporter.observe.kube.api import Api
from exporter.observe.kube.resources import Asked
from exporter.observe.parse import envelope, remote
from exporter.observe.shell import Output

PROTOCOL = "v4.channel.k8s.io"
LARGEST_MESSAGE = 1024 * 1024
"""Bytes of one message; kubelets send 32 KB."""
GOODBYE_SECONDS = 0.25
LARGEST_WORDS = 64 * 1024
"""Bytes of an answer that says why not."""
SHOWN = 600
"""How many characters of it are told: it may have a whole command in it."""
STDOUT, STDERR, END = 1, 2, 3
"""Channels: the first byte of a message."""


class ExecSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which pods commands may run. Empty: in none."""

    namespace: Annotated[
        str,
        setting(
            "The one namespace in whose pods commands are run. Empty: nowhere. It needs the right"
            " to list pods and create pods/exec there."
        ),
    ] = ""
    selector: Annotated[
        str,
        setting("Labels of the pods, as in app=glusterfs; there must be one such pod on a node."),
    ] = ""
    container: Annotated[
        str, setting("The container; may be empty where the pods have only one.")
    ] = ""

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what contradicts."""
        if self.namespace and not self.selector:
            yield ("selector", "must say in which pods of the namespace commands are run")
        if not self.namespace and (self.selector or self.container):
            yield ("namespace", "must be named, or nothing is run anywhere")


class InPod:
    """The one pod on a node that the settings choose, as a Shell.

    The pod is chosen anew for each command, for pods come and go; with `once` at the first one
    only, so that what several commands say is of one pod. `fence` is asked right before a command
    is sent, and raises where none may be.
    """

    def __init__(
        self,
        api: Api,
        access: Access,
        settings: ExecSettings,
        node: str,
        fence: Callable[[], None] | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._api = api
        self._access = access
        self._settings = settings
        self._node = node
        self._fence = fence
        self._once = once
        self._kept: remote.Chosen | None = None

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout: float,  # noqa: ASYNC109 -- the pod's choice and the command in one
        largest: int,
    ) -> Output:
        """Run it; see Shell."""
        try:
            async with asyncio.timeout(timeout):
                chosen = self._kept or await self._chosen()
                self._kept = chosen if self._once else None
                return await self._exec(chosen, command, largest)
        except TimeoutError as late:
            why = f"{command[0]} in a pod of node {self._node} did not end within {timeout:g} s"
            raise errors.Unreachable(why) from late

    async def _chosen(self) -> remote.Chosen:
        namespace, selector = self._settings.namespace, self._settings.selector
        if not namespace:
            raise errors.NotInstalled("no namespace is named in whose pods commands may run")
        params = {"labelSelector": selector, "fieldSelector": f"spec.nodeName={self._node}"}
        where = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        body = await self._api.send("GET", where, params=params)
        try:
            found = remote.only(body, self._settings.container)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            why = f"list pods in namespace {namespace}: cannot read the answer: {error}"
            raise errors.Garbage(why) from error
        if isinstance(found, remote.NoPod):
            why = f"{found.why} (namespace {namespace}, {selector}, node {self._node})"
            raise errors.Invalid(why) if found.several else errors.NotFound(why)
        return found

    async def _exec(self, chosen: remote.Chosen, command: Sequence[str], largest: int) -> Output:
        namespace = self._settings.namespace
        asked = Asked("create", "pods/exec", namespace, chosen.pod)
        who = await self._access.credentials()
        if self._fence is not None:
            self._fence()
        # A session of its own: rarely used, and a cut stream leaves nothing behind.
        with failures.translated(asked):
            async with aiohttp.ClientSession(headers={"User-Agent": "pvmedic"}) as session:
                url = _url(who.server, namespace, chosen, command)
                try:
                    stream = await session.ws_connect(
                        url,
                        protocols=(PROTOCOL,),
                        headers=_headers(who),
                        ssl=who.tls,
                        server_hostname=who.server_name,
                        proxy=who.proxy,
                        max_msg_size=LARGEST_MESSAGE,
                    )
                except aiohttp.WSServerHandshakeError as error:
                    forbidden = error.status == HTTPStatus.FORBIDDEN
                    why = await _why(session, url, who) if forbidden else ""
                    raise _refused(error, asked, why) from error
                try:
                    return await _heard(stream, asked, largest)
                finally:
                    # The other side may never stop talking to say goodbye.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(GOODBYE_SECONDS):
                            await stream.close()


def _url(server: str, namespace: str, chosen: remote.Chosen, command: Sequence[str]) -> URL:
    wanted = [("container", chosen.container), ("stdout", "true"), ("stderr", "true")]
    wanted += [("command", argument) for argument in command]
    parts = (quote(part, safe="") for part in (namespace, chosen.pod))
    where = "/api/v1/namespaces/{}/pods/{}/exec".format(*parts)
    return URL(f"{server}{where}", encoded=True).with_query(wanted)


async def _heard(stream: aiohttp.ClientWebSocketResponse, asked: Asked, largest: int) -> Output:
    """Read to the Status that ends the stream."""
    said = {STDOUT: bytearray(), STDERR: bytearray()}
    async for message in stream:
        if message.type is aiohttp.WSMsgType.ERROR:
            raise errors.Garbage(f"{asked}: not what a stream may bring: {message.data}")
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, body = message.data[0], message.data[1:]
        if channel == END:
            return Output(bytes(said[STDOUT]), bytes(said[STDERR]), _status(body, asked))
        if channel in said:
            said[channel] += body
            if sum(map(len, said.values())) > largest:
                raise errors.Garbage(f"{asked}: the command said more than {largest} bytes")
    raise errors.Unreachable(f"{asked}: cut off before the command's end was told")


def _status(body: bytes, asked: Asked) -> int:
    try:
        end = remote.ended(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise errors.Garbage(f"{asked}: cannot read how the command ended: {error}") from error
    if isinstance(end, str):
        # A program that is not in the container is such a failure, too.
        lacks = "no such file or directory" in end or "executable file not found" in end
        raise (errors.NotFound if lacks else errors.ServerFailed)(f"{asked}: {end[:300]}")
    return end


def _headers(who: Credentials) -> dict[str, str]:
    return {"Authorization": who.authorization} if who.authorization else {}


async def _why(session: aiohttp.ClientSession, url: URL, who: Credentials) -> str:
    """Return in whose words it was forbidden: a role's, or an admission policy's.

    The answer to a stream's beginning is not handed to us. The same is asked without one, of which
    nothing can run: who is allowed hears only that it must be a stream.
    """
    with suppress(aiohttp.ClientError, OSError, ValueError):
        async with session.get(
            url,
            headers=_headers(who),
            ssl=who.tls,
            server_hostname=who.server_name,
            proxy=who.proxy,
            allow_redirects=False,
        ) as answer:
            if answer.status == HTTPStatus.FORBIDDEN:
                return envelope.status(await answer.content.read(LARGEST_WORDS)).message or ""
    return ""


def _refused(error: aiohttp.WSServerHandshakeError, asked: Asked, why: str) -> errors.ObserveError:
    if why:
        return errors.Forbidden(f"{asked}: not allowed (403): {' '.join(why.split())[:SHOWN]}")
    if error.status == HTTPStatus.FORBIDDEN:
        older = Asked("get", asked.resource, asked.namespace, asked.name)
        return errors.Forbidden(
            f"{asked}: not allowed (403); API servers before 1.35 ask for `{older}` as well"
        )
    if error.status == HTTPStatus.NOT_FOUND:
        return errors.NotFound(f"{asked}: not there (404)")
    return failures.of_answer(error.status, dict(error.headers or {}), b"", asked)
