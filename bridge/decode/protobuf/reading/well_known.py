"""The well-known types that are shown as what they stand for, from the trees of their fields.

Source: protobuf.dev, "ProtoJSON Format". An Any needs the schema's types and is with `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from bridge.decode.beyond_json.numbers import decimal_with_scale
from bridge.decode.failures import Unusable
from bridge.decode.protobuf.reading import scalars

Tree = Mapping[int, Any]


def _timestamp(tree: Tree) -> Any:
    return scalars.timestamp(tree.get(1, 0), tree.get(2, 0))


def _duration(tree: Tree) -> Any:
    return scalars.duration(tree.get(1, 0), tree.get(2, 0))


def _struct(tree: Tree) -> dict[str, Any]:
    return {entry.get(1, ""): value(entry.get(2, {})) for entry in tree.get(1, ())}


def _list(tree: Tree) -> list[Any]:
    return [value(one) for one in tree.get(1, ())]


def value(tree: Tree) -> Any:
    """google.protobuf.Value: the JSON that it holds; null where it holds nothing."""
    for number, found in tree.items():  # one at most: they are members of one oneof
        if number == 5:
            return _struct(found)
        if number == 6:
            return _list(found)
        if number in {2, 3, 4}:
            return found
    return None


def _mask(tree: Tree) -> str:
    return ",".join(map(str, tree.get(1, ())))


def _decimal(tree: Tree) -> int | float | Decimal | Unusable:
    """confluent.type.Decimal: the unscaled number's bytes (two's complement, big-endian), and its scale."""
    content, scale = tree.get(1, b""), tree.get(3, 0)
    return decimal_with_scale(content, scale)


FORMS: Final[Mapping[str, Callable[[Tree], Any]]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": value,
    "google.protobuf.ListValue": _list,
    "google.protobuf.FieldMask": _mask,
    "confluent.type.Decimal": _decimal,
}
