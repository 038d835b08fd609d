"""Counts letters, one by one as they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess.ledger import State
from bridge.reprocess.letters import Letter, Place
from bridge.reprocess.selection import Entry, Selection, is_of_group, select

AGES: Final = (
    (3600.0, "up to 1 h"),
    (86_400.0, "1 h to 1 d"),
    (7 * 86_400.0, "1 d to 7 d"),
    (float("inf"), "over 7 d"),
)
NO_ROUTE: Final = "(none)"
NO_STATUS: Final = "(not sent)"


@dataclass(slots=True)
class Group:
    """Letters that have something in common."""

    count: int = 0
    oldest_age: float | None = None
    """Seconds."""

    def add(self, age: float | None) -> None:
        """One more."""
        self.count += 1
        if age is not None and (self.oldest_age is None or age > self.oldest_age):
            self.oldest_age = age


@dataclass(frozen=True, slots=True)
class Oldest:
    """The letter that has waited longest."""

    place: Place
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
    groupings: dict[str, dict[str, Group]] = field(
        default_factory=lambda: {"reason": {}, "status": {}, "route": {}, "age": {}}
    )
    ended: Counter[State] = field(default_factory=lambda: Counter({State.REPLAYED: 0, State.DISCARDED: 0}))

    def add(self, entry: Entry, now: float) -> None:
        """Count one letter."""
        letter, standing = entry
        if not standing.state.is_open:
            self.ended[standing.state] += 1
            return
        self.open += 1
        self.failed_again += standing.state is State.FAILED_AGAIN
        self.damaged += bool(letter.damaged)
        age = None if letter.timestamp_ms is None else max(0.0, now - letter.timestamp_ms / 1000)
        if age is not None and (self.oldest is None or age > self.oldest.age):
            self.oldest = Oldest(letter.place, age)
        for title, name in _names(letter, age):
            self.groupings[title].setdefault(name, Group()).add(age)


def _names(letter: Letter, age: float | None) -> list[tuple[str, str]]:
    named = [
        ("reason", letter.reason),
        ("status", NO_STATUS if letter.status is None else str(letter.status)),
        ("route", letter.route or NO_ROUTE),
    ]
    if age is not None:
        named.append(("age", next(name for bound, name in AGES if age <= bound)))
    return named


def count(entries: Iterable[Entry], selection: Selection, mapping: CompiledMapping, now: float) -> Statistics:
    """Statistics of the selected letters; ``now`` in Unix seconds."""
    found = Statistics()
    everybody = replace(selection, group=None)
    for entry in select(entries, everybody, mapping):
        if is_of_group(entry.letter, selection.group):
            found.add(entry, now)
        else:
            found.others += entry.standing.state.is_open
    for title, groups in found.groupings.items():
        if title == "age":
            order = {name: place for place, (_, name) in enumerate(AGES)}
            found.groupings[title] = dict(sorted(groups.items(), key=lambda item: order[item[0]]))
        else:
            found.groupings[title] = dict(sorted(groups.items(), key=lambda item: (-item[1].count, item[0])))
    return found
