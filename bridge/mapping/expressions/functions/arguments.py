"""What a function takes: told of a record's values while it runs, and of what is written out when it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from jmespath import functions

from bridge.decode.failures import kind
from bridge.mapping.expressions import numbers

Check = Callable[[Any], str | None]
"""What is wrong with a value of the right type, as ``a number with a fraction``; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument."""

    needed: str
    """``a string``."""
    classes: frozenset[type]
    called: str = ""
    """How a failure names it, where there are several: ``separator``."""
    check: Check | None = None
    is_optional: bool = False
    is_variadic: bool = False
    """It may come again and again; only the last of a function's arguments."""

    def problem(self, value: Any) -> str | None:
        """The end of a sentence that begins with the function; None where the function takes the value."""
        what = kind(value) if value.__class__ not in self.classes else self.check(value) if self.check else None
        if what is None:
            return None
        return f"got {what}{f' as its {self.called}' if self.called else ''}; {self.needed} is needed"


def takes(*arguments: Argument) -> Callable[[Any], Any]:
    """The decorator of a function with these arguments, which the library's table then has, too."""
    entries: list[Any] = [
        {"types": [], "variadic": argument.is_variadic, "argument": argument} for argument in arguments
    ]
    return functions.signature(*entries)


def text(called: str = "", check: Check | None = None, *, is_optional: bool = False) -> Argument:
    """A string."""
    return Argument("a string", frozenset({str}), called, check, is_optional)


def count(called: str, *, is_optional: bool = False) -> Argument:
    """An integer from 0."""
    return Argument("an integer that is not negative", numbers.NUMBERS, called, not_a_count, is_optional)


def place(called: str) -> Argument:
    """An integer, counted from the end where it is negative; always optional."""
    return Argument("an integer", numbers.NUMBERS, called, _not_whole, is_optional=True)


def _not_whole(number: Any) -> str | None:
    return "a number with a fraction" if numbers.whole(number) is None else None


def not_a_count(number: Any) -> str | None:
    """The check of `count`."""
    return _not_whole(number) or ("a negative number" if number < 0 else None)


MOST_PARTS: Final = 100_000
"""Items of one result: each takes many times the byte or two of which it was made."""
