"""Counts letters, one by one as they are read, and what they say: one line for one cause, however records differ."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.formats.letters import Letter, LetterPlace
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record
from bridge.pipeline.letter_breaker import common_form
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.ledger import UNTOUCHED, LetterState
from bridge.reprocess.reading.redaction import Redaction, redaction
from bridge.reprocess.reading.selection import LetterEntry, Selection, is_of_group, select

MOST_SAYINGS: Final = 250
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
    route: str | None = None
    """Of the sample."""
    record: Record | None = None
    """Of the sample, where that is not large."""

    def add(self, letter: Letter) -> None:
        """One more."""
        self.count += 1
        written_ms = letter.timestamp_ms
        if self.count == 1:
            self._take(letter)
        if written_ms is None:
            return
        if self.first_ms is None or (written_ms, letter.place) < (self.first_ms, self.sample):
            self.first_ms = written_ms
            self._take(letter)
        self.last_ms = written_ms if self.last_ms is None else max(self.last_ms, written_ms)

    def _take(self, letter: Letter) -> None:
        self.sample, self.route = letter.place, letter.route
        self.record = letter.record() if letter.value is None or len(letter.value) <= _LARGEST_SAMPLE else None


@dataclass(slots=True)
class Sayings:
    """All of them."""

    hidden: Redaction
    most: int = MOST_SAYINGS
    unlisted: int = 0
    """Dead letters whose causes were given up, for being rare among too many."""
    mapping: CompiledMapping | None = None
    """Reads what is no JSON, so that what is hidden of it is found in a message."""
    _by_form: dict[tuple[str, str], Saying] = field(default_factory=dict)

    def add(self, letter: Letter) -> None:
        """One dead letter."""
        key = letter.reason, common_form(letter.message or "")
        found = self._by_form.get(key)
        if found is None:
            shown = self.hidden.of_message(letter.message or "", self._text(letter), letter.headers)
            found = self._by_form[key] = Saying(letter.reason, common_form(shown), letter.place)
        found.add(letter)
        if len(self._by_form) > 2 * self.most:
            self._forget_the_rarest()

    def _text(self, letter: Letter) -> bytes | None:
        if self.mapping is None or not self.hidden.hides:
            return letter.value
        return contents.legible(self.mapping, letter.record(), letter.value).text

    def commonest(self) -> Sequence[Saying]:
        """The largest first."""
        return sorted(self._by_form.values(), key=lambda each: (-each.count, each.reason, each.message))

    def _forget_the_rarest(self) -> None:
        kept = sorted(self._by_form.items(), key=lambda item: -item[1].count)
        self.unlisted += sum(each.count for _, each in kept[self.most :])
        self._by_form = dict(kept[: self.most])


SOON: Final = 86_400.0
"""Seconds: what retention takes within them is counted."""
_LARGEST_SAMPLE: Final = 64 * 1024
"""Bytes of a value that is kept for a sample: there may be hundreds of them."""

AGES: Final = (
    (3600.0, "up to 1 h"),
    (86_400.0, "1 h to 1 d"),
    (7 * 86_400.0, "1 d to 7 d"),
    (float("inf"), "over 7 d"),
)
_BOUNDS: Final = tuple(bound for bound, _ in AGES)
NO_ROUTE: Final = "(none)"
NO_STATUS: Final = "(not sent)"


_NOTHING_HIDDEN: Final = redaction((), everything=False)

_Likeness = tuple[str, int | None, str | None, int | None]
"""Reason, status, route, and which of the `AGES`."""


@dataclass(slots=True)
class LetterGroup:
    """Letters that have something in common."""

    count: int = 0
    oldest_age: float | None = None
    """Seconds."""

    def add(self, count: int, age: float | None) -> None:
        """So many more, the oldest of this age."""
        self.count += count
        if age is not None and (self.oldest_age is None or age > self.oldest_age):
            self.oldest_age = age


@dataclass(frozen=True, slots=True)
class Oldest:
    """The letter that has waited longest."""

    place: LetterPlace
    age: float
    """Seconds since it was written."""

    @property
    def id(self) -> str:
        """As commands take it."""
        return str(self.place)


@dataclass(slots=True)
class Statistics:
    """What is open, grouped; what is settled, counted."""

    open: int = 0
    failed_again: int = 0
    damaged: int = 0
    others: int = 0
    """Open letters of other groups, which are in no other number here."""
    oldest: Oldest | None = None
    ended: Counter[LetterState] = field(
        default_factory=lambda: Counter({LetterState.REPLAYED: 0, LetterState.DISCARDED: 0})
    )
    sayings: Sayings = field(default_factory=lambda: Sayings(_NOTHING_HIDDEN))
    """What the open ones say."""
    retention: float | None = None
    """Seconds that Kafka keeps dead letters, infinite: for ever; None: it is not known."""
    soon: int = 0
    """Open ones that retention takes within `SOON`."""
    _alike: dict[_Likeness, LetterGroup] = field(default_factory=dict)
    """Few, however many letters there are: each letter is added to one, and the groupings are made of them."""

    def add(self, entry: LetterEntry, now: float) -> None:
        """Count one letter."""
        letter, standing = entry
        if standing is not UNTOUCHED:
            if not standing.state.is_open:
                self.ended[standing.state] += 1
                return
            self.failed_again += standing.state is LetterState.FAILED_AGAIN
        self.open += 1
        self.sayings.add(letter)
        if letter.damaged:
            self.damaged += 1
        written = letter.timestamp_ms
        age = None if written is None else max(0.0, now - written / 1000)
        if age is not None and (self.oldest is None or age > self.oldest.age):
            self.oldest = Oldest(letter.place, age)
        if age is not None and self.retention is not None and age > self.retention - SOON:
            self.soon += 1
        likeness = (letter.reason, letter.status, letter.route, None if age is None else bisect_left(_BOUNDS, age))
        group = self._alike.get(likeness)
        if group is None:
            group = self._alike[likeness] = LetterGroup()
        group.add(1, age)

    @property
    def groupings(self) -> dict[str, dict[str, LetterGroup]]:
        """The open letters by reason, status, route and age: the largest groups first, ages from young to old."""
        found: dict[str, dict[str, LetterGroup]] = {"reason": {}, "status": {}, "route": {}, "age": {}}
        for (reason, status, route, bracket), group in self._alike.items():
            names = {
                "reason": reason,
                "status": NO_STATUS if status is None else str(status),
                "route": route or NO_ROUTE,
                "age": None if bracket is None else AGES[bracket][1],
            }
            for title, name in names.items():
                if name is not None:
                    found[title].setdefault(name, LetterGroup()).add(group.count, group.oldest_age)
        ages = {name: place for place, (_, name) in enumerate(AGES)}
        found["age"] = dict(sorted(found["age"].items(), key=lambda item: ages[item[0]]))
        for title in ("reason", "status", "route"):
            found[title] = dict(sorted(found[title].items(), key=lambda item: (-item[1].count, item[0])))
        return found


def count(
    entries: Iterable[LetterEntry],
    selection: Selection,
    mapping: CompiledMapping,
    now: float,
    hidden: Redaction = _NOTHING_HIDDEN,
    retention: float | None = None,
) -> Statistics:
    """Statistics of the selected letters; ``now`` in Unix seconds, `retention` as in `Statistics`."""
    found = Statistics(sayings=Sayings(hidden, mapping=mapping), retention=retention)
    everybody = replace(selection, group=None)
    for entry in select(entries, everybody, mapping):
        if is_of_group(entry.letter, selection.group):
            found.add(entry, now)
        else:
            found.others += entry.standing.state.is_open
    return found
