"""Writes what reads one text of a value and nothing behind it: enough to tell that no rule wants a record.

What is before the text is passed over, field by field. Where that would take lists or maps, or where something is
unusual about the bytes, there is no answer (None), and the value is read whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from bridge.decode.avro.nodes import (
    AvroEnum,
    AvroFixed,
    AvroNode,
    AvroPrimitive,
    AvroSchema,
    AvroUnion,
    AvroUse,
)
from bridge.decode.avro.tables import index
from bridge.errors import Signal

FastPeek = Callable[[bytes, int], str | None]
"""Given bytes and where in them the value begins. May raise IndexError where they end too early."""

_SIZES: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_MOST_LINES: Final = 2_000


class _NoWayError(Signal):
    """There is no short way to the text."""


def fast_peek(schema: AvroSchema, path: tuple[str, ...]) -> FastPeek | None:
    """Reads the text at a path; None where the schema has none there, or no short way to it."""
    source = _PeekSource(schema)
    try:
        lines = source.text_at(schema.root, path)
    except _NoWayError:
        return None
    text = "\n".join(["def peek(raw, at):", *(f" {line}" for line in lines), " return None"])
    names: dict[str, Any] = dict(source.symbols)
    exec(compile(text, "<avro peek>", "exec"), names)  # noqa: S102 - the text is made here, of literals
    peek: FastPeek = names["peek"]
    return peek


def leading_form(schema: AvroSchema, path: tuple[str, ...]) -> Literal["text", "symbol"] | None:
    """How the text at a path is written, where values begin with it; None where something else comes first."""
    node = schema.root
    for name in path:
        fields = schema.record(node).fields if isinstance(node, AvroUse) else ()
        if not fields or fields[0][0] != name:
            return None
        node = fields[0][1]
    match node:
        case AvroPrimitive("string"):
            return "text"
        case AvroEnum():
            return "symbol"
        case _:
            return None


class _PeekSource:
    def __init__(self, schema: AvroSchema) -> None:
        self._schema = schema
        self._within: set[str] = set()
        self._lines = 0
        self.symbols: dict[str, Any] = {}

    def text_at(self, node: AvroNode, path: tuple[str, ...]) -> list[str]:
        """Lines that return the text. All others go on where nothing is."""
        match node:
            case AvroPrimitive("string") if not path:
                # Of one byte's length: a longer type is read with its record.
                return ["size = raw[at]", "if size & 129: return None", "at += 1", *_returned("size >> 1")]
            case AvroEnum(symbols=symbols) if not path:
                self.symbols["symbols"] = index(symbols)
                return ["return symbols.get(raw[at:at + 1])"]
            case AvroUnion(branches=branches):
                return self._branches(branches, [self._or_nothing(branch, path) for branch in branches])
            case AvroUse() if path:
                return self._field(node, path)
            case _:
                raise _NoWayError

    def _or_nothing(self, node: AvroNode, path: tuple[str, ...]) -> list[str]:
        try:
            return self.text_at(node, path)
        except _NoWayError:
            return ["return None"]

    def _field(self, use: AvroUse, path: tuple[str, ...]) -> list[str]:
        lines: list[str] = []
        for name, node in self._schema.record(use).fields:
            if name == path[0]:
                return lines + self.text_at(node, path[1:])
            lines += self._past(node)
        raise _NoWayError

    def _past(self, node: AvroNode) -> list[str]:
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise _NoWayError
        match node:
            case AvroPrimitive("string" | "bytes"):
                return ["size = raw[at]", "if size & 129: return None", "at += 1 + (size >> 1)"]
            case AvroPrimitive("int" | "long") | AvroEnum():
                return ["while raw[at] > 127: at += 1", "at += 1"]
            case AvroPrimitive(kind):
                return [f"at += {_SIZES[kind]}"] if _SIZES[kind] else []
            case AvroFixed(size=size):
                return [f"at += {size}"]
            case AvroUnion(branches=branches):
                return self._branches(branches, [self._past_or_nothing(branch) for branch in branches])
            case AvroUse(name=name) if name not in self._within:
                self._within.add(name)
                lines = [line for _, inner in self._schema.record(node).fields for line in self._past(inner)]
                self._within.remove(name)
                return lines
            case _:
                raise _NoWayError

    def _past_or_nothing(self, node: AvroNode) -> list[str]:
        within = set(self._within)
        try:
            return self._past(node)
        except _NoWayError:
            self._within = within
            return ["return None"]

    @staticmethod
    def _branches(branches: tuple[AvroNode, ...], lines: list[list[str]]) -> list[str]:
        if len(branches) > 12:
            raise _NoWayError
        chosen = ["branch = raw[at]", "at += 1"]
        for place, inner in enumerate(lines):
            chosen += [f"{'el' if place else ''}if branch == {2 * place}:", *(f" {line}" for line in inner or ["pass"])]
        return [*chosen, "else: return None"]


def _returned(size: str) -> list[str]:
    return [f"end = at + ({size})", "return raw[at:end].decode() if end <= len(raw) else None"]
