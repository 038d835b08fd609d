"""What must never leave, taken out of a decoded value before anything is read from it. It fails closed.

A text on the way of a path may hold the very thing (JSON inside of a text, base64), and nobody can search it. So
`Unusable` takes its place: a record that would send it is a dead letter, any other is as before. Only ``from_json()``,
which searches what it reads, may open it; the path goes on in what it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bridge.decode.elements import ElementList
from bridge.decode.failures import Unusable, unmappable
from bridge.decode.protocol import Attributes, Decode, DecodeSettings, DecodesTo
from bridge.mapping.expressions.functions.withheld import without_path
from bridge.mapping.expressions.paths import Path
from bridge.model import Record

_DATA: Final = "data"
_ENCODED: Final = "data_base64"
"""Holds the data of a CloudEvent once more, or in a form that was not decoded."""


def without(paths: tuple[Path, ...], decode: Decode) -> Decode:
    """The decoder with these paths taken out of its values. Lists on the way are walked: each element may hold one."""
    if not paths:
        return decode
    guarded = tuple((path, _withheld(".".join(path))) for path in paths)
    of_data = next((withheld for path, withheld in guarded if path[0] == _DATA), None)

    def decode_without(record: Record, attributes: Attributes | None, settings: DecodeSettings, /) -> DecodesTo:
        value = decode(record, attributes, settings)
        if value.__class__ is dict:
            take_out(value)
        elif isinstance(value, ElementList):
            return _of_elements(value, take_out)
        return value

    def take_out(value: Any) -> None:
        for path, withheld in guarded:
            without_path(value, path, withheld)
        if of_data is not None and value.__class__ is dict and _ENCODED in value:
            if _DATA in value:
                del value[_ENCODED]
            else:
                value[_ENCODED] = of_data

    return decode_without


def _of_elements(elements: ElementList, take_out: Callable[[Any], None]) -> ElementList:
    """A path is one of the element, and one of the whole value: both see the same objects."""
    if elements.outer is not None:
        take_out(elements.outer)
        for item in elements.items:
            take_out(item)

    def read(item: Any) -> dict[str, Any] | None:
        value = elements.read(item)
        take_out(value)
        return value

    return replace(elements, read=read)


def _withheld(path: str) -> Unusable:
    what = f"a text on the way of never_send {path}, which cannot be searched"
    return Unusable(what, lambda: unmappable(f"{what}: it is not sent"))
