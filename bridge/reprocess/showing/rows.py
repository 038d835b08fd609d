"""Letters as lines for people and as documents for scripts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.redaction import Redaction
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.showing import steps
from bridge.text import moments
from bridge.text.amounts import span

HEADINGS = ("id", "age", "state", "reason", "status", "route", "user", "origin")


STEP_HEADING = "step"


def table(entries: Sequence[LetterEntry], mapping: CompiledMapping, hidden: Redaction) -> list[list[str]]:
    """A list with its headings. Where all are of track events that are no steps, nothing is said of kinds."""
    found = [[*HEADINGS], *(row(entry, mapping, hidden) for entry in entries)]
    told = [steps.short(entry.letter) for entry in entries]
    if any(told):
        place = HEADINGS.index("route") + 1
        for line, text in zip(found, (STEP_HEADING, *told), strict=True):
            line.insert(place, text)
    return found


def row(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> list[str]:
    """One line of a list."""
    letter, standing = entry
    state = standing.state.value + (f" x{standing.failures}" if standing.failures else "")
    return [
        str(letter.place),
        "" if letter.timestamp_ms is None else span(time.time() - letter.timestamp_ms / 1000),
        state + (" (changed)" if standing.changed else "") + (" (damaged headers)" if letter.damaged else ""),
        letter.reason,
        "" if letter.status is None else str(letter.status),
        letter.route or "",
        user(entry, mapping, hidden) or "",
        str(letter.origin or "unknown"),
    ]


def document(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> dict[str, Any]:
    """All that is known of a letter, without what is in it."""
    letter, standing = entry
    origin = letter.origin
    ended, attempt, change = standing.ended, standing.attempted, standing.changed
    text = contents.legible(mapping, letter.record(), letter.value).text if hidden.hides else letter.value
    return {
        "id": str(letter.place),
        "written": moment(letter.timestamp_ms),
        "dialect": letter.dialect.value,
        "state": standing.state.value,
        "failures": standing.failures,
        "reason": letter.reason,
        "message": hidden.of_message(letter.message, text, letter.headers),
        "status": letter.status,
        "error_code": letter.error_code,
        "kind": letter.request_kind,
        "step": steps.document(entry, mapping),
        "route": letter.route,
        "route_hash": letter.route_hash,
        "request_sha256": letter.request_sha256,
        "user": user(entry, mapping, hidden),
        "origin": None
        if origin is None
        else {
            "topic": origin.topic,
            "partition": origin.partition,
            "offset": origin.offset,
            "timestamp": moment(origin.timestamp_ms),
            "group": origin.group,
        },
        "output": None if letter.is_whole_record else letter.output,
        "element": letter.element,
        "attempts": letter.attempts,
        "first_attempt": letter.first_attempt,
        "last_attempt": letter.last_attempt,
        "damaged_headers": list(letter.damaged),
        **({} if letter.trace is None else {"trace": letter.trace}),
        "last_replay": None
        if attempt is None
        else {"at": moment(attempt.at * 1000), "reason": attempt.reason, "message": attempt.message},
        "change": None
        if change is None
        else {"at": moment(change.at * 1000), "by": change.author.user, "note": change.note},
        "ended": None
        if ended is None
        else {
            "how": ended.ending.value,
            "at": moment(ended.at * 1000),
            "by": ended.author.user,
            "reason": ended.reason,
        },
    }


def user(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> str | None:
    """The user that its event is of under the present mapping; the first, where there are several."""
    record = contents.current(entry.letter, entry.standing)
    return None if record is None else user_of(record, mapping, hidden)


def user_of(record: Record, mapping: CompiledMapping, hidden: Redaction) -> str | None:
    """The same of a record."""
    found = contents.user(mapping, record)
    if found is None or not hidden.hides:
        return found
    return hidden.of_user(found, contents.legible(mapping, record, record.value).text, record.headers)


def moment(epoch_ms: float | None) -> str | None:
    """ISO 8601 in UTC; the number itself where no calendar holds it."""
    return None if epoch_ms is None else moments.iso(epoch_ms / 1000, "seconds") or str(epoch_ms)
