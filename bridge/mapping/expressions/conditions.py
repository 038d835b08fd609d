"""``when``: an expression that must yield true or false, nothing that merely counts as one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.decode.failures import found, unmappable
from bridge.errors import InvalidError
from bridge.mapping.expressions.absence import missing
from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.generated import shortcut_first
from bridge.mapping.expressions.paths import Path, Read
from bridge.mapping.expressions.queries import Node
from bridge.mapping.expressions.scope import Scope


class ConditionError(InvalidError):
    """A condition that cannot be compiled."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled ``when``."""

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
