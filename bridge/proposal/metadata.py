"""What of a record is worth sending as metadata: scalars that are often there, few, and nothing of a person."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from bridge.proposal.choices import ProposedKey
from bridge.proposal.fields import SampledField, percent
from bridge.proposal.looks import Spec, is_identifier, personal, time_form, time_spec
from bridge.proposal.words import snake, words

_LEAST: Final = 0.5
"""Share of a route's events that have a key which is sent."""
_SHOWN: Final = 0.05
"""And one that is at least shown."""
_MOST: Final = 12
_MOST_SHOWN: Final = 12
_LONG: Final = 120
_NOISE: Final = frozenset(
    {"specversion", "datacontenttype", "dataschema", "schema", "api version", "livemode", "version", "spec version",
     "ts ms", "ts us", "ts ns", "op", "operation", "schema version", "write key", "object", "type", "event type"}
)  # fmt: skip
_FREE_TEXT: Final = frozenset({"note", "notes", "comment", "comments", "remark", "remarks", "memo", "message body"})
_CHANGED: Final = frozenset(
    {"updated at", "modified at", "last modified", "last updated", "last modified at", "last updated at",
     "updated date", "modified date", "last modified date", "update time", "updated on", "modified on"}
)  # fmt: skip
_TRACING: Final = frozenset(
    {"trace id", "traceparent", "span id", "parent span id", "correlation id", "causation id", "request id"}
)
_VAGUE: Final = frozenset({("id",), ("name",), ("type",)})
"""Names that say nothing without what is above them."""
_AROUND: Final = frozenset(
    {"after", "attributes", "body", "data", "detail", "event", "message", "meta", "metadata", "object", "payload",
     "properties", "record", "value"}
)  # fmt: skip
"""What is above a name and says nothing, either."""
_NUMBER: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_TAKEN: Final = frozenset({"occurred_at", "event_id"})
_CENTS: Final = (("cents",), ("minor",), ("amount", "minor"))


def keys_of(fields: Sequence[SampledField], used: Collection[str]) -> tuple[ProposedKey, ...]:
    """Of the events of one type; `used` are expressions that settings read already."""
    offered = [each for each in fields if _is_offered(each, used)]
    offered.sort(key=lambda each: (-_worth(each), each.expression))
    sent: list[ProposedKey] = []
    shown: list[ProposedKey] = []
    names: set[str] = set(_TAKEN)
    for each in offered:
        why_not = _objection(each)
        if why_not is None and len(sent) >= _MOST:
            why_not = f"more than {_MOST} keys are hard to read"
        if why_not is not None and len(shown) >= _MOST_SHOWN:
            continue
        spec, key = _spec(each)
        key = _free(key, each, names)
        made = ProposedKey(key, spec, percent(len(each.values), each.of), why_not, _hint(each))
        (sent if why_not is None else shown).append(made)
    return (*sent, *shown)


def _is_offered(field: SampledField, used: Collection[str]) -> bool:
    if field.origin != "value" or not field.names or field.expression in used or field.share < _SHOWN:
        return False
    if field.unread:
        return False  # one event of the type without the text, and it would be a dead letter for a mere key
    own = " ".join(words(field.names[-1]))
    if (own in _NOISE and len(field.names) < 3) or field.names[0] in {"source", "before", "transaction", "schema"}:
        return False
    return not any(is_identifier(name) for name in field.names)  # a map by ids has people's values for names


def _objection(field: SampledField) -> str | None:
    """Why it is not sent without somebody having looked."""
    says = personal(field.names, field.values.values())
    if says is not None:
        return f"looks like {says}"
    if field.share < _LEAST:
        return "is in few events"
    texts = [value for value in field.values.values() if isinstance(value, str)]
    if any(len(text) > 4 * _LONG for text in texts) or sum(map(len, texts)) > _LONG * len(field.values):
        return "is long text"
    if any(text[:1] in {"{", "["} for text in texts):
        return "is JSON inside of a text: from_json() reads it"
    return _noise(field, texts)


def _noise(field: SampledField, texts: Sequence[str]) -> str | None:
    """What nobody counts by: it is sent where somebody says so."""
    own = words(field.names[-1])
    name = " ".join(own)
    if texts and name in _FREE_TEXT:
        return "is free text: nobody knows what is in it"
    if name in _CHANGED:
        return "says when it was changed, not what happened"
    if name in _TRACING:
        return "says which way a request went, not what happened"
    if "graphql" in own or (texts and all(text.startswith("gid://") for text in texts)):
        return "is an id for another API"
    return None


def _hint(field: SampledField) -> str:
    """Userpilot adds up numbers, and no texts."""
    values = list(field.values.values())
    if not values or "version" in words(field.names[-1]):
        return ""
    if not all(isinstance(each, str) and _NUMBER.fullmatch(each) for each in values):
        return ""
    return f"a number in a text: to_number({field.expression})" if any("." in each for each in values) else ""


def _worth(field: SampledField) -> float:
    """What describes comes before what only tells apart; what is nearer to the top before what is deeper."""
    value = 4 * field.share - 0.4 * len(field.names)
    if field.distinct > 1 and field.distinct <= max(20, len(field.values) / 4):
        value += 1
    if field.is_text and field.distinct > 0.9 * len(field.values) and all(map(is_identifier, field.values.values())):
        value -= 1
    return value - (1 if _objection(field) else 0)


def _spec(field: SampledField) -> tuple[Spec, str]:
    own = words(field.names[-1])
    numbers = all(isinstance(value, int) and not isinstance(value, bool) for value in field.values.values())
    if numbers and own[-1:] in _CENTS:
        name = "_".join(own[:-1]) or "amount"
        return {"path": field.expression, "divide_by": 100}, name
    forms = {time_form(value) for value in field.values.values()}
    if len(forms) == 1 and set(own) & {"at", "ts", "time", "timestamp", "date", "created", "updated"}:
        (form,) = forms
        if form in {"s", "ms", "us", "ns"}:
            return time_spec(field.expression, form), snake(field.names[-1])
    if own in _VAGUE and len(field.names) > 1 and not set(words(field.names[-2])) <= _AROUND:
        return field.expression, f"{snake(field.names[-2])}_{snake(field.names[-1])}"
    return field.expression, snake(field.names[-1])


def _free(key: str, field: SampledField, names: set[str]) -> str:
    """A key that no other has: with what is above it, else with a number."""
    wanted: list[str] = [key]
    wanted += [f"{snake(above)}_{key}" for above in reversed(field.names[:-1])]
    wanted += [f"{key}_{number}" for number in range(2, 1000)]
    free = next((each for each in wanted if each not in names), key)
    names.add(free)
    return free


def sent(keys: Sequence[ProposedKey]) -> dict[str, Any]:
    """As the mapping has them."""
    return {each.key: each.spec for each in keys if each.why_not is None}
