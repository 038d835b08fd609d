"""Finds what is asked about, and says of each record how the mapping goes and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from bridge.errors import Misuse
from bridge.explain.decide import decide
from bridge.explain.explanation import EventFate, ExplainedPart, ExplainedRecord, Explanation
from bridge.explain.facts import RecordFacts, RecordPresence
from bridge.explain.fates import DecidedFate
from bridge.explain.places import LetterScan, Place, Silent, presence
from bridge.explain.questions import AtOffset, ById, ByUser, Question
from bridge.explain.search import MOST_RECORDS, matcher, search
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ExplainSources, ReplicasTold
from bridge.formats import trace_context
from bridge.formats.letters import Letter
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.mapping.review.walk import WalkedEvent, WalkPart, walk
from bridge.model import Record, TopicPartition

_TOPIC: Final = "topic"


class _Candidate(NamedTuple):
    """A record that is meant, as far as it is known."""

    place: Place
    record: Record | None = None
    source: str = ""
    elements: tuple[int, ...] | None = None
    """Those that are meant; None: all."""
    from_letter: bool = False


def explain(
    question: Question,
    sources: ExplainSources,
    shown: ShownContent,
    progress: Silent = lambda _count: None,
    clock: Callable[[], float] = time.time,
) -> Explanation:
    """Answers; `shown` says what of the records may be in the answer, `clock` gives Unix seconds.

    Blocks for as long as it reads. Raises `errors.BridgeError` where Kafka does not answer, or the question names what
    is not there.
    """
    if isinstance(question, AtOffset):
        return _at(question, sources, shown, progress, clock())
    return _searched(question, sources, shown, progress, clock())


def _at(question: AtOffset, sources: ExplainSources, shown: ShownContent, progress: Silent, now: float) -> Explanation:
    partition = question.partition
    count = len(sources.partitions([partition.topic]))
    if partition.partition >= count:
        raise Misuse(f"{question}: {partition.topic} has the partitions 0 to {count - 1}.")
    place = (partition, question.offset)
    # In this order: what is done by then has its dead letter by then, if it has one. The other way round a dead letter
    # that is written between the two questions would pass for a delivery.
    offsets = sources.offsets([partition])
    scan = sources.letters(lambda letter: _place_of(letter) == place, progress)
    return _explained([_Candidate(place)], sources, _AskedFacts(offsets, scan, sources.replicas(), shown, now))


def _searched(
    question: ById | ByUser, sources: ExplainSources, shown: ShownContent, progress: Silent, now: float
) -> Explanation:
    matches = matcher(sources.mapping, question)
    found, searched = search(sources, question.bounds, matches, progress)
    places = {(TopicPartition(each.topic, each.partition), each.offset) for each, _ in found.records}
    topics = frozenset(question.bounds.topics)

    def is_meant(letter: Letter) -> bool:
        place, record = _place_of(letter), letter.record()
        if place is None or record is None or (topics and place[0].topic not in topics):
            return False
        since = question.bounds.since_ms
        if since is not None and record.timestamp_ms is not None and record.timestamp_ms < since:
            return False
        return place in places or bool(matches(record))

    offsets = dict(sources.offsets(sorted({place[0] for place in places})) if places else {})
    scan = sources.letters(is_meant, lambda _count: None)  # after the offsets, see `_at`
    candidates = [
        _Candidate((TopicPartition(record.topic, record.partition), record.offset), record, _TOPIC, elements)
        for record, elements in found.records
    ]
    more = dict.fromkeys(place for each in scan.entries if (place := _place_of(each.letter)) not in places)
    candidates += [_Candidate(place, from_letter=True) for place in more if place is not None]
    candidates = candidates[:MOST_RECORDS]
    others = sorted({each.place[0] for each in candidates} - offsets.keys())
    offsets |= sources.offsets(others) if others else {}
    asked = _AskedFacts(offsets, scan, sources.replicas() if candidates else ReplicasTold(), shown, now)
    answer = _explained(candidates, sources, asked)
    whole = replace(
        searched,
        letters=None if scan.problem is not None else scan.count,
        letters_problem=scan.problem,
        found=searched.found + len(more),
    )
    return replace(answer, searched=whole)


class _AskedFacts(NamedTuple):
    """All that was read beside the records."""

    offsets: Mapping[TopicPartition, PartitionOffsets]
    letters: LetterScan
    replicas: ReplicasTold
    shown: ShownContent
    now: float


def _explained(candidates: Sequence[_Candidate], sources: ExplainSources, asked: _AskedFacts) -> Explanation:
    records = tuple(_record(_read(each, sources, asked), sources, asked) for each in candidates)
    notes = () if asked.letters.problem is None else (f"The dead letters could not be read: {asked.letters.problem}",)
    return Explanation(records, None, notes)


class _Content(NamedTuple):
    """A candidate once it was looked for."""

    candidate: _Candidate
    record: Record | None
    source: str
    presence: RecordPresence


def _read(candidate: _Candidate, sources: ExplainSources, asked: _AskedFacts) -> _Content:
    """Its content: from its topic, else from a dead letter of it."""
    partition, offset = candidate.place
    offsets = asked.offsets.get(partition)
    record = candidate.record
    uncommitted = None
    if record is None and offsets is not None and offsets.log.first <= offset < offsets.log.end:
        span = {partition: range(offset, offset + 1)}
        if offset < offsets.stable:
            record = next(iter(sources.read(span)), None)
        if record is None and offset < offsets.stable:
            uncommitted = next(iter(sources.read(span, uncommitted=True)), None)
    at = presence(offset, offsets, record, uncommitted)
    if record is not None:
        return _Content(candidate, record, _TOPIC, at)
    for letter, _ in asked.letters.of(candidate.place, None).entries:
        kept = letter.record()
        if kept is not None and not letter.is_without_value:
            return _Content(candidate, kept, f"dead letter {letter.place}", at)
    return _Content(candidate, None, "", at)


def _record(content: _Content, sources: ExplainSources, asked: _AskedFacts) -> ExplainedRecord:
    (partition, offset), record = content.candidate.place, content.record
    facts = _facts(content, sources, asked)
    if record is None:
        events = _without_content(facts)
        return ExplainedRecord(partition, offset, None, "", (ExplainedPart((), events),))
    found = walk(sources.mapping, record, asked.now, content.candidate.elements)
    explained = tuple(_part(part, record, facts, sources, asked) for part in found.parts)
    timestamp = None if record.timestamp_ms is None else record.timestamp_ms / 1000
    trace = trace_context.of_headers(record.headers)
    return ExplainedRecord(
        partition,
        offset,
        timestamp,
        content.source,
        explained,
        record.size,
        None if trace is None else trace.trace,
        found.elements,
        asked.shown.key(record),
        asked.shown.value(sources.mapping, record),
    )


def _facts(content: _Content, sources: ExplainSources, asked: _AskedFacts) -> RecordFacts:
    (partition, offset), record = content.candidate.place, content.record
    offsets = asked.offsets.get(partition)
    committed = None if offsets is None else offsets.committed
    number = None if committed is None else committed.mapping
    # A letter of an earlier topic of this name is told by the record's time, which only the record itself has.
    stamp = record.timestamp_ms if record is not None and content.source == _TOPIC else None
    place = (partition, offset)
    return RecordFacts(
        partition,
        offset,
        content.presence,
        sources.group,
        sources.is_consumed(partition.topic),
        offsets,
        None if record is None or record.timestamp_ms is None else record.timestamp_ms / 1000,
        asked.letters.of(place, stamp),
        asked.letters.lost(place, None if offsets is None else offsets.topic_id),
        asked.replicas.halts.get(partition),
        asked.replicas.silence,
        is_same_mapping=None if number is None else number == sources.mapping_number,
        now=asked.now,
        elements_way=sources.mapping.topic(partition.topic).way,
        unread="its content could not be read.",
    )


def _without_content(facts: RecordFacts) -> tuple[EventFate, ...]:
    """One verdict on all of it; where there are dead letters, one on each of these."""
    letters = [entry for entry in facts.letters.entries if not entry.letter.is_whole_record]
    if not letters:
        return (EventFate(decide(facts, None)),)
    return tuple(_of_letter_alone(entry.letter, facts) for entry in letters)


def _of_letter_alone(letter: Letter, facts: RecordFacts) -> EventFate:
    own = tuple(each for each in facts.letters.entries if each.letter is letter)
    decided = decide(replace(facts, letters=replace(facts.letters, entries=own)), None)
    return EventFate(decided, letter.output, letter.element, letter.route, letter.request_kind)


def _part(
    part: WalkPart, record: Record, facts: RecordFacts, sources: ExplainSources, asked: _AskedFacts
) -> ExplainedPart:
    events = [_event(event, record, facts, sources, asked) for event in part.events]
    events += _no_longer_made(part, facts)
    return ExplainedPart(
        tuple(asked.shown.step(sources.mapping, record, step) for step in part.steps), tuple(events), part.element
    )


def _event(
    event: WalkedEvent, record: Record, facts: RecordFacts, sources: ExplainSources, asked: _AskedFacts
) -> EventFate:
    told = asked.replicas.retrying.get((facts.partition, facts.offset, event.number))
    return EventFate(
        decide(facts if told is None else replace(facts, retrying=told), event),
        event.number,
        event.element,
        event.route,
        event.kind,
        event.step,
        event.of,
        event.made.sentence,
        asked.shown.request(sources.mapping, record, event.made.request),
    )


def _no_longer_made(part: WalkPart, facts: RecordFacts) -> list[EventFate]:
    """Dead letters of events that an earlier mapping made of the record, and today's does not."""
    made = {event.number for event in part.events}
    gone = [
        entry.letter
        for entry in facts.letters.entries
        if not entry.letter.is_whole_record
        and not entry.letter.is_whole_element
        and entry.letter.output not in made
        and entry.letter.element == part.element
    ]
    fates = [_of_letter_alone(letter, facts) for letter in gone]
    note = "Today's mapping does not make this event of its record."
    return [replace(each, decided=DecidedFate(each.fate, (*each.decided.unknown, note))) for each in fates]


def _place_of(letter: Letter) -> Place | None:
    origin = letter.origin
    return None if origin is None else (TopicPartition(origin.topic, origin.partition), origin.offset)
