"""What Kafka Connect's JSON converter puts around a value, a key and a header: ``{"schema": …, "payload": …}``."""

from __future__ import annotations

from typing import Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError, undecodable

_WRAPPED: Final = frozenset({"schema", "payload"})


def payload(value: Any) -> Any:
    """What is inside of the envelope; a value without one is as it was: Connect may be told to write none."""
    if value.__class__ is dict and value.keys() == _WRAPPED:
        return value["payload"]
    return value


def document(value: Any, *, exact: bool) -> Any:
    """As `payload`, and where that is a text, the JSON in it: an outbox's payload is one. Raises `MappingError`."""
    inside = payload(value)
    if inside.__class__ is not str:
        return inside
    try:
        found = exact_json.decode(_bytes(inside), exact=exact or exact_json.may_be_inexact(_bytes(inside)))
    except orjson.JSONDecodeError:
        raise undecodable("the payload is a text that holds no JSON; a JSON object is needed") from None
    return payload(found)


def plain_text(content: bytes) -> bytes:
    """A header's text without what the JSON converter made of it: quotes, or an envelope. Anything else as it is."""
    if content[:1] not in {b'"', b"{"}:
        return content
    try:
        text = payload(exact_json.decode(content, exact=False))
    except (orjson.JSONDecodeError, MappingError):
        return content
    return _bytes(text) if isinstance(text, str) else content


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
