"""One letter in lines for people and as a document for scripts: what came, what was sent, what would be sent now."""

from __future__ import annotations

from typing import Any

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.formats.letters import Letter
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Failed, Filtered, Forget, Record, Request
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.contents import Legible
from bridge.reprocess.reading.redaction import Redaction
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.mapped_letter import MappedLetter, of
from bridge.reprocess.replay.plan import Body, compared_with, difference
from bridge.reprocess.showing import steps
from bridge.reprocess.showing.rows import moment
from bridge.text import tables
from bridge.text.printable import printable


def page(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> list[str]:
    """All of it."""
    letter = entry.letter
    record = contents.current(letter, entry.standing)
    legible = contents.legible(mapping, letter.record(), letter.value)
    told = tables.table([[title, text] for title, text in facts(entry, mapping, hidden, legible.text)])
    lines = [*told, "", "What came", *_record(entry, hidden, legible)]
    if record is None:
        lines += ["", "What would be sent now", "  nothing: no legible header says which topic it came from"]
    else:
        lines += ["", "What would be sent now", *now_lines(entry, record, mapping, hidden)]
    return [printable(line) for line in lines]


def came_lines(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> list[str]:
    """Key, headers and value of its record."""
    letter = entry.letter
    return _record(entry, hidden, contents.legible(mapping, letter.record(), letter.value))


def _when(epoch_ms: int | None) -> str:
    """A Kafka timestamp for a sentence: old messages have none, and some producers count in another unit."""
    text = moment(epoch_ms)
    if text is None:
        return "an unknown time"
    return text if text.endswith("Z") else f"Kafka timestamp {text} (no date, counted in ms)"


def facts(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction, text: bytes | None) -> list[tuple[str, str]]:
    """What is known of it, each with its title. `text`: its value as it can be read."""
    letter, standing = entry
    origin = letter.origin
    answer = f" ({letter.status}{f' {letter.error_code}' if letter.error_code else ''})" if letter.status else ""
    times = f", first {letter.first_attempt}, last {letter.last_attempt}" if letter.first_attempt else ""
    found = [
        (
            "dead letter",
            f"{letter.place}, written {_when(letter.timestamp_ms)}, {standing.state.value.replace('_', ' ')}",
        ),
        ("reason", f"{letter.reason}{answer}: {hidden.of_message(letter.message, text, letter.headers)}"),
        ("from", "unknown" if origin is None else f"{origin}, of {_when(origin.timestamp_ms)}, group {origin.group}"),
        ("event", _which(letter)),
        ("kind", "" if letter.request_kind == "track" else letter.request_kind or ""),
        ("step", steps.sentence(entry, mapping)),
        ("route", f"{letter.route} ({letter.route_hash})" if letter.route else ""),
        ("attempts", f"{letter.attempts}{times}" if letter.attempts else ""),
        ("trace", letter.trace or ""),
        ("written by", "" if letter.dialect.value == "bridge" else letter.dialect.value),
        ("damaged", ", ".join(letter.damaged)),
    ]
    attempt, change, ended = standing.attempted, standing.changed, standing.ended
    if attempt is not None and attempt.failures:
        found.append(("replays", f"{attempt.failures} failed, last {moment(attempt.at * 1000)}: {attempt.message}"))
    if change is not None:
        found.append(("changed", f"{moment(change.at * 1000)} by {change.author.user}: {change.note or 'no note'}"))
    if ended is not None:
        why = f": {ended.reason}" if ended.reason else ""
        found.append((ended.ending.value, f"{moment(ended.at * 1000)} by {ended.author.user}{why}"))
    return [(title, text) for title, text in found if text]


def _which(letter: Letter) -> str:
    if letter.is_whole_record:
        return "all of the record"
    if letter.element is None:
        return f"number {letter.output} of the record"
    return f"element {letter.element} of the record, number {letter.output} of its events"


def _record(entry: LetterEntry, hidden: Redaction, legible: Legible) -> list[str]:
    letter = entry.letter
    key = hidden.of_key(letter.key)
    lines = [f"  key     {'none' if key is None else _text(key)}"]
    lines += [
        f"  header  {name}: {'null' if value is None else _text(value)}"
        for name, value in hidden.of_headers(letter.headers)
    ]
    if legible.is_decoded:
        lines.append(f"  value   decoded; its bytes, {len(letter.value or b'')}, are what an export has")
    elif legible.why_not is not None:
        lines.append(f"  value   as it is: {legible.why_not}")
    return [*lines, *(f"  {line}" for line in _pretty(hidden.of_value(legible.text, letter.headers)))]


def now_lines(entry: LetterEntry, record: Record, mapping: CompiledMapping, hidden: Redaction) -> list[str]:
    """What the present mapping would send, beside what was sent."""
    letter, made = entry.letter, mapped(entry, record, mapping)
    lines: list[str] = []
    for number, outcome in made.outcomes:
        match outcome:
            case Request() if letter.has_rest and number != letter.output:
                lines += _left_behind(outcome, record, hidden, mapping)
            case Request():
                lines += _request(entry, outcome, record, hidden, mapping)
            case Failed():
                lines.append(f"  nothing: it would be a dead letter again ({outcome.reason.value}): {outcome.message}")
            case Filtered():
                lines.append(f"  nothing: the mapping filters it ({outcome.reason.value})")
            case Forget():
                lines.append("  nothing: the mapping forgets its user")
    return lines or [f"  nothing: {made.why_not or 'the mapping no longer makes this event from its record'}"]


def mapped(entry: LetterEntry, record: Record, mapping: CompiledMapping) -> MappedLetter:
    """Of steps, those that were accepted in a replay are no part of what would be sent now."""
    letter, standing = entry
    if not letter.has_rest:
        return of(letter, record, mapping)
    return of(letter, record, mapping, standing.delivered, standing.failed_event)


def _left_behind(prepared: Any, record: Record, hidden: Redaction, mapping: CompiledMapping) -> list[str]:
    text = contents.legible(mapping, record, record.value).text if hidden.hides else record.value
    body = hidden.of_request(prepared.body, text, record.headers)
    return [f"  then {prepared.route.name}, for the first time:", *(f"    {line}" for line in _pretty(body))]


def _request(
    entry: LetterEntry, prepared: Any, record: Record, hidden: Redaction, mapping: CompiledMapping
) -> list[str]:
    letter = entry.letter
    text = contents.legible(mapping, record, record.value).text if hidden.hides else record.value
    body = hidden.of_request(prepared.body, text, record.headers)
    body_is = compared_with(letter, prepared)
    if body_is is Body.FIRST:
        return [f"  {prepared.route.name}, for the first time:", *(f"    {line}" for line in _pretty(body))]
    if body_is is Body.SAME:
        return ["  the same request, byte for byte:", *(f"    {line}" for line in _pretty(body))]
    if letter.request is None:
        known = f"  request changed (of the one before, only the hash is known: {letter.request_sha256}):"
        return [known, *(f"    {line}" for line in _pretty(body))]
    sent = _sent(letter, hidden, text)
    return ["  request changed (- before, + now):", *(f"    {line}" for line in difference(sent, body))]


def contents_of(entry: LetterEntry, mapping: CompiledMapping, hidden: Redaction) -> dict[str, Any]:
    """What is in a letter, what was sent and what would be, for scripts."""
    letter = entry.letter
    record = contents.current(letter, entry.standing)
    made = None if record is None else mapped(entry, record, mapping)
    legible = contents.legible(mapping, letter.record(), letter.value)
    now = None if record is None else contents.legible(mapping, record, record.value).text
    return {
        "key": _plain(hidden.of_key(letter.key)),
        "value": _plain(hidden.of_value(legible.text, letter.headers)),
        "value_decoded": legible.is_decoded,
        "value_problem": legible.why_not,
        "headers": [[name, _plain(value)] for name, value in hidden.of_headers(letter.headers)],
        "sent": None if letter.request is None else _plain(_sent(letter, hidden, legible.text)),
        "now": [
            _plain(hidden.of_request(outcome.body, now, record.headers))
            if isinstance(outcome, Request) and record is not None
            else {"result": type(outcome).__name__.lower(), "reason": getattr(outcome, "reason", None)}
            for _, outcome in (made.outcomes if made else ())
        ],
    }


def _sent(letter: Letter, hidden: Redaction, text: bytes | None) -> bytes:
    return hidden.of_request((letter.request or "").encode(), text, letter.headers)


def _plain(content: bytes | None) -> Any:
    """JSON as it is, other text as text, other bytes spelled out."""
    if content is None:
        return None
    try:
        return exact_json.read(content)
    except (orjson.JSONDecodeError, MappingError):
        return _text(content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _pretty(content: bytes | None) -> list[str]:
    if content is None:
        return ["no value: a tombstone"]
    try:
        return exact_json.encoded(exact_json.read(content), orjson.OPT_INDENT_2).decode().split("\n")
    except (orjson.JSONDecodeError, MappingError):
        return _text(content).splitlines() or ["(an empty value)"]
