"""Text with expressions in braces: ``Account {data.action}``. ``{{`` and ``}}`` are the braces themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.decode.failures import found, unmappable
from bridge.mapping.expressions import generated, scalars
from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.paths import Read
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope

_QUOTES = "'\"`"


def compile_template(template: str, label: str) -> ValueReader:
    """`label` is what failures begin with. Raises `ExpressionError`, whose message says of which text it speaks."""
    try:
        pieces = _split(template)
    except ExpressionError as error:
        raise ExpressionError(f"{template!r} {error}") from None
    inner = {text: _reader(text, label) for text, is_expression in pieces if is_expression}
    parts = tuple(inner[text] if is_expression else text for text, is_expression in pieces)
    read = _read(parts, label)
    paths = tuple(part if isinstance(part, str) else part.path for part in parts)
    if all(part is not None for part in paths):
        read = generated.template(tuple(part for part in paths if part is not None), read, template)
    return ValueReader(
        text=f"the template {template!r}",
        read=read,
        uses_value=any(reader.uses_value for reader in inner.values()),
        paths=tuple(path for reader in inner.values() for path in reader.paths),
        envelope=frozenset().union(*(reader.envelope for reader in inner.values())),
        reserved=frozenset().union(*(reader.reserved for reader in inner.values())),
        quoted=frozenset().union(*(reader.quoted for reader in inner.values())),
    )


def _reader(text: str, label: str) -> ValueReader:
    try:
        return ValueReader.of(compile_expression(text, label))
    except ExpressionError as error:
        raise ExpressionError(f"{text!r} {error}") from None


def _read(parts: tuple[str | ValueReader, ...], label: str) -> Read:
    """Whatever its expressions are, and whatever they find."""

    def read(value: Any, scope: Scope) -> str | None:
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            piece = part.read(value, scope)
            if piece is None:
                return None  # half a text is worse than none: never "Account None", never "Account "
            if piece.__class__ is str:
                texts.append(piece)
                continue
            if not scalars.is_scalar(piece):
                raise unmappable(
                    f"{label}: {{{part.text}}} in the template is {found(piece)}; "
                    "a string, a number or a boolean is needed"
                )
            texts.append(scalars.text_of(scalars.sendable(piece, scope)))
        return "".join(texts)

    return read


def _split(text: str) -> tuple[tuple[str, bool], ...]:
    """The pieces in order, each with whether it is an expression; raises `ExpressionError`."""
    pieces = tuple(_pieces(text))
    if not any(is_expression for _, is_expression in pieces):
        raise ExpressionError("has no {expression} in it; for a text that never changes write it as a literal")
    return pieces


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    literal = ""
    position = 0
    while position < len(text):
        sign = text[position]
        if sign in "{}" and text[position : position + 2] == sign * 2:
            literal += sign
            position += 2
        elif sign == "{":
            if literal:
                yield literal, False
                literal = ""
            end = _closing_brace(text, position)
            yield text[position + 1 : end].strip(), True
            position = end + 1
        elif sign == "}":
            raise ExpressionError(
                f"has a }} without its {{ at character {position + 1}; a brace itself is written }}}}"
            )
        else:
            literal += sign
            position += 1
    if literal:
        yield literal, False


def _closing_brace(text: str, start: int) -> int:
    """Where the expression ends that begins at `start`; braces inside of it, and in quotes, belong to it."""
    depth = 0
    quote = ""
    position = start
    while position < len(text):
        sign = text[position]
        if quote:
            if sign == "\\":
                position += 1
            elif sign == quote:
                quote = ""
        elif sign in _QUOTES:
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise ExpressionError(f"has a {{ without its }} at character {start + 1}; a brace itself is written {{{{")
