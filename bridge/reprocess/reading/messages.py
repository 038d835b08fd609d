"""What dead letters say, counted: one line for one cause, however their records differ. In a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.formats.letters import Letter, LetterPlace
from bridge.pipeline.likeness import common_form
from bridge.reprocess.redaction import Redaction

MOST: Final = 250
"""Different causes that are kept; of more, the rarest are given up."""


@dataclass(slots=True)
class Saying:
    """Dead letters of one reason whose messages have one form."""

    reason: str
    message: str
    """The form, without what `dead_letter.redact` hides."""
    sample: LetterPlace
    """The oldest of them."""
    count: int = 0
    first_ms: int | None = None
    """When the oldest of them was written."""
    last_ms: int | None = None

    def add(self, place: LetterPlace, written_ms: int | None) -> None:
        """One more."""
        self.count += 1
        if written_ms is None:
            return
        if self.first_ms is None or (written_ms, place) < (self.first_ms, self.sample):
            self.first_ms, self.sample = written_ms, place
        self.last_ms = written_ms if self.last_ms is None else max(self.last_ms, written_ms)


@dataclass(slots=True)
class Sayings:
    """All of them."""

    hidden: Redaction
    most: int = MOST
    unlisted: int = 0
    """Dead letters whose causes were given up, for being rare among too many."""
    _by_form: dict[tuple[str, str], Saying] = field(default_factory=dict)

    def add(self, letter: Letter) -> None:
        """One dead letter."""
        key = letter.reason, common_form(letter.message or "")
        found = self._by_form.get(key)
        if found is None:
            shown = self.hidden.of_message(letter.message or "", letter.value, letter.headers)
            found = self._by_form[key] = Saying(letter.reason, common_form(shown), letter.place)
        found.add(letter.place, letter.timestamp_ms)
        if len(self._by_form) > 2 * self.most:
            self._forget_the_rarest()

    def commonest(self) -> Sequence[Saying]:
        """The largest first."""
        return sorted(self._by_form.values(), key=lambda each: (-each.count, each.reason, each.message))

    def _forget_the_rarest(self) -> None:
        kept = sorted(self._by_form.items(), key=lambda item: -item[1].count)
        self.unlisted += sum(each.count for _, each in kept[self.most :])
        self._by_form = dict(kept[: self.most])
