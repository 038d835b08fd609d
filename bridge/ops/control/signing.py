"""What makes a request over the network an operator's: who knows the token signs it, and the token never travels.

The key is made of the token and the group, slowly, so that what somebody hears on the wire is of little use for
guessing a token, and a request for one group is none for another. Signed are the method, the path, the process that is
asked (`instance`, new with every start), the time, a nonce and the body: so a request is good once, within a minute, at
one process. The answer is signed for the request's nonce. Nothing is encrypted. Pure, but for `nonce`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from bridge.ops.control.control_protocol import ProtocolError

HEADER: Final = "bridge-signature"
ANSWER_HEADER: Final = "bridge-answer-signature"
PATH: Final = "/control"
SKEW: Final = 60.0
"""Seconds that the clocks of both sides may differ, and for which a request is good."""
_KEY: Final = b"track-bridge control 1\0"
_REQUEST: Final = "track-bridge control request 1"
_ANSWER: Final = "track-bridge control answer 1"
_FORM: Final = re.compile(
    r"v1 instance=([0-9a-f]{32}) time=([0-9]{1,12}) nonce=([0-9a-f]{32}) body=([0-9a-f]{64}) mac=([0-9a-f]{64})",
    re.ASCII,
)


def nonce() -> str:
    """Nobody had it before: 128 bits in hex."""
    return secrets.token_hex(16)


def key_of(token: bytes, group: str) -> bytes:
    """Of a token that is used for this group. Takes some 40 ms and 16 MiB."""
    return hashlib.scrypt(token, salt=_KEY + group.encode(), n=2**14, r=8, p=1, dklen=32)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is signed of a request, beside its method and path."""

    instance: str
    """The process that is asked."""
    at: int
    """Unix seconds, by the clock of whoever asks."""
    nonce: str
    body: str
    """SHA-256 of the body, in hex: so that a body is read only of whoever knows the token."""

    def mac(self, key: bytes) -> str:
        """The signature, in hex."""
        return _mac(key, _REQUEST, "POST", PATH, self.instance, str(self.at), self.nonce, self.body)

    def header(self, key: bytes) -> str:
        """The value of `HEADER`."""
        return f"v1 instance={self.instance} time={self.at} nonce={self.nonce} body={self.body} mac={self.mac(key)}"

    def answer_mac(self, key: bytes, body: bytes) -> str:
        """The value of `ANSWER_HEADER` for an answer to this request."""
        return _mac(key, _ANSWER, self.instance, self.nonce, digest(body))


def digest(body: bytes) -> str:
    """As a `Stamp` has it."""
    return hashlib.sha256(body).hexdigest()


def parsed(header: str) -> tuple[Stamp, str]:
    """The stamp and the signature that it came with. Raises `ProtocolError`."""
    found = _FORM.fullmatch(header)
    if found is None:
        raise ProtocolError(f"a request without the header {HEADER} as this version signs it")
    instance, at, once, body, mac = found.groups()
    return Stamp(instance, int(at), once, body), mac


def is_genuine(stamp: Stamp, mac: str, key: bytes) -> bool:
    """Whether somebody signed it who knows the token; takes as long for any wrong signature."""
    return hmac.compare_digest(stamp.mac(key), mac)


def is_answer(stamp: Stamp, mac: str, key: bytes, body: bytes) -> bool:
    """Whether the process that was asked answered that to this request."""
    return hmac.compare_digest(stamp.answer_mac(key, body).encode(), mac.encode())


def _mac(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
