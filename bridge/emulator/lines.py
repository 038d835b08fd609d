"""A request as a line: for a person, no wider than the terminal, or as NDJSON for a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.text import moments
from bridge.text.amounts import plural, span, thousands
from bridge.text.printable import cut, printable

SHORTEST: Final = 40
_ANSWERS: Final = {
    "hang": "none",
    "drop_before_reading": "reset",
    "drop_after_reading": "reset",
    "reset_after_headers": "reset",
    "truncate": "cut",
    "drip": "drip",
}
"""What of an answer that is none is said where a status would be."""


def answer_word(request: SeenRequest) -> str:
    """``202``, ``none``."""
    return _ANSWERS.get(request.answer, request.answer)


def subject(request: SeenRequest) -> str:
    """What it is about: ``track u-017 Order Completed``."""
    if not request.path:
        return "a request that was not read"
    return " ".join(filter(None, (call_word(request), request.user_id, request.name)))


def call_word(request: SeenRequest) -> str:
    """Which call it is; of one that there is not, its method and path."""
    if not request.path:
        return "unread"
    return request.call if request.call != "other" else f"{request.method} {request.path}"


def for_a_person(request: SeenRequest, width: int) -> str:
    """``12:01:02 202 track u-017 Order Completed {"amount": 12}``; of a refused one, why instead of the metadata."""
    clock = (moments.iso(request.at, "seconds") or "")[11:19]
    text = f"{clock} {answer_word(request):4} {subject(request)}"
    if request.why and not request.is_accepted:
        text += f": {request.why}"
    elif request.details:
        text += f" {shown(request.details)}"
    return cut(printable(text), max(SHORTEST, width))


def shown(details: Mapping[str, Any]) -> str:
    """Metadata on one line."""
    return json.dumps(details, ensure_ascii=False)


def for_a_script(request: SeenRequest) -> dict[str, Any]:
    """As an object of NDJSON."""
    return {
        "type": "request",
        "number": request.number,
        "at": moments.iso(request.at, "milliseconds"),
        "call": request.call,
        "method": request.method,
        "path": request.path,
        "answer": int(request.answer) if request.answer.isdigit() else request.answer,
        "accepted": request.is_accepted,
        "why": request.why,
        "user_id": request.user_id,
        "name": request.name,
        "metadata": request.details,
    }


def summary(book: RequestBook, now: float) -> dict[str, Any]:
    """What all of it came to, for a script."""
    return {
        "type": "summary",
        "seconds": round(now - book.began, 1),
        "requests": book.seen,
        "accepted": book.accepted,
        "refused": book.seen - book.accepted,
        "answers": dict(book.answers.most_common()),
        "calls": dict(book.calls.most_common()),
        "events": {name: {"accepted": each.accepted, "refused": each.refused} for name, each in book.events.items()},
        "reasons": dict(book.reasons.most_common()),
    }


def summary_lines(book: RequestBook, now: float, width: int) -> list[str]:
    """The same for a person."""
    if not book.seen:
        return [f"No request in {span(now - book.began)}."]
    refused = book.seen - book.accepted
    counted = f"{thousands(book.accepted)} accepted, {thousands(refused)} refused or without an answer"
    lines = [f"{plural(book.seen, 'request')} in {span(now - book.began)}: {counted}."]
    events = sorted(book.events.items(), key=lambda each: -each[1].accepted)
    lines += [f"  {thousands(each.accepted):>7}  {name}" for name, each in events[:10] if each.accepted]
    if len(events) > 10:
        lines.append(f"           and {plural(len(events) - 10, 'more event name')}")
    lines += [f"  {thousands(count):>7}  {reason}" for reason, count in book.reasons.most_common(5)]
    return [cut(printable(line), max(SHORTEST, width)) for line in lines]


def json_line(document: Mapping[str, Any]) -> str:
    """One line of NDJSON."""
    return json.dumps(document, ensure_ascii=False)
