"""An answer as one JSON document, for scripts. Times are ISO 8601 in UTC."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.explain.explanation import (
    EventFate,
    ExplainedPart,
    ExplainedRecord,
    Explanation,
    Searched,
    ShownRequest,
)
from bridge.explain.fates import Fate, Retrying
from bridge.formats.letters import LetterPlace
from bridge.text.moments import iso

_TIMES: Final = frozenset({"at", "since", "until", "next_try", "empty_at"})


def document(answer: Explanation) -> dict[str, Any]:
    """All of it; keys are only ever added."""
    return {
        "found": len(answer.records),
        "needs_a_look": answer.needs_a_look,
        "records": [_record(each) for each in answer.records],
        "searched": None if answer.searched is None else _searched(answer.searched),
        "notes": list(answer.notes),
    }


def _record(record: ExplainedRecord) -> dict[str, Any]:
    shown = (
        {}
        if record.value is None and record.key is None
        else {"key": _plain(record.key), "value": _plain(record.value)}
    )
    return {
        "record": record.coordinates,
        "topic": record.partition.topic,
        "partition": record.partition.partition,
        "offset": record.offset,
        "timestamp": None if record.timestamp is None else iso(record.timestamp),
        "read_from": record.source or None,
        "bytes": record.size,
        "trace_id": record.trace,
        "elements": record.elements,
        "state": record.gravest.fate.state.value,
        "parts": [_part(each) for each in record.parts],
        **shown,
    }


def _part(part: ExplainedPart) -> dict[str, Any]:
    return {
        "element": part.element,
        "steps": [
            {"what": each.what, "route": each.route, "sentence": each.sentence}
            | ({} if each.value is None else {"value": each.value})
            for each in part.steps
        ],
        "events": [_event(each) for each in part.events],
    }


def _event(event: EventFate) -> dict[str, Any]:
    return {
        "number": event.number,
        "route": event.route,
        "kind": event.kind,
        "step": event.step + 1 if event.of > 1 else None,
        "of_steps": event.of if event.of > 1 else None,
        "made_now": event.made or None,
        "request": None if event.request is None else _request(event.request),
        "state": event.fate.state.value,
        "fate": fate(event.fate),
        "unknown": list(event.decided.unknown),
        "needs_a_look": event.decided.needs_a_look,
    }


def fate(verdict: Fate) -> dict[str, Any]:
    """The fields of a verdict."""
    return {
        each.name: _value(each.name, getattr(verdict, each.name)) for each in fields(verdict) if each.name != "state"
    }


def _value(name: str, found: Any) -> Any:
    if isinstance(found, float) and name in _TIMES:
        return iso(found)
    if isinstance(found, LetterPlace):
        return str(found)
    if isinstance(found, Retrying):
        return {each.name: getattr(found, each.name) for each in fields(found)}
    return found


def _request(request: ShownRequest) -> dict[str, Any]:
    shown = {} if request.body is None else {"body": _plain(request.body)}
    return {
        "request": request.method_and_path,
        "fields": [{"name": name, "is": kind} for name, kind in request.fields],
        "further_fields": request.further,
        **shown,
    }


def _searched(searched: Searched) -> dict[str, Any]:
    return {
        "records": searched.records,
        "seconds": round(searched.seconds, 3),
        "found": searched.found,
        "unreadable": searched.unreadable,
        "out_of_time": searched.out_of_time,
        "dead_letters": searched.letters,
        "dead_letters_problem": searched.letters_problem,
        "not_searched": searched.left,
        "partitions": [
            {
                "topic": each.partition.topic,
                "partition": each.partition.partition,
                "from": each.start,
                "to": each.stop,
                "log_from": each.first,
                "log_to": each.end,
            }
            for each in searched.partitions
        ],
    }


def _plain(content: bytes | None) -> Any:
    """JSON as it is, other text as text, other bytes spelled out."""
    if content is None:
        return None
    try:
        return exact_json.read(content)
    except (orjson.JSONDecodeError, MappingError):
        return content.decode("utf-8", "backslashreplace")
