"""Where the API server is and who we are to it. Credentials are read only here; none is logged.

Two ways: a service account's directory (what a pod has), or a kubeconfig (what a person has).
"""

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import yaml

from exporter.kit.described import setting
from exporter.observe.errors import Unauthorized

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration
    from kubernetes.aio.config.kube_config import KubeConfigLoader

NO_KUBECONFIG = (ValueError, LookupError, TypeError, AttributeError)
"""What the library makes of a file that is YAML and no kubeconfig."""
REREAD_SECONDS = 60.0
"""Credentials are read again at least this often, whether or not a file says that it changed."""


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `kubernetes` section of both programs' settings. Empty: the pod's own environment."""

    server: Annotated[
        str,
        setting(
            "The API server's URL, https://HOST:PORT. Empty: what the pod's environment names."
        ),
    ] = ""
    service_account_directory: Annotated[
        Path, setting("Where `token` and `ca.crt` of the service account are.")
    ] = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    kubeconfig: Annotated[
        Path | None,
        setting("A kubeconfig to use instead of a service account; it names its server."),
    ] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what contradicts: (field, sentence)."""
        if self.server and self.kubeconfig is not None:
            yield (
                "server",
                "a kubeconfig names its own server: give `server` or `kubeconfig`, not both",
            )
        if self.server and not self.server.startswith(("https://", "http://")):
            yield ("server", f"{self.server!r} is not a URL: write https://HOST:PORT")


class Credentials(msgspec.Struct, frozen=True):
    """What one request needs. `authorization` is the header's whole value, or empty."""

    server: str
    authorization: str
    tls: ssl.SSLContext | bool
    server_name: str | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Credentials(server={self.server!r})"


class Access(Protocol):
    """Hands out credentials that are fresh enough."""

    async def credentials(self) -> Credentials:
        """Return them; raises Unauthorized when they cannot be read."""
        ...


def server_of(where: Where, environment: Mapping[str, str]) -> str:
    """Return the API server's URL, or nothing when neither settings nor environment name one."""
    if where.server:
        return where.server.rstrip("/")
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{port}" if host else ""


def kubeconfig(environ: Mapping[str, str]) -> Path | None:
    """Return the kubeconfig that kubectl would take, if there is one."""
    named = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    usual = Path(environ.get("HOME", "/")) / ".kube" / "config"
    return next((path for path in (*map(Path, named), usual) if path.is_file()), None)


def access(where: Where, environment: Mapping[str, str]) -> Access:
    """Choose the way; raises Unauthorized when there is none."""
    if where.kubeconfig is not None:
        return Kubeconfig(where.kubeconfig)
    server = server_of(where, environment)
    if not server:
        message = (
            "no API server is named: run in a pod, or set kubernetes.server, "
            "or set kubernetes.kubeconfig"
        )
        raise Unauthorized(message)
    return ServiceAccount(where.service_account_directory, server)


class ServiceAccount:
    """Files that the kubelet renews: `token` and `ca.crt`."""

    def __init__(
        self, directory: Path, server: str, steady: Callable[[], float] = time.monotonic
    ) -> None:
        """Read nothing yet."""
        self._token = directory / "token"
        self._authority = directory / "ca.crt"
        self._server = server
        self._steady = steady
        self._read_at = float("-inf")
        self._marks: tuple[tuple[int, int], ...] = ()
        self._held: Credentials | None = None

    async def credentials(self) -> Credentials:
        """Return what the files say.

        They are small and local, so reading them here holds nobody up.
        """
        try:
            marks = (_mark(self._token), _mark(self._authority))
            due = self._steady() - self._read_at >= REREAD_SECONDS
            if self._held is None or due or marks != self._marks:
                self._held = self._read(self._held if marks[1:] == self._marks[1:] else None)
                self._read_at, self._marks = self._steady(), marks
        except (OSError, UnicodeDecodeError, ssl.SSLError) as error:
            message = f"cannot read the service account's files: {error}"
            raise Unauthorized(message) from error
        return self._held

    def _read(self, before: Credentials | None) -> Credentials:
        token = self._token.read_text(encoding="ascii").strip()
        if not token or len(token.split()) != 1:
            raise Unauthorized(f"{self._token} does not hold a token")
        # The context is kept while the authority is the same: connections are pooled by it.
        plain = self._server.startswith("http://")
        tls: ssl.SSLContext | bool = True
        if before is not None:
            tls = before.tls
        elif not plain:
            tls = ssl.create_default_context(cafile=str(self._authority))
        return Credentials(self._server, f"Bearer {token}", tls)


def _mark(path: Path) -> tuple[int, int]:
    found = path.stat()
    return (found.st_ino, found.st_mtime_ns)


class Kubeconfig:
    """A person's kubeconfig, its exec plugin and OIDC refresh included."""

    def __init__(
        self, path: Path, steady: Callable[[], float] = time.monotonic, context: str = ""
    ) -> None:
        """Read nothing yet; without a `context` the file's current one counts."""
        self._path = path
        self._context = context
        self._steady = steady
        self._read_at = float("-inf")
        self._loader: KubeConfigLoader | None = None
        self._configuration: Configuration | None = None
        self._files: tuple[object, ...] = ()
        self._held: Credentials | None = None

    async def credentials(self) -> Credentials:
        """Return what the kubeconfig says now; an expired token is fetched anew."""
        if self._held is None or self._steady() - self._read_at >= REREAD_SECONDS:
            self._held = await self._load()
            self._read_at = self._steady()
        return self._held

    async def _load(self) -> Credentials:
        # Imported here because it costs 26 MB and most of a second, and a pod never needs it.
        from kubernetes.aio.client import Configuration  # noqa: PLC0415
        from kubernetes.aio.config import ConfigException, load_kube_config  # noqa: PLC0415

        unusable = (ConfigException, yaml.YAMLError, OSError, *NO_KUBECONFIG)
        try:
            if self._loader is None or self._configuration is None:
                self._configuration = Configuration()
                self._loader = await load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=str(self._path),
                    context=self._context or None,
                    client_configuration=self._configuration,
                    persist_config=False,
                )
            else:
                await self._loader.load_and_set(self._configuration)  # type: ignore[no-untyped-call]
            return self._credentials(self._configuration)
        except unusable as error:
            message = f"cannot use the kubeconfig {self._path}: {error}"
            raise Unauthorized(message) from error

    def _credentials(self, found: "Configuration") -> Credentials:
        files = (found.ssl_ca_cert, found.cert_file, found.key_file, found.verify_ssl)
        tls: ssl.SSLContext | bool = True
        if self._held is not None and files == self._files:
            tls = self._held.tls
        else:
            tls = ssl.create_default_context(cafile=found.ssl_ca_cert)
            if found.cert_file:
                tls.load_cert_chain(found.cert_file, found.key_file)
            if not found.verify_ssl:
                tls.check_hostname = False
                tls.verify_mode = ssl.CERT_NONE
        self._files = files
        token = found.api_key.get("BearerToken", "")
        return Credentials(
            found.host, token, tls, found.tls_server_name or None, found.proxy or None
        )
