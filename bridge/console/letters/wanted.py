"""Which dead letters a page is about, from the fields of its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.commands import command
from bridge.errors import Misuse
from bridge.reprocess.reading.selection import Selection
from bridge.reprocess.reading.wanted import WantedLetters

MANY: Final = ("reason", "route", "kind", "type", "user", "origin", "route_hash")
"""Fields that take several values, with blanks between."""
ONE: Final = ("since", "until", "match")
FIELDS: Final = (*MANY, "status", *ONE, "id", "state", "of")
"""All of a search."""
OF_VALUES: Final = ("user", "match")
"""Fields that ask about what only those may know who may see values."""
ALL: Final = "all"
LONGEST_CONDITION: Final = 500
"""Characters."""


@dataclass(frozen=True, slots=True)
class LetterSearch:
    """What was asked for, as it was typed, and what it means."""

    given: Mapping[str, str]
    """Of the `FIELDS`, those that say anything."""
    selection: Selection

    @property
    def match(self) -> str:
        """The text of the condition."""
        return self.given.get("match", "")

    @property
    def is_everything(self) -> bool:
        """Whether nothing was asked for but states."""
        return self.selection.is_everything


def search(fields: Mapping[str, str], group: str) -> LetterSearch:
    """Raises `Misuse` for what cannot be understood."""
    given = {name: text for name in FIELDS if (text := fields.get(name, "").strip())}
    if len(given.get("match", "")) > LONGEST_CONDITION:
        raise Misuse(
            f"match may have {LONGEST_CONDITION} characters here; "
            f"`{command('dlq', 'list', '--match', 'EXPRESSION')}` takes more."
        )
    several = {name: tuple(given.get(name, "").split()) for name in MANY}
    wanted = WantedLetters(
        **several,  # type: ignore[arg-type]  # by name, all of them tuples of texts
        status=tuple(_status(each) for each in given.get("status", "").split()),
        since=given.get("since"),
        until=given.get("until"),
        match=given.get("match"),
    )
    ids = tuple(given.get("id", "").split())
    everybody = given.get("of") == ALL
    try:
        made = wanted.selection(None if everybody else group, ids=ids, with_ended=given.get("state") == ALL)
    except Misuse as problem:
        # The sentence names an option of the command: here it is a field of the same name.
        raise Misuse(str(problem).removeprefix("--")) from problem
    return LetterSearch(given, made)


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 3):
        raise Misuse(f"status must be a status of HTTP such as 400, not {text}.")
    return int(text)
