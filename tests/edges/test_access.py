"""Credentials: a service account's directory, a kubeconfig, and what is wrong with either."""

import asyncio
import json
import os
import stat
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest

from exporter.kit.settings import SettingsError, read_text
from exporter.observe.errors import Unauthorized
from exporter.observe.kube.access import (
    REREAD_SECONDS,
    Kubeconfig,
    ServiceAccount,
    Where,
    access,
    server_of,
)

T = TypeVar("T")


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def wait(answer: Awaitable[T]) -> T:
    """Await one thing."""

    async def run() -> T:
        return await answer

    return asyncio.run(run())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a service account's directory."""
    (tmp_path / "token").write_text("one\n")
    (tmp_path / "ca.crt").touch()
    return tmp_path


def test_a_pod_finds_the_server_in_its_environment() -> None:
    """Settings win; IPv6 stands in brackets; without either there is none."""
    inside = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert server_of(Where(), inside) == "https://10.0.0.1:6443"
    assert server_of(Where(), {"KUBERNETES_SERVICE_HOST": "fd00::1"}) == "https://[fd00::1]:443"
    assert server_of(Where(server="https://a:1/"), inside) == "https://a:1"
    assert not server_of(Where(), {})


def test_without_any_server_the_ways_to_name_one_are_told() -> None:
    """Neither in a pod nor configured."""
    with pytest.raises(Unauthorized, match=r"set kubernetes\.server"):
        access(Where(), {})


def test_the_way_follows_the_settings(tmp_path: Path) -> None:
    """A kubeconfig is a person's, the rest a pod's."""
    assert isinstance(access(Where(kubeconfig=tmp_path / "config"), {}), Kubeconfig)
    assert isinstance(access(Where(server="https://a:1"), {}), ServiceAccount)


def test_settings_that_contradict_are_refused() -> None:
    """Two servers; a server that is no URL."""
    text = "server: https://a:1\nkubeconfig: /config\n"
    with pytest.raises(SettingsError, match="f: server: a kubeconfig names its own server"):
        read_text(text, "f", Where)
    with pytest.raises(SettingsError, match="f: server: 'a:1' is not a URL"):
        read_text("server: a:1", "f", Where)


def test_a_token_is_read_again_when_its_file_changes_or_in_a_minute(directory: Path) -> None:
    """The clock alone is enough, and so is the file alone."""
    clock = Clock()
    account = ServiceAccount(directory, "http://a:1", clock)
    assert wait(account.credentials()).authorization == "Bearer one"
    before = (directory / "token").stat()
    (directory / "token").write_text("two\n")
    os.utime(directory / "token", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert wait(account.credentials()).authorization == "Bearer one"
    clock.now += REREAD_SECONDS
    assert wait(account.credentials()).authorization == "Bearer two"
    (directory / "new").write_text("three")
    (directory / "new").rename(directory / "token")
    assert wait(account.credentials()).authorization == "Bearer three"


def test_the_authority_is_loaded_once_while_it_is_the_same(
    directory: Path, authority: Path
) -> None:
    """Connections are pooled by it; a new file is a new authority."""
    clock = Clock()
    (directory / "ca.crt").write_bytes(authority.read_bytes())
    account = ServiceAccount(directory, "https://a:1", clock)
    first = wait(account.credentials())
    clock.now += REREAD_SECONDS
    assert wait(account.credentials()).tls is first.tls
    (directory / "new").write_bytes(authority.read_bytes())
    (directory / "new").rename(directory / "ca.crt")
    assert wait(account.credentials()).tls is not first.tls


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "é"])
def test_a_token_file_without_a_token_is_said_so(directory: Path, token: str) -> None:
    """And never becomes a header."""
    (directory / "token").write_text(token)
    with pytest.raises(Unauthorized):
        wait(ServiceAccount(directory, "http://a:1").credentials())


def test_files_that_are_missing_or_no_certificate_are_unauthorized(directory: Path) -> None:
    """The text names the file."""
    with pytest.raises(Unauthorized, match="cannot read the service account's files"):
        wait(ServiceAccount(directory, "https://a:1").credentials())
    (directory / "token").unlink()
    with pytest.raises(Unauthorized, match="token"):
        wait(ServiceAccount(directory, "http://a:1").credentials())


def test_credentials_print_without_their_secret(directory: Path) -> None:
    """They may end up in a log by mistake."""
    found = wait(ServiceAccount(directory, "http://a:1").credentials())
    assert repr(found) == "Credentials(server='http://a:1')"


def kubeconfig(path: Path, user: object, cluster: object | None = None) -> Path:
    """Write a kubeconfig and return its path."""
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster or {"server": "https://a:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(content))
    return path


def test_a_kubeconfig_gives_server_and_token(tmp_path: Path) -> None:
    """As kubectl would read it."""
    path = kubeconfig(tmp_path / "config", {"token": "person"})
    found = wait(Kubeconfig(path).credentials())
    assert (found.server, found.authorization) == ("https://a:1", "Bearer person")


def test_a_kubeconfig_may_leave_the_certificate_unchecked(tmp_path: Path) -> None:
    """A person's decision, written by that person."""
    cluster = {"server": "https://a:1", "insecure-skip-tls-verify": True}
    path = kubeconfig(tmp_path / "config", {"token": "person"}, cluster)
    tls = wait(Kubeconfig(path).credentials()).tls
    assert getattr(tls, "check_hostname", None) is False


def test_a_plugins_expired_token_is_fetched_again(tmp_path: Path) -> None:
    """Not at every request, and not only at the start."""
    plugin = tmp_path / "plugin"
    status = '{"token": "%s", "expirationTimestamp": "2020-01-01T00:00:00Z"}'
    answer = (
        '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": '
    )
    plugin.write_text(
        f"#!/bin/sh\necho x >> {tmp_path}/calls\n"
        f"printf '{answer}{status}}}' $(wc -l < {tmp_path}/calls)\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    clock = Clock()
    person = Kubeconfig(kubeconfig(tmp_path / "config", user), clock)

    async def run() -> list[str]:
        found = []
        for seconds in (0.0, 1.0, REREAD_SECONDS):
            clock.now += seconds
            found.append((await person.credentials()).authorization)
        return found

    assert wait(run()) == ["Bearer 1", "Bearer 1", "Bearer 2"]


@pytest.mark.parametrize("text", [None, "{}", "a: [", "[]", "clusters: 5", "contexts: [null]"])
def test_a_kubeconfig_that_cannot_be_used_is_unauthorized(tmp_path: Path, text: str | None) -> None:
    """Missing, empty, not YAML, or YAML of something else."""
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unauthorized, match="cannot use the kubeconfig"):
        wait(Kubeconfig(path).credentials())
