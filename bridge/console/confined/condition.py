"""A condition that a visitor typed, asked of dead letters in the confined process, of what they show when redacted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.console.confined import match_values
from bridge.console.confined.cell import ConfinedCell, ConfinedProcess
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.reprocess.reading.redaction import Redaction


class ConfinedCondition:
    """Takes a decoded value, as a compiled JMESPath does. Raises `PageRefusedError` where it takes too much."""

    def __init__(self, cell: ConfinedCell, text: str, hidden: Redaction) -> None:
        self._cell = cell
        self._text = text
        self._hidden = hidden
        self._process: ConfinedProcess | None = None

    def __call__(self, value: Any) -> bool:
        """Whether it holds. What is hidden is no part of the value: whoever asks would find it out by asking."""
        try:
            shown = self._hidden.of_value(exact_json.encoded(value))
        except (MappingError, RecursionError, TypeError):
            return False
        if self._process is None:  # an answer that is known already needs none
            self._process = self._cell.start(match_values.__name__)
            self._process.ask(self._text.encode())
        return self._process.ask(shown or b"null") == match_values.YES


@contextmanager
def confined(cell: ConfinedCell, text: str, hidden: Redaction) -> Iterator[ConfinedCondition]:
    """Meanwhile it can be asked. Raises `PageRefusedError` where it is somebody else's turn."""
    with cell.turn():
        yield ConfinedCondition(cell, text, hidden)
