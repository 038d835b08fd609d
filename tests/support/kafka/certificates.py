"""Certificate authorities of one test run, and what they issued to a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    ends_at: datetime | None = None
    """When it expires, where that is soon."""


class Authority:
    """Signs certificates for brokers, all of one subject: a running broker takes another one only of its own name."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def issue(self, *hosts: str, lasts: timedelta | None = None) -> Certificate:
        """A certificate for these names and addresses; one that `lasts` less than nothing has expired."""
        ends_at = None if lasts is None else (datetime.now(UTC) + lasts).replace(microsecond=0)
        issued = self._ca.issue_cert(*hosts, organization_unit_name="brokers", not_after=ends_at)
        key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
        return Certificate(
            ca=self._ca.cert_pem.bytes().decode(),
            chain="".join(each.bytes().decode() for each in issued.cert_chain_pems),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            ends_at=ends_at,
        )


def issue(*hosts: str) -> Certificate:
    """Issue a certificate for these names and addresses, by a new authority."""
    return Authority().issue(*hosts)
