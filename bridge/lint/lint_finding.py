"""One finding, as rules make it and as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SEVERITY: Final = "warning"
"""Of every finding: nothing that loads is refused for one."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a rule points at; which code it has is the table's business."""

    where: str
    """The key's path, such as ``mapping.events.order.completed[0].when``."""
    what: str
    """What is wrong, as the sentence that follows `where`, without its end. Never a value of a record."""
    to_do: str


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing that is perhaps not meant."""

    code: str
    where: str
    what: str
    to_do: str
    line: str = ""
    """``line 12``, or the environment variable it is from; empty where nobody knows."""

    @property
    def sentence(self) -> str:
        """Where and what."""
        place = f"{self.where} ({self.line})" if self.line else self.where
        return f"{place}: {self.what}."
