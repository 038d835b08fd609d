"""Globs over event types and metadata names: ``*`` is any text, dots included, ``?`` one character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

WILDCARDS = "*?"


def is_glob(text: str) -> bool:
    """Whether a text has a wildcard in it."""
    return any(sign in text for sign in WILDCARDS)


def literal_prefix(glob: str) -> str:
    """The text before the first wildcard."""
    return re.split(r"[*?]", glob, maxsplit=1)[0]


def compile_glob(glob: str) -> re.Pattern[str]:
    """A pattern for `fullmatch`."""
    return re.compile(_pattern(glob), re.DOTALL)


def any_of(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text matches one of the globs."""
    given = tuple(globs)
    exact = frozenset(glob for glob in given if not is_glob(glob))
    patterns = [_pattern(glob) for glob in given if is_glob(glob)]
    if not patterns:
        return exact.__contains__
    matches = re.compile("|".join(patterns), re.DOTALL).fullmatch
    return lambda text: text in exact or matches(text) is not None


def overlap(one: str, other: str) -> bool:
    """Whether some text matches both globs."""

    @cache
    def meet(at_one: int, at_other: int) -> bool:
        rest_one, rest_other = one[at_one:], other[at_other:]
        if not rest_one or not rest_other:
            return not (rest_one + rest_other).strip("*")
        if rest_one[0] == "*":
            return meet(at_one + 1, at_other) or meet(at_one, at_other + 1)
        if rest_other[0] == "*":
            return meet(at_one, at_other + 1) or meet(at_one + 1, at_other)
        same = rest_one[0] == rest_other[0] or "?" in {rest_one[0], rest_other[0]}
        return same and meet(at_one + 1, at_other + 1)

    return meet(0, 0)


def _pattern(glob: str) -> str:
    """The regular expression of a glob. The text between two stars is taken where it is found first and never given
    up again (an atomic group), or a type of many letters could keep several stars trying for minutes.
    """
    first, *rest = (_piece(piece) for piece in re.split(r"\*+", glob))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + ".*" + last


def _piece(text: str) -> str:
    return "".join("." if sign == "?" else re.escape(sign) for sign in text)
