"""Functions of texts, as JMESPath Community has them: what it calls an error fails, and every result is bounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions.functions.arguments import MOST_PARTS, Argument, count, not_a_count, place, takes, text

MOST_CHARACTERS: Final = 1_000_000
"""Of a text that `replace` makes longer than it was."""
MOST_PADDED: Final = 10_000
"""Characters up to which a text is filled up."""


def _not_one_character(padding: str) -> str | None:
    return None if len(padding) == 1 else f"a string of {len(padding)} characters"


def _empty(old: str) -> str | None:
    return None if old else "an empty string"


def _no_width(width: Any) -> str | None:
    return f"a number beyond {MOST_PADDED}" if width > MOST_PADDED else not_a_count(width)


_PAD: Final = (
    text(),
    replace(count("width"), needed=f"an integer from 0 to {MOST_PADDED}", check=_no_width),
    Argument("one character", frozenset({str}), "padding", _not_one_character, is_optional=True),
)
_FIND: Final = (text(), text("text to look for"), place("start"), place("end"))
_TRIM: Final = (text(), text("characters", is_optional=True))


class TextFunctions:
    """One method each, in the form in which the library looks for them."""

    @takes(text(), text("separator"), count("count", is_optional=True))
    def _func_split(self, subject: str, separator: str, *most: Any) -> list[str]:
        """With `most`, so many parts and the rest; without a separator, characters."""
        limit = min(int(most[0]), len(subject)) if most else len(subject)
        parts = min(limit, subject.count(separator) if separator else len(subject))
        if parts >= MOST_PARTS:
            raise QueryTypeError(f"split() got a string of more than {MOST_PARTS} parts")
        if separator:
            return subject.split(separator, limit)
        rest = subject[limit:]
        return [*subject[:limit], rest] if rest else list(subject)

    @takes(text(), text("text to replace", _empty), text("replacement"), count("count", is_optional=True))
    def _func_replace(self, subject: str, old: str, new: str, *most: Any) -> str:
        times = subject.count(old)
        if most:
            times = min(times, int(most[0]))
        growth = times * (len(new) - len(old))
        if growth > 0 and len(subject) + growth > MOST_CHARACTERS:
            raise QueryTypeError(f"replace() has a result of more than {MOST_CHARACTERS} characters")
        return subject.replace(old, new, times)

    @takes(*_TRIM)
    def _func_trim(self, subject: str, *characters: str) -> str:
        return subject.strip(_set(characters))

    @takes(*_TRIM)
    def _func_trim_left(self, subject: str, *characters: str) -> str:
        return subject.lstrip(_set(characters))

    @takes(*_TRIM)
    def _func_trim_right(self, subject: str, *characters: str) -> str:
        return subject.rstrip(_set(characters))

    @takes(*_PAD)
    def _func_pad_left(self, subject: str, width: Any, padding: str = " ") -> str:
        return subject.rjust(int(width), padding)

    @takes(*_PAD)
    def _func_pad_right(self, subject: str, width: Any, padding: str = " ") -> str:
        return subject.ljust(int(width), padding)

    @takes(*_FIND)
    def _func_find_first(self, subject: str, wanted: str, *bounds: Any) -> int | None:
        """Where it begins, counted from 0; null where it is not, and of an empty text."""
        found = subject.find(wanted, *map(int, bounds)) if wanted else -1
        return None if found < 0 else found

    @takes(*_FIND)
    def _func_find_last(self, subject: str, wanted: str, *bounds: Any) -> int | None:
        found = subject.rfind(wanted, *map(int, bounds)) if wanted else -1
        return None if found < 0 else found


def _set(characters: tuple[str, ...]) -> str | None:
    """What Python takes off; None stands for white space."""
    return (characters[0] or None) if characters else None
