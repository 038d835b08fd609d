"""What is around an event in its decoded value: Connect's and Debezium's envelopes, and lists that hold many events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bridge.config.mapping_section import Unwrap
from bridge.model import Header
from bridge.proposal.words import words

_ENOUGH: Final = 0.6
_LOOKED_AT: Final = 50
"""Elements of a list."""
_PERSON_MARKS: Final = frozenset({"user", "customer", "member", "account", "contact", "anonymous", "person", "uid"})
_EVENT_MARKS: Final = frozenset(
    {"type", "event", "name", "time", "timestamp", "ts", "at", "action", "occurred", "kind", "id", "uuid", "message"}
)
_ITEM_MARKS: Final = frozenset({"sku", "price", "quantity", "qty", "product", "amount", "variant"})


def unwrap_of(values: Sequence[Any], headers: Sequence[Sequence[Header]]) -> Unwrap:
    """Which envelope most of these values have."""
    if not values:
        return "none"
    wrapped = [_payload(value) for value in values]
    if sum(map(_is_change, wrapped)) >= _ENOUGH * len(values):
        return "debezium"
    if sum(one is not other for one, other in zip(wrapped, values, strict=True)) >= _ENOUGH * len(values):
        return "connect"
    quoted = [_are_quoted(each) for each in headers if each]
    return "connect" if quoted and sum(quoted) >= _ENOUGH * len(headers) else "none"


def _payload(value: Any) -> Any:
    return value["payload"] if isinstance(value, dict) and value.keys() == {"schema", "payload"} else value


def _is_change(value: Any) -> bool:
    """Debezium's envelope; heartbeats and transaction marks beside it are few."""
    if not isinstance(value, dict) or not isinstance(value.get("op"), str) or len(value["op"]) > 2:
        return False
    return ("after" in value or "before" in value) and isinstance(value.get("source"), dict | None)


def _are_quoted(headers: Sequence[Header]) -> bool:
    """Whether JsonConverter wrote them."""
    filled = [content for _, content in headers if content]
    return bool(filled) and all(each[:1] == b'"' == each[-1:] and len(each) > 1 for each in filled)


def list_of_events(values: Sequence[dict[str, Any]]) -> str | None:
    """The path of a list whose elements are the events; None where the values themselves are.

    Elements name a person, and what is around them does not.
    """
    names = sorted({name for value in values for name, inner in value.items() if _is_list(inner)})
    for name in names:
        holders = [value for value in values if _is_list(value.get(name))]
        elements = [each for value in holders for each in value[name][:_LOOKED_AT] if isinstance(each, dict)]
        if len(holders) < _ENOUGH * len(values) or not elements or not _is_plain(name):
            continue
        around = sum(_has(value, _PERSON_MARKS) for value in holders)
        inside = sum(_has(each, _PERSON_MARKS) and _has(each, _EVENT_MARKS) for each in elements)
        items = sum(_has(each, _ITEM_MARKS) and not _has(each, _PERSON_MARKS) for each in elements)
        if inside >= _ENOUGH * len(elements) and around * 2 < len(holders) and items * 2 < len(elements):
            return name
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _has(value: dict[str, Any], marks: frozenset[str]) -> bool:
    return any(marks & set(words(name)) for name in value)
