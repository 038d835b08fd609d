"""What `bridge explain` found, in lines for a person: what became of it first, then how the mapping goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bridge.explain.fates import (
    DeadLetterFate,
    DeliveredFate,
    FateState,
    LostFate,
    NotReadFate,
    UnknownFate,
    WaitingFate,
)
from bridge.ops.status.status_text.layout import Item, ScreenLine, Text, Tone, laid_out
from bridge.text.amounts import plural, span, thousands
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.explain.explanation import (
        EventFate,
        ExplainedPart,
        ExplainedRecord,
        Explanation,
        Searched,
        SearchedPartition,
        ShownRequest,
    )
    from bridge.explain.fates import Fate
    from bridge.mapping.review.walk import WalkStep

_TONES: Final = {
    FateState.WAITING: Tone.WAITS,
    FateState.DELIVERED: Tone.GOOD,
    FateState.FILTERED: Tone.PLAIN,
    FateState.DEAD_LETTER: Tone.NEEDS_SOMEONE,
    FateState.LOST: Tone.NEEDS_SOMEONE,
    FateState.NOT_READ: Tone.WAITS,
    FateState.NO_RECORD: Tone.WAITS,
    FateState.UNKNOWN: Tone.WAITS,
}
_PARTITIONS_TOLD: Final = 8


def page(answer: Explanation, width: int) -> list[ScreenLine]:
    """None of the lines is wider than `width` columns."""
    items: list[Item] = []
    for number, record in enumerate(answer.records):
        items += [Text("")] if number else []
        items += _record(record)
    if answer.searched is not None:
        items += [Text("")] if answer.records else []
        items += _searched(answer.searched, len(answer.records))
    items += [Text(note, tone=Tone.WAITS) for note in answer.notes]
    return laid_out(items, width)


def _record(record: ExplainedRecord) -> Iterator[Item]:
    facts = [
        "" if record.timestamp is None else iso(record.timestamp) or "",
        "" if record.size is None else plural(record.size, "byte"),
        f"read from its {record.source}" if record.source else "its content could not be read",
        "" if record.elements is None else plural(record.elements, "element"),
    ]
    yield Text(f"{record.coordinates} {', '.join(filter(None, facts))}", tone=Tone.TITLE)
    if record.trace is not None:
        yield Text(f"trace {record.trace}", 2)
    for part in record.parts:
        yield from _part(part, is_alone=len(record.parts) == 1 and part.element is None)
    told = len(record.parts)
    if record.elements is not None and told < record.elements:
        yield Text(f"{thousands(record.elements - told)} further elements are not shown.", 2)
    for name, content in (("key", record.key), ("value", record.value)):
        if content is not None:
            yield Text(f"{name}: {content.decode('utf-8', 'backslashreplace')}", 2)


def _part(part: ExplainedPart, *, is_alone: bool) -> Iterator[Item]:
    if not is_alone:
        yield Text(f"Element {part.element}", 2, Tone.TITLE)
    often = Counter(sentence for event in part.events for sentence in event.decided.unknown)
    for event in part.events:
        yield from _event(event, often)
    for sentence, times in often.items():
        if times > 1:
            yield Text(f"Not known: {sentence}", 2)
    if part.steps:
        yield Text("How the mapping goes", 2, Tone.TITLE)
        yield from _steps(part.steps)
    for event in part.events:
        if event.request is not None:
            yield from _request(event, event.request)


def _event(event: EventFate, often: Mapping[str, int]) -> Iterator[Item]:
    """What several events leave open alike is told once, behind them."""
    fate = event.fate
    names = [
        event.route or "",
        event.kind or "",
        f"step {event.step + 1} of {event.of}" if event.of > 1 else "",
    ]
    about = ", ".join(filter(None, names))
    tone = _TONES[fate.state]
    if isinstance(fate, DeadLetterFate) and not fate.letter_state.is_open:
        tone = Tone.PLAIN
    if isinstance(fate, WaitingFate) and fate.needs_someone:
        tone = Tone.NEEDS_SOMEONE
    word = fate.state.value.replace("_", " ").upper()
    yield Text(f"{word}{': ' + about if about else ''}", 2, tone)
    yield Text(fate.sentence, 4)
    for line in _more(fate):
        yield Text(line, 4)
    for sentence in event.decided.unknown:
        if often[sentence] == 1:
            yield Text(f"Not known: {sentence}", 4)


def _more(fate: Fate) -> Iterator[str]:
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


def _steps(steps: Sequence[WalkStep]) -> Iterator[Item]:
    """Those of a route under its name."""
    route = None
    for step in steps:
        if step.route is not None and step.route != route:
            yield Text(step.route, 4)
        route = step.route
        value = "" if step.value is None else f" = {step.value}"
        yield Text(f"{step.what}: {step.sentence}{value}", 4 if route is None else 6)


def _request(event: EventFate, request: ShownRequest) -> Iterator[Item]:
    yield Text(f"What would be sent now{f' by {event.route}' if event.route else ''}", 2, Tone.TITLE)
    if request.body is not None:
        yield Text(f"{request.method_and_path} {request.body.decode('utf-8', 'backslashreplace')}", 4)
        return
    further = f", and {plural(request.further, 'field')} more" if request.further else ""
    fields = ", ".join(f"{name} ({kind})" for name, kind in request.fields)
    yield Text(f"{request.method_and_path} with {fields}{further}. --show-values shows it.", 4)


def _searched(searched: Searched, shown: int) -> Iterator[Item]:
    if not searched.found:
        where = "There is none" if searched.is_whole else "Not found, as far as it was looked for"
        yield Text(f"{where}.", tone=Tone.WAITS)
    elif searched.found > shown:
        yield Text(f"Found {thousands(searched.found)}, of which the newest {shown} are shown.", tone=Tone.WAITS)
    letters = "no dead letters" if searched.letters is None else plural(searched.letters, "dead letter")
    yield Text(
        f"Searched {plural(searched.records, 'record')} and {letters} in {span(searched.seconds)}, newest first."
    )
    if searched.unreadable:
        yield Text(f"{plural(searched.unreadable, 'record')} could not be decoded: whose they are is not known.", 2)
    if searched.letters_problem is not None:
        yield Text(f"The dead letters could not be read: {searched.letters_problem}", 2)
    left = [each for each in searched.partitions if each.left]
    if left:
        why = "the time was over" if searched.out_of_time else "of --limit"
        yield Text(
            f"Not searched, as {why}: {plural(searched.left, 'older offset')}. "
            "--limit and --timeout set how far it goes; --since and --topic where.",
            2,
            Tone.WAITS,
        )
        yield from _places(left)


def _places(left: Sequence[SearchedPartition]) -> Iterator[Item]:
    for each in left[:_PARTITIONS_TOLD]:
        yield Text(f"{each.partition}: {each.first} to {each.start - 1}", 4)
    if len(left) > _PARTITIONS_TOLD:
        yield Text(f"and of {len(left) - _PARTITIONS_TOLD} more partitions", 4)
