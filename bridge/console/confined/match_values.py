"""The process that asks a condition that somebody typed of one value after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from bridge.console.confined.frames import answer_all
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.mapping.expressions.queries import compile_query
from bridge.reprocess.reading.selection import matches

YES = b"1"
NO = b"0"


class ValueMatcher:
    """The first message is the condition, each further one a value."""

    def __init__(self) -> None:
        self._query: Callable[[Any], Any] | None = None

    def answer(self, message: bytes) -> bytes:
        """Whether it holds; of the condition itself: that it is understood."""
        if self._query is None:
            self._query = compile_query(message.decode())
            return YES
        try:
            value = exact_json.read(message)
        except (orjson.JSONDecodeError, MappingError, RecursionError):
            return NO
        return YES if matches(self._query, value) else NO


if __name__ == "__main__":
    answer_all(ValueMatcher().answer)
