"""A value of the configuration, compiled: what it reads of a record, and into what it is turned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue, ValueSpec
from bridge.decode.failures import found, unmappable
from bridge.errors import InvalidError
from bridge.mapping.expressions import numbers, scalars
from bridge.mapping.expressions.absence import missing
from bridge.mapping.expressions.expression import ENVELOPE_METHODS, Expression, ExpressionError, compile_expression
from bridge.mapping.expressions.function_text import FunctionText
from bridge.mapping.expressions.paths import Path, Read
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.shortcuts import Shortcut, of_conversion
from bridge.mapping.expressions.templates import split_template


class ValueSpecError(InvalidError):
    """A value that cannot be compiled; `key` is the key inside it that is to be mended, if it is a map."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class ValueReader:
    """One compiled value."""

    text: str
    """How messages name it."""
    read: Read
    """Returns the value, None where there is none; raises `MappingError` and `InexactNumberError`."""
    uses_value: bool = True
    uses_scope: bool = True
    is_literal: bool = False
    path: Path | None = None
    paths: tuple[Path, ...] = ()
    """All that it reads of the value."""
    header: str | None = None
    envelope: frozenset[str] = frozenset()
    envelope_method: str | None = None
    """The method of `Scope` that reads it, where it is a field of the envelope and no more than that."""
    shortcut: Shortcut | None = None
    """The ordinary case, for whoever can take it in."""
    reserved: frozenset[str] = frozenset()
    """Words in it that mean something of the record itself, where a field of the value could have that name."""
    quoted: frozenset[str] = frozenset()
    """Fields in it that are names in quotes and nothing more: perhaps texts in the wrong quotes."""
    default: str | float | bool | None = None
    """What `read` returns where nothing is found."""
    bare: ValueReader | None = None
    """The same without the default, where there is one."""

    def text_of(self, value: Any, scope: Scope, label: str) -> str:
        """An identifier as text: a string as it is, an integer in digits; anything else is a failure."""
        if value.__class__ is str:
            identifier: str = value
            return identifier
        if value.__class__ is int:
            return str(value)
        if value.__class__ is float or value.__class__ is Decimal:
            if not scope.exact:
                scope.require_exact_numbers()  # an integer beyond 64 bits is a float only until it is decoded exactly
            raise unmappable(f"{label}: {self.text} is {_fraction(value)}")
        raise unmappable(f"{label}: {self.text} is {self.found(value, scope.value)}; a string or an integer is needed")

    def found(self, result: Any, value: Any) -> str:
        """What it found in a decoded value, for a failure: its type, or that nothing is there, and why."""
        return missing(self.paths, value) if result is None else found(result)

    def found_no_text(self, result: Any, value: Any) -> str:
        """The same where a string is needed, with what makes one of it."""
        made = (
            " ({path: …, type: string} makes one of it)" if result.__class__ is int or result.__class__ is bool else ""
        )
        return f"{self.found(result, value)}; a string is needed{made}"


def _fraction(number: float | Decimal) -> str:
    if numbers.whole(number) is not None:
        return "a whole number written with a fraction, as 12.0; {path: …, type: integer} takes it as an integer"
    return "a number with a fraction; a string or an integer is needed"


MOST_JOINED: Final = 20_000
"""Items of a list that are not all texts: each takes a microsecond."""
NOTHING: Final = ValueReader("nothing", lambda _value, _scope: None)
"""Stands in for a value with a problem, so that all problems are found in one go."""


def compile_value(spec: ValueSpec, label: str) -> ValueReader:
    """Compiles a value; `label` is what failures begin with. Raises `ValueSpecError`."""
    match spec:
        case LiteralValue(value=constant):
            return ValueReader(
                "a literal", lambda _value, _scope: constant, uses_value=False, uses_scope=False, is_literal=True
            )
        case TemplateValue(template=template):
            return _template(template, label)
        case PathValue():
            return _converted(spec, _expression(spec.path, "path", label), label)
        case _:
            return _plain(_expression(spec, "", label))


def _expression(text: str, key: str, label: str) -> Expression:
    try:
        return compile_expression(text, label)
    except ExpressionError as error:
        raise ValueSpecError(key, f"{text!r} {error}") from None


def _plain(expression: Expression) -> ValueReader:
    return ValueReader(
        text=expression.text,
        read=expression.read,
        uses_value=expression.uses_value,
        uses_scope=expression.uses_scope,
        path=expression.path,
        paths=expression.paths,
        header=expression.header,
        envelope=frozenset() if expression.envelope is None else frozenset({expression.envelope}),
        reserved=_reserved(expression),
        quoted=expression.quoted,
        envelope_method=None if expression.envelope is None else ENVELOPE_METHODS.get(expression.envelope),
        shortcut=expression.shortcut,
    )


def _reserved(expression: Expression) -> frozenset[str]:
    return frozenset() if expression.reserved is None else frozenset({expression.reserved})


# --- templates


def _template(template: str, label: str) -> ValueReader:
    try:
        pieces = split_template(template)
    except ExpressionError as error:
        raise ValueSpecError("template", f"{template!r} {error}") from None
    inner = {text: _plain(_expression(text, "template", label)) for text, is_expression in pieces if is_expression}
    parts = tuple((text, inner.get(text) if is_expression else None) for text, is_expression in pieces)

    def read(value: Any, scope: Scope) -> str | None:
        texts = []
        for text, reader in parts:
            if reader is None:
                texts.append(text)
                continue
            piece = reader.read(value, scope)
            if piece is None:
                return None  # half a text is worse than none: never "Account None", never "Account "
            if piece.__class__ is str:
                texts.append(piece)
                continue
            if not scalars.is_scalar(piece):
                raise unmappable(
                    f"{label}: {{{text}}} in the template is {found(piece)}; a string, a number or a boolean is needed"
                )
            texts.append(scalars.text_of(scalars.sendable(piece, scope)))
        return "".join(texts)

    return ValueReader(
        text=f"the template {template!r}",
        read=_template_of_texts(parts, read),
        uses_value=any(reader.uses_value for reader in inner.values()),
        paths=tuple(path for reader in inner.values() for path in reader.paths),
        envelope=frozenset().union(*(reader.envelope for reader in inner.values())),
        reserved=frozenset().union(*(reader.reserved for reader in inner.values())),
        quoted=frozenset().union(*(reader.quoted for reader in inner.values())),
    )


def _template_of_texts(parts: tuple[tuple[str, ValueReader | None], ...], otherwise: Read) -> Read:
    """A template of plain paths, which nearly always find texts."""
    code = FunctionText("value", "scope")
    pieces, found_texts = [], []
    for text, reader in parts:
        if reader is None:
            pieces.append(repr(text))
            continue
        if reader.path is None:
            return otherwise
        piece = f"piece_{len(pieces)}"
        code.add(f"{piece} = {code.at(reader.path)}")
        pieces.append(piece)
        found_texts.append(f"{piece}.__class__ is str")
    code.add(
        f"if {' and '.join(found_texts)}: return {' + '.join(pieces)}",
        f"return {code.named(otherwise)}(value, scope)",
    )
    read: Read = code.compiled()
    return read


# --- paths with conversions


def _converted(spec: PathValue, expression: Expression, label: str) -> ValueReader:
    conversion = _Conversion(spec, expression, label)
    bare = _reader(spec, expression, conversion.found)
    if spec.default is None and not spec.required:
        return bare
    reader = _reader(spec, expression, conversion.read)
    return reader if spec.default is None else replace(reader, default=spec.default, bare=bare)


def _reader(spec: PathValue, expression: Expression, read: Read) -> ValueReader:
    shortcut = of_conversion(spec, expression.path, expression.shortcut, read)
    return ValueReader(
        text=expression.text,
        read=read if shortcut is None else shortcut.reader(),
        uses_value=expression.uses_value,
        path=expression.path,
        paths=expression.paths,
        envelope=frozenset() if expression.envelope is None else frozenset({expression.envelope}),
        reserved=_reserved(expression),
        quoted=expression.quoted,
        shortcut=shortcut,
    )


class _Conversion:
    """What becomes of the result of an expression."""

    __slots__ = ("_default", "_find", "_joint", "_label", "_paths", "_required", "_steps", "_text")

    def __init__(self, spec: PathValue, expression: Expression, label: str) -> None:
        self._find = expression.read
        self._text = expression.text
        self._paths = expression.paths
        self._label = label
        self._steps = _steps(spec)
        self._default = spec.default
        self._required = spec.required
        self._joint = spec.join

    def found(self, value: Any, scope: Scope) -> Any:
        result = self._find(value, scope)
        if result is None:
            return None
        return self._apply(result, scope) if self._joint is None else self._join(result, self._joint, scope)

    def read(self, value: Any, scope: Scope) -> Any:
        result = self.found(value, scope)
        if result is not None:
            return result
        if self._required:
            raise unmappable(f"{self._label}: {self._text} is {missing(self._paths, value)}, and it is required")
        return self._default

    def _apply(self, value: Any, scope: Scope) -> Any:
        if value.__class__ is float:
            scalars.exactly(value, scope)
        try:
            for step in self._steps:
                value = step(value)
        except scalars.ConversionError as error:
            raise unmappable(f"{self._label}: {self._text} {error}") from None
        return value

    def _join(self, value: Any, joint: str, scope: Scope) -> Any:
        """A list as text, None where it has no items; a scalar counts as itself."""
        if scalars.is_scalar(value):
            return self._apply(value, scope)
        if not isinstance(value, list):
            raise unmappable(f"{self._label}: {self._text} is {found(value)}; an array is needed to join")
        if len(value) > MOST_JOINED:
            raise unmappable(f"{self._label}: {self._text} is an array of more than {MOST_JOINED} items to join")
        texts = []
        unchanged = not self._steps
        for item in value:
            if item is None:
                continue
            if unchanged and item.__class__ is str:
                texts.append(item)
                continue
            if not scalars.is_scalar(item):
                raise unmappable(
                    f"{self._label}: {self._text} is an array that holds {found(item)}; "
                    "only strings, numbers and booleans can be joined"
                )
            texts.append(scalars.text_of(scalars.sendable(self._apply(item, scope), scope)))
        return joint.join(texts) if texts else None


def _steps(spec: PathValue) -> tuple[scalars.Convert, ...]:
    """What happens to a value that was found, in order."""
    steps: list[scalars.Convert] = []
    if spec.divide_by is not None:
        # Only an owner who asks for a number has text read as one.
        steps.append(scalars.divider(spec.divide_by, reads_text=spec.type is not None))
    if spec.type is not None:
        steps.append(scalars.converter(spec.type, spec.unit))
    return tuple(steps)
