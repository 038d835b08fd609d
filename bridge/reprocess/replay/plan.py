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

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.formats.letters import Letter
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Filtered, Forget, LetterReason, Request, element_of, route_of
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.mapped_letter import MappedLetter, of

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
    OTHER_KIND = "other_kind"


SENTENCES = {
    LetterFate.SEND: "to be sent",
    LetterFate.UNCHANGED: "rejected before, and the route has not changed: the same request would be rejected again "
    "(--force sends it)",
    LetterFate.UNMAPPABLE: "the mapping still makes no request from it (`track-bridge dlq show ID` says why)",
    LetterFate.FILTERED: "the mapping now filters it: nothing to send (`track-bridge dlq discard ID --because TEXT` "
    "settles it)",
    LetterFate.NO_EVENT: "the mapping no longer makes this event from its record",
    LetterFate.NO_ORIGIN: "no legible header says which topic it came from, and the mapping depends on that",
    LetterFate.TOO_OFTEN: "failed in --max-replays replays already",
    LetterFate.TOO_OLD: "older than --max-age",
    LetterFate.OTHER_KIND: "the mapping makes a request of another kind in its place (`track-bridge dlq show ID` says "
    "which)",
    LetterFate.STALE: "a newer event of its user was delivered already (--stale send sends it)",
}
"""Why a letter stays where it is."""


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
    mapped = of(letter, record, mapping, standing.delivered, standing.failed_event)
    if mapped.is_of_other_kind:
        return PlannedLetter(entry, LetterFate.OTHER_KIND, mapped.why_not)
    if mapped.failures:
        return PlannedLetter(entry, LetterFate.UNMAPPABLE, mapped.failures[0].message)
    if not mapped.outcomes and not standing.delivered:
        return PlannedLetter(entry, LetterFate.NO_EVENT, mapped.why_not or SENTENCES[LetterFate.NO_EVENT])
    if not mapped.requests:
        return PlannedLetter(entry, LetterFate.FILTERED, _why_filtered(mapped))
    if not rules.force and is_refused_request(entry, mapped):
        return PlannedLetter(entry, LetterFate.UNCHANGED, SENTENCES[LetterFate.UNCHANGED])
    return PlannedLetter(entry, LetterFate.SEND, body=compared(letter, mapped))


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
    if letter.step is not None and letter.step.automatic:
        return False  # whether an identify goes before the event again is no matter of its route
    # Of steps only the first is certain to be sent, and it is the one that failed; of others any may be what is new.
    first = (part.outcomes for part in mapped.parts if part.are_steps)
    requests = [next((e for _, e in each if isinstance(e, Request)), None) for each in first]
    requests += [e for part in mapped.parts if not part.are_steps for _, e in part.outcomes if isinstance(e, Request)]
    return all(each is None or each.route.hash == route_hash for each in requests)


def compared(letter: Letter, mapped: MappedLetter) -> Body:
    """By the hash that is in the dead letter."""
    if letter.request_sha256 is None:
        return Body.FIRST
    if letter.has_rest:
        own = next((each for number, each in mapped.requests if number == letter.output), None)
        return Body.FIRST if own is None else compared_with(letter, own)
    return compared_with(letter, mapped.requests[0][1]) if len(mapped.requests) == 1 else Body.SEVERAL


def compared_with(letter: Letter, now: Request) -> Body:
    """The letter's own request beside the one in the dead letter; an event behind an automatic identify had none."""
    if letter.request_sha256 is None or (letter.step is not None and letter.step.automatic):
        return Body.FIRST
    return Body.SAME if hashlib.sha256(now.body).hexdigest() == letter.request_sha256 else Body.CHANGED


def _why_filtered(mapped: MappedLetter) -> str:
    found = (each.filtered if isinstance(each, Forget) else each for _, each in mapped.outcomes)
    reasons = sorted({each.reason.value for each in found if isinstance(each, Filtered)})
    return f"the mapping now filters it ({', '.join(reasons) or 'nothing is left of it'}): nothing to send"


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


def planned(chosen: Iterable[LetterEntry], mapping: CompiledMapping, rules: ReplayRules, now: float) -> Plan:
    """All of them, in their original order; ``now`` in Unix seconds."""
    made = Plan()
    for entry in in_original_order(chosen):
        made.add(decide(entry, mapping, rules, now))
    return made
