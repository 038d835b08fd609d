"""What the configuration reads, compiled: literals, expressions, templates, paths with conversions; and conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue, ValueSpec
from bridge.decode.failures import found, unmappable
from bridge.errors import InvalidError
from bridge.mapping.expressions import scalars
from bridge.mapping.expressions.absence import missing
from bridge.mapping.expressions.expression import Expression, ExpressionError, compile_expression
from bridge.mapping.expressions.generated import shortcut_first
from bridge.mapping.expressions.paths import Path, Read
from bridge.mapping.expressions.queries import Node
from bridge.mapping.expressions.readers import ValueReader, ValueSpecError
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.shortcuts import of_conversion
from bridge.mapping.expressions.templates import compile_template
from bridge.mapping.expressions.times import formats

MOST_JOINED: Final = 20_000
"""Items of a list that are not all texts: each takes a microsecond."""


def compile_value(spec: ValueSpec, label: str) -> ValueReader:
    """Compiles a value; `label` is what failures begin with. Raises `ValueSpecError`."""
    match spec:
        case LiteralValue(value=constant):
            return ValueReader(
                "a literal", lambda _value, _scope: constant, uses_value=False, uses_scope=False, is_literal=True
            )
        case TemplateValue(template=template):
            try:
                return compile_template(template, label)
            except ExpressionError as error:
                raise ValueSpecError("template", str(error)) from None
        case PathValue():
            return _converted(spec, _expression(spec.path, "path", label), label)
        case _:
            return ValueReader.of(_expression(spec, "", label))


def _expression(text: str, key: str, label: str) -> Expression:
    try:
        return compile_expression(text, label)
    except ExpressionError as error:
        raise ValueSpecError(key, f"{text!r} {error}") from None


def _converted(spec: PathValue, expression: Expression, label: str) -> ValueReader:
    conversion = _Conversion(spec, expression, label)
    bare = _reader(spec, expression, conversion.found)
    if spec.unit is not None:
        bare = replace(bare, counted=(spec.unit, conversion.number))
    if spec.default is None and not spec.required:
        return bare
    reader = replace(_reader(spec, expression, conversion.read), counted=bare.counted)
    return reader if spec.default is None else replace(reader, default=spec.default, bare=bare)


def _reader(spec: PathValue, expression: Expression, read: Read) -> ValueReader:
    shortcut = of_conversion(spec, expression.path, expression.shortcut, read)
    return replace(
        ValueReader.of(expression),
        read=read if shortcut is None else shortcut.reader(),
        uses_scope=True,
        header=None,
        envelope_method=None,
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

    def number(self, value: Any, scope: Scope) -> Any:
        """What it has before it makes a time of it: a number, mostly."""
        found = self._find(value, scope)
        try:
            for step in self._steps[:-1]:
                found = step(found)
            return scalars.number_of(found)
        except scalars.ConversionError:
            return None

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
    """What happens to a value that was found, in order. Raises `ValueSpecError`."""
    steps: list[scalars.Convert] = []
    if spec.decimal is not None:
        steps.append(scalars.written_with(spec.decimal))
    if spec.divide_by is not None:
        # Only an owner who asks for a number has text read as one.
        steps.append(scalars.divider(spec.divide_by, reads_text=spec.type is not None))
    if spec.type is not None:
        steps.append(scalars.converter(spec.type, spec.unit, _time_reader(spec)))
    return tuple(steps)


def _time_reader(spec: PathValue) -> formats.ReadTime | None:
    """What reads times of a format or zone; None where the usual way does."""
    if spec.format is None and spec.zone is None:
        return None
    try:
        return formats.reader(spec.format, spec.zone)
    except formats.TimeFormatError as error:
        written = spec.format if error.key == "format" else spec.zone
        raise ValueSpecError(error.key, f"{written!r} {error}") from None


# --- conditions


class ConditionError(InvalidError):
    """A condition that cannot be compiled."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled ``when``: it must yield true or false, nothing that merely counts as one of them."""

    text: str
    _read: Read
    paths: tuple[Path, ...] = ()
    """What it reads of the value."""
    tree: Node = None
    """What it was parsed to, if it is JMESPath over the value."""
    quoted: frozenset[str] = frozenset()
    """See `bridge.mapping.expressions.expression.Expression.quoted`."""

    def holds(self, value: Any, scope: Scope) -> bool:
        """Whether it yields true; raises for anything but true and false."""
        result = self._read(value, scope)
        if result is True:
            return True
        if result is False:
            return False
        what = missing(self.paths, value) if result is None else found(result)
        raise unmappable(f"when: {self.text} is {what}; true or false is needed")


def compile_condition(text: str) -> Condition:
    """Compiles a condition; raises `ConditionError`."""
    try:
        expression = compile_expression(text, "when")
    except ExpressionError as error:
        raise ConditionError(f"{text!r} {error}") from None
    if expression.constant_type is not None:
        raise ConditionError(
            f"{text!r} yields {expression.constant_type}, never true or false; "
            "to choose by topic use topics, to choose by a header make it event_type"
        )
    read = expression.read if expression.shortcut is None else shortcut_first(expression.shortcut, text)
    return Condition(text, read, expression.paths, expression.tree, expression.quoted)
