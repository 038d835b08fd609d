"""What Kafka Connect's JSON converter puts around a value, a key and a header: ``{"schema": …, "payload": …}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError, undecodable

if TYPE_CHECKING:
    from bridge.decode.connect_types import ConnectTypes

_WRAPPED: Final = frozenset({"schema", "payload"})


def types(is_missing: Callable[[Any], bool], *, logical_types: bool) -> ConnectTypes | None:
    """What shows payloads as what their schemas say, for one topic; None where they are shown as they are stored.

    `is_missing` tells what stands for a value that is not there. A bridge that unwraps nothing starts without this.
    """
    if not logical_types:
        return None
    from bridge.decode.connect_types import ConnectTypes  # noqa: PLC0415 - see above

    return ConnectTypes(is_missing)


def payload(value: Any, types: ConnectTypes | None = None, size: int = 0) -> Any:
    """What is inside of the envelope; a value without one is as it was: Connect may be told to write none.

    With `types` as what its schema says that it means, read from so many bytes; else as it is stored. Raises
    `MappingError` with them.
    """
    if value.__class__ is dict and value.keys() == _WRAPPED:
        return value["payload"] if types is None else types.meant(value["schema"], value["payload"], size)
    return value


def document(value: Any, types: ConnectTypes | None = None, size: int = 0, *, exact: bool) -> Any:
    """As `payload`, and where that is a text, the JSON in it: an outbox's payload is one. Raises `MappingError`."""
    inside = payload(value)
    if inside.__class__ is not str:
        return payload(value, types, size)
    try:
        found = exact_json.decode(_bytes(inside), exact=exact or exact_json.may_be_inexact(_bytes(inside)))
    except orjson.JSONDecodeError:
        raise undecodable("the payload is a text that holds no JSON; a JSON object is needed") from None
    return payload(found, types, len(inside))


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
