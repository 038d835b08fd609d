"""Find: was this event sent? By its place, its id, or its user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from bridge.console.finding import MOST_RECORDS, MOST_SECONDS
from bridge.console.forms import Fields
from bridge.console.page import ConsolePage, Visit
from bridge.errors import Misuse
from bridge.explain import sentences
from bridge.explain.explanation import EventFate, ExplainedPart, ExplainedRecord, Explanation
from bridge.explain.questions import ById, ByUser, Question, SearchBounds, parse_place
from bridge.reprocess.reading.wanted import moment_of

if TYPE_CHECKING:
    from bridge.mapping.review.walk import WalkStep

_FIELDS: Final = ("place", "id", "user", "topic", "since")
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event, in words."""

    event: EventFate
    mood: str
    word: str
    name: str
    more: Sequence[str]
    doubts: Sequence[str]
    fields: str
    body: str | None


@dataclass(frozen=True, slots=True)
class ShownSteps:
    """Steps of the whole, or of one route."""

    route: str | None
    steps: Sequence[WalkStep]


async def show(visit: Visit) -> Response:
    """The form; with a place in the address its answer too, so that it can be linked to."""
    place = visit.query.get("place", "")
    return await _answered(visit, {"place": place}) if place else visit.render(_page({}))


async def ask(visit: Visit, given: Fields) -> Response:
    """Users and ids are nobody's business but the form's: they are in no address, and so in no proxy's log."""
    return await _answered(visit, given)


async def _answered(visit: Visit, given: Mapping[str, str]) -> Response:
    asked = {name: given.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    find = visit.parts.find
    try:
        question = question_of(asked, visit.now)
    except ValueError as problem:
        return visit.render(_page(asked, problem=f"{problem}."), status=400)
    except Misuse as problem:
        return visit.render(_page(asked, problem=str(problem)), status=400)
    if find is None:
        return visit.render(_page(asked, problem="This console cannot read records."), status=503)
    answer = await find(question, visit.may_see_values)
    if isinstance(answer, str):
        return visit.render(_page(asked, problem=answer))
    return visit.render(_page(asked, answer))


def question_of(asked: Mapping[str, str], now: float) -> Question:
    """What the form asks; `now` in Unix seconds.

    Raises `ValueError` with a sentence without its full stop, and `Misuse` with a whole one.
    """
    named = [name for name in ("place", "id", "user") if asked.get(name)]
    if len(named) != 1:
        raise ValueError("Say which record is meant: fill in its place, its id or its user, one of them")
    if asked.get("place"):
        return parse_place(asked["place"])
    topic = asked.get("topic", "")
    since = moment_of("Since", asked.get("since") or None, now)
    bounds = SearchBounds(MOST_RECORDS, MOST_SECONDS, since, (topic,) if topic else ())
    return ById(asked["id"], bounds) if asked.get("id") else ByUser(asked["user"], bounds)


def _page(asked: Mapping[str, str], answer: Explanation | None = None, problem: str = "") -> dict[str, Any]:
    searched = None if answer is None else answer.searched
    return {
        "asked": {name: asked.get(name, "") for name in _FIELDS},
        "problem": problem,
        "records": [] if answer is None else [_record(each) for each in answer.records],
        "notes": () if answer is None else answer.notes,
        "result": "" if answer is None or searched is None else sentences.result_of(searched, len(answer.records)),
        "extent": "" if searched is None else sentences.extent_of(searched),
        "limits": [] if searched is None else list(sentences.limits_of(searched)),
        "not_searched": [] if searched is None else list(sentences.not_searched(searched)),
    }


def _record(record: ExplainedRecord) -> dict[str, Any]:
    contents = {"key": record.key, "value": record.value}
    return {
        "it": record,
        "facts": sentences.facts_of(record),
        "parts": [_part(each) for each in record.parts],
        "left_out": sentences.elements_left_out(record),
        "contents": [(name, _readable(found)) for name, found in contents.items() if found],
    }


def _part(part: ExplainedPart) -> dict[str, Any]:
    shared = sentences.shared_doubts(part)
    return {
        "element": part.element,
        "events": [_event(each, shared) for each in part.events],
        "doubts": shared,
        "steps": list(_by_route(part.steps)),
    }


def _event(event: EventFate, shared: Sequence[str]) -> ShownEvent:
    request = event.request
    return ShownEvent(
        event,
        sentences.mood(event.fate).value,
        event.fate.state.value.replace("_", " "),
        sentences.name_of(event),
        list(sentences.more(event.fate)),
        [each for each in event.decided.unknown if each not in shared],
        "" if request is None else sentences.fields_of(request),
        None if request is None or request.body is None else _readable(request.body),
    )


def _by_route(steps: Sequence[WalkStep]) -> list[ShownSteps]:
    found: list[ShownSteps] = []
    for step in steps:
        if not found or found[-1].route != step.route:
            found.append(ShownSteps(step.route, []))
        found[-1] = ShownSteps(step.route, [*found[-1].steps, step])
    return found


def _readable(content: bytes) -> str:
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    except ValueError:
        return content.decode("utf-8", "backslashreplace")


PAGE: Final = ConsolePage("find", "Find", "/find", show, key="f", is_by_mapping=True, asks=(("/find", ask),))
