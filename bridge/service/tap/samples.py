"""One sample as it may be shown: redacted, and no larger than a screen takes. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.model import Delivered, Elements, Failed, Filtered, Forget, Request, Retry
from bridge.reprocess.reading.redaction import HIDDEN, Redaction, places, redaction
from bridge.service.tap import filter as tap_filter
from bridge.text import moments
from bridge.text.printable import cut

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.model import DeadLetter, Outcome, Outcomes, Record, Verdict

LARGEST_VALUE: Final = 4_096
"""Bytes of a value or request that is shown; it has to be read to be redacted, on the thread that delivers."""
LARGEST_KEY: Final = 200
OUTCOMES_SHOWN: Final = 20

Sample = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masks:
    """What is hidden of samples."""

    of_values: Redaction
    """Also what is never to be sent: a record has it still."""
    of_the_rest: Redaction


def masks_of(config: Config) -> Masks:
    """By `dead_letter.redact`, and `never_send` of the mapping and of every topic: in doubt it is hidden."""
    mapping = config.mapping
    per_topic = [each.never_send or () for each in mapping.per_topic.values()]
    never_sent = {text for texts in (mapping.never_send, *per_topic) for text in texts}
    redacted = config.dead_letter.redact
    within = places(mapping)
    return Masks(
        redaction((*redacted, *sorted(never_sent - set(redacted))), everything=False, within=within),
        redaction(redacted, everything=False, within=within),
    )


def of_record(record: Record, outcomes: Outcomes, masks: Masks, at: float, element: int | None = None) -> Sample:
    """A record that came in, and what it is mapped to."""
    return {
        **_head("record", record, at),
        **({} if element is None else {"element": element}),
        "outcome": tap_filter.of_record(outcomes),
        "timestamp": None if record.timestamp_ms is None else moments.iso_of_millis(record.timestamp_ms),
        "key": _key(masks.of_the_rest.of_key(record.key)),
        "headers": [name for name, _ in record.headers],
        **_value(record, masks),
        "outcomes": [_outcome(each, record, masks) for each in outcomes[:OUTCOMES_SHOWN]],
    }


def of_request(
    record: Record, request: Request, verdict: Verdict, masks: Masks, at: float, *, attempt: int, seconds: float
) -> Sample:
    """A request that went out, and what was answered."""
    mask, failed = masks.of_the_rest, None if isinstance(verdict, Delivered) else verdict
    is_read = _may_be_read(record, mask)
    user = mask.of_user(request.user_id, record.value, record.headers) if is_read else HIDDEN
    body: Any = HIDDEN
    if len(request.body) > LARGEST_VALUE:
        body = None
    elif is_read:
        body = next(iter(_shown(mask.of_request(request.body, record.value, record.headers), "body").values()))
    return {
        **_head("request", record, at),
        "outcome": tap_filter.of_request(verdict),
        "kind": request.kind.name,
        "route": request.route.name,
        "user": user,
        "attempt": attempt,
        "seconds": round(seconds, 4),
        "status": verdict.status,
        "reason": verdict.reason if isinstance(verdict, Retry) else None,
        "code": None if failed is None else failed.error_code,
        "request_id": None if failed is None else failed.request_id,
        "request": body,
        **({"request_bytes": len(request.body)} if body is None else {}),
    }


def of_letter(record: Record, letter: DeadLetter, masks: Masks, at: float) -> Sample:
    """A dead letter that was written."""
    mask = masks.of_the_rest
    message = mask.of_message(letter.message, record.value, record.headers) if _may_be_read(record, mask) else HIDDEN
    return {
        **_head("dead_letter", record, at),
        "outcome": tap_filter.DEAD_LETTERED,
        "route": None if letter.route is None else letter.route.name,
        "reason": letter.reason.value,
        "message": message,
    }


def _head(sample: str, record: Record, at: float) -> Sample:
    return {
        "at": moments.iso(at),
        "sample": sample,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
    }


def _may_be_read(record: Record, mask: Redaction) -> bool:
    """To redact what came of a record, the record is read; large ones are not."""
    return not mask.hides or record.value is None or len(record.value) <= LARGEST_VALUE


def _outcome(outcome: Outcome, record: Record, masks: Masks) -> Sample:
    route = outcome.route
    named: Sample = {"route": None if route is None else route.name}
    if isinstance(outcome, Request):
        mask = masks.of_the_rest
        is_read = _may_be_read(record, mask)
        user = mask.of_user(outcome.user_id, record.value, record.headers) if is_read else HIDDEN
        return {**named, "outcome": outcome.kind.name, "user": user}
    if isinstance(outcome, Filtered | Forget):
        found = outcome.filtered if isinstance(outcome, Forget) else outcome
        return {**named, "outcome": tap_filter.FILTERED, "reason": found.reason.value}
    if isinstance(outcome, Failed):
        return {**named, "outcome": tap_filter.FAILED, "reason": outcome.reason.value, "message": outcome.message}
    return {**named, "outcome": "elements", "count": outcome.count if isinstance(outcome, Elements) else 0}


def _key(key: bytes | None) -> str | None:
    if key is None:
        return None
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = base64.b64encode(key).decode()
    return cut(text, LARGEST_KEY)


def _value(record: Record, masks: Masks) -> Mapping[str, Any]:
    """JSON as it is; what is none as text or, where it is no text, as base64; of a large one only how large it is."""
    value = record.value
    if value is None:
        return {"value": None}
    if len(value) > LARGEST_VALUE:
        return {"value_bytes": len(value)}
    return _shown(masks.of_values.of_value(value, record.headers) or b"", "value")


def _shown(content: bytes, name: str) -> Sample:
    try:
        return {name: exact_json.read(content)}
    except (orjson.JSONDecodeError, MappingError, RecursionError):
        pass
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(content).decode()}
