"""Makes a TLS context of the web configuration, and says what Python's ssl does not do as asked.

Where it cannot do what is asked it does what lets fewer in, never more. A certificate and its key
come from the bytes that were read, so that what was checked is what is served.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exporter.kit.web_config import CIPHERS, CURVES, VERSIONS, ClientAuth, Tls

LEAST = VERSIONS["TLS12"]
"""What OpenSSL still serves by default."""

FOREIGN_KEY = "the key is not the certificate's"
NOT_PEM = "certificate or key is not PEM, or the key has a password"

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MODES: Mapping[ClientAuth, ssl.VerifyMode] = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.REQUEST: ssl.CERT_NONE,
    ClientAuth.VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRE_ANY: ssl.CERT_REQUIRED,
    ClientAuth.REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED,
}


class Context(NamedTuple):
    """A context, and sentences about what is not as asked."""

    ssl: ssl.SSLContext
    differences: tuple[str, ...]


def context(tls: Tls) -> Context:
    """Make a server's context. Raises ValueError with a sentence when it cannot serve."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_pair(made, tls)
    differences = [*_versions(made, tls), *_choices(made, tls), *_clients(made, tls)]
    return Context(made, tuple(differences))


def _load_pair(made: ssl.SSLContext, tls: Tls) -> None:
    # ssl reads files only: these have no name and are gone with their descriptors.
    descriptors: list[int] = []
    try:
        for content in (tls.certificate, tls.key):
            descriptors.append(os.memfd_create("pvmedic-tls"))
            os.write(descriptors[-1], content)
        certificate, key = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
        # Without a password at hand OpenSSL would ask for one at the terminal.
        made.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        foreign = getattr(error, "reason", None) == "KEY_VALUES_MISMATCH"
        raise ValueError(FOREIGN_KEY if foreign else NOT_PEM) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _versions(made: ssl.SSLContext, tls: Tls) -> Iterator[str]:
    for name, asked in (("min_version", tls.least), ("max_version", tls.most)):
        if asked < LEAST:
            yield f"{name}: TLS 1.2 instead: what is older is not offered"
    least, most = max(tls.least, LEAST), max(tls.most, LEAST)
    made.minimum_version = _version(least)
    made.maximum_version = _version(most)
    if least > most:
        yield "min_version is above max_version: nobody can connect"


def _choices(made: ssl.SSLContext, tls: Tls) -> Iterator[str]:
    if tls.ciphers:
        chosen = [CIPHERS[name] for name in tls.ciphers if CIPHERS[name]]
        if chosen:
            made.set_ciphers(":".join(chosen))
        else:
            # Suites of TLS 1.3 only: there is none to serve TLS 1.2 with.
            made.minimum_version = ssl.TLSVersion.TLSv1_3
            if made.maximum_version is ssl.TLSVersion.TLSv1_2:
                yield "cipher_suites has none for TLS 1.2, the max_version: nobody can connect"
    if not tls.server_prefers:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.curves:
        made.set_ecdh_curve(CURVES[tls.curves[0]])
        if len(tls.curves) > 1:
            yield f"curve_preferences: only {tls.curves[0]}: Python can offer one or all"


def _clients(made: ssl.SSLContext, tls: Tls) -> Iterator[str]:
    made.verify_mode = _MODES[tls.client_auth]
    if tls.client_auth is ClientAuth.REQUEST:
        yield "client_auth_type: nobody is asked for a certificate: Python asks only to verify"
    if tls.client_auth is ClientAuth.REQUIRE_ANY:
        yield "client_auth_type: certificates are verified, too: Python asks only to verify"
    if made.verify_mode is ssl.CERT_NONE:
        return
    if tls.client_ca is None:
        # As in Go, where no authorities are the system's.
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    authorities = _CERTIFICATE.findall(tls.client_ca)
    if not authorities:
        yield "client_ca_file: there is no certificate in it: nobody's can be verified"
    for found in authorities:
        try:
            made.load_verify_locations(cadata=found.decode("ascii"))
        except (ssl.SSLError, ValueError):
            yield "client_ca_file: one certificate in it cannot be read and is left out"


def _version(number: int) -> ssl.TLSVersion:
    return ssl.TLSVersion.TLSv1_3 if number == VERSIONS["TLS13"] else ssl.TLSVersion.TLSv1_2


def names_of(peer: Mapping[str, object] | None) -> frozenset[str]:
    """Return a verified certificate's alternative names, as ssl tells them."""
    found = (peer or {}).get("subjectAltName", ())
    known = {"DNS", "email", "IP Address", "URI"}
    pairs = found if isinstance(found, tuple) else ()
    return frozenset(_compared(kind, value) for kind, value in pairs if kind in known)


def _compared(kind: str, value: str) -> str:
    # ssl writes IPv6 as 0:0:0:0:0:0:0:1, the format compares with ::1.
    return str(ipaddress.ip_address(value.strip())) if kind == "IP Address" else value
