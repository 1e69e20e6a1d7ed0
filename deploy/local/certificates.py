"""A certificate authority of one run, and what it signs: servers on loopback and clients by name.

Keys live in the run directory only, as long as the run.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

VALID = dt.timedelta(days=7)
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVER_ADDRESSES = ("127.0.0.1", "10.0.0.1")


@dataclass(frozen=True)
class Pair:
    """Files of one certificate and its key, both PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates for one run; `certificate` is what clients verify servers with."""

    def __init__(self, directory: Path) -> None:
        """Create the authority's own key and certificate in `directory`."""
        directory.mkdir(mode=0o700)
        self.directory = directory
        self.certificate = directory / "ca.crt"
        self._name = _name("pvmedic-local", ())
        self._key = ec.generate_private_key(ec.SECP256R1())
        built = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, groups: tuple[str, ...] = (), *, server: bool = False) -> Pair:
        """Sign a certificate for client `name` in `groups`, or for a server on loopback."""
        file = name.replace(":", "-")
        pair = Pair(self.directory / f"{file}.crt", self.directory / f"{file}.key")
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = self._builder(_name(name, groups), key.public_key())
        if server:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names: list[x509.GeneralName] = [x509.DNSName(text) for text in SERVER_NAMES]
            names += [x509.IPAddress(ipaddress.ip_address(text)) for text in SERVER_ADDRESSES]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        built = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        signed = built.sign(self._key, hashes.SHA256())
        pair.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        _write_key(pair.key, key)
        return pair

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + VALID)
        )


def signing_key(directory: Path) -> Path:
    """Write a new RSA key for service account tokens and return its file."""
    path = directory / "service-account.key"
    _write_key(path, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return path


def _name(common: str, groups: tuple[str, ...]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
