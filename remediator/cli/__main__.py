"""The commands `pvmedic` and `kubectl pvmedic`: what was typed is done, printed, and judged."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from exporter.kit import settings
from exporter.kit.terminal import harmless
from exporter.observe import errors
from exporter.observe.kube.api import Api
from remediator.cli import (
    arguments,
    ask,
    attest,
    check_access,
    cluster,
    decide,
    read,
    roles,
    simulate,
    switch,
)
from remediator.cli.rights import More
from remediator.cli.said import DONE, NO, UNANSWERED, UNUSABLE, Said, as_json, said
from remediator.orders import Decision
from remediator.settings import Settings, Webhook

NARROWEST = 80
INTERRUPTED = 130
NO_SETTINGS = Settings(webhook=Webhook(token_file=Path(os.devnull)))
"""What is asked where nobody names the remediator's own settings."""


def main(given: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    name = Path(sys.argv[0]).name
    called = "kubectl pvmedic" if name.startswith("kubectl-") else "pvmedic"
    typed = arguments.parser(called).parse_args(given)
    try:
        answer = asyncio.run(_done(typed))
    except KeyboardInterrupt:
        return INTERRUPTED
    except settings.SettingsError as error:
        for problem in error.problems:
            print(harmless(str(problem)), file=sys.stderr)  # noqa: T201 -- for a person
        return UNUSABLE
    except (ValueError, OSError) as error:
        print(f"{called}: {harmless(str(error))}", file=sys.stderr)  # noqa: T201 -- for a person
        return UNUSABLE
    except errors.ObserveError as error:
        print(f"{called}: {harmless(sentence(error))}", file=sys.stderr)  # noqa: T201 -- same
        return NO if isinstance(error, errors.NotFound) else UNANSWERED
    json_wanted = getattr(typed, "output", "text") == "json" and answer.data is not None
    printed = [as_json(answer.data)] if json_wanted else answer.lines
    try:
        print("\n".join(printed), flush=True)  # noqa: T201 -- what was asked for
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`); the interpreter must not say so at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return answer.status


def sentence(error: errors.ObserveError) -> str:
    """Return what an error means to a person who typed a command."""
    match error:
        case errors.Unauthorized():
            return f"you are not let in; log in to the cluster again: {error}"
        case errors.Forbidden():
            return decide.refusal(error)
        case errors.NotInstalled():
            return f"pvmedic is not installed in this cluster, or is older than this: {error}"
        case errors.NotFound():
            return f"not there: {error}"
        case _:
            return str(error)


async def _done(typed: argparse.Namespace) -> Said:
    width = max(NARROWEST, shutil.get_terminal_size((120, 24)).columns)
    command: str = typed.command
    if command == "check-config":
        settings.read(typed.file, Settings, os.environ)
        return said(DONE, f"{typed.file}: nothing is wrong with it.")
    if command == "roles":
        return roles.asked_for(settings.read(typed.file, Settings, os.environ))
    if command == "plan":
        return await ask.plan(_remediator(typed), typed.signal, _labels(typed.subject), width)
    if command == "simulate":
        return await _simulated(typed, width)
    async with Api(cluster.way(typed.kubeconfig, typed.context, os.environ)) as api:
        return await _asked(typed, api, width)


async def _asked(typed: argparse.Namespace, api: Api, width: int) -> Said:
    command: str = typed.command
    if command == "list":
        return await read.listed(api, width, everything=typed.all, waiting=typed.waiting)
    if command == "show":
        return await read.shown(api, typed.name, width)
    if command == "why":
        return await read.reasons(api, typed.what, width)
    if command == "attestations":
        return await attest.listed(api, time.time(), width)
    if command == "check-access":
        return await check_access.check(api, typed.account, typed.namespace, _more(typed))
    return await _changed(typed, api, width)


async def _changed(typed: argparse.Namespace, api: Api, width: int) -> Said:
    command: str = typed.command
    if command == "attest":
        word = attest.Word(typed.node, typed.expires, typed.note, typed.uid, typed.approver)
        return await attest.attest(api, word, time.time())
    if command == "pause":
        return await switch.pause(api, typed.namespace, typed.reason, time.time())
    if command == "resume":
        return await switch.resume(api, typed.namespace)
    wish = decide.Wish(
        name=typed.name,
        decision=Decision(command),
        sure=getattr(typed, "yes", False),
        plan=getattr(typed, "plan", ""),
        expires=typed.expires,
        wait=typed.wait,
        approver=typed.approver,
    )
    return await decide.decide(api, wish, Terminal(), width)


async def _simulated(typed: argparse.Namespace, width: int) -> Said:
    own = settings.read(typed.config, Settings, os.environ) if typed.config else NO_SETTINGS
    notification = simulate.read(typed.file.read_bytes())
    if not typed.look:
        return await simulate.simulate(notification, own, None, width)
    async with Api(cluster.way(typed.kubeconfig, typed.context, os.environ)) as api:
        return await simulate.simulate(notification, own, api, width)


def _more(typed: argparse.Namespace) -> More:
    """Return what the remediator's settings make necessary, as far as somebody tells of them."""
    own = settings.read(typed.settings, Settings, os.environ) if typed.settings else NO_SETTINGS
    told = roles.more(own, tuple(typed.bare_pods))
    typed_too = {"medik8s": typed.medik8s or told.medik8s, "rok": typed.rok or told.rok}
    return msgspec.structs.replace(told, **typed_too)


def _remediator(typed: argparse.Namespace) -> ask.Remediator:
    url = typed.url or os.environ.get("PVMEDIC_URL", "http://127.0.0.1:9822")
    token = typed.token_file or os.environ.get("PVMEDIC_TOKEN_FILE", "")
    if not token:
        raise ValueError("give --token-file: the remediator's reading token")
    return ask.Remediator(url, Path(token), typed.ca)


def _labels(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, equals, value in pairs if not (name and equals and value)]:
        raise ValueError(f"write LABEL=VALUE, as in node=node-a, not {wrong[0]!r}")
    return {name: value for name, _, value in pairs}


class Terminal:
    """Who sits here. What is no result goes to standard error, so that JSON can be piped."""

    @property
    def there(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin is not None and sys.stdin.isatty()

    def tell(self, lines: Sequence[str]) -> None:
        """Show lines."""
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201 -- for a person

    def agrees(self, question: str) -> bool:
        """Ask; only `y` or `yes` is a yes."""
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201 -- same
        return sys.stdin.readline().strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
