"""Who may come in by --web.config.file: TLS, client certificates and passwords, on real sockets."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from cryptography import x509

from exporter.kit import entrance
from exporter.kit.settings import SettingsError
from tests.kit.authority import Authority
from tests.kit.served import Served, client, put, served

LOGIN = ("prometheus", "secret")
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{prometheus: {HASH}}}\n"
PAIR = "cert_file: a.crt, key_file: a.key"
REFUSED = (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


def run(file: Path, text: str, ask: Callable[[Served], Awaitable[None]]) -> None:
    """Serve by a file of this text, and ask."""
    file.write_text(text)

    async def life() -> None:
        async with served(file) as face:
            await ask(face)

    asyncio.run(life())


@pytest.fixture
def file(tmp_path: Path, authority: Authority) -> Path:
    """Return where the file goes, beside the certificate of a server."""
    authority.issue("a")
    return tmp_path / "web.yml"


def test_tls_is_served_and_plain_http_is_not(file: Path, authority: Authority) -> None:
    """With the certificate of the file; TLS 1.2 is not enough when 1.3 is asked for."""

    async def ask(face: Served) -> None:
        assert await face.get(tls=client(authority.certificate)) == (200, "a 1\n")
        with pytest.raises(REFUSED):
            await face.get()
        old = client(authority.certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(REFUSED):
            await face.get(tls=old)

    run(file, f"tls_server_config: {{{PAIR}, min_version: TLS13}}", ask)


def test_a_client_needs_a_certificate_with_an_allowed_name(
    file: Path, authority: Authority, tmp_path: Path
) -> None:
    """A DNS name, an address, a URI or an e-mail address; another name, none, or a stranger's."""
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger").issue("good.example")
    uri = authority.issue("u", x509.UniformResourceIdentifier("spiffe://x/prometheus"))
    mail = authority.issue("m", x509.RFC822Name("p@example.com"))

    async def ask(face: Served) -> None:
        trusted = authority.certificate
        for good in (authority.issue("good.example"), uri, mail):
            assert (await face.get(tls=client(trusted, good)))[0] == 200
        assert face.refused("NameNotAllowed") == 0
        with pytest.raises(REFUSED):
            await face.get(tls=client(trusted, authority.issue("bad.example")))
        assert face.refused("NameNotAllowed")  # more than once: the client tries again
        for bad in (None, stranger):
            with pytest.raises(REFUSED):
                await face.get(tls=client(trusted, bad))

    allowed = "good.example, 'spiffe://x/prometheus', p@example.com"
    auth = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt"
    run(file, f"tls_server_config: {{{PAIR}, {auth}, client_allowed_sans: [{allowed}]}}", ask)


def test_an_address_may_be_the_allowed_name(file: Path, authority: Authority) -> None:
    """Written as Go writes it."""

    async def ask(face: Served) -> None:
        context = client(authority.certificate, authority.issue("any"))
        assert (await face.get(tls=context))[0] == 200

    auth = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt"
    run(file, f"tls_server_config: {{{PAIR}, {auth}, client_allowed_sans: [127.0.0.1]}}", ask)


@pytest.mark.parametrize(
    ("auth", "without", "stranger"),
    [
        ("NoClientCert", True, True),
        ("RequestClientCert", True, True),
        ("RequireAnyClientCert", False, False),
        ("VerifyClientCertIfGiven", True, False),
        ("RequireAndVerifyClientCert", False, False),
    ],
)
def test_every_kind_of_client_authentication(
    file: Path, authority: Authority, tmp_path: Path, auth: str, *, without: bool, stranger: bool
) -> None:
    """Whether a client without a certificate, or with somebody else's, comes in."""
    (tmp_path / "other").mkdir()
    unknown = Authority(tmp_path / "other", "stranger").issue("s")
    known = authority.issue("c")

    async def ask(face: Served) -> None:
        for own, comes_in in ((known, True), (None, without), (unknown, stranger)):
            context = client(authority.certificate, own)
            if comes_in:
                assert (await face.get(tls=context))[0] == 200
            else:
                with pytest.raises(REFUSED):
                    await face.get(tls=context)

    more = "" if auth == "NoClientCert" else ", client_ca_file: authority.crt"
    run(file, f"tls_server_config: {{{PAIR}, client_auth_type: {auth}{more}}}", ask)


def test_a_password_is_asked_for_on_every_path_but_the_probes(file: Path) -> None:
    """Right, wrong, an unknown user, none at all; the probes say one word."""

    async def ask(face: Served) -> None:
        assert await face.get(login=LOGIN) == (200, "a 1\n")
        for path in ("/", "/metrics", "/nothing", "/metrics/", "//healthz", "/healthz/../metrics"):
            status, _, headers = await face.answer(path)
            assert status == 401, path
            assert headers["WWW-Authenticate"] == "Basic"
        assert face.refused("NoCredentials") == 6
        for login in (("prometheus", "wrong"), ("nobody", "secret"), ("", ""), ("ü", "ü" * 99)):
            assert (await face.get(login=login))[0] == 401
        assert face.refused("WrongCredentials") == 4
        assert await face.get("/healthz") == (200, "ok\n")
        face.not_ready = "pods of namespace secret have not been listed"
        assert await face.get("/readyz") == (503, "not ready\n")

    run(file, USERS, ask)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic %%%", "Basic YQ==", "Bearer x", "\udcff", "Basic \udcff"]
)
def test_an_authorization_header_that_is_nonsense_is_no_login(file: Path, header: str) -> None:
    """401, whatever it is."""

    async def ask(face: Served) -> None:
        reader, writer = await asyncio.open_connection(*face.web.address)
        raw = header.encode(errors="surrogateescape")
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: " + raw + b"\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()

    run(file, USERS, ask)


def test_headers_are_set_on_every_answer(file: Path) -> None:
    """Refusals and errors as well."""
    text = (
        f"{USERS}http_server_config: {{headers: {{X-Frame-Options: deny, X-XSS-Protection: 0}}}}\n"
    )

    async def ask(face: Served) -> None:
        for login, path in ((LOGIN, "/metrics"), (LOGIN, "/none"), (None, "/metrics")):
            _, _, headers = await face.answer(path, login=login)
            assert headers["X-Frame-Options"] == "deny"
            assert headers["X-XSS-Protection"] == "0"

    run(file, text, ask)


def test_the_rate_is_limited(file: Path) -> None:
    """A burst at once, then one an interval; probes are not counted."""

    async def ask(face: Served) -> None:
        assert [(await face.get())[0] for _ in range(3)] == [200, 200, 429]
        assert (await face.get("/healthz"))[0] == 200
        face.now += 10.0
        assert [(await face.get())[0] for _ in range(2)] == [200, 429]
        face.now += 1000.0
        assert [(await face.get())[0] for _ in range(3)] == [200, 200, 429]
        assert face.refused("RateLimited") == 3

    run(file, "rate_limit: {interval: 10s, burst: 2}", ask)


def test_new_certificates_authorities_and_users_are_used_without_a_restart(
    file: Path, authority: Authority, tmp_path: Path
) -> None:
    """New handshakes use them; a connection that is there stays."""
    (tmp_path / "new").mkdir()
    newer = Authority(tmp_path / "new", "newer")
    auth = "client_auth_type: RequireAndVerifyClientCert, client_ca_file:"
    own = authority.issue("c")
    text = f"tls_server_config: {{{PAIR}, {auth} authority.crt}}\n"

    async def ask(face: Served) -> None:
        before = client(authority.certificate, own)
        connector = aiohttp.TCPConnector(ssl=before)
        url = f"https://{face.web.address}/metrics"
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.get(url) as answer:
                assert answer.status == 200
            pair = newer.issue("n")
            (tmp_path / "a.crt").write_bytes(pair.certificate.read_bytes())
            await face.entrance.look(asked=False)  # the key has not come yet
            assert face.metric("config_last_reload_successful") == 0
            assert (await face.get(tls=before))[0] == 200
            (tmp_path / "a.key").write_bytes(pair.key.read_bytes())
            put(file, f"tls_server_config: {{{PAIR}, {auth} new/newer.crt}}\n{USERS}")
            face.now = 2000.0
            await face.entrance.look(asked=False)
            assert face.metric("config_last_reload_successful") == 1
            assert face.metric("config_last_reload_success_timestamp_seconds") == 2000.0
            with pytest.raises(REFUSED):
                await face.get(tls=before, login=LOGIN)
            with pytest.raises(REFUSED):
                await face.get(tls=client(newer.certificate, own), login=LOGIN)
            after = client(newer.certificate, newer.issue("c2"))
            assert (await face.get(tls=after, login=LOGIN))[0] == 200
            assert (await face.get(tls=after))[0] == 401
            async with session.get(url) as answer:  # the same connection; the users are new
                assert answer.status == 401

    run(file, text, ask)


def test_a_bad_new_file_changes_nothing_and_is_told_once(
    file: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake, a file that is gone, TLS that vanished; and good again."""
    good = f"tls_server_config: {{{PAIR}}}\n"

    async def ask(face: Served) -> None:
        for bad in ("tls_config: {}", "", "tls_server_config: {cert_file: x, key_file: y}"):
            caplog.clear()
            put(file, bad)
            for _ in range(3):
                await face.entrance.look(asked=False)
            errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
            assert len(errors) == 1
            assert "the web configuration is as before" in errors[0]
            assert face.metric("config_last_reload_successful") == 0
            assert (await face.get(tls=client(authority.certificate)))[0] == 200
        put(file, good)
        face.now = 3000.0
        await face.entrance.look(asked=False)
        assert face.metric("config_last_reload_successful") == 1
        assert face.metric("config_last_reload_success_timestamp_seconds") == 3000.0

    run(file, good, ask)


@pytest.mark.parametrize("text", ["", "http_server_config: {http2: true}"])
def test_passwords_do_not_vanish_while_it_runs(file: Path, text: str) -> None:
    """A file is empty for a moment while somebody writes it."""

    async def ask(face: Served) -> None:
        put(file, text)
        await face.entrance.look(asked=False)
        assert face.metric("config_last_reload_successful") == 0
        assert (await face.get())[0] == 401
        assert (await face.get(login=LOGIN))[0] == 200

    run(file, USERS, ask)


def test_what_cannot_be_served_is_refused_at_the_start(file: Path, tmp_path: Path) -> None:
    """Somebody else's key is a sentence with the file's name."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").issue("b")
    file.write_text(f"tls_server_config: {{cert_file: a.crt, key_file: {other.key}}}")
    with pytest.raises(SettingsError, match="tls_server_config: the key is not the certificate's"):
        entrance.load(file)


def test_a_hash_that_python_cannot_check_is_told(file: Path) -> None:
    """Go accepts the file; the user cannot log in with us."""
    file.write_text(f"basic_auth_users: {{old: {HASH.replace('$2b', '$1b')}}}")
    (told,) = entrance.load(file).differences
    assert told.startswith("basic_auth_users.old: nobody can log in")
