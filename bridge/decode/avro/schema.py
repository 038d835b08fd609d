"""From the text of an Avro schema to nodes: every fault of it is found here, once, and said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeGuard, get_args

import orjson

from bridge.decode.avro.meanings import meaning_of_fixed, meaning_of_primitive
from bridge.decode.avro.nodes import (
    AvroArray,
    AvroEnum,
    AvroFixed,
    AvroMap,
    AvroNode,
    AvroPrimitive,
    AvroRecord,
    AvroSchema,
    AvroUnion,
    AvroUse,
    PrimitiveKind,
)
from bridge.decode.avro.recursion import endless, recursive_records
from bridge.decode.avro.weights import MOST_NESTED, Weights
from bridge.decode.beyond_json.meanings import VARIABLE_SCALE
from bridge.errors import InvalidError

MOST_BYTES: Final = 1_000_000
"""Of a schema with all that it refers to. Registries keep theirs in Kafka, as records of a megabyte at most."""
MOST_NODES: Final = 20_000
MOST_SYMBOLS: Final = 20_000
LARGEST_FIXED: Final = 2**31 - 1

_PRIMITIVES: Final[frozenset[str]] = frozenset(get_args(PrimitiveKind))
_SHOWN: Final = 200
"""Characters of a name that a message shows."""

AvroNamed = AvroUse | AvroEnum | AvroFixed


class AvroSchemaError(InvalidError):
    """Why a text is no schema by which anything can be read, as the end of a sentence."""


def parse_schema(text: str, references: tuple[tuple[str, str], ...] = (), *, logical_types: bool = True) -> AvroSchema:
    """The schema with all types that it uses; `references` as in `bridge.decode.protocol.Schema`.

    Raises `AvroSchemaError`.
    """
    size = len(text) + sum(len(inner) for _, inner in references)
    if size > MOST_BYTES:
        raise AvroSchemaError(f"it has {size} bytes with all that it refers to; {MOST_BYTES} are read")
    parser = _SchemaParser(logical_types=logical_types)
    for name, inner in references:
        parser.read(inner, f"its reference {_shown(name)}: ")
    root = parser.read(text, "")
    schema = AvroSchema(root, parser.records)
    if (holder := endless(schema)) is not None:
        raise AvroSchemaError(f"the record {_shown(holder)} contains itself without a way out: no value of it ends")
    recursive = recursive_records(schema)
    schema = AvroSchema(
        root, {name: replace(each, is_recursive=name in recursive) for name, each in parser.records.items()}
    )
    if (problem := Weights(schema).problem()) is not None:
        raise AvroSchemaError(problem)
    return schema


class _SchemaParser:
    def __init__(self, *, logical_types: bool) -> None:
        self._logical_types = logical_types
        self._named: dict[str, AvroNamed] = {}
        self._nodes = 0
        self.records: dict[str, AvroRecord] = {}

    def read(self, text: str, where: str) -> AvroNode:
        try:
            tree = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise AvroSchemaError(f"{where}it is not JSON: {error.msg.partition(': line')[0]}") from None
        return self._node(tree, "", where, 0)

    def _node(self, tree: Any, space: str, where: str, depth: int) -> AvroNode:
        """`space` is the namespace in which names without one are, `where` the beginning of a message."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise AvroSchemaError(f"it has more than {MOST_NODES} types and fields")
        if depth > MOST_NESTED:
            raise AvroSchemaError(f"{where}it is nested deeper than {MOST_NESTED}")
        if isinstance(tree, str):
            return AvroPrimitive(tree) if _is_primitive(tree) else self._use(tree, space, where)
        if isinstance(tree, list):
            return self._union(tree, space, where, depth)
        if isinstance(tree, dict):
            return self._of_object(tree, space, where, depth)
        raise AvroSchemaError(f"{where}a type is a name, an object or an array, and there is something else")

    def _of_object(  # noqa: PLR0911 - one for each kind of type
        self, tree: dict[str, Any], space: str, where: str, depth: int
    ) -> AvroNode:
        kind = tree.get("type")
        match kind:
            case "record" | "error":
                return self._record(tree, space, where, depth)
            case "enum":
                return self._enum(tree, space, where)
            case "fixed":
                return self._fixed(tree, space, where)
            case "array" | "map":
                inner = "items" if kind == "array" else "values"
                if inner not in tree:
                    raise AvroSchemaError(f"{where}the {kind} says nothing of its {inner}")
                node = self._node(tree[inner], space, where, depth + 1)
                return AvroArray(node) if kind == "array" else AvroMap(node)
            case str() if _is_primitive(kind):
                return AvroPrimitive(kind, meaning_of_primitive(kind, tree) if self._logical_types else None)
            case str():
                return self._use(kind, space, where)
            case None:
                raise AvroSchemaError(f"{where}an object without a type")
            case _:
                return self._node(kind, space, where, depth + 1)  # {"type": {"type": …}}: what many tools write

    def _union(self, tree: list[Any], space: str, where: str, depth: int) -> AvroNode:
        if not tree:
            raise AvroSchemaError(f"{where}a union of no types")
        if any(isinstance(each, list) for each in tree):
            raise AvroSchemaError(f"{where}a union directly within a union")
        return AvroUnion(tuple(self._node(each, space, where, depth + 1) for each in tree))

    # --- types with names

    def _use(self, name: str, space: str, where: str) -> AvroNode:
        # The namespace counts first, then the bare name, as in Java's reader: old tools wrote names without.
        found = self._named.get(_full(name, space)) or self._named.get(name)
        if found is None:
            raise AvroSchemaError(f"{where}the type {_shown(name)} is not defined before it is used")
        return found

    def _record(self, tree: dict[str, Any], space: str, where: str, depth: int) -> AvroNode:
        name, space = self._name(tree, space, where)
        fields = tree.get("fields")
        if not isinstance(fields, list):
            raise AvroSchemaError(f"{where}the record {_shown(name)} has no list of fields")
        known, use = self._named.get(name), AvroUse(name)
        self._named[name] = use  # before its fields, which may use it
        read: dict[str, AvroNode] = {}
        for field in fields:
            inner = field.get("name") if isinstance(field, dict) else None
            if not isinstance(inner, str) or not inner:
                raise AvroSchemaError(f"{where}a field of the record {_shown(name)} has no name")
            if inner in read:
                raise AvroSchemaError(f"{where}the record {_shown(name)} has two fields {_shown(inner)}")
            place = f"{where}field {_shown(inner)} of {_shown(name)}: "
            if "type" not in field:
                raise AvroSchemaError(f"{place}it has no type")
            read[inner] = self._node(field["type"], space, _short(place), depth + 1)
        record = AvroRecord(name, tuple(read.items()), self._logical_types and _is_decimal(tree, read))
        if known is not None and (known != use or self.records.get(name) != record):
            raise _defined_twice(name, where)
        self.records[name] = record
        return use

    def _enum(self, tree: dict[str, Any], space: str, where: str) -> AvroNode:
        name, _ = self._name(tree, space, where)
        symbols = tree.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise AvroSchemaError(f"{where}the enum {_shown(name)} has no list of symbols")
        if len(set(symbols)) < len(symbols) or len(symbols) > MOST_SYMBOLS:
            what = "a symbol twice" if len(symbols) <= MOST_SYMBOLS else f"more than {MOST_SYMBOLS} symbols"
            raise AvroSchemaError(f"{where}the enum {_shown(name)} has {what}")
        return self._defined(name, AvroEnum(name, tuple(symbols)), where)

    def _fixed(self, tree: dict[str, Any], space: str, where: str) -> AvroNode:
        name, _ = self._name(tree, space, where)
        size = tree.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_FIXED:
            raise AvroSchemaError(f"{where}the fixed {_shown(name)} has no size that is a number of bytes")
        meaning = meaning_of_fixed(size, tree) if self._logical_types else None
        return self._defined(name, AvroFixed(name, size, meaning), where)

    def _defined(self, name: str, node: AvroEnum | AvroFixed, where: str) -> AvroNode:
        if self._named.setdefault(name, node) != node:
            raise _defined_twice(name, where)
        return node

    def _name(self, tree: dict[str, Any], space: str, where: str) -> tuple[str, str]:
        """The full name, and the namespace of what is inside."""
        name, given = tree.get("name"), tree.get("namespace")
        if not isinstance(name, str) or not name:
            raise AvroSchemaError(f"{where}a {tree['type']} without a name")
        full = _full(name, given if isinstance(given, str) else space)
        return full, full.rpartition(".")[0]


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _is_primitive(kind: str) -> TypeGuard[PrimitiveKind]:
    return kind in _PRIMITIVES


def _is_decimal(tree: Mapping[str, Any], fields: Mapping[str, AvroNode]) -> bool:
    return tree.get("connect.name", tree.get("name")) == VARIABLE_SCALE and (
        dict(fields) == {"scale": AvroPrimitive("int"), "value": AvroPrimitive("bytes")}
    )


def _defined_twice(name: str, where: str) -> AvroSchemaError:
    return AvroSchemaError(f"{where}the type {_shown(name)} is defined twice, and not alike")


def _shown(name: str) -> str:
    return name if len(name) <= _SHOWN and name.isprintable() else ascii(name[:_SHOWN])[1:-1] + "…"


def _short(place: str) -> str:
    """Without what is far outside: a message names the fields around a fault, not all fields above it."""
    return place if len(place) <= 2 * _SHOWN else f"… {place[-2 * _SHOWN :]}"
