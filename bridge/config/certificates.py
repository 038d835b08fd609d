"""Which certificates the configuration names, and when a PEM text's certificates end.

Only the few bytes of a certificate that say so are looked at (RFC 5280, 4.1.2.5): nothing here decides whether one is
to be trusted. A PKCS#12 keystore (`ssl.keystore.location`) is encrypted, and a folder of authorities has no one end:
neither is looked at.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from bridge.config.sections import Config

PROPERTIES: Final[Mapping[str, tuple[str, bool]]] = {
    "ssl.certificate.location": ("client", False),
    "ssl.certificate.pem": ("client", False),
    "ssl.ca.location": ("ca", True),
    "ssl.ca.pem": ("ca", True),
    "https.ca.location": ("https_ca", True),
    "https.ca.pem": ("https_ca", True),
}
"""By property of librdkafka: how its certificate is called after ``kafka_`` or ``dead_letter_``, and whether it is a
list of authorities."""
A_LIST_OF_THE_WORLDS: Final = 20
"""Authorities in one file from which on it is no list of one's own: there some always end, and nobody minds."""
LARGEST: Final = 4_000_000
"""Bytes of a file that are read: a wrong path may name anything."""

_PEM: Final = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END")
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate, or several, that the configuration names."""

    certificate: str
    """As metrics name it: ``kafka_client``, ``kafka_ca``, ``track_ca``, …"""
    are_authorities: bool
    path: Path | None = None
    text: str = ""
    """PEM, where it is in the configuration itself."""


class Validity(NamedTuple):
    """Whose certificate, and until when."""

    subject: bytes
    """As encoded; only good for a comparison."""
    not_after: float
    """Unix time."""


def named(config: Config) -> Iterator[Named]:
    """All of them. The dead-letter producer's only where they are others."""
    if config.track.ca_file is not None:
        yield Named("track_ca", are_authorities=True, path=config.track.ca_file)
    yield from _in_properties("kafka", config.kafka.properties)
    theirs = config.dead_letter.properties
    yield from _in_properties("dead_letter", {k: v for k, v in theirs.items() if config.kafka.properties.get(k) != v})


def end_of(pem: str, *, are_authorities: bool, now: float) -> float | None:
    """Unix time from which on the text serves no longer; None where it holds no certificate.

    A chain ends with the first of its certificates. So does a list of authorities, except that one which is there
    again under the same name counts with its later end, and one that has ended already (it was left there) not at all.
    """
    found = list(validities(pem))
    if not found:
        return None
    ends = [each.not_after for each in found]
    if not are_authorities:
        return min(ends)
    if len(found) > A_LIST_OF_THE_WORLDS:
        return max(ends)
    latest: dict[bytes, float] = {}
    for subject, not_after in found:
        latest[subject] = max(not_after, latest.get(subject, not_after))
    return min((end for end in latest.values() if end > now), default=max(ends))


def validities(pem: str) -> Iterator[Validity]:
    """Of each certificate in a PEM text; what cannot be read as one is passed over."""
    for block in _PEM.findall(pem):
        try:
            yield _validity(base64.b64decode("".join(block.split()), validate=True))
        except (ValueError, IndexError, binascii.Error):
            continue


def _in_properties(owner: str, properties: Mapping[str, str]) -> Iterator[Named]:
    for name, (what, are_authorities) in PROPERTIES.items():
        value = properties.get(name, "")
        if not value:
            continue
        if name.endswith(".pem"):
            yield Named(f"{owner}_{what}", are_authorities, text=value)
        else:
            yield Named(f"{owner}_{what}", are_authorities, path=Path(value))


def _validity(der: bytes) -> Validity:
    """Certificate ::= { tbs { [0] version?, serial, algorithm, issuer, validity { from, until }, subject … } … }."""
    _, certificate = _element(der, 0, _SEQUENCE)
    _, tbs = _element(der, certificate.start, _SEQUENCE)
    tag, at = _element(der, tbs.start)
    if tag == _VERSION:
        _, at = _element(der, at.stop)  # the serial number
    for _ in ("algorithm", "issuer", "validity"):
        _, at = _element(der, at.stop, _SEQUENCE)
    validity = at
    _, subject = _element(der, validity.stop, _SEQUENCE)
    _, begins = _element(der, validity.start)
    tag, until = _element(der, begins.stop)
    return Validity(der[subject.start : subject.stop], _time(tag, der[until.start : until.stop]))


def _element(der: bytes, at: int, expected: int | None = None) -> tuple[int, range]:
    """Tag and content of the element that begins there. Raises ValueError and IndexError for what is none."""
    tag, length, content = der[at], der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[content : content + octets])
        content += octets
    if content + length > len(der) or (expected is not None and tag != expected):
        raise ValueError("no certificate")
    return tag, range(content, content + length)


def _time(tag: int, text: bytes) -> float:
    """YYMMDDHHMMSSZ with years from 1950 on, or YYYYMMDDHHMMSSZ."""
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
