"""A compiled value of the configuration: what it reads of a record, and how messages speak of that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from bridge.decode.failures import found, unmappable
from bridge.errors import InvalidError
from bridge.mapping.expressions import numbers
from bridge.mapping.expressions.absence import missing
from bridge.mapping.expressions.expression import ENVELOPE_METHODS, Expression
from bridge.mapping.expressions.paths import Path, Read
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.shortcuts import Shortcut


class ValueSpecError(InvalidError):
    """A value that cannot be compiled; `key` is the key inside it that is to be fixed, if it is a map."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class ValueReader:
    """One compiled value."""

    text: str
    """How messages name it."""
    read: Read
    """Returns the value, None where there is none; raises `MappingError` and `InexactNumberError`."""
    uses_value: bool = True
    uses_scope: bool = True
    is_literal: bool = False
    path: Path | None = None
    paths: tuple[Path, ...] = ()
    """All that it reads of the value."""
    header: str | None = None
    envelope: frozenset[str] = frozenset()
    envelope_method: str | None = None
    """The method of `Scope` that reads it, where it is a field of the envelope and no more than that."""
    shortcut: Shortcut | None = None
    """The ordinary case, for whoever can take it in."""
    reserved: frozenset[str] = frozenset()
    """Words in it that mean something of the record itself, where a field of the value could have that name."""
    quoted: frozenset[str] = frozenset()
    """Fields in it that are names in quotes and nothing more: perhaps texts in the wrong quotes."""
    default: str | float | bool | None = None
    """What `read` returns where nothing is found."""
    bare: ValueReader | None = None
    """The same without the default, where there is one."""
    counted: tuple[str, Read] | None = None
    """The unit of a time that is a number, and what reads that number."""

    @classmethod
    def of(cls, expression: Expression) -> Self:
        """An expression with nothing done to what it finds."""
        return cls(
            text=expression.text,
            read=expression.read,
            uses_value=expression.uses_value,
            uses_scope=expression.uses_scope,
            path=expression.path,
            paths=expression.paths,
            header=expression.header,
            envelope=frozenset() if expression.envelope is None else frozenset({expression.envelope}),
            envelope_method=None if expression.envelope is None else ENVELOPE_METHODS.get(expression.envelope),
            shortcut=expression.shortcut,
            reserved=frozenset() if expression.reserved is None else frozenset({expression.reserved}),
            quoted=expression.quoted,
        )

    def text_of(self, value: Any, scope: Scope, label: str) -> str:
        """An identifier as text: a string as it is, an integer in digits; anything else is a failure."""
        if value.__class__ is str:
            identifier: str = value
            return identifier
        if value.__class__ is int:
            return str(value)
        if value.__class__ is float or value.__class__ is Decimal:
            if not scope.exact:
                scope.require_exact_numbers()  # an integer beyond 64 bits is a float only until it is decoded exactly
            raise unmappable(f"{label}: {self.text} is {_fraction(value)}")
        raise unmappable(f"{label}: {self.text} is {self.found(value, scope.value)}; a string or an integer is needed")

    def found(self, result: Any, value: Any) -> str:
        """What it found in a decoded value, for a failure: its type, or that nothing is there, and why."""
        return missing(self.paths, value) if result is None else found(result)

    def found_no_text(self, result: Any, value: Any) -> str:
        """The same where a string is needed, with what makes one of it."""
        made = (
            " ({path: …, type: string} makes one of it)" if result.__class__ is int or result.__class__ is bool else ""
        )
        return f"{self.found(result, value)}; a string is needed{made}"


def _fraction(number: float | Decimal) -> str:
    if numbers.whole(number) is not None:
        return "a whole number written with a fraction, as 12.0; {path: …, type: integer} takes it as an integer"
    return "a number with a fraction; a string or an integer is needed"


NOTHING: Final = ValueReader("nothing", lambda _value, _scope: None)
"""Stands in for a value with a problem, so that all problems are found in one go."""
