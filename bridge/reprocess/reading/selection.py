"""Which letters a command is about. One pure function, shared by all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple

from bridge.decode.failures import MappingError, QueryTypeError
from bridge.formats.letters import Dialect, Letter, LetterPlace
from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.ledger import LetterStanding, LetterState


class LetterEntry(NamedTuple):
    """A letter and what became of it."""

    letter: Letter
    standing: LetterStanding


@dataclass(frozen=True, slots=True)
class OriginRange:
    """Records of a source topic: all, of one partition, or some offsets of it."""

    topic: str
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    """Included; None: to the end."""

    def has(self, letter: Letter) -> bool:
        """Whether the letter's origin is among them."""
        origin = letter.origin
        if origin is None or origin.topic != self.topic:
            return False
        if self.partition is not None and origin.partition != self.partition:
            return False
        return (self.first is None or origin.offset >= self.first) and (self.last is None or origin.offset <= self.last)


_ORIGIN = re.compile(r"([A-Za-z0-9._-]{1,249})(?::(\d{1,9})(?::(\d{1,18})?(-)?(\d{1,18})?)?)?", re.ASCII)
_PLACE = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)
_RECORD = re.compile(r"([A-Za-z0-9._-]{1,249})[/:](\d{1,9})[/:](\d{1,18})(?:#(\d{1,9}))?", re.ASCII)


def parse_origin(text: str) -> OriginRange:
    """From ``TOPIC``, ``TOPIC:P``, ``TOPIC:P:17``, ``TOPIC:P:17-90``, ``TOPIC:P:17-``. Raises `ValueError`."""
    found = _ORIGIN.fullmatch(text)
    if found is None or (found[2] is None and ":" in text):
        raise ValueError(f"must be TOPIC, TOPIC:PARTITION or TOPIC:PARTITION:FIRST-LAST, not {text!r}")
    topic, partition, first, dash, last = found.groups()
    low = int(first) if first else None
    high = int(last) if last else (None if dash else low)
    if low is not None and high is not None and high < low:
        raise ValueError(f"ends before it begins: {text!r}")
    return OriginRange(topic, int(partition) if partition else None, low, high)


@dataclass(frozen=True, slots=True)
class OriginName:
    """One record of a source topic; `output` names one of its events, or one of its elements with all of its events."""

    topic: str
    partition: int
    offset: int
    output: int | None = None

    def __str__(self) -> str:
        event = "" if self.output is None else f"#{self.output}"
        return f"{self.topic}/{self.partition}/{self.offset}{event}"


def parse_id(text: str) -> LetterPlace | OriginName:
    """``PARTITION:OFFSET`` in the dead-letter topic, or the origin's ``TOPIC/PARTITION/OFFSET[#EVENT]``."""
    place = _PLACE.fullmatch(text)
    if place is not None:
        return LetterPlace(int(place[1]), int(place[2]))
    record = _RECORD.fullmatch(text)
    if record is not None:
        return OriginName(record[1], int(record[2]), int(record[3]), int(record[4]) if record[4] else None)
    raise ValueError(
        f"{text!r} is no dead letter's ID: write PARTITION:OFFSET in the dead-letter topic (3:17), or where its record "
        "came from, TOPIC/PARTITION/OFFSET"
    )


def is_named(letter: Letter, name: LetterPlace | OriginName) -> bool:
    """Whether this is the letter of that id."""
    if isinstance(name, LetterPlace):
        return letter.place == name
    origin = letter.origin
    return (
        origin is not None
        and (origin.topic, origin.partition, origin.offset) == (name.topic, name.partition, name.offset)
        and (name.output is None or letter.is_whole_record or name.output in (letter.output, letter.element))
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given must hold; of the values of one kind, any."""

    states: frozenset[LetterState] = frozenset({LetterState.OPEN, LetterState.FAILED_AGAIN})
    reasons: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    routes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    """Of the request that failed."""
    types: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    since_ms: int | None = None
    """Letters written at or after this time."""
    until_ms: int | None = None
    """Letters written before this time."""
    origins: tuple[OriginRange, ...] = ()
    route_hashes: frozenset[str] = frozenset()
    ids: tuple[LetterPlace | OriginName, ...] = ()
    match: Callable[[Any], Any] | None = None
    """A compiled JMESPath over the decoded value."""
    limit: int | None = None
    group: str | None = None
    """Of the bridge whose letters are meant; None: of all. What other programs wrote belongs to everybody."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing was selected but a state."""
        return self == Selection(states=self.states, group=self.group)


def select(entries: Iterable[LetterEntry], selection: Selection, mapping: CompiledMapping) -> Iterator[LetterEntry]:
    """The entries that are meant, in the order they come; of a limited number the oldest, in the order of age."""
    conditions = _conditions(selection, mapping)
    chosen = (entry for entry in entries if all(holds(entry) for holds in conditions)) if conditions else iter(entries)
    return chosen if selection.limit is None else iter(nsmallest(selection.limit, chosen, key=_written))


def _written(entry: LetterEntry) -> tuple[int, LetterPlace]:
    return (entry.letter.timestamp_ms or 0, entry.letter.place)


def is_of_group(letter: Letter, group: str | None) -> bool:
    """Whether a bridge of this group has to do with it."""
    if group is None or letter.dialect is not Dialect.BRIDGE or letter.origin is None:
        return True
    return letter.origin.group in (group, "")


def _conditions(of: Selection, mapping: CompiledMapping) -> list[Callable[[LetterEntry], bool]]:
    """Those that were given: of a hundred thousand letters, each is asked nothing that all of them fulfil."""
    every: list[tuple[object, Callable[[LetterEntry], bool]]] = [
        (of.states != frozenset(LetterState), lambda entry: entry.standing.state in of.states),
        (of.group is not None, lambda entry: is_of_group(entry.letter, of.group)),
        (of.ids, lambda entry: any(is_named(entry.letter, name) for name in of.ids)),
        (of.reasons, lambda entry: entry.letter.reason in of.reasons),
        (of.statuses, lambda entry: entry.letter.status in of.statuses),
        (of.routes, lambda entry: entry.letter.route in of.routes),
        (of.kinds, lambda entry: entry.letter.request_kind in of.kinds),
        (of.route_hashes, lambda entry: entry.letter.route_hash in of.route_hashes),
        (of.origins, lambda entry: any(origin.has(entry.letter) for origin in of.origins)),
        (of.since_ms is not None, lambda entry: (entry.letter.timestamp_ms or 0) >= (of.since_ms or 0)),
        (of.until_ms is not None, lambda entry: (entry.letter.timestamp_ms or 0) < (of.until_ms or 0)),
        (of.types or of.users or of.match is not None, lambda entry: _holds(entry, of, mapping)),
    ]
    return [holds for given, holds in every if given]


def _holds(entry: LetterEntry, of: Selection, mapping: CompiledMapping) -> bool:
    """Conditions on what is inside; without an origin there is no topic to read it by."""
    record = contents.current(entry.letter, entry.standing)
    if record is None:
        return False
    if of.types and contents.event_type(mapping, record) not in of.types:
        return False
    if of.users and not (of.users & contents.users(mapping, record)):
        return False
    return of.match is None or matches(of.match, contents.value(mapping, record))


def matches(query: Callable[[Any], Any], value: Any) -> bool:
    """Truth as JMESPath has it: null, false and what is empty do not match."""
    if value is None:
        return False
    try:
        found = query(value)
    except (QueryTypeError, MappingError):
        return False
    is_empty = isinstance(found, str | list | dict) and not found
    return found is not None and found is not False and not is_empty
