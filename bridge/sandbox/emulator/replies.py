"""Answers as bytes, in the shape the real API's answers have."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson

from bridge.sandbox.emulator.contract import ContractRefusal

_COMMON = b"server: Cowboy\r\ncache-control: max-age=0, private, must-revalidate\r\n"
ACCEPTED_START = b"HTTP/1.1 202 Accepted\r\n" + _COMMON + b"content-length: 0\r\nx-request-id: "
ACCEPTED = ACCEPTED_START + b"req-cheapest\r\n\r\n"
"""One and the same for every request: what a stub answers that must cost next to nothing."""
_BODILESS = frozenset({204, 304})


def reply(status: int, body: bytes, headers: Mapping[str, str], request_id: str, *, close: bool = False) -> bytes:
    """A whole answer."""
    return head(status, len(body), headers, request_id, close=close) + (b"" if status in _BODILESS else body)


def head(status: int, length: int, headers: Mapping[str, str], request_id: str, *, close: bool = False) -> bytes:
    """An answer up to its body, which is promised to have `length` bytes."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    given = {name.lower() for name in headers}
    if "content-type" not in given and length:
        lines.append("content-type: application/json; charset=utf-8")
    if "content-length" not in given and "transfer-encoding" not in given and status not in _BODILESS:
        lines.append(f"content-length: {length}")
    if close:
        lines.append("connection: close")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"x-request-id: {request_id}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n" + _COMMON + b"\r\n"


def error_body(refusal: ContractRefusal) -> bytes:
    """As documented for 400 and 401: all values strings."""
    error = {
        "details": "",
        "error": _phrase(refusal.status),
        "error_code": refusal.error_code,
        "message": refusal.message,
    }
    return orjson.dumps({"errors": [error]})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
