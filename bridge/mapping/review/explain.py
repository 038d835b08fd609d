"""What became of a record and why, for people: what was decoded, which routes looked at it, what each made of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.decode.protocol import EXACT, FAST, DecodeSettings
from bridge.mapping.elements import MappedElements
from bridge.mapping.expressions.scope import InexactNumberError, Scope
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.routes.identify import COMPANY_IDS
from bridge.mapping.topic_plan import TopicPlan
from bridge.model import (
    COMPANY,
    TRACK,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    Forget,
    Outcome,
    Record,
    Request,
    SchemaNeeded,
)
from bridge.text.amounts import plural


@dataclass(frozen=True, slots=True)
class Look:
    """What one route made of the record."""

    route: str | None
    """None where no route came to look at it."""
    result: Literal["request", "filtered", "dead_letter", "schema_needed"]
    reason: str | None
    """Of a filtered record or a dead letter."""
    detail: str
    """One sentence: why."""
    body: bytes | None = None
    """The request's JSON document."""
    left_out: int = 0
    """Values that have no flat form and were left out of the metadata."""
    kind: str | None = None
    """Of the request, see `RequestKind.name`."""


@dataclass(frozen=True, slots=True)
class MappingExplanation:
    """One record, explained. What could not be read is None."""

    coordinates: str
    form: str | None
    """See `Decoder.form`."""
    event_type: str | None
    event_id: str | None
    occurred_at: str | None
    rule: str | None
    """The key of `mapping.events` that its type falls under."""
    looks: tuple[Look, ...]
    elements: tuple[MappingExplanation, ...] = ()
    """Each of the record's elements, explained; `looks` is empty then. Coordinates are ``orders/0/17#3``."""

    @property
    def all_looks(self) -> tuple[Look, ...]:
        """Those at its elements where it has some."""
        return tuple(look for element in self.elements for look in element.looks) or self.looks


def explain(mapping: CompiledMapping, record: Record, now: float) -> MappingExplanation:
    """Maps a record (``now`` in Unix seconds) and says why it became what it became. Never raises."""
    outcomes, topic = mapping.map(record, now), mapping.topic(record.topic)
    elements = outcomes[0]
    if isinstance(elements, MappedElements):
        return _explained_elements(mapping, record, elements, now)
    envelope = _Envelope(topic, record)
    return MappingExplanation(
        record.coordinates,
        envelope.form,
        envelope.event_type,
        envelope.event_id,
        envelope.occurred_at,
        envelope.rule,
        tuple(_look(mapping, record, outcome) for outcome in outcomes),
    )


def explain_element(mapping: CompiledMapping, record: Record, element: int, now: float) -> MappingExplanation | None:
    """As `explain`, of one element; None where the record has none of this number."""
    elements = mapping.map(record, now)[0]
    if not isinstance(elements, MappedElements) or element >= elements.count:
        return None
    return _explained_element(mapping, record, elements, element, now)


def _explained_elements(
    mapping: CompiledMapping, record: Record, elements: MappedElements, now: float
) -> MappingExplanation:
    topic = mapping.topic(record.topic)
    looked_at = [_explained_element(mapping, record, elements, each, now) for each in range(elements.count)]
    count = f"{elements.count} elements" if elements.count > 1 else "1 element"
    form = f"{form_of(topic, record, {})} ({count})"
    return MappingExplanation(record.coordinates, form, None, None, None, None, (), tuple(looked_at))


def _explained_element(
    mapping: CompiledMapping, record: Record, elements: MappedElements, element: int, now: float
) -> MappingExplanation:
    looks = tuple(_look(mapping, record, outcome) for outcome in elements.map(element, now))
    form = event_type = event_id = occurred_at = rule = None
    with suppress(*_FAILURES):
        scope, match = elements.look(element)
        if scope is not None and match is not None:
            form = (
                f"{form_of(mapping.topic(record.topic), record, scope.value)} (element {element} of {elements.count})"
            )
            event_type, rule = match.event_type, match.rule
            event_id, occurred_at = scope.event_id(), scope.occurred_at()
    name = f"{record.coordinates}#{element}"
    return MappingExplanation(name, form, event_type or None, event_id, occurred_at, rule, looks)


def form_of(topic: TopicPlan, record: Record, value: dict[str, Any]) -> str:
    """How a value was written: ``JSON in gzip in base64``."""
    form = topic.settings.decoder.form(topic.attributes(record), value)
    return " in ".join([form, *(_LAYERS.get(each, each) for each in reversed(topic.settings.format.layers))])


_LAYERS: Final = {"json_text": "a JSON text"}
"""As people call them; the others are called that."""

_ALWAYS_THE_SAME: Final = {
    FilterReason.TOMBSTONE: "the value is null: a tombstone",
    FilterReason.UNMAPPED: "no rule in mapping.events is for its type",
    FilterReason.RULE: "mapping.events has drop for its type",
    FilterReason.TOPIC: "every route of its rule is for other topics (see their topics)",
    FilterReason.UNTYPED: "it has no type, and on_untyped is drop",
    FilterReason.NO_ELEMENTS: "its list of elements is empty",
    FilterReason.HEARTBEAT: "a heartbeat of Debezium",
    FilterReason.TRANSACTION: "Debezium's mark of a transaction's begin or end",
    FilterReason.SCHEMA_CHANGE: "a change of a table's schema, told by Debezium",
    FilterReason.TRUNCATE: "a table was emptied (op t): no row is in it",
    FilterReason.FORGET: "its route forgets the user",
    FilterReason.BRIDGE_RECORD: "a bridge wrote it (its headers): a dead letter or a resolution is no event",
}


def describe(mapping: CompiledMapping, record: Record, outcome: Filtered) -> str:
    """Why a record causes no request."""
    before = _ALWAYS_THE_SAME.get(outcome.reason)
    if before is not None:
        return before
    topic = mapping.topic(record.topic)
    if outcome.route is None:
        return f"when, for all routes, is false: {topic.when.text if topic.when else ''}"
    plan = topic.plan_of(outcome.route)
    if outcome.reason is FilterReason.WHEN:
        return f"when is false: {plan.head.when.text if plan.head.when else ''}"
    if outcome.reason is FilterReason.EXPIRED:
        return f"older than max_age ({plan.max_age or 0:.0f} s)"
    if outcome.reason is FilterReason.NO_USER:
        return f"{plan.user_id.text} names no user, and on_no_user is drop"
    return "the user is not in the sample"


def _look(mapping: CompiledMapping, record: Record, outcome: Outcome) -> Look:
    name = outcome.route.name if outcome.route is not None else None
    match outcome:
        case Request():
            return Look(
                name, "request", None, _what_it_does(outcome), outcome.body, outcome.left_out, outcome.kind.name
            )
        case Failed():
            return Look(name, "dead_letter", outcome.reason.value, outcome.message)
        case Filtered():
            return Look(name, "filtered", outcome.reason.value, describe(mapping, record, outcome))
        case Forget(filtered=filtered):
            return Look(name, "filtered", filtered.reason.value, f"user {outcome.user_id!r} is forgotten")
        case SchemaNeeded(reference):
            return Look(name, "schema_needed", None, f"its schema {reference} is not known here")
        case Elements():
            return Look(name, "filtered", None, "its elements are looked at one by one")


def _what_it_does(request: Request) -> str:
    if request.kind is TRACK:
        return f"sends {request.event_name!r} for user {request.user_id!r}"
    document = exact_json.loads(request.body)
    properties = _with_properties(len(document.get("metadata", {})))
    if request.kind is COMPANY:
        return f"describes company {document['company_id']!r}{properties}"
    company = document.get("company")
    if company is None:
        return f"identifies user {request.user_id!r}{properties}"
    named = [company[name] for name in COMPANY_IDS if name in company]
    of_company = _with_properties(len(company) - len(named))
    return f"identifies user {request.user_id!r}{properties}, of company {named[0]!r}{of_company}"


def _with_properties(number: int) -> str:
    return f" with {plural(number, 'property', 'properties')}" if number else ""


_FAILURES: Final = (MappingError, InexactNumberError, RecursionError)


class _Envelope:
    """As much of the envelope as can be read; reading stops at the first failure, which `map` reports."""

    def __init__(self, topic: TopicPlan, record: Record) -> None:
        self.form: str | None = None
        self.event_type: str | None = None
        self.event_id: str | None = None
        self.occurred_at: str | None = None
        self.rule: str | None = None
        try:
            self._read(topic, record, FAST)
        except InexactNumberError:  # as `CompiledMapping.map` does
            with suppress(*_FAILURES):
                self._read(topic, record, EXACT)
        except _FAILURES:
            return

    def _read(self, topic: TopicPlan, record: Record, how: DecodeSettings) -> None:
        if record.value is None and not topic.is_event_without_data(record):
            return
        early = topic.match_record(record, how) if topic.type_comes_first else None
        if early is not None:
            self.event_type, self.rule = early.event_type, early.rule
        attributes = topic.attributes(record)
        value = topic.decode(record, attributes, how)
        if not isinstance(value, dict):
            return
        self.form = form_of(topic, record, value)
        match = early or topic.match_value(record, value, how)
        self.event_type, self.rule = match.event_type or None, match.rule
        scope = Scope(record, value, topic.settings, match.event_type, how)
        self.event_id = scope.event_id()
        self.occurred_at = scope.occurred_at()
