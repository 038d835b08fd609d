"""An answer's head and the beginning of its body, read from the bytes a connection kept.

Only failing answers come here: an accepted event needs no more than its status.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import httptools

KEPT_BYTES = 64 * 1024
"""What a connection keeps of one answer; its head must fit."""
BODY_LIMIT = 16 * 1024
"""What of a body is looked at. The rest is read, so that the connection stays usable, and discarded."""


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
