"""The history as a person reads it; kept only when somebody is going to read it."""

from __future__ import annotations

from tests.simulation.agenda import Agenda


class Timeline:
    """Lines of time, place and what happened. Off by default: formatting costs more than what it describes."""

    def __init__(self, agenda: Agenda, *, on: bool) -> None:
        self.on = on
        self.lines: list[str] = []
        self._agenda = agenda

    def note(self, who: str, what: str) -> None:
        self.lines.append(f"{self._agenda.now - 1000.0:9.3f}  {who:<8} {what}")
