"""What a replay would do with each letter and in which order, decided before anything is sent: pure.

A dry run shows the same, and for each letter what would be sent beside what was sent then.
"""

from __future__ import annotations

import difflib
import enum
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from bridge.commands import command
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.formats.letters import Letter
from bridge.mapping.mapper import CompiledMapping
from bridge.model import (
    Elements,
    Failed,
    Filtered,
    LetterReason,
    Outcome,
    Outcomes,
    Record,
    Request,
    SchemaNeeded,
    element_of,
    output_of,
    route_of,
)
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry

_WANTS_ANOTHER_REQUEST = frozenset({LetterReason.REJECTED, LetterReason.INVALID})
"""The same request would be refused for the same cause; the other reasons were not about the request."""


class LetterFate(enum.StrEnum):
    """What a replay makes of a letter."""

    SEND = "send"
    UNCHANGED = "unchanged"
    UNMAPPABLE = "unmappable"
    FILTERED = "filtered"
    NO_EVENT = "no_event"
    NO_ORIGIN = "no_origin"
    TOO_OFTEN = "too_often"
    TOO_OLD = "too_old"
    STALE = "stale"


SENTENCES = {
    LetterFate.SEND: "to be sent",
    LetterFate.UNCHANGED: "rejected before, and the route has not changed: the same request would be rejected again "
    "(--force sends it)",
    LetterFate.UNMAPPABLE: "the mapping still makes no request from it (`bridge dlq show ID` says why)",
    LetterFate.FILTERED: "the mapping now filters it: nothing to send (`bridge dlq discard ID --because TEXT` "
    "settles it)",
    LetterFate.NO_EVENT: "the mapping no longer makes this event from its record",
    LetterFate.NO_ORIGIN: "no legible header says which topic it came from, and the mapping depends on that",
    LetterFate.TOO_OFTEN: "failed in --max-replays replays already",
    LetterFate.TOO_OLD: "older than --max-age",
    LetterFate.STALE: "a newer event of its user was delivered already (--stale send sends it)",
}
"""Why a letter stays where it is."""


class MappedLetter(NamedTuple):
    """The events of a letter under the present mapping, by their number in the record."""

    outcomes: tuple[tuple[int, Outcome], ...]

    @property
    def requests(self) -> tuple[tuple[int, Request], ...]:
        """What there is to send."""
        return tuple((number, each) for number, each in self.outcomes if isinstance(each, Request))

    @property
    def failures(self) -> tuple[Failed, ...]:
        """What keeps it from being sent."""
        return tuple(each for _, each in self.outcomes if isinstance(each, Failed))


class Body(enum.StrEnum):
    """The request that would be sent, beside the one of the dead letter."""

    CHANGED = "changed"
    SAME = "same"
    FIRST = "first"
    """No request is in the dead letter: it never got that far, or another program wrote it."""
    SEVERAL = "several"
    """The dead letter has one, and its record becomes several now: there is no one to compare."""


class PlannedLetter(NamedTuple):
    """One letter and its fate."""

    entry: LetterEntry
    fate: LetterFate
    detail: str = ""
    """One sentence on the case at hand."""
    body: Body | None = None
    """Of those to be sent."""

    @property
    def changed(self) -> bool:
        """Whether something was sent before, and something else would be now."""
        return self.body is Body.CHANGED


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What the operator decided."""

    max_replays: int = 3
    force: bool = False
    max_age: float | None = None
    """Seconds, by the record's time."""


@dataclass(slots=True)
class Plan:
    """All letters of a replay."""

    sends: list[PlannedLetter] = field(default_factory=list)
    counts: Counter[LetterFate] = field(default_factory=Counter)
    samples: dict[LetterFate, PlannedLetter] = field(default_factory=dict)
    """One letter of each fate."""
    stale: int = 0
    """Of those to be sent: letters after which a newer event of their user was delivered, as far as was looked."""
    stale_unknown: int = 0
    """Letters of which that cannot be told."""

    @property
    def bodies(self) -> Counter[Body]:
        """Of those to be sent."""
        return Counter(each.body for each in self.sends if each.body is not None)

    def add(self, planned: PlannedLetter) -> None:
        """Count it, keep it if it is to be sent."""
        self.counts[planned.fate] += 1
        self.samples.setdefault(planned.fate, planned)
        if planned.fate is LetterFate.SEND:
            self.sends.append(planned)


def without_stale(made: Plan, is_stale: Callable[[Letter], bool]) -> Plan:
    """The plan with stale letters left out."""
    kept = Plan(stale_unknown=made.stale_unknown)
    kept.counts.update({fate: number for fate, number in made.counts.items() if fate is not LetterFate.SEND})
    kept.samples.update({fate: each for fate, each in made.samples.items() if fate is not LetterFate.SEND})
    for each in made.sends:
        left_out = is_stale(each.entry.letter)
        kept.add(each._replace(fate=LetterFate.STALE, detail=SENTENCES[LetterFate.STALE]) if left_out else each)
    return kept


def plan(entries: Iterable[LetterEntry], mapping: CompiledMapping, rules: ReplayRules, now: float) -> Plan:
    """Decide on every letter; ``now`` in Unix seconds."""
    made = Plan()
    for entry in entries:
        made.add(decide(entry, mapping, rules, now))
    return made


def decide(entry: LetterEntry, mapping: CompiledMapping, rules: ReplayRules, now: float) -> PlannedLetter:  # noqa: PLR0911 - one line each
    """The fate of one letter."""
    letter, standing = entry
    record = contents.current(letter, standing)
    if record is None:
        return PlannedLetter(entry, LetterFate.NO_ORIGIN, SENTENCES[LetterFate.NO_ORIGIN])
    if standing.failures >= rules.max_replays:
        return PlannedLetter(entry, LetterFate.TOO_OFTEN, f"failed in {standing.failures} replays already")
    if rules.max_age is not None and now - (record.timestamp_ms or letter.timestamp_ms or 0) / 1000 > rules.max_age:
        return PlannedLetter(entry, LetterFate.TOO_OLD, SENTENCES[LetterFate.TOO_OLD])
    mapped = of(letter, record, mapping, standing.delivered)
    if mapped.failures:
        return PlannedLetter(entry, LetterFate.UNMAPPABLE, mapped.failures[0].message)
    if not mapped.outcomes and not standing.delivered:
        return PlannedLetter(entry, LetterFate.NO_EVENT, SENTENCES[LetterFate.NO_EVENT])
    if not mapped.requests:
        return PlannedLetter(entry, LetterFate.FILTERED, _why_filtered(mapped))
    if not rules.force and is_refused_request(entry, mapped):
        return PlannedLetter(entry, LetterFate.UNCHANGED, SENTENCES[LetterFate.UNCHANGED])
    return PlannedLetter(entry, LetterFate.SEND, body=compared(letter, mapped))


def of(letter: Letter, record: Record, mapping: CompiledMapping, delivered: Iterable[int] = ()) -> MappedLetter:
    """What the present mapping makes of a letter: its own event, or all of its record where it stands for that.

    An event's age is judged at the time of its letter: it was in time then, and waited here for us.
    """
    mapped = _mapped(letter, record, mapping, delivered)
    return MappedLetter(tuple((number, _decided(each)) for number, each in mapped.outcomes))


def _mapped(letter: Letter, record: Record, mapping: CompiledMapping, delivered: Iterable[int]) -> MappedLetter:
    if letter.is_without_value and record.value is None:
        return MappedLetter(((letter.output, Failed(LetterReason.TOO_LARGE, _without_value(letter))),))
    written = letter.timestamp_ms
    now = contents.ANY_AGE if written is None else written / 1000
    done = frozenset(delivered)
    if letter.is_whole_record:
        return MappedLetter(
            tuple((number, each) for number, each in mapping.outputs(record, now) if number not in done)
        )
    outcomes, elements = mapping.map(record, now), None
    if isinstance(outcomes[0], Elements):
        elements = outcomes[0]
        if letter.element is None or letter.element >= elements.count:
            return MappedLetter(())  # it was of a record that had no elements, or had more of them
        outcomes = elements.map(letter.element, now)
    elif letter.element is not None and not isinstance(outcomes[0], Failed | SchemaNeeded):
        return MappedLetter(())  # its record has no elements any more
    if letter.is_whole_element:
        numbered = ((output_of(letter.element or 0, route), each) for route, each in enumerate(outcomes))
        return MappedLetter(tuple((number, each) for number, each in numbered if number not in done))
    own = _own(letter, outcomes)
    return MappedLetter(()) if own is None else MappedLetter((own,))


def _own(letter: Letter, outcomes: Outcomes) -> tuple[int, Outcome] | None:
    """The letter's event among those of its record, or of its element: by its route's name, else by its place."""
    if len(outcomes) == 1 and outcomes[0].route is None:
        return letter.output, outcomes[0]  # Of the whole record, whatever it has: unmapped, undecodable, dropped.
    for each in outcomes:
        if letter.route is not None and each.route is not None and each.route.name == letter.route:
            return letter.output, each
    place = letter.output if letter.element is None else route_of(letter.output)
    return (letter.output, outcomes[place]) if place < len(outcomes) else None


def is_refused_request(entry: LetterEntry, mapped: MappedLetter) -> bool:
    """Whether the API refused exactly this before: neither the route nor, by hand, the record has changed since."""
    letter, standing = entry
    attempt = standing.attempted
    reason, route_hash, since = letter.reason, letter.route_hash, 0.0
    if attempt is not None and attempt.failures:
        reason, route_hash, since = attempt.reason or "", attempt.route_hash, attempt.at
    if reason not in _WANTS_ANOTHER_REQUEST or route_hash is None:
        return False
    if standing.changed is not None and standing.changed.at > since:
        return False
    return all(each.route.hash == route_hash for _, each in mapped.requests)


def compared(letter: Letter, mapped: MappedLetter) -> Body:
    """By the hash that is in the dead letter."""
    if letter.request_sha256 is None:
        return Body.FIRST
    if len(mapped.requests) != 1:
        return Body.SEVERAL
    is_same = hashlib.sha256(mapped.requests[0][1].body).hexdigest() == letter.request_sha256
    return Body.SAME if is_same else Body.CHANGED


def _why_filtered(mapped: MappedLetter) -> str:
    reasons = sorted({each.reason.value for _, each in mapped.outcomes if isinstance(each, Filtered)})
    return f"the mapping now filters it ({', '.join(reasons) or 'nothing is left of it'}): nothing to send"


def _decided(outcome: Outcome) -> Outcome:
    """Nobody looks a schema up here: what it takes to map the record is known, or it stays where it is."""
    if not isinstance(outcome, SchemaNeeded):
        return outcome
    sentence = f"the schema {outcome.reference} that its record names is not known here"
    return Failed(LetterReason.UNDECODABLE, sentence)


def _without_value(letter: Letter) -> str:
    return (
        f"its record is larger than kafka.max_record_bytes was: the value is at {letter.origin} and not here. Raise "
        "the limit and produce the record again, or import a smaller value for it: `"
        f"{command('dlq', 'import', 'FILE', '--note', 'TEXT')}`"
    )


def in_original_order(entries: Iterable[LetterEntry]) -> list[LetterEntry]:
    """By time over all partitions, and within one partition strictly by offset.

    Timestamps are the producers' and may step back from one offset to the next; two events of one user in one
    partition must still go in the order of their offsets, so each counts as no earlier than those before it.
    """
    partitions: dict[tuple[str, int], list[LetterEntry]] = {}
    for entry in entries:
        origin = entry.letter.origin
        partitions.setdefault((origin.topic, origin.partition) if origin else ("", -1), []).append(entry)
    timed: list[tuple[int, str, int, int, int, int, LetterEntry]] = []
    for (topic, partition), those in partitions.items():
        those.sort(key=_offset_and_output)
        latest = 0
        for entry in those:
            latest = max(latest, _time(entry))
            timed.append((latest, topic, partition, *_offset_and_output(entry), entry))
    timed.sort(key=lambda each: each[:6])
    return [each[6] for each in timed]


def _offset_and_output(entry: LetterEntry) -> tuple[int, int, int]:
    """Offset, element and route; without elements it is the same order, by the number of the event."""
    letter = entry.letter
    output = letter.output
    return (letter.origin.offset if letter.origin else letter.place.offset, element_of(output), route_of(output))


def _time(entry: LetterEntry) -> int:
    """The record's time; that of its letter where the record's is unknown."""
    origin = entry.letter.origin
    if origin is not None and origin.timestamp_ms is not None:
        return origin.timestamp_ms
    return entry.letter.timestamp_ms or 0


def difference(before: bytes, after: bytes) -> list[str]:
    """Two JSON documents line by line, ``-`` what was, ``+`` what is; keys sorted, as their order means nothing."""
    lines = difflib.ndiff(_lines(before), _lines(after))
    return [line for line in lines if not line.startswith("?")]


def _lines(document: bytes) -> list[str]:
    try:
        pretty = exact_json.encoded(exact_json.read(document), orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, MappingError):
        pretty = document
    return pretty.decode("utf-8", "backslashreplace").split("\n")
