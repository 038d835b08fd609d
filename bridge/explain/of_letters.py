"""What a dead letter says of an event: it is the one thing that is known for certain. Pure."""

from __future__ import annotations

from bridge.commands import command
from bridge.explain.facts import RecordFacts
from bridge.explain.fates import DeadLetterFate, DeliveredFate
from bridge.formats import trace_context
from bridge.formats.letters import Letter
from bridge.mapping.review.walk import WalkedEvent
from bridge.model import element_of, route_of
from bridge.reprocess.reading.ledger import LetterState
from bridge.reprocess.reading.selection import LetterEntry
from bridge.text import moments


def is_of_event(letter: Letter, number: int) -> bool:
    """Whether a letter is that of the event with this number, or of all events of its record or element, or of a step
    before it with which it is left.
    """
    if letter.is_whole_record:
        return True
    if letter.is_whole_element:
        return element_of(number) == letter.element
    return letter.output == number or _is_left_with(letter, number)


def _is_left_with(letter: Letter, number: int) -> bool:
    if letter.is_whole_record or letter.is_whole_element or not letter.has_rest:
        return False
    if letter.element is None:
        return number > letter.output
    return element_of(number) == letter.element and route_of(number) > route_of(letter.output)


def letter_of(facts: RecordFacts, event: WalkedEvent | None) -> LetterEntry | None:
    """That which says most: the event's own before that of a step before it, an open one before a settled one."""
    entries = list(facts.letters.entries)
    if event is not None:
        entries = [
            each
            for each in entries
            if is_of_event(each.letter, event.number) and event.number not in each.standing.delivered
        ]
    return min(entries, key=lambda each: _rank(each, event), default=None)


def _rank(entry: LetterEntry, event: WalkedEvent | None) -> tuple[bool, bool]:
    is_rest = event is not None and _is_left_with(entry.letter, event.number) and entry.letter.output != event.number
    return is_rest, not entry.standing.state.is_open


def fate_of(entry: LetterEntry, event: WalkedEvent | None) -> DeliveredFate | DeadLetterFate:
    """What became of an event that is in a letter."""
    letter, standing = entry
    if standing.state is LetterState.REPLAYED:
        ended = standing.ended
        return DeliveredFate(
            f"It was dead letter {letter.place} ({letter.reason}), and a replay of it was accepted.",
            None if ended is None else ended.at,
            None if ended is None else ended.author.user or None,
            letter.place,
        )
    is_rest = event is not None and letter.output != event.number and _is_left_with(letter, event.number)
    return DeadLetterFate(
        letter.place,
        standing.state,
        letter.reason,
        _sentence(entry, is_rest=is_rest),
        command("dlq", "show", str(letter.place)),
        _trace_of(letter),
        is_rest,
    )


def _trace_of(letter: Letter) -> str | None:
    found = trace_context.parse(letter.trace)
    return None if found is None else found.trace


def _sentence(entry: LetterEntry, *, is_rest: bool) -> str:
    letter, standing = entry
    what = f"It is dead letter {letter.place} ({letter.reason})"
    if is_rest:
        what = f"A step before it is dead letter {letter.place} ({letter.reason}), and it is left with that"
    ended = standing.ended
    if ended is not None:
        why = f": {ended.reason}" if ended.reason else ""
        return f"{what}, discarded at {moments.iso(ended.at, 'seconds')} by {ended.author.user}{why}. It is not sent."
    if standing.state is LetterState.DISCARDED:
        return f"{what}, discarded. It is not sent."
    failures = f"; {standing.failures} of its replays failed" if standing.failures else ""
    return f"{what}, open{failures}. It is sent when somebody replays it."


def accepted_in_replay(facts: RecordFacts, event: WalkedEvent | None) -> DeliveredFate | None:
    """Of a letter that has several events, and is not settled as a whole."""
    for letter, standing in facts.letters.entries:
        if event is not None and event.number in standing.delivered and is_of_event(letter, event.number):
            attempt = standing.attempted
            return DeliveredFate(
                f"A replay of dead letter {letter.place} got it accepted; the letter itself is not settled yet.",
                None if attempt is None else attempt.at,
                None if attempt is None else attempt.author.user or None,
                letter.place,
            )
    return None


def perhaps_gone(facts: RecordFacts) -> tuple[str, ...]:
    """What is not among the dead letters may have been there."""
    since = facts.letters.whole_since
    if facts.letters.problem is not None:
        return (f"The dead letters could not be read: {facts.letters.problem}",)
    if since is None or (facts.timestamp is not None and facts.timestamp >= since):
        return ()
    at = moments.iso(since, "seconds")
    before = "Dead letters" if at is None else f"Dead letters written before {at}"
    return (f"{before} may have left their topic by retention: it may have been one of them.",)
