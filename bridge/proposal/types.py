"""Which field says what happened: few values, a name that looks like a type, or nothing of the kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.proposal.choices import ProposedSetting
from bridge.proposal.documents import SampledTopic
from bridge.proposal.fields import SampledField
from bridge.proposal.looks import Spec, is_identifier, time_form
from bridge.proposal.words import CHANGES, words
from bridge.text.amounts import plural, thousands

_NAMES: Final = {
    "type": 10, "event type": 12, "event name": 11, "event": 9.5, "detail type": 12, "kind": 7, "action": 7,
    "message type": 9, "name": 4, "verb": 7, "operation": 8, "op": 4, "change type": 9, "notification type": 8,
    "activity type": 8, "activity": 5, "command": 5, "event action": 9, "event kind": 8, "type id": 6, "topic": 4,
    "msg type": 8, "record type": 6, "object type": 3, "ce type": 10, "event code": 6, "routing key": 6, "trigger": 4,
    "event category": 4, "webhook topic": 8, "schema name": 4, "message name": 8, "action type": 7, "change": 4,
}  # fmt: skip
_ENVELOPES: Final = frozenset(
    {"event", "meta", "metadata", "header", "headers", "envelope", "message", "detail", "body", "payload", "data",
     "change", "info", "attributes", "root", "msg"}
)  # fmt: skip
_EVENT_WORD: Final = re.compile(r"[A-Za-z][\w.:/ @$-]{1,100}")
_SEGMENT: Final = frozenset({"track", "page", "screen", "identify", "group", "alias"})
_ENTITIES: Final = (
    "entity name", "entity", "table", "table name", "aggregate type", "resource type", "object type", "resource",
    "aggregate", "model", "object name", "collection",
)  # fmt: skip
_HAPPENINGS: Final = frozenset({("event",), ("message",)})
_BESIDE: Final = 9.0
"""Less than what is called type alone."""
_LEAST: Final = 5.0
_MANY: Final = 60
"""Types beyond which they are taken together."""


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """The setting, and the type of each document by its number."""

    setting: ProposedSetting
    types: dict[int, str]
    subject: str = ""
    """What a change alone is a change of."""


def type_of(topic: SampledTopic, fields: Sequence[SampledField]) -> TypeChoice:
    """The best there is; the topic's name where no field looks like a type."""
    if topic.format.unwrap == "debezium" and is_outbox(fields):
        kinds = next(each for each in fields if each.names == ("after", "type"))
        evidence = f"rows of an outbox, {kinds.found}, {_different(kinds.distinct)}"
        types = {number: str(value) for number, value in kinds.values.items()}
        return TypeChoice(ProposedSetting(kinds.expression, evidence, kinds.share), types)
    if topic.format.unwrap == "debezium" and (change := _of_changes(fields)) is not None:
        return change
    ranked = sorted(((_score(each), each) for each in fields), key=lambda pair: (-pair[0], pair[1].expression))
    usable = [(score, each) for score, each in ranked if score >= _LEAST]
    if not usable:
        best = next((each for score, each in ranked if score > 0), None)
        return _by_topic(topic, best)
    best, rest = usable[0][1], [each for _, each in usable[1:]]
    types = {number: str(value) for number, value in best.values.items()}
    other = f"; next best: {rest[0].expression}" if rest else ""
    evidence = f"{best.found}, {_different(best.distinct)}{other}"
    if (calls := _of_calls(best, fields)) is not None:
        return calls
    if {each.lower() for each in types.values()} <= CHANGES:
        return _with_entity(best, types, fields, evidence)
    return TypeChoice(ProposedSetting(best.expression, evidence, best.share), types)


def said_type(expression: str, fields: Sequence[SampledField]) -> TypeChoice | None:
    """As a person says; None where no field is called so."""
    field = next((each for each in fields if each.expression == expression), None)
    if field is None:
        return None
    evidence = f"as you said, {field.found}, {_different(field.distinct)}"
    types = {number: str(value) for number, value in field.values.items()}
    return TypeChoice(ProposedSetting(expression, evidence, field.share), types)


def _different(count: int) -> str:
    return "always the same" if count == 1 else f"{thousands(count)} different"


def _by_topic(topic: SampledTopic, best: SampledField | None) -> TypeChoice:
    other = f"; next best: {best.expression}" if best is not None else ""
    setting = ProposedSetting("topic", f"no field looks like a type, so the topic's name is one{other}")
    return TypeChoice(setting, dict.fromkeys(range(len(topic.documents)), topic.name))


def _score(field: SampledField) -> float:
    if not field.is_text or field.origin in {"key", "outer"} or field.share < 0.5:
        return 0.0
    texts = sorted({str(value) for value in field.values.values()})
    if any(not text.strip() or text != text.strip() for text in texts):
        return 0.0
    odd = sum(is_identifier(text) or time_form(text) is not None or not _EVENT_WORD.fullmatch(text) for text in texts)
    score = _named(field) - 6 * (1 - field.share)
    if odd > 0.2 * len(texts):
        # What has the name of a type is one, however odd its values: only those of ids and times are not.
        identifiers = sum(is_identifier(text) or time_form(text) is not None for text in texts)
        if identifiers > 0.6 * len(texts) or score < 9:
            return 0.0
    if sum(map(len, texts)) > 60 * len(texts):
        return 0.0
    spread = len(texts) / max(1, len(field.values))
    if spread > 0.5 and len(field.values) >= 8:
        score -= 1.5 if score >= 9 else 6
    if len(texts) > 1 and any(mark in text for text in texts for mark in "._/ "):
        score += 1
    return score


def _named(field: SampledField) -> float:
    own = words(field.names[-1])
    if field.origin == "header" and own[:1] == ("x",):
        own = own[1:]
    name = " ".join(own)
    if field.origin == "header":
        if name.endswith(("event type", "message type", "type id", "event name")) or name == "type":
            return 11.0
        return 9.0 if name.endswith("topic") else _NAMES.get(name, 0) - 1
    score = float(_NAMES.get(name, 2.5 if own[-1:] == ("type",) and len(own) > 1 else 0))
    if len(field.names) > 1 and (above := words(field.names[-2])) in _HAPPENINGS:
        # ``event.name`` is that of an event, unless something else is called type: then it may be a concert's.
        score = max(score, min(_BESIDE, _NAMES.get(f"{above[0]} {name}", 0)))
    for parent in field.names[:-1]:
        score -= 0.7 if set(words(parent)) & _ENVELOPES else 5.5
    return score


# --- shapes that many share


def is_outbox(fields: Sequence[SampledField]) -> bool:
    """Whether the rows are those of Debezium's outbox, without its event router."""
    texts = {
        words(each.names[1])
        for each in fields
        if each.names[:1] == ("after",) and len(each.names) == 2 and each.is_text
    }
    aggregate = {("aggregatetype",), ("aggregate", "type")} & texts
    return bool(aggregate) and {("type",), ("payload",)} <= texts


def _of_changes(fields: Sequence[SampledField]) -> TypeChoice | None:
    """Debezium's: the operation, and the table where there are several."""
    operation = next((each for each in fields if each.names == ("operation",) and each.origin == "value"), None)
    if operation is None or operation.share < 0.5:
        return None
    types = {number: str(value) for number, value in operation.values.items()}
    table = next((each for name in ("table", "collection") for each in fields if each.names == ("source", name)), None)
    if table is None:
        return TypeChoice(ProposedSetting("operation", f"changes of a database, {operation.found}"), types)
    if table.distinct == 1:
        subject = str(next(iter(table.values.values())))
        evidence = f"changes of one table, {operation.found}"
        return TypeChoice(ProposedSetting("operation", evidence, operation.share), types, subject)
    spec: Spec = {"template": f"{{{table.expression}}}.{{operation}}"}
    both = {number: f"{table.values[number]}.{name}" for number, name in types.items() if number in table.values}
    evidence = f"changes of {plural(table.distinct, 'table')}, {operation.found}"
    return TypeChoice(ProposedSetting(spec, evidence, operation.share), both)


def _of_calls(best: SampledField, fields: Sequence[SampledField]) -> TypeChoice | None:
    """Segment's and RudderStack's: a track call has the event's name beside its type."""
    calls = {str(value) for value in best.values.values()}
    if "track" not in calls or not calls <= _SEGMENT:
        return None
    beside = next(
        (each for each in fields if each.origin == "value" and each.names == (*best.names[:-1], "event")), None
    )
    if beside is None or not beside.is_text:
        return None
    types = {number: str(beside.values.get(number) or value) for number, value in best.values.items()}
    evidence = f"calls of Segment's kind, {best.found}: a track call is called by its event"
    return TypeChoice(ProposedSetting(f"{beside.expression} || {best.expression}", evidence, best.share), types)


def _with_entity(
    best: SampledField, types: dict[int, str], fields: Sequence[SampledField], evidence: str
) -> TypeChoice:
    """A change alone says nothing of what changed: the field that does is beside it."""
    for name in _ENTITIES:
        for each in fields:
            if " ".join(words(each.names[-1] if each.names else "")) != name or each.origin != best.origin:
                continue
            if not each.is_text or each.share < 0.95 or not 0 < each.distinct <= _MANY or "{" in each.expression:
                continue
            if each.distinct == 1:
                setting = ProposedSetting(best.expression, evidence, best.share)
                return TypeChoice(setting, types, str(next(iter(each.values.values()))))
            both = {number: f"{each.values[number]}.{what}" for number, what in types.items() if number in each.values}
            spec: Spec = {"template": f"{{{each.expression}}}.{{{best.expression}}}"}
            return TypeChoice(ProposedSetting(spec, f"what changed and how, {best.found}", best.share), both)
    return TypeChoice(ProposedSetting(best.expression, evidence, best.share), types)
