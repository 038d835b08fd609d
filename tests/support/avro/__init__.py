"""Schemas and values of Avro that are drawn, and an encoder that also writes what official ones rarely do."""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st


def long(number: int) -> bytes:
    """A number as Avro has it."""
    rest = (number << 1) ^ (number >> 63)
    rest &= (1 << 64) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text(content: str) -> bytes:
    """A string."""
    return block(content.encode())


def block(content: bytes) -> bytes:
    """Bytes."""
    return long(len(content)) + content


@dataclass(frozen=True)
class Drawn:
    """A schema, and one value of it as bytes."""

    schema: Any
    encoded: bytes

    def tree(self) -> Any:
        """A copy: fastavro writes into what it is given."""
        return copy.deepcopy(self.schema)


Draw = Callable[[Any], Any]
DrawValue = Callable[[Draw, int], bytes]
"""Bytes of a value; the number says how deep it is."""


@dataclass
class _Names:
    """What is defined so far, and how values of it are drawn."""

    count: int = 0
    drawers: dict[str, DrawValue] = field(default_factory=dict)

    def new(self) -> str:
        self.count += 1
        return f"T{self.count}"


Make = Callable[[Draw, _Names, int], tuple[Any, DrawValue]]
"""A schema, and how its values are drawn; the number says how deep the schema is."""

_LONGS: Final = st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200)
_INTS: Final = st.integers(-(2**31), 2**31 - 1) | st.integers(-70, 70)
_TEXTS: Final = st.text(max_size=8) | st.text(min_size=60, max_size=70)
_BYTES: Final = st.binary(max_size=9) | st.binary(min_size=60, max_size=70)
_MS: Final = st.integers(-62_135_596_800_000, 253_402_300_799_999) | st.integers(1_750_000_000_000, 1_790_000_000_000)
_US: Final = _MS.flatmap(lambda ms: st.integers(0, 999).map(lambda us: ms * 1000 + us)) | _MS.map(lambda ms: ms * 1000)


def _simple(strategy: st.SearchStrategy[Any], encode: Callable[[Any], bytes]) -> DrawValue:
    return lambda draw, _deep: encode(draw(strategy))


_PRIMITIVES: Final[Mapping[str, DrawValue]] = {
    "null": _simple(st.just(b""), bytes),
    "boolean": _simple(st.sampled_from([b"\0", b"\1"]), bytes),
    "int": _simple(_INTS, long),
    "long": _simple(_LONGS, long),
    "float": _simple(st.floats(width=32), lambda number: struct.pack("<f", number)),
    "double": _simple(st.floats() | st.floats(-1e6, 1e6), lambda number: struct.pack("<d", number)),
    "bytes": _simple(_BYTES, block),
    "string": _simple(_TEXTS, text),
}


def _of_bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 8) // 8), "big", signed=True)


_LOGICAL: Final[tuple[tuple[dict[str, Any], DrawValue], ...]] = (
    ({"type": "int", "logicalType": "date"}, _simple(st.integers(-719_162, 2_932_896), long)),
    ({"type": "int", "logicalType": "time-millis"}, _simple(st.integers(0, 86_399_999), long)),
    ({"type": "long", "logicalType": "time-micros"}, _simple(st.integers(0, 86_399_999_999), long)),
    ({"type": "long", "logicalType": "timestamp-millis"}, _simple(_MS, long)),
    ({"type": "long", "logicalType": "timestamp-micros"}, _simple(_US, long)),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, _simple(_MS, long)),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, _simple(_US, long)),
    ({"type": "string", "logicalType": "uuid"}, _simple(st.uuids(), lambda each: text(str(each)))),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 15, "scale": 2},
        _simple(st.integers(-(10**15) + 1, 10**15 - 1), lambda number: block(_of_bytes(number))),
    ),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 20},
        _simple(st.integers(-(10**60) + 1, 10**60 - 1), lambda number: block(_of_bytes(number))),
    ),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 18},
        _simple(st.integers(-(10**18) + 1, 10**18 - 1), lambda number: block(_of_bytes(number))),
    ),
    ({"type": "long", "logicalType": "nobody-knows"}, _PRIMITIVES["long"]),
)


def _items(draw: Draw, deep: int, item: Callable[[], bytes]) -> bytes:
    """Blocks of items, some with their size."""
    out = b""
    for _ in range(draw(st.integers(0, 2 if deep < 4 else 0))):
        content = [item() for _ in range(draw(st.integers(1, 3)))]
        inner = b"".join(content)
        sized = draw(st.booleans())
        out += (long(-len(content)) + long(len(inner)) if sized else long(len(content))) + inner
    return out + b"\0"


def _schema(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    makers: list[Make] = [_of_one_type]
    if deep < 4:
        makers += [_of_one_type, _nullable, _union]
    if names.drawers:
        makers.append(_named)
    make: Make = draw(st.sampled_from(makers))
    return make(draw, names, deep)


def _of_one_type(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    """No union, and not null."""
    makers: list[Make] = [_primitive, _primitive, _logical, _enum, _fixed]
    if deep < 4:
        makers += [_record, _array, _map]
    make: Make = draw(st.sampled_from(makers))
    return make(draw, names, deep)


def _primitive(draw: Draw, _names: _Names, _deep: int) -> tuple[Any, DrawValue]:
    kind = draw(st.sampled_from([kind for kind in _PRIMITIVES if kind != "null"]))
    return draw(st.sampled_from([kind, {"type": kind}])), _PRIMITIVES[kind]


def _logical(draw: Draw, _names: _Names, _deep: int) -> tuple[Any, DrawValue]:
    schema, value = draw(st.sampled_from(_LOGICAL))
    return schema, value


def _array(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    inner, value = ("null", _PRIMITIVES["null"]) if draw(st.integers(0, 9)) == 0 else _schema(draw, names, deep + 1)
    return {"type": "array", "items": inner}, lambda d, n: _items(d, n, lambda: value(d, n + 1))


def _map(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    inner, value = _schema(draw, names, deep + 1)
    return {"type": "map", "values": inner}, lambda d, n: _items(d, n, lambda: text(d(_TEXTS)) + value(d, n + 1))


def _named(draw: Draw, names: _Names, _deep: int) -> tuple[Any, DrawValue]:
    """Something defined before. What is used within itself needs a way out."""
    name = draw(st.sampled_from(sorted(names.drawers)))
    return _or_null(draw, name, names.drawers[name])


def _nullable(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    return _or_null(draw, *_of_one_type(draw, names, deep + 1))


def _or_null(draw: Draw, schema: Any, value: DrawValue) -> tuple[Any, DrawValue]:
    first = draw(st.booleans())

    def one(d: Draw, deep: int) -> bytes:
        null = deep > 5 or d(st.booleans())
        return long(0 if null == first else 1) + (b"" if null else value(d, deep + 1))

    return ["null", schema] if first else [schema, "null"], one


def _union(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    kinds = draw(st.lists(st.sampled_from(["null", "boolean", "long", "double", "bytes", "string"]), unique=True))
    branches = [(kind, _PRIMITIVES[kind]) for kind in kinds]
    for make in draw(st.lists(st.sampled_from([_enum, _fixed]), min_size=0 if branches else 1, max_size=2)):
        branches += [make(draw, names, deep)]
    if deep < 3 and draw(st.booleans()):
        branches.append(_record(draw, names, deep + 1))

    def one(d: Draw, n: int) -> bytes:
        place = d(st.integers(0, len(branches) - 1))
        return long(place) + branches[place][1](d, n + 1)

    return [schema for schema, _ in branches], one


def _enum(draw: Draw, names: _Names, _deep: int) -> tuple[Any, DrawValue]:
    name, count = names.new(), draw(st.sampled_from([1, 3, 64, 65, 100]))
    schema = {"type": "enum", "name": name, "symbols": [f"S{place}" for place in range(count)]}
    names.drawers[name] = value = _simple(st.integers(0, count - 1), long)
    return schema, value


def _fixed(draw: Draw, names: _Names, _deep: int) -> tuple[Any, DrawValue]:
    name, size = names.new(), draw(st.sampled_from([0, 1, 2, 5, 16, 20]))
    schema: dict[str, Any] = {"type": "fixed", "name": name, "size": size}
    if size == 5 and draw(st.booleans()):
        schema |= {"logicalType": "decimal", "precision": 11, "scale": 3}
        value = _simple(st.integers(-(10**11) + 1, 10**11 - 1), lambda number: number.to_bytes(5, "big", signed=True))
    else:
        value = _simple(st.binary(min_size=size, max_size=size), bytes)
    names.drawers[name] = value
    return schema, value


def _record(draw: Draw, names: _Names, deep: int) -> tuple[Any, DrawValue]:
    name = names.new()
    fields: list[DrawValue] = []
    names.drawers[name] = value = lambda d, n: b"".join(each(d, n + 1) for each in fields)
    schemas = []
    for place in range(draw(st.integers(0, 4) | st.integers(14, 18) if deep == 0 else st.integers(0, 3))):
        schema, inner = _schema(draw, names, deep + 1)
        schemas.append({"name": f"f{place}", "type": schema})
        fields.append(inner)
    return {"type": "record", "name": name, "fields": schemas}, value


@st.composite
def drawn_values(draw: st.DrawFn) -> Drawn:
    """Of any schema."""
    names = _Names()
    schema, value = _schema(draw, names, 0) if draw(st.booleans()) else _record(draw, names, 0)
    return Drawn(schema, value(draw, 0))
