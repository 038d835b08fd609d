"""Just enough of PromQL to see what an expression adds up."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SERIES = re.compile(r"\b((?:track_bridge|process)_\w+)")
_ADDING = re.compile(r"\b(?:sum|avg)\b(?:\s+by\s*\((?P<by>[^)]*)\))?\s*(?=\()")
_CHOOSING = re.compile(r"\b(?:max|min|count|group)\b(?:\s+by\s*\([^)]*\))?\s*(?=\()")
_FILTER = re.compile(r"\b(?:and|unless)\b")
_OF_ONE_REPLICA = {"instance", "pod"}


def added_over_replicas(expr: str) -> set[str]:
    """Metrics whose values are summed, or averaged, over replicas: not those of which the highest is taken before, not
    those that only filter, and not those that are summed for each replica.
    """
    return {name for argument in _sums(expr) for name in _SERIES.findall(_values(argument))}


def _sums(expr: str) -> Iterator[str]:
    for found in _ADDING.finditer(expr):
        if not _OF_ONE_REPLICA & set(re.split(r",\s*", found["by"] or "")):
            yield _argument(expr, found.end())


def _values(argument: str) -> str:
    """Without what is chosen inside, and without the right-hand sides of `and` and `unless`."""
    while (found := _CHOOSING.search(argument)) is not None:
        inner = _argument(argument, found.end())
        argument = argument[: found.start()] + "0" + argument[found.end() + len(inner) + 2 :]
    return _left(argument)


def _left(text: str) -> str:
    """Up to the first filter that is not within parentheses; what is within is looked at by itself."""
    kept, place = "", 0
    while place < len(text):
        if text[place] == "(":
            inner = _argument(text, place)
            kept += f"({_left(inner)})"
            place += len(inner) + 2
        elif _FILTER.match(text, place):
            # An `or` after it begins another operand. Label values may hold parentheses, but these come in pairs.
            _, _, rest = text[place:].partition(" or ")
            return kept + _left(rest)
        else:
            kept += text[place]
            place += 1
    return kept


def _argument(expr: str, at: int) -> str:
    """What is between the parenthesis that opens there and the one that closes it."""
    depth = 0
    for place in range(at, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[place], 0)
        if depth == 0:
            return expr[at + 1 : place]
    raise ValueError(expr)
