"""A certificate authority of a household."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@cache
def certificate() -> bytes:
    """One in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "home")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=3650))
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def fingerprint(pem: bytes) -> str:
    """As `openssl x509 -fingerprint -sha256` prints it."""
    der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    return ":".join(f"{octet:02X}" for octet in hashlib.sha256(der).digest())
