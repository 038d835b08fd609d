"""What a schema says of the values that are read by it, whatever its language: which members, of which kinds.

A shape is asked with the names of a path, as an expression has them. What a schema leaves open is ``any``, of which
nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

ShapeKind = Literal["string", "integer", "number", "boolean", "object", "map", "array", "null", "any"]
"""As expressions see it: ``number`` may have a fraction, ``map`` is an object with any names."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of one value. Its parts are made when they are asked for: a type may contain itself."""

    kind: ShapeKind
    names: tuple[str, ...] = ()
    """Of an object."""
    member: Callable[[str], Shape] | None = None
    """Of an object, by one of `names`."""
    items: Callable[[], Shape] | None = None
    """Of an array, and of a map."""
    is_open: bool = False
    """An object may have members that are not among `names`."""


ANY: Final = Shape("any")


@dataclass(frozen=True, slots=True)
class NoMember:
    """A path that leads nowhere."""

    at: tuple[str, ...]
    """How far it is right."""
    kind: ShapeKind
    """Of what is there."""
    names: tuple[str, ...]
    """What it has instead."""
    is_list: bool = False
    """There is an array in between: names alone find nothing in it."""


def follow(shape: Shape, path: tuple[str, ...]) -> Shape | NoMember:
    """What is at a path. Through an array it goes to its items, and says so where there is nothing."""
    for number, name in enumerate(path):
        while shape.kind == "array" and shape.items is not None:
            shape = shape.items()
        if shape.kind == "any":
            return ANY
        if shape.kind == "map" and shape.items is not None:
            shape = shape.items()
        elif shape.member is not None and name in shape.names:
            shape = shape.member(name)
        elif shape.is_open:
            return ANY
        else:
            return NoMember(path[:number], shape.kind, shape.names)
    return shape


def array_on_the_way(shape: Shape, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The beginning of the path that is an array, where more names follow: plain names find nothing in one."""
    for number in range(len(path)):
        found = follow(shape, path[:number])
        if isinstance(found, Shape) and found.kind == "array":
            return path[:number]
    return None


def either(shapes: tuple[Shape, ...]) -> Shape:
    """One of several; null among them is nothing to speak of, since whatever is optional may be missing."""
    some = [shape for shape in shapes if shape.kind != "null"]
    if not some:
        return Shape("null")
    if len(some) == 1:
        return some[0]
    if {shape.kind for shape in some} == {"integer", "number"}:
        return Shape("number")
    if all(shape.kind == some[0].kind and shape.member is None and shape.items is None for shape in some):
        return some[0]
    return ANY
