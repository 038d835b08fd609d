"""What stood at the hidden paths of a record, found again in the request it became. In doubt it is hidden."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bridge.mapping.expressions.paths import Path
from bridge.mapping.expressions.scalars import text_of

HIDDEN: Final = "***"
_TELLING: Final = 3
"""Characters from which on a text is looked for inside of others; shorter ones are in everything."""


class Secrets:
    """The texts to hide, and which types of values may have been made of them."""

    def __init__(self) -> None:
        self.are_known = True
        """False where a text on the way of a path may hold more of them: then anything may be one."""
        self._texts: set[str] = set()
        self._has_number = False
        self._has_boolean = False

    def collect(self, value: Any, path: Path) -> None:
        """Adds what is at a path of a decoded value, and all below it."""
        if isinstance(value, list):
            for inner in value:
                self.collect(inner, path)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if not path or name == path[0]:
                    self.collect(inner, path[1:])
        elif path:
            self.are_known = self.are_known and not (isinstance(value, str) and value)
        elif value is not None:
            self.add(value)

    def add(self, value: Any) -> None:
        """Adds one scalar."""
        self._has_boolean = self._has_boolean or isinstance(value, bool)
        if isinstance(value, str):
            self._texts.add(value.casefold())
            # What from_json() made of it may be any part of it.
            self.are_known = self.are_known and not value.lstrip().startswith(("{", "[", '"'))
        elif not isinstance(value, bool):
            self._has_number = True  # it may have been divided, added, or read as a time
            if isinstance(value, int | float | Decimal):
                self._texts.add(text_of(value))
        self._texts.discard("")

    def hidden(self, value: Any) -> Any:
        """A document of a request without them."""
        if isinstance(value, dict):
            return {name: self.hidden(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.hidden(inner) for inner in value]
        if value is None:
            return None
        if isinstance(value, bool):
            return HIDDEN if self._has_boolean else value
        if not isinstance(value, str):
            return HIDDEN if self._has_number or text_of(value) in self._texts else value
        return HIDDEN if self._is_telling(value) else value

    def cut(self, message: str) -> str:
        """A sentence without the sentence parts that are secrets."""
        return HIDDEN if any(len(each) >= _TELLING and each in message.casefold() for each in self._texts) else message

    def _is_telling(self, text: str) -> bool:
        """A template may have put it inside a longer text, and a function may have changed its case."""
        folded = text.casefold()
        if folded in self._texts or any(len(each) >= _TELLING and each in folded for each in self._texts):
            return True
        if self._has_boolean and folded in {"true", "false"}:
            return True
        return self._has_number and any(character.isdigit() for character in text)
