"""What a failing answer says of itself, read defensively.

Documented for 400 and 401 is ``{"errors": [{"details", "error", "error_code", "message"}]}``, all strings. What really
comes may be empty, HTML of a proxy, compressed, cut off, or JSON of another shape. Only `error_code` and `message` are
taken: `details` may repeat what was sent, and metadata values belong in no log.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from bridge.text.cut import cut_bytes

DETAIL_LIMIT = 1024
"""Bytes of UTF-8 that an answer may contribute to a log line or to a dead letter's header."""
_CODE_LIMIT = 100
_ERRORS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The first error's code, and the messages of the first few."""

    code: str | None = None
    message: str | None = None


def read_error_body(body: bytes) -> ErrorBody:
    """Whatever of the documented shape is there; empty fields for everything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ErrorBody()
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, list):
        return ErrorBody()
    found = [error for error in errors if isinstance(error, dict)][:_ERRORS_SHOWN]
    codes = [code for error in found if (code := _text(error.get("error_code")))]
    messages = [message for error in found if (message := _text(error.get("message")))]
    return ErrorBody(
        code=bounded(codes[0], _CODE_LIMIT) if codes else None,
        message="; ".join(messages) or None,
    )


def bounded(text: str, limit: int = DETAIL_LIMIT) -> str:
    """One printable line of at most `limit` bytes of UTF-8.

    Control characters, and the invisible ones that reorder text, could forge a log line or repaint a terminal.
    """
    line = "".join(character if character.isprintable() else " " for character in text[: limit * 2])
    return cut_bytes(line, limit)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
