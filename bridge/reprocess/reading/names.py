"""Selectors that name what does not exist: a misspelt reason must not pass for one that nothing failed for.

Known beforehand is what the program, the mapping and the configuration have. For anything else the dead letters are
asked, settled ones and those of other groups included: other programs have reasons of their own, and routes, types and
topics may be of an earlier configuration. Users and conditions are no names: they ask for what is in the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.mapping.mapper import CompiledMapping
from bridge.model import KINDS, LetterReason
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry, OriginRange, Selection
from bridge.text.amounts import listed

_SHOWN = 20
_KEPT = 1000
"""Different names of letters that are kept to be shown, of one selector."""


@dataclass(slots=True)
class UnknownName:
    """One selector with names that only the letters can know."""

    option: str
    missing: set[str]
    """That no letter had so far."""
    of: Callable[[LetterEntry], tuple[str, ...]]
    """The names a letter has."""
    exists: set[str] = field(default_factory=set)
    """What is there instead."""

    def look(self, entry: LetterEntry) -> None:
        """One letter."""
        for name in self.of(entry):
            self.missing.discard(name)
            if len(self.exists) < _KEPT:
                self.exists.add(name)

    def refusal(self) -> str:
        """The sentence for what is still missing."""
        asked = ", ".join(sorted(self.missing))
        there = sorted(self.exists)
        if not there:
            return f"{self.option}: there is no {asked}, and no dead letter has any."
        return f"{self.option}: there is no {asked}. There are: {listed(there, _SHOWN)}."


def unknown(
    of: Selection, mapping: CompiledMapping, topics: ConsumedTopics, partitions: Mapping[str, int]
) -> list[UnknownName]:
    """What has to be asked of the letters: `topics` are what is read, `partitions` counts by topic."""
    routes = {route.name for route in mapping.routes}
    hashes = {route.hash for route in mapping.routes}
    reasons = {reason.value for reason in LetterReason}
    kinds = {kind.name for kind in KINDS}
    origins = {_place(each) for each in of.origins if not _is_known(each, topics, partitions)}
    made = [
        UnknownName("--reason", set(of.reasons - reasons), lambda entry: _names(entry.letter.reason), reasons),
        UnknownName("--route", set(of.routes - routes), lambda entry: _names(entry.letter.route), routes),
        UnknownName("--kind", set(of.kinds - kinds), lambda entry: _names(entry.letter.request_kind), kinds),
        UnknownName(
            "--route-hash", set(of.route_hashes - hashes), lambda entry: _names(entry.letter.route_hash), hashes
        ),
        UnknownName(
            "--type",
            {each for each in of.types if not mapping.has_rule_for(each)},
            lambda entry: _names(_type(entry, mapping)),
            set(mapping.rules),
        ),
        UnknownName("--origin", origins, _origins, set(topics.names)),
    ]
    return [each for each in made if each.missing]


def refusals(asked: Iterable[UnknownName], entries: Iterable[LetterEntry]) -> list[str]:
    """A sentence for each selector that names what none of the letters has either."""
    waiting = list(asked)
    for entry in entries:
        for each in waiting:
            each.look(entry)
    return [each.refusal() for each in waiting if each.missing]


def _type(entry: LetterEntry, mapping: CompiledMapping) -> str | None:
    record = contents.current(entry.letter, entry.standing)
    return None if record is None else contents.event_type(mapping, record)


def _place(origin: OriginRange) -> str:
    return origin.topic if origin.partition is None else f"{origin.topic}:{origin.partition}"


def _is_known(origin: OriginRange, topics: ConsumedTopics, partitions: Mapping[str, int]) -> bool:
    """Whether it is of what the bridge reads."""
    if not topics.takes(origin.topic):
        return False
    count = partitions.get(origin.topic)
    return origin.topic in topics.names if count is None else origin.partition is None or origin.partition < count


def _names(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _origins(entry: LetterEntry) -> tuple[str, ...]:
    origin = entry.letter.origin
    return () if origin is None else (origin.topic, f"{origin.topic}:{origin.partition}")
