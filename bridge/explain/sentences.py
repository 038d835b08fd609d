"""An answer in words, for whoever shows it: terminals and pages say the same. Pure."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bridge.explain.fates import (
    DeadLetterFate,
    DeliveredFate,
    Fate,
    FateState,
    LostFate,
    NotReadFate,
    UnknownFate,
    WaitingFate,
)
from bridge.text.amounts import plural, span, thousands
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.explain.explanation import (
        EventFate,
        ExplainedPart,
        ExplainedRecord,
        Searched,
        SearchedPartition,
        ShownRequest,
    )

_PARTITIONS_TOLD: Final = 8


class Mood(enum.StrEnum):
    """What a verdict is for the eye."""

    GOOD = "good"
    PLAIN = "plain"
    WAITS = "wait"
    NEEDS_SOMEONE = "bad"


_MOODS: Final = {
    FateState.WAITING: Mood.WAITS,
    FateState.DELIVERED: Mood.GOOD,
    FateState.FILTERED: Mood.PLAIN,
    FateState.DEAD_LETTER: Mood.NEEDS_SOMEONE,
    FateState.LOST: Mood.NEEDS_SOMEONE,
    FateState.NOT_READ: Mood.WAITS,
    FateState.NO_RECORD: Mood.WAITS,
    FateState.UNKNOWN: Mood.WAITS,
}


def mood(fate: Fate) -> Mood:
    """By its state, and by whether somebody has to do something."""
    if isinstance(fate, DeadLetterFate) and not fate.letter_state.is_open:
        return Mood.PLAIN
    if isinstance(fate, WaitingFate) and fate.needs_someone:
        return Mood.NEEDS_SOMEONE
    return _MOODS[fate.state]


def facts_of(record: ExplainedRecord) -> str:
    """What is known of the record itself, in a line."""
    told = [
        "" if record.timestamp is None else iso(record.timestamp) or "",
        "" if record.size is None else plural(record.size, "byte"),
        f"read from its {record.source}" if record.source else "its content could not be read",
        "" if record.elements is None else plural(record.elements, "element"),
    ]
    return ", ".join(filter(None, told))


def name_of(event: EventFate) -> str:
    """Which of the record's events it is; empty where there is nothing to tell."""
    step = f"step {event.step + 1} of {event.of}" if event.of > 1 else ""
    return ", ".join(filter(None, (event.route, event.kind, step)))


def more(fate: Fate) -> Iterator[str]:
    """What is to be said behind the verdict's own sentence."""
    if isinstance(fate, WaitingFate):
        yield from _waiting(fate)
    elif isinstance(fate, DeadLetterFate):
        yield f"`{fate.command}` shows it."
        if fate.trace is not None:
            yield f"It failed in trace {fate.trace}."
    elif isinstance(fate, DeliveredFate) and fate.at is not None:
        yield f"Replayed at {iso(fate.at, 'seconds')}{f' by {fate.by}' if fate.by else ''}."
    elif isinstance(fate, LostFate) and fate.at is not None:
        yield f"Recorded at {iso(fate.at, 'seconds')}."
    if isinstance(fate, LostFate | NotReadFate | UnknownFate | WaitingFate) and fate.action:
        yield f"To do: {fate.action}"


def _waiting(fate: WaitingFate) -> Iterator[str]:
    before = f"at most {plural(fate.before, 'record')} before it" if fate.before else "nothing before it"
    times = [
        ("since", fate.since),
        ("until", fate.until),
        ("next try", fate.next_try),
        ("its partition is done about", fate.empty_at),
    ]
    told = [f"{name} {iso(at, 'seconds')}" for name, at in times if at is not None]
    yield ", ".join([*([fate.why] if fate.why else []), before, *told])
    yield f"Then: {fate.then}."
    retrying = fate.retrying
    if retrying is not None:
        answer = " ".join(str(each) for each in (retrying.status, retrying.reason) if each is not None)
        request = f", request {retrying.request_id}" if retrying.request_id else ""
        request += f", trace {retrying.trace}" if retrying.trace else ""
        again = f", again at {retrying.next_attempt}" if retrying.next_attempt else ""
        yield f"Tried {plural(retrying.attempts, 'time')}{f': {answer}{request}' if answer else ''}{again}."


def shared_doubts(part: ExplainedPart) -> tuple[str, ...]:
    """What several of its events leave open alike: told once."""
    often = Counter(sentence for event in part.events for sentence in event.decided.unknown)
    return tuple(sentence for sentence, times in often.items() if times > 1)


def elements_left_out(record: ExplainedRecord) -> str:
    """That there are more elements than are told; empty where there are none."""
    left = 0 if record.elements is None else record.elements - len(record.parts)
    return f"{plural(left, 'further element is', 'further elements are')} not shown." if left > 0 else ""


def fields_of(request: ShownRequest) -> str:
    """A request without its values."""
    further = f", and {plural(request.further, 'field')} more" if request.further else ""
    fields = ", ".join(f"{name} ({kind})" for name, kind in request.fields)
    return f"{request.method_and_path} with {fields}{further}."


def result_of(searched: Searched, shown: int) -> str:
    """What a search came to; empty where all that was found is shown."""
    if not searched.found:
        return "There is none." if searched.is_whole else "Not found, as far as it was looked for."
    if searched.found > shown:
        return f"Found {thousands(searched.found)}, of which the newest {shown} are shown."
    return ""


def extent_of(searched: Searched) -> str:
    """What was looked at."""
    letters = "no dead letters" if searched.letters is None else plural(searched.letters, "dead letter")
    records = plural(searched.records, "record")
    return f"Searched {records}, the newest first, and {letters} in {span(searched.seconds)}."


def limits_of(searched: Searched) -> Iterator[str]:
    """What was not looked at, or could not be."""
    if searched.unreadable:
        yield f"{plural(searched.unreadable, 'record')} could not be decoded: whose they are is not known."
    if searched.letters_problem is not None:
        yield f"The dead letters could not be read: {searched.letters_problem}"
    if searched.left:
        why = "the time was over" if searched.out_of_time else "the limit was reached"
        yield f"Not searched, as {why}: {plural(searched.left, 'older offset')}."


def not_searched(searched: Searched) -> Iterator[str]:
    """Where those are, of some partitions."""
    left: Sequence[SearchedPartition] = [each for each in searched.partitions if each.left]
    for each in left[:_PARTITIONS_TOLD]:
        yield f"{each.partition}: {each.first} to {each.start - 1}"
    if len(left) > _PARTITIONS_TOLD:
        yield f"and of {len(left) - _PARTITIONS_TOLD} more partitions"
