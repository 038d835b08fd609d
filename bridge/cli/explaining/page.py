"""What `track-bridge explain` found, in lines for a terminal: what became of it first, then how the mapping goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bridge.explain import sentences
from bridge.explain.sentences import Mood
from bridge.ops.status.status_text.layout import Item, ScreenLine, Text, Tone, laid_out

if TYPE_CHECKING:
    from bridge.explain.explanation import (
        EventFate,
        ExplainedPart,
        ExplainedRecord,
        Explanation,
        Searched,
        ShownRequest,
    )
    from bridge.mapping.review.walk import WalkStep

_TONES: Final = {
    Mood.GOOD: Tone.GOOD,
    Mood.PLAIN: Tone.PLAIN,
    Mood.WAITS: Tone.WAITS,
    Mood.NEEDS_SOMEONE: Tone.NEEDS_SOMEONE,
}


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
    yield Text(f"{record.coordinates} {sentences.facts_of(record)}", tone=Tone.TITLE)
    if record.trace is not None:
        yield Text(f"trace {record.trace}", 2)
    for part in record.parts:
        yield from _part(part)
    left_out = sentences.elements_left_out(record)
    if left_out:
        yield Text(left_out, 2)
    for name, content in (("key", record.key), ("value", record.value)):
        if content is not None:
            yield Text(f"{name}: {content.decode('utf-8', 'backslashreplace')}", 2)


def _part(part: ExplainedPart) -> Iterator[Item]:
    if part.element is not None:
        yield Text(f"Element {part.element}", 2, Tone.TITLE)
    shared = sentences.shared_doubts(part)
    for event in part.events:
        yield from _event(event, shared)
    yield from (Text(f"Not known: {sentence}", 2) for sentence in shared)
    if part.steps:
        yield Text("How the mapping goes", 2, Tone.TITLE)
        yield from _steps(part.steps)
    for event in part.events:
        if event.request is not None:
            yield from _request(event, event.request)


def _event(event: EventFate, shared: Collection[str]) -> Iterator[Item]:
    fate, about = event.fate, sentences.name_of(event)
    word = fate.state.value.replace("_", " ").upper()
    yield Text(f"{word}{': ' + about if about else ''}", 2, _TONES[sentences.mood(fate)])
    yield Text(fate.sentence, 4)
    yield from (Text(line, 4) for line in sentences.more(fate))
    yield from (Text(f"Not known: {each}", 4) for each in event.decided.unknown if each not in shared)


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
    else:
        yield Text(f"{sentences.fields_of(request)} --show-values shows it.", 4)


def _searched(searched: Searched, shown: int) -> Iterator[Item]:
    result = sentences.result_of(searched, shown)
    if result:
        yield Text(result, tone=Tone.WAITS)
    yield Text(sentences.extent_of(searched))
    yield from (Text(each, 2, Tone.WAITS) for each in sentences.limits_of(searched))
    if searched.left:
        yield Text("--limit and --timeout set how far it goes; --since and --topic where.", 2)
    yield from (Text(each, 4) for each in sentences.not_searched(searched))
