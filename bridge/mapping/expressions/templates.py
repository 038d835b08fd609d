"""Text with expressions in braces: ``Account {data.action}``. ``{{`` and ``}}`` are the braces themselves."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.mapping.expressions.expression import ExpressionError

_QUOTES = "'\"`"


def split_template(text: str) -> tuple[tuple[str, bool], ...]:
    """The pieces of a template in order, each with whether it is an expression; raises `ExpressionError`."""
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
