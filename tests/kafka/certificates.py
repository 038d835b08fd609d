"""A certificate authority of one test run, and what it issued to a broker."""

from __future__ import annotations

from dataclasses import dataclass, field

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM texts."""

    ca: str
    """What a client has to trust."""
    chain: str
    key: str = field(repr=False)
    """PKCS 8, the one form that Java reads."""


def issue(*hosts: str) -> Certificate:
    """Issue a certificate for these names and addresses, by a new authority."""
    authority = trustme.CA()
    issued = authority.issue_cert(*hosts)
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    return Certificate(
        ca=authority.cert_pem.bytes().decode(),
        chain="".join(each.bytes().decode() for each in issued.cert_chain_pems),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )
