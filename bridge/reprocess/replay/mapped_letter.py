"""What the present mapping makes of a letter: its own event, the steps left with it, or all of its record. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from bridge.commands import command
from bridge.formats.letters import Letter
from bridge.mapping.mapper import CompiledMapping
from bridge.model import (
    TRACK,
    Elements,
    Failed,
    LetterReason,
    Outcome,
    Outcomes,
    Record,
    Request,
    SchemaNeeded,
    Steps,
    output_of,
    route_of,
)
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.ledger import FailedEvent

Numbered = tuple[tuple[int, Outcome], ...]
"""Outcomes with their numbers among the record's events, as resolutions know them."""


class MappedPart(NamedTuple):
    """Some events of a letter."""

    outcomes: Numbered
    are_steps: bool = False
    """Whether each waits for the one before it."""

    def given(self) -> Outcomes:
        """For the dispatcher."""
        found = tuple(outcome for _, outcome in self.outcomes)
        return Steps(found) if self.are_steps else found


class MappedLetter(NamedTuple):
    """The events of a letter under the present mapping."""

    parts: tuple[MappedPart, ...] = ()
    """Of these none waits for another."""
    why_not: str = ""
    """Why nothing is made of it, as a sentence; empty where its event is simply not there."""
    is_of_other_kind: bool = False
    """Whether that is because something else stands in its event's place."""

    @property
    def outcomes(self) -> Numbered:
        """All of them."""
        return tuple(each for part in self.parts for each in part.outcomes)

    @property
    def requests(self) -> tuple[tuple[int, Request], ...]:
        """What there is to send."""
        return tuple((number, each) for number, each in self.outcomes if isinstance(each, Request))

    @property
    def failures(self) -> tuple[Failed, ...]:
        """What keeps it from being sent."""
        return tuple(each for _, each in self.outcomes if isinstance(each, Failed))


def of(
    letter: Letter,
    record: Record,
    mapping: CompiledMapping,
    delivered: Iterable[int] = (),
    failed: FailedEvent | None = None,
) -> MappedLetter:
    """What is to be sent of it; `delivered` are the numbers of what was accepted in earlier replays.

    With the step that failed go those behind it, where they are left with the letter: the first that was not accepted
    is where it goes on. An event's age is judged at the time of its letter: it was in time then, and waited here.
    """
    if letter.is_without_value and record.value is None:
        return _one(((letter.output, Failed(LetterReason.TOO_LARGE, _without_value(letter))),))
    now = contents.ANY_AGE if letter.timestamp_ms is None else letter.timestamp_ms / 1000
    done = frozenset(delivered)
    outcomes = mapping.map(record, now)
    if letter.is_whole_record:
        return MappedLetter(tuple(_open(part, done) for part in _whole_record(outcomes, now)))
    if isinstance(outcomes[0], Elements):
        elements = outcomes[0]
        if letter.element is None or letter.element >= elements.count:
            return MappedLetter()  # it was of a record that had no elements, or had more of them
        outcomes = elements.map(letter.element, now)
    elif letter.element is not None and not isinstance(outcomes[0], Failed | SchemaNeeded):
        return MappedLetter()  # its record has no elements any more
    if letter.is_whole_element:
        return MappedLetter((_open(_of_element(letter.element or 0, outcomes), done),))
    return _own(letter, outcomes, done, failed)


def kinds_before(letter: Letter, record: Record, mapping: CompiledMapping) -> tuple[str, ...]:
    """Of the steps before the one that failed, as the present mapping has them; those it filters now are left out."""
    if letter.step is None:
        return ()
    outcomes = mapping.map(record, contents.ANY_AGE)
    if isinstance(outcomes[0], Elements):
        elements = outcomes[0]
        if letter.element is None or letter.element >= elements.count:
            return ()
        outcomes = elements.map(letter.element, contents.ANY_AGE)
    return tuple(each.kind.name for each in outcomes[: letter.step.number] if isinstance(each, Request))


# --- all of a record or element ---------------------------------------------------------------------------


def _whole_record(outcomes: Outcomes, now: float) -> list[MappedPart]:
    """One part, unless there are elements of which some make steps: no element waits for another."""
    elements = outcomes[0]
    if not isinstance(elements, Elements):
        return [MappedPart(tuple(enumerate(outcomes)), isinstance(outcomes, Steps))]
    parts = [_of_element(element, elements.map(element, now)) for element in range(elements.count)]
    if any(part.are_steps for part in parts):
        return parts
    return [MappedPart(tuple(each for part in parts for each in part.outcomes))]


def _of_element(element: int, outcomes: Outcomes) -> MappedPart:
    numbered = tuple((output_of(element, route), each) for route, each in enumerate(outcomes))
    return MappedPart(numbered, isinstance(outcomes, Steps))


def _open(part: MappedPart, done: Collection[int]) -> MappedPart:
    """What was not accepted yet."""
    return part._replace(
        outcomes=tuple((number, _decided(each)) for number, each in part.outcomes if number not in done)
    )


# --- one event, and what is left with it --------------------------------------------------------------------


def _own(letter: Letter, outcomes: Outcomes, done: Collection[int], failed: FailedEvent | None) -> MappedLetter:
    if len(outcomes) == 1 and outcomes[0].route is None:
        # Of the whole record, whatever it has: unmapped, undecodable, dropped.
        return _one(((letter.output, _decided(outcomes[0])),))
    place = _place(letter, outcomes)
    if place is None:
        return MappedLetter(why_not=_gone(letter))
    if not letter.has_rest:
        found = outcomes[place]
        other = _other_kind(letter, found, _kind_of(letter))
        return other or _one(((letter.output, _decided(found)),))
    between = output_of(0, 1) if letter.element is not None else 1
    numbered = tuple((letter.output + behind * between, each) for behind, each in enumerate(outcomes[place:]))
    awaited = FailedEvent(letter.output, _kind_of(letter) or "") if failed is None else failed
    for number, each in numbered:
        if number not in done and number == awaited.number:
            other = _other_kind(letter, each, awaited.kind)
            if other is not None:
                return other
    return MappedLetter((_open(MappedPart(numbered, isinstance(outcomes, Steps)), done),))


def _place(letter: Letter, outcomes: Outcomes) -> int | None:
    """Of the letter's event among those of its record, or of its element.

    By its route's name, else by its place; where something of another kind has got there, by what the route did.
    """
    named = [place for place, each in enumerate(outcomes) if letter.route is not None and _name(each) == letter.route]
    place = named[0] if named else letter.output if letter.element is None else route_of(letter.output)
    kind = _kind_of(letter)
    if kind and place < len(outcomes) and _is_other(outcomes[place], kind):
        same = (p for p, each in enumerate(outcomes) if letter.route_hash and _hash(each) == letter.route_hash)
        return next(same, place)
    return place if place < len(outcomes) else None


def _kind_of(letter: Letter) -> str | None:
    """Of the request that would be the letter's own; None where nobody can tell. Before an event went an identify."""
    return TRACK.name if letter.step is not None and letter.step.automatic else letter.request_kind


def _is_other(outcome: Outcome, kind: str) -> bool:
    return isinstance(outcome, Request) and outcome.kind.name != kind


def _other_kind(letter: Letter, outcome: Outcome, kind: str | None) -> MappedLetter | None:
    """None: it is of the kind it was, or no request at all."""
    if not kind or not isinstance(outcome, Request) or not _is_other(outcome, kind):
        return None
    step = "" if letter.step is None else f"step {letter.step.number + 1} of {letter.step.of}, "
    why = (
        f"it is of a request of kind {kind} ({step}route {letter.route}), and the mapping has one of kind "
        f"{outcome.kind.name} in its place now ({outcome.route.name}): what is left to do for its record cannot be told"
    )
    return MappedLetter(why_not=why, is_of_other_kind=True)


def _gone(letter: Letter) -> str:
    if letter.step is None:
        return ""
    kind = letter.request_kind
    return (
        f"the mapping no longer makes step {letter.step.number + 1} of {letter.step.of} of its record "
        f"({kind + ', ' if kind else ''}route {letter.route})"
    )


def _name(outcome: Outcome) -> str | None:
    return None if outcome.route is None else outcome.route.name


def _hash(outcome: Outcome) -> str | None:
    return None if outcome.route is None else outcome.route.hash


def _one(numbered: Numbered) -> MappedLetter:
    return MappedLetter((MappedPart(numbered),))


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
