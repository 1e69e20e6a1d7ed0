"""The file of --web.config.file: read as Prometheus' own checker reads it."""

import subprocess
from pathlib import Path

import pytest

from exporter.kit import tls, web_config
from exporter.kit.settings import SettingsError
from tests.kit.authority import Authority

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"  # of "fakepassword"
PAIR = "cert_file: a.crt, key_file: a.key"
UNKNOWN_FIELD = "not found in type web."

ACCEPTED = {
    "an empty file": "",
    "null": "null",
    "an empty section": "tls_server_config:",
    "a second document": "http_server_config: {http2: true}\n---\nx: 1",
    "everything of TLS": f"""
tls_server_config:
  {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt,
  min_version: TLS12, max_version: TLS13, prefer_server_cipher_suites: false,
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256],
  curve_preferences: [CurveP256, X25519]}}
""",
    **{
        f"{auth}": f"tls_server_config: {{{PAIR}, client_auth_type: {auth}}}"
        for auth in (*web_config.ClientAuth, "RequireClientCert")
    },
    "an old version": f"tls_server_config: {{{PAIR}, min_version: TLS10, max_version: TLS11}}",
    "a CA file without certificates": (
        f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert,"
        " client_ca_file: a.key}"
    ),
    "no certificate, but a version": "tls_server_config: {min_version: TLS13}",
    "users": f"basic_auth_users: {{prometheus: {HASH}, 1: {HASH}}}",
    "a merged section": (
        f"tls_server_config: {{<<: &pair {{{PAIR}}}, min_version: TLS13}}\nbasic_auth_users: {{}}"
    ),
    "a flag as YAML 1.1 says it": "http_server_config: {http2: off}",
    "a header that looks like a number": "http_server_config: {headers: {X-XSS-Protection: 0}}",
    "all headers": """
http_server_config:
  headers:
    Content-Security-Policy: default-src 'none'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=60
""",
}
REFUSED = {
    "not YAML": "[",
    "a list": "[]",
    "a number": "3",
    "a key that is not known": "tls_config: {}",
    "a key of TLS that is not known": f"tls_server_config: {{{PAIR}, certificate: x}}",
    "a key written twice": "http_server_config: {http2: true, http2: false}",
    "a user written twice": f"basic_auth_users: {{a: {HASH}, a: {HASH}}}",
    "a section that is a list": "http_server_config: []",
    "a flag in quotes": 'http_server_config: {http2: "true"}',
    "a flag that is a number": "http_server_config: {http2: 1}",
    "a key without a certificate": "tls_server_config: {key_file: a.key}",
    "a certificate without a key": "tls_server_config: {cert_file: a.crt}",
    "a file that is not there": "tls_server_config: {cert_file: none.crt, key_file: a.key}",
    "somebody else's key": "tls_server_config: {cert_file: a.crt, key_file: b.key}",
    "a key for a certificate": "tls_server_config: {cert_file: a.key, key_file: a.crt}",
    "an unknown client_auth_type": f"tls_server_config: {{{PAIR}, client_auth_type: Always}}",
    "client_auth_type without a pair": "tls_server_config: {client_auth_type: NoClientCert}",
    "a CA that nobody needs": f"tls_server_config: {{{PAIR}, client_ca_file: authority.crt}}",
    "a CA that is not there": (
        f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert,"
        " client_ca_file: none.crt}"
    ),
    "an unknown version": "tls_server_config: {min_version: TLS14}",
    "a version that is a number": "tls_server_config: {max_version: 1.2}",
    "an unknown suite": "tls_server_config: {cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}",
    "a suite that is no list": "tls_server_config: {cipher_suites: TLS_AES_128_GCM_SHA256}",
    "an unknown curve": "tls_server_config: {curve_preferences: [CurveP257]}",
    "a password": "basic_auth_users: {prometheus: secret}",
    "no password": "basic_auth_users: {prometheus: }",
    "a hash of the future": f"basic_auth_users: {{a: {HASH.replace('$2y', '$3y')}}}",
    "a hash that is too dear": f"basic_auth_users: {{a: {HASH.replace('$10$', '$32$')}}}",
    "users in a list": "basic_auth_users: [a]",
    "a header that cannot be set": "http_server_config: {headers: {Content-Type: text/plain}}",
    "a header in small letters": "http_server_config: {headers: {x-frame-options: deny}}",
    "a header with a wrong value": "http_server_config: {headers: {X-Frame-Options: allow}}",
    "a header with no value": "http_server_config: {headers: {X-Content-Type-Options: }}",
}
NEWER = {
    "allowed names": (
        f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert,"
        " client_ca_file: authority.crt, client_allowed_sans: [a]}"
    ),
    "inline PEM": """
tls_server_config:
  cert: |
    @a.crt
  key: |
    @a.key
  client_auth_type: RequireAnyClientCert
  client_ca: |
    @authority.crt
""",
    "a limited rate": "rate_limit: {interval: 1m30s, burst: 3}",
    "a limited rate in nanoseconds": "rate_limit: {interval: 5, burst: 1.5}",
}
"""What promtool accepts since toolkits of 2023 (0.9, names), 2024 (0.13, PEM) and 2025 (rates)."""


@pytest.fixture
def written(tmp_path: Path, authority: Authority) -> Path:
    """Return where the file goes, beside certificates for a and b."""
    authority.issue("a")
    authority.issue("b")
    return tmp_path / "web.yml"


def put(file: Path, text: str) -> Path:
    """Write the file, `@name` replaced by what stands in that one, indented."""
    for name in ("a.crt", "a.key", "authority.crt"):
        lines = (file.parent / name).read_text().splitlines()
        text = text.replace(f"@{name}", "\n    ".join(lines))
    file.write_text(text)
    return file


def ours(file: Path) -> str:
    """Return what we say of a file; nothing when it is good."""
    try:
        found = web_config.read(file)
        if found.tls is not None:
            tls.context(found.tls)
    except (SettingsError, ValueError) as error:
        return str(error)
    return ""


def theirs(promtool: Path, file: Path) -> str:
    """Return what promtool says of a file; nothing when it is good."""
    done = subprocess.run(
        [promtool, "check", "web-config", str(file)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_promtool_accepts_is_accepted(written: Path, promtool: Path, text: str) -> None:
    """Both find nothing wrong."""
    assert (ours(put(written, text)), theirs(promtool, written)) == ("", "")


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_promtool_refuses_is_refused(written: Path, promtool: Path, text: str) -> None:
    """Both find something wrong."""
    assert ours(put(written, text))
    assert theirs(promtool, written)


@pytest.mark.parametrize("text", NEWER.values(), ids=NEWER)
def test_what_only_newer_promtools_know_is_accepted(
    written: Path, promtool: Path, text: str
) -> None:
    """An older promtool says that it does not know the key, and nothing else."""
    assert ours(put(written, text)) == ""
    said = theirs(promtool, written)
    assert said == "" or UNKNOWN_FIELD in said


def test_names_are_refused_where_nobody_has_to_show_a_certificate(written: Path) -> None:
    """An older toolkit accepts this and compares nothing; the file would promise too much."""
    put(written, f"tls_server_config: {{{PAIR}, client_allowed_sans: [a]}}")
    assert "client_allowed_sans: needs client_auth_type" in ours(written)


def test_every_mistake_is_told_at_once_with_file_and_place(written: Path) -> None:
    """As the settings do it."""
    put(written, "a: 1\nbasic_auth_users: {b: c}\ntls_server_config: {min_version: 1}\n")
    known = "basic_auth_users, http_server_config, rate_limit, tls_server_config"
    versions = "TLS10, TLS11, TLS12, TLS13"
    assert ours(written).splitlines() == [
        f"{written}: a: is not known; known here: {known}",
        f"{written}: tls_server_config.min_version: must be one of {versions}, not '1'",
        f"{written}: basic_auth_users.b: is not a bcrypt hash: it is too short",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", []),
        ("min_version: TLS10", ["min_version: TLS 1.2 instead: what is older is not offered"]),
        (
            "min_version: TLS13, max_version: TLS12",
            ["min_version is above max_version: nobody can connect"],
        ),
        (
            "cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: TLS12",
            ["cipher_suites has none for TLS 1.2, the max_version: nobody can connect"],
        ),
        (
            "curve_preferences: [CurveP521, X25519]",
            ["curve_preferences: only CurveP521: Python can offer one or all"],
        ),
        (
            "client_auth_type: RequestClientCert",
            ["client_auth_type: nobody is asked for a certificate: Python asks only to verify"],
        ),
        (
            "client_auth_type: RequireAnyClientCert",
            ["client_auth_type: certificates are verified, too: Python asks only to verify"],
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: a.key",
            ["client_ca_file: there is no certificate in it: nobody's can be verified"],
        ),
    ],
)
def test_what_python_cannot_do_is_told(written: Path, more: str, told: list[str]) -> None:
    """And what it does instead lets fewer in."""
    found = web_config.read(put(written, f"tls_server_config: {{{PAIR}, {more}}}"))
    assert found.tls is not None
    assert list(tls.context(found.tls).differences) == told


def test_paths_are_relative_to_the_file_and_secrets_are_not_shown(written: Path) -> None:
    """Neither key nor hash may come into a log."""
    put(written, f"tls_server_config: {{{PAIR}}}\nbasic_auth_users: {{p: {HASH}}}")
    found = web_config.read(written)
    assert found.tls is not None
    assert found.tls.key == (written.parent / "a.key").read_bytes()
    assert "PRIVATE KEY" not in repr(found)
    assert HASH not in repr(found)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or not text."""
    assert "none.yml: cannot be read: No such file" in ours(tmp_path / "none.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in ours(tmp_path / "binary.yml")


@pytest.mark.parametrize(
    "text",
    [
        'basic_auth_users:\n  prometheus: "$2y$10$S3CRET\n',
        "basic_auth_users:\n  prometheus: $2y$10$S3CRET: x\n",
        'tls_server_config:\n  key: "-----BEGIN PRIVATE KEY-----S3CRET" x\n',
        "a: @S3CRET",
    ],
)
def test_what_is_not_yaml_is_told_by_its_place_and_never_quoted(tmp_path: Path, text: str) -> None:
    """The line holds a hash, or a private key, and the sentence goes into the log."""
    told = ours(put_plain(tmp_path / "web.yml", text))
    assert "is not YAML: line " in told
    assert "S3CRET" not in told


def put_plain(file: Path, text: str) -> Path:
    """Write the file as it is."""
    file.write_text(text)
    return file
