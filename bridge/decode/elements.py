"""A record that holds many records: where they are in its decoded value, and what each of them is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.failures import found, kind, undecodable
from bridge.model import MOST_ELEMENTS

ITSELF: Final = "@"
"""As `mapping.each`: the value is the list."""


@dataclass(frozen=True, slots=True, eq=False)
class ElementList:
    """What a record was decoded to that has elements."""

    items: list[Any]
    """As they are in the value."""
    outer: Any
    """The whole decoded value, `items` included."""
    read: Callable[[Any], dict[str, Any] | None]
    """Given an item, what expressions see of it; None for a null. Raises `MappingError`."""
    size: int
    """Bytes of the value, with everything undone that was put around it."""


def read_item(item: Any) -> dict[str, Any] | None:
    """An element that is a JSON object, or null."""
    if item is None or item.__class__ is dict:
        element: dict[str, Any] | None = item
        return element
    raise undecodable(f"the element is {kind(item)}; a JSON object is needed")


def elements_of(value: Any, each: str, path: tuple[str, ...], size: int) -> ElementList:
    """The elements of a decoded value; `each` is how the mapping writes the path. Raises `MappingError`."""
    items = value
    for name in path:
        items = items.get(name) if items.__class__ is dict else None
    if items.__class__ is not list:
        raise undecodable(f"each: {'the value' if each == ITSELF else each} is {found(items)}; an array is needed")
    return element_list(items, value, read_item, size)


def element_list(items: list[Any], outer: Any, read: Callable[[Any], dict[str, Any] | None], size: int) -> ElementList:
    """The same of a list that was found. Raises `MappingError`."""
    if len(items) > MOST_ELEMENTS:
        raise undecodable(f"the record has {len(items)} elements; {MOST_ELEMENTS} are the most")
    return ElementList(items, outer, read, size)
