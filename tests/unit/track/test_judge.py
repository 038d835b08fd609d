"""No form in which an answer can repeat the key reaches a verdict."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from bridge.model import TRACK, Delivered, Reject, Retry, Unauthorized
from bridge.track.answer import Answer
from bridge.track.classify import judge
from bridge.track.credentials import FixedKey

KEY = FixedKey("NX-secret/key")


def error(message: str) -> bytes:
    return b'{"errors": [{"error_code": "%b", "message": "%b"}]}' % (message.encode(), message.encode())


@pytest.mark.parametrize("message", [
    "bad NX-secret/key",
    r"bad NX-secret\/key",
    r"bad \u004e\u0058-secret/key",
    "x" * 760 + "NX-secret/key",
    "x" * 1015 + "NX-secret/key",
    "x" * 90 + "NX-secret/key",
    "x" * 90 + r"NX-secret\/key",
    "x" * 1015 + r"NX-secret\/key",
])  # fmt: skip
@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_key_in_a_body_is_hidden_however_it_is_spelt_or_cut(message: str, status: int) -> None:
    verdict = judge(TRACK, Answer(status, (), error(message)), KEY, 1)
    assert isinstance(verdict, Reject | Unauthorized | Retry)
    assert "NX-sec" not in repr(verdict)


@pytest.mark.parametrize("before", ["", "u", "up", "Token ", "Authorization: Token ", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", [b"", b"\n", b", go away"])
def test_a_key_in_base64_is_hidden_wherever_in_the_encoded_text_it_stands(
    before: str, encode: Callable[[bytes], bytes], after: bytes
) -> None:
    encoded = encode(before.encode() + b"NX-secret/key" + after).decode()
    verdict = judge(TRACK, Answer(400, ((b"x-request-id", encoded.encode()),), error(f"bad {encoded}")), KEY, 1)

    assert isinstance(verdict, Reject)
    assert "[API key]" in verdict.detail
    middle = encode(bytes(len(before) % 3) + b"NX-secret/key").decode()[4:16]
    assert middle in encoded, "what the key alone is encoded to, whatever stands beside it"
    assert middle not in repr(verdict)


@pytest.mark.parametrize("spelling", [b"NX-secret/key".hex(), b"NX-secret/key".hex().upper(), "NX-secret%2Fkey"])
def test_a_key_in_hex_or_for_a_url_is_hidden(spelling: str) -> None:
    verdict = judge(TRACK, Answer(401, (), error(f"bad {spelling}")), KEY, 1)

    assert spelling not in repr(verdict)


def test_a_key_in_a_header_is_hidden() -> None:
    verdict = judge(
        TRACK, Answer(500, ((b"x-request-id", b"NX-secret/key"), (b"content-type", b"NX-secret/key")), b"?"), KEY, 1
    )
    assert "NX-sec" not in repr(verdict)


def test_what_holds_no_key_is_left_as_it_is() -> None:
    verdict = judge(TRACK, Answer(400, (), error("user_id is missing")), KEY, 1)
    assert isinstance(verdict, Reject)
    assert verdict.error_code == "user_id is missing"
    assert judge(TRACK, Answer(202, (), b""), KEY, 1) == Delivered(202)
