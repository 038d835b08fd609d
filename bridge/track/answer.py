"""An answer: its head and the beginning of its body, from the bytes a connection kept, and what it says of itself.

Only failing answers come here: an accepted event needs no more than its status. Documented for 400 and 401 is
``{"errors": [{"details", "error", "error_code", "message"}]}``, all strings. What really comes may be empty, HTML of a
proxy, compressed, cut off, or JSON of another shape. Only `error_code` and `message` are taken: `details` may repeat
what was sent, and metadata values belong in no log.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import httptools
import orjson

from bridge.text.printable import cut_bytes

KEPT_BYTES = 64 * 1024
"""What a connection keeps of one answer; its head must fit."""
BODY_LIMIT = 16 * 1024
"""What of a body is looked at. The rest is read, so that the connection stays usable, and discarded."""
DETAIL_LIMIT = 1024
"""Bytes of UTF-8 that an answer may contribute to a log line or to a dead letter's header."""
_CODE_LIMIT = 100
_ERRORS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer. `body` may be its beginning only."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def read_answer(received: bytes) -> Answer | None:
    """The first answer that is not 1xx; None if its head is not complete or is not HTTP."""
    reader = _Reader()
    parser = httptools.HttpResponseParser(reader)
    reader.parser = parser
    # What came before a byte that breaks still counts: a complete head is an answer whatever follows it.
    with suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        parser.feed_data(received)
    if reader.status is None:
        return None
    return Answer(reader.status, tuple(reader.headers), bytes(reader.body[:BODY_LIMIT]))


class _Reader:
    """Collects the first final answer and ignores whatever follows it."""

    def __init__(self) -> None:
        self.parser: httptools.HttpResponseParser
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self._over = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status is None:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if is_informational(status):
            self.headers.clear()
        elif self.status is None:
            self.status = status

    def on_body(self, chunk: bytes) -> None:
        if self.status is not None and not self._over and len(self.body) < BODY_LIMIT:
            self.body += chunk

    def on_message_complete(self) -> None:
        self._over = self.status is not None


def is_informational(status: int) -> bool:
    """An answer that another one follows. (101, which nobody asked for, stops the parser: no answer comes then.)"""
    return 100 <= status < 200


# --- what it says of itself ----------------------------------------------------------------------


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
    return ErrorBody(code=bounded(codes[0], _CODE_LIMIT) if codes else None, message="; ".join(messages) or None)


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
