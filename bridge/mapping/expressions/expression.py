"""The one grammar of expressions: a path or JMESPath over the decoded value, or something of the record itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.failures import QueryTypeError, unmappable
from bridge.errors import InvalidError
from bridge.mapping.expressions.absence import first_obstacle
from bridge.mapping.expressions.misreadings import quoted_words
from bridge.mapping.expressions.paths import Path, Read, parse_path, path_reader
from bridge.mapping.expressions.queries import Node, QueryError, build, parse, paths_of
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.shortcuts import Shortcut, of_query


class ExpressionError(InvalidError):
    """An expression that cannot be compiled; reads as the end of a sentence that begins with its text."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression."""

    text: str
    """As written."""
    read: Read
    """Returns what it finds; raises `MappingError`."""
    uses_value: bool = True
    """Whether the record's value must be decoded for it."""
    uses_scope: bool = False
    """Whether `read` looks at its second argument."""
    path: Path | None = None
    """The path of the value it is, if it is no more than that."""
    paths: tuple[Path, ...] = ()
    """All that it reads of the value."""
    tree: Node = None
    """What a JMESPath expression over the value was parsed to."""
    quoted: frozenset[str] = frozenset()
    """Fields in it that are names in quotes and nothing more: perhaps texts in the wrong quotes."""
    shortcut: Shortcut | None = None
    """The ordinary case, for whoever can take it in."""
    envelope: str | None = None
    """The envelope's field it reads."""
    header: str | None = None
    """The header it is."""
    reserved: str | None = None
    """The word it is that means something of the record itself, where a field of the value could have that name."""
    constant_type: str | None = None
    """The one JSON type it can yield, where that is known beforehand."""


_PREFIXED: Final = re.compile(r"([A-Za-z_][\w-]*):(.*)", re.DOTALL)
_HEADER_NAME: Final = re.compile(r"[\w.!#$%&'*+^`|~/:-]+")

_ENVELOPE: Final[dict[str, Read]] = {
    "type": lambda _value, scope: scope.event_type,
    "event_type": lambda _value, scope: scope.event_type,
    "id": lambda _value, scope: scope.event_id(),
    "event_id": lambda _value, scope: scope.event_id(),
    "time": lambda _value, scope: scope.occurred_at(),
    "occurred_at": lambda _value, scope: scope.occurred_at(),
    "source": lambda _value, scope: scope.attribute("source"),
    "subject": lambda _value, scope: scope.attribute("subject"),
}
ENVELOPE_METHODS: Final = {
    "id": "event_id",
    "event_id": "event_id",
    "time": "occurred_at",
    "occurred_at": "occurred_at",
}
"""What generated code calls by name, which saves the call around it."""
ENVELOPE_SETTINGS: Final = frozenset({"type", "event_type", "id", "event_id", "time", "occurred_at"})
"""Fields that a setting of the mapping defines; the others are a CloudEvent's own."""

_RECORD: Final[dict[str, tuple[Read, str]]] = {
    "key": (lambda _value, scope: scope.key_text(), "a string"),
    "topic": (lambda _value, scope: scope.record.topic, "a string"),
    "timestamp": (lambda _value, scope: scope.timestamp(), "a time"),
}

RESERVED: Final = frozenset(_RECORD)
"""Words that are something of the record itself where they are alone; in a longer expression they are fields."""


def compile_expression(text: str, label: str) -> Expression:
    """Compiles one expression; `label` is what failures begin with, such as ``metadata.amount``.

    Raises `ExpressionError`.
    """
    if not text.strip():
        raise ExpressionError("is empty")
    if text in _RECORD:
        read, result = _RECORD[text]
        return Expression(text, read, uses_value=False, uses_scope=True, reserved=text, constant_type=result)
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is not None:
        return _of_the_record(text, prefixed[1], prefixed[2], label)
    path = parse_path(text)
    if path is not None:
        return Expression(text, path_reader(path), path=path, paths=(path,))
    tree, query = _query(text, text, label)
    shortcut = of_query(tree, query)
    read = query if shortcut is None else shortcut.reader()
    return Expression(
        text, read, uses_scope=True, paths=paths_of(tree), tree=tree, quoted=quoted_words(tree), shortcut=shortcut
    )


def _of_the_record(text: str, prefix: str, rest: str, label: str) -> Expression:
    match prefix:
        case "header":
            if not _HEADER_NAME.fullmatch(rest):
                raise ExpressionError("must be header:NAME, a header's name without spaces, and nothing after it")
            return Expression(
                text,
                lambda _value, scope: scope.header(rest),
                uses_value=False,
                uses_scope=True,
                header=rest,
                constant_type="a string",
            )
        case "key":
            if not rest.strip():
                raise ExpressionError("must be key:PATH; for the key as text write key")
            read = _of_the_key(rest, label)
            return Expression(text, read, uses_value=False, uses_scope=True)
        case "outer":
            if not rest.strip():
                raise ExpressionError("must be outer:PATH; the path begins at the whole value that has the elements")
            return Expression(text, _around(rest, label), uses_scope=True)
        case "envelope":
            if rest not in _ENVELOPE:
                raise ExpressionError(f"names no field of the envelope; there are {', '.join(_ENVELOPE)}")
            return Expression(text, _ENVELOPE[rest], uses_scope=True, envelope=rest)
    raise ExpressionError(
        f"begins with {prefix}:, which is unknown; there are header:NAME, key:PATH, outer:PATH and envelope:FIELD"
    )


def _of_the_key(rest: str, label: str) -> Read:
    path = parse_path(rest)
    inner = path_reader(path) if path is not None else _query(f"key:{rest}", rest, label)[1]
    return lambda _value, scope: inner(scope.key_value(), scope)


def _around(rest: str, label: str) -> Read:
    path = parse_path(rest)
    inner = path_reader(path) if path is not None else _query(f"outer:{rest}", rest, label)[1]
    return lambda _value, scope: inner(scope.outer, scope)


def _query(text: str, expression: str, label: str) -> tuple[Node, Read]:
    """An expression in JMESPath, and what reads it; `text` is how failures name it."""
    try:
        tree = parse(expression)
        query = build(tree)
    except QueryError as error:
        raise ExpressionError(str(error)) from None
    paths = paths_of(tree)

    def read(value: Any, scope: Scope) -> Any:
        if not scope.lossless:
            scope.require_no_lost_numbers()  # numbers are compared and computed with
        try:
            return query(value)
        except QueryTypeError as failure:
            why = first_obstacle(paths, value)
            raise unmappable(f"{label}: {text}: {failure}{'' if why is None else f' ({why})'}") from None

    return tree, read
