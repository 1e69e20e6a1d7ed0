"""The file of `--web.config.file`: Prometheus' exporter-toolkit's format, as values.

It is read as toolkit 0.20 reads it: a file that `promtool check web-config` accepts is accepted,
one that it refuses is refused. Older promtools do not know inline certificates, rate_limit and
client_allowed_sans yet, and still know suites without forward secrecy; those are accepted, too.
One file is refused that 0.20 still accepts, because it promises what would not be held:
client_allowed_sans where no certificate is required.
How TLS is made of it and who may come in is decided elsewhere.
"""

import enum
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from exporter.kit.settings import SettingsError
from exporter.kit.web_yaml import Reader

CIPHERS: Mapping[str, str] = {
    # The suites of TLS 1.3 cannot be chosen, neither in Go nor in Python.
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
"""Names that the format knows, and OpenSSL's."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
VERSIONS: Mapping[str, int] = {"TLS10": 10, "TLS11": 11, "TLS12": 12, "TLS13": 13}
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""Headers that may be set, and their values where not every value will do."""

_HASH = re.compile(r"\$([0-2])([^$]?)\$([0-9]{2})\$.{52,}", re.DOTALL)
SHORTEST_HASH = 59
COSTS = range(4, 32)


class ClientAuth(enum.StrEnum):
    """What a client must show."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"


REQUIRED = frozenset({ClientAuth.REQUIRE_ANY, ClientAuth.REQUIRE_AND_VERIFY})
CLIENT_AUTH: Mapping[str, ClientAuth] = {
    "": ClientAuth.NONE,
    "RequireClientCert": ClientAuth.REQUIRE_ANY,  # what it was called at first
    **{str(one): one for one in ClientAuth},
}


class Tls(msgspec.Struct, frozen=True):
    """`tls_server_config`, files read. `client_ca` and `allowed_sans` are None when not given."""

    certificate: bytes
    key: bytes
    client_auth: ClientAuth
    client_ca: bytes | None
    allowed_sans: frozenset[str] | None
    least: int
    most: int
    ciphers: tuple[str, ...]
    curves: tuple[str, ...]
    server_prefers: bool

    def __repr__(self) -> str:
        """Show no key."""
        return f"Tls(client_auth={self.client_auth!r})"


class WebConfig(msgspec.Struct, frozen=True):
    """The whole file. `tls` None: plain HTTP. `interval` 0 or less: no limit of the rate."""

    tls: Tls | None = None
    http2: bool = True
    headers: Mapping[str, str] = {}
    users: Mapping[str, str] = {}
    interval: float = 0.0
    burst: int = 0

    def __repr__(self) -> str:
        """Show no hash."""
        return f"WebConfig(tls={self.tls!r}, users={sorted(self.users)})"


def read(path: Path) -> WebConfig:
    """Read the file and those that it names. Raises SettingsError with every problem."""
    reader = Reader(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise reader.fail("", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise reader.fail("", "is not UTF-8 text") from error
    tls, http = "tls_server_config", "http_server_config"
    found = reader.section(
        reader.root(text),
        "",
        {
            tls: lambda node: reader.section(node, tls, _tls_keys(reader, tls)),
            http: lambda node: reader.section(
                node,
                http,
                {"http2": reader.flag(f"{http}.http2"), "headers": reader.texts(f"{http}.headers")},
            ),
            "basic_auth_users": reader.texts("basic_auth_users"),
            "rate_limit": lambda node: reader.section(
                node,
                "rate_limit",
                {
                    "interval": reader.seconds("rate_limit.interval"),
                    "burst": reader.whole("rate_limit.burst"),
                },
            ),
        },
    )
    result = _config(found, reader)
    if reader.problems:
        raise SettingsError(tuple(reader.problems))
    return result


def _tls_keys(reader: Reader, at: str) -> dict[str, Any]:
    texts = ("cert", "key", "client_ca", "cert_file", "key_file", "client_ca_file")

    def one_of(names: Mapping[str, object]) -> Any:  # noqa: ANN401 -- a reader of a reader
        return lambda path: reader.choice(path, names)

    return {
        **{name: reader.text(f"{at}.{name}") for name in texts},
        "client_auth_type": reader.text(f"{at}.client_auth_type"),
        "client_allowed_sans": reader.list_of(f"{at}.client_allowed_sans", reader.text),
        "min_version": reader.choice(f"{at}.min_version", VERSIONS),
        "max_version": reader.choice(f"{at}.max_version", VERSIONS),
        "cipher_suites": reader.list_of(f"{at}.cipher_suites", one_of(CIPHERS)),
        "curve_preferences": reader.list_of(f"{at}.curve_preferences", one_of(CURVES)),
        "prefer_server_cipher_suites": reader.flag(f"{at}.prefer_server_cipher_suites"),
    }


def _config(found: Mapping[str, Any], reader: Reader) -> WebConfig:
    http = found.get("http_server_config", {})
    headers: dict[str, str] = http.get("headers", {})
    for name, value in headers.items():
        at = f"http_server_config.headers.{name}"
        if name not in HEADERS:
            reader.note(at, f"cannot be set; known here: {', '.join(sorted(HEADERS))}")
        elif HEADERS[name] and value not in HEADERS[name]:
            reader.note(at, f"must be one of {', '.join(HEADERS[name])}, not {value!r}")
    users: dict[str, str] = found.get("basic_auth_users", {})
    for name, value in users.items():
        if why := _not_a_hash(value):
            reader.note(f"basic_auth_users.{name}", why)
    rate = found.get("rate_limit", {})
    return WebConfig(
        tls=_tls(found.get("tls_server_config", {}), reader),
        http2=http.get("http2", True),
        headers=headers,
        users=users,
        interval=rate.get("interval", 0.0),
        burst=rate.get("burst", 0),
    )


def _tls(found: Mapping[str, Any], reader: Reader) -> Tls | None:
    at = "tls_server_config"
    ours = ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file")
    auth_name = found.get("client_auth_type", "")
    if not auth_name and not any(found.get(name) for name in ours):
        return None
    client_ca = _content(found, "client_ca", reader)
    auth = CLIENT_AUTH.get(auth_name)
    if auth is None:
        known = ", ".join(ClientAuth)
        reader.note(f"{at}.client_auth_type", f"must be one of {known}, not {auth_name!r}")
    if auth is ClientAuth.NONE and client_ca is not None:
        reader.note(f"{at}.client_ca_file", "needs a client_auth_type: nobody is asked to show one")
    sans = found.get("client_allowed_sans")
    if sans is not None and auth not in REQUIRED:
        reader.note(
            f"{at}.client_allowed_sans",
            f"needs client_auth_type {' or '.join(sorted(REQUIRED))}: without a certificate there"
            " is no name to compare",
        )
    pair = {name: _content(found, name, reader) for name in ("cert", "key")}
    for name, content in pair.items():
        if content is None:
            reader.note(f"{at}.{name}_file", f"is missing: give {name} or {name}_file")
    return Tls(
        certificate=pair["cert"] or b"",
        key=pair["key"] or b"",
        client_auth=auth or ClientAuth.NONE,
        client_ca=client_ca,
        allowed_sans=None if sans is None else frozenset(sans),
        least=VERSIONS[found.get("min_version", "TLS12")],
        most=VERSIONS[found.get("max_version", "TLS13")],
        ciphers=found.get("cipher_suites", ()),
        curves=found.get("curve_preferences", ()),
        server_prefers=found.get("prefer_server_cipher_suites", True),
    )


def _content(found: Mapping[str, Any], name: str, reader: Reader) -> bytes | None:
    """Return what stands in the named file, or in the text beside it; the file goes first."""
    if given := found.get(f"{name}_file"):
        try:
            content: bytes = (reader.file.parent / given).read_bytes()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            reader.note(f"tls_server_config.{name}_file", f"{given} cannot be read: {why}")
            return b""
        return content
    text = found.get(name)
    return str(text).encode() if text else None


def _not_a_hash(text: str) -> str:
    """Say why a text is not a bcrypt hash; what Go's reader refuses, no more."""
    if len(text.encode()) < SHORTEST_HASH:
        return "is not a bcrypt hash: it is too short"
    found = _HASH.match(text)
    if found is None:
        return "is not a bcrypt hash: it must look like $2y$10$..."
    return "" if int(found[3]) in COSTS else "is not a bcrypt hash: its cost must be from 4 to 31"
