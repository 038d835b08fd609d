"""Why a record cannot become a request, on its way to being a value: raised inside this package, never out of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bridge.model import LetterReason


class MappingError(Exception):
    """The record (or one route of it) belongs in the dead-letter topic.

    The message names expressions and types. It never holds a value: it is written to logs and dead-letter headers.
    """

    def __init__(self, reason: LetterReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class InexactNumberError(Exception):
    """A number came up that the fast decoder may have rounded: decode this record again, exactly."""


class QueryTypeError(Exception):
    """A JMESPath operator or function met a type it has no answer for. Says what; the caller says where."""


def undecodable(message: str) -> MappingError:
    """The bytes are not what `decode` says they are."""
    return MappingError(LetterReason.UNDECODABLE, message)


def unmappable(message: str) -> MappingError:
    """The decoded value lacks what the mapping needs."""
    return MappingError(LetterReason.UNMAPPABLE, message)


def invalid(message: str) -> MappingError:
    """The request would break the contract of the API."""
    return MappingError(LetterReason.INVALID, message)


_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number outside the range of a double",
    str: "a string",
    list: "an array",
    dict: "an object",
    datetime: "a time",
}


def kind(value: Any) -> str:
    """The JSON type of a value with its article, for messages: ``a string``, ``an object``, ``null``."""
    return _KINDS.get(type(value), "an expression reference")


def found(value: Any) -> str:
    """As `kind`, for what an expression found: nothing there and null are the same to every path."""
    return "missing or null" if value is None else kind(value)
