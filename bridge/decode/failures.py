"""Why bytes do not become a value, or a value does not become a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bridge.errors import RecordError
from bridge.model import LetterReason


class MappingError(RecordError):
    """The record (or one route of it) belongs in the dead-letter topic.

    The message names expressions and types. It never holds a value: it is written to logs and dead-letter headers.
    """

    def __init__(self, reason: LetterReason, message: str, schema: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.schema = schema
        """See `Failed.schema`: set where whoever failed knows it."""


class QueryTypeError(RecordError):
    """A JMESPath operator or function met a type it has no answer for. Says what; the caller says where."""


class Unusable:
    """Stands where a value was that must not be used: whatever reads it makes a dead letter, unread it costs nothing.

    No number and no text, so that every function and conversion refuses it by its type.
    """

    __slots__ = ("what", "why")

    def __init__(self, what: str, why: Callable[[], MappingError]) -> None:
        self.what = what
        """As `kind` names it."""
        self.why = why
        """The failure of a request that would carry it."""

    def __eq__(self, other: object) -> bool:
        """Not taken for a no: a condition that cannot be decided is a failure."""
        raise QueryTypeError(f"{self.what} cannot be compared")

    __hash__ = None  # type: ignore[assignment]


def undecodable(message: str) -> MappingError:
    """The bytes are not what `decode` says they are."""
    return MappingError(LetterReason.UNDECODABLE, message)


def unmappable(message: str) -> MappingError:
    """The decoded value lacks what the mapping needs."""
    return MappingError(LetterReason.UNMAPPABLE, message)


def invalid(message: str) -> MappingError:
    """The request would break the contract of the API."""
    return MappingError(LetterReason.INVALID, message)


def unsendable(what: str, sentence: str) -> Unusable:
    """`what` as `kind` names it; `sentence` without its end."""
    return Unusable(what, lambda: invalid(f"{sentence}, and no request can carry it"))


_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    datetime: "a time",
}


def kind(value: Any) -> str:
    """The JSON type of a value with its article, for messages: ``a string``, ``an object``, ``null``."""
    if isinstance(value, Unusable):
        return value.what
    return _KINDS.get(type(value), "an expression reference")


def found(value: Any) -> str:
    """As `kind`, for what an expression found: nothing there and null are the same to every path."""
    return "missing or null" if value is None else kind(value)
