"""Functions of objects as pairs, and of arrays side by side, as JMESPath Community has them."""

from __future__ import annotations

from typing import Any, Final

from bridge.decode.failures import QueryTypeError, kind
from bridge.mapping.expressions.functions.arguments import MOST_PARTS, Argument, takes

_OBJECT: Final = Argument("an object", frozenset({dict}))
_ARRAY: Final = Argument("an array", frozenset({list}))


class PairFunctions:
    """One method each, in the form in which the library looks for them."""

    @takes(_OBJECT)
    def _func_items(self, pairs: dict[str, Any]) -> list[Any]:
        _bounded("items", len(pairs))
        return [[name, value] for name, value in pairs.items()]

    @takes(_ARRAY)
    def _func_from_items(self, pairs: list[Any]) -> dict[str, Any]:
        """The last one wins of several with one name."""
        made: dict[str, Any] = {}
        for pair in pairs:
            if pair.__class__ is not list or len(pair) != 2:
                what = f"an array of {len(pair)} items" if pair.__class__ is list else kind(pair)
                raise QueryTypeError(f"from_items() got an array that holds {what}; pairs of name and value are needed")
            name, value = pair
            if name.__class__ is not str:
                raise QueryTypeError(f"from_items() got a pair whose name is {kind(name)}; a string is needed")
            made[name] = value
        return made

    @takes(Argument("an array", frozenset({list}), is_variadic=True))
    def _func_zip(self, *arrays: list[Any]) -> list[Any]:
        """As many as the shortest has."""
        _bounded("zip", min(map(len, arrays)) * len(arrays))
        return [list(row) for row in zip(*arrays, strict=False)]


def _bounded(name: str, parts: int) -> None:
    if parts > MOST_PARTS:
        raise QueryTypeError(f"{name}() has a result of more than {MOST_PARTS} items")
