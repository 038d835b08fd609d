"""A record's way through the mapping, step by step, for people: what was read where, and why each rule and route did or
did not apply.

What is decided is asked of the mapping itself; here it is only told. Sentences name expressions, types, and what the
configuration names; of the record they hold the event's type and nothing else. What was found is beside them, in
`value`, for whoever may show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import nan
from typing import Any, Final, Literal

from bridge.decode import exact_json
from bridge.decode.failures import MappingError, kind
from bridge.decode.keys import SchemaNeededError
from bridge.decode.protocol import EXACT
from bridge.mapping.elements import MappedElements
from bridge.mapping.expressions.absence import absences, first_obstacle
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import InexactNumberError, Scope
from bridge.mapping.expressions.values import Condition
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.matches import Match
from bridge.mapping.review.explain import describe, form_of
from bridge.mapping.routes.plan import RoutePlan, unexpected
from bridge.mapping.rules import Rule
from bridge.mapping.topic_plan import TopicPlan
from bridge.model import (
    TRACK,
    Elements,
    Failed,
    Filtered,
    Forget,
    Outcome,
    Outcomes,
    Record,
    Request,
    SchemaNeeded,
    Steps,
    output_of,
)
from bridge.text.amounts import plural
from bridge.text.printable import cut

MOST_ELEMENTS_TOLD: Final = 200
"""Of one record: nobody reads more, and there may be a million."""
_LONGEST_TYPE: Final = 200
_KEYS_TOLD: Final = 40
_NO_FLAT_FORM: Final = "has no flat form"

Result = Literal["request", "filtered", "dead_letter", "schema_needed"]


@dataclass(frozen=True, slots=True)
class WalkStep:
    """One thing that was looked at."""

    what: str
    """``value``, ``type``, ``rule``, ``when``, ``time``, ``id``, ``route``, ``user``, ``metadata``."""
    sentence: str
    route: str | None = None
    """Whose step it is; None: it is of the whole record or element."""
    value: str | None = field(default=None, repr=False)
    """What was found, as text."""


@dataclass(frozen=True, slots=True)
class Made:
    """What one route makes of the record, or why nothing."""

    result: Result
    reason: str | None
    """A `FilterReason` or a `LetterReason`."""
    sentence: str
    request: Request | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WalkedEvent:
    """One of a record's events: what its route makes of it."""

    number: int
    """Among all events of the record, see `model.output_of`."""
    route: str | None
    """None: no route came to look at it."""
    kind: str | None
    """Of its request, see `RequestKind.name`."""
    made: Made
    """Whatever its age is."""
    made_now: Made
    """The same as `made`, unless it is too old by now."""
    element: int | None = None
    step: int = 0
    """Which of its steps, from 0."""
    of: int = 1
    """How many steps there are; 1: it waits for no other."""


@dataclass(frozen=True, slots=True)
class WalkPart:
    """A whole record, or one of its elements."""

    steps: tuple[WalkStep, ...]
    events: tuple[WalkedEvent, ...]
    element: int | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """All of a record."""

    parts: tuple[WalkPart, ...]
    elements: int | None = None
    """How many it has; None: it is no list of them. `parts` may have fewer, see `MOST_ELEMENTS_TOLD`."""

    @property
    def events(self) -> tuple[WalkedEvent, ...]:
        """Those of all parts."""
        return tuple(event for part in self.parts for event in part.events)


def walk(mapping: CompiledMapping, record: Record, now: float, only: Sequence[int] | None = None) -> Walk:
    """Follows a record, of its elements `only` these; ``now`` in Unix seconds. Never raises."""
    outcomes, later = mapping.map(record, nan), mapping.map(record, now)
    elements = outcomes[0]
    if isinstance(elements, MappedElements):
        told = range(elements.count) if only is None else only
        return Walk(
            tuple(_element(mapping, record, elements, each, now) for each in told[:MOST_ELEMENTS_TOLD]), elements.count
        )
    seen = seen_of(mapping.topic(record.topic), record)
    steps = _told(mapping, record, seen, outcomes)
    return Walk((WalkPart(steps, _events(mapping, record, outcomes, later)),))


def _element(mapping: CompiledMapping, record: Record, elements: MappedElements, element: int, now: float) -> WalkPart:
    outcomes, later = elements.map(element, nan), elements.map(element, now)
    topic = mapping.topic(record.topic)
    seen = SeenRecord(topic)
    try:
        seen.scope, seen.match = elements.look(element)
        seen.value = None if seen.scope is None else seen.scope.value
        if seen.value is not None:
            seen.form = f"{form_of(topic, record, seen.value)}, element {element} of {elements.count}"
    except FAILURES as failure:
        seen.failure = _sentence_of(failure)
    except Exception as error:  # noqa: BLE001  # whatever an element brings about is this element's own problem
        seen.failure = unexpected(error)
    steps = _told(mapping, record, seen, outcomes)
    return WalkPart(steps, _events(mapping, record, outcomes, later, element), element)


# --- what is made ------------------------------------------------------------------------------------


def _events(
    mapping: CompiledMapping, record: Record, outcomes: Outcomes, later: Outcomes, element: int | None = None
) -> tuple[WalkedEvent, ...]:
    are_steps = isinstance(outcomes, Steps)
    return tuple(
        WalkedEvent(
            place if element is None else output_of(element, place),
            None if outcome.route is None else outcome.route.name,
            _kind(outcome),
            _made(mapping, record, outcome),
            _made(mapping, record, later[place] if len(later) == len(outcomes) else later[0]),
            element,
            place if are_steps else 0,
            len(outcomes) if are_steps else 1,
        )
        for place, outcome in enumerate(outcomes)
    )


def _kind(outcome: Outcome) -> str | None:
    if isinstance(outcome, Request):
        return outcome.kind.name
    return outcome.kind if isinstance(outcome, Failed) and outcome.route is not None else None


def _made(mapping: CompiledMapping, record: Record, outcome: Outcome) -> Made:
    match outcome:
        case Request():
            return Made("request", None, _request(outcome), outcome)
        case Failed():
            return Made("dead_letter", outcome.reason.value, outcome.message)
        case Filtered():
            return Made("filtered", outcome.reason.value, describe(mapping, record, outcome))
        case Forget(filtered=filtered):
            return Made("filtered", filtered.reason.value, "its user is forgotten; nothing is sent")
        case SchemaNeeded(reference):
            return Made("schema_needed", None, f"its schema {reference} is not known here")
        case Elements():
            return Made("filtered", None, "its elements are looked at one by one")


def _request(request: Request) -> str:
    route = request.route
    if request.kind is not TRACK:
        return f"makes a request of kind {request.kind.name} (POST {request.path})"
    if route.event_name == request.event_name:
        return f"makes the event {route.event_name!r} (POST {request.path})"
    return f"makes an event that {route.event_name} names (POST {request.path})"


# --- what was looked at ------------------------------------------------------------------------------

FAILURES: Final = (MappingError, InexactNumberError, RecursionError, SchemaNeededError)
"""What reading a record may end with."""


@dataclass(slots=True)
class SeenRecord:
    """As much as could be read of a record or an element: see `mapping.mapper`."""

    topic: TopicPlan
    form: str | None = None
    value: Any = None
    match: Match | None = None
    scope: Scope | None = None
    failure: str | None = None


def seen_of(topic: TopicPlan, record: Record) -> SeenRecord:
    """Reads a record as the mapping does, as far as that goes. Never raises."""
    seen = SeenRecord(topic)
    try:
        if record.value is None and not topic.is_event_without_data(record):
            return seen
        if topic.type_comes_first:
            seen.match = topic.match_record(record, EXACT)
        value = topic.decode(record, topic.attributes(record), EXACT)
        if not isinstance(value, dict):
            return seen
        seen.value, seen.form = value, form_of(topic, record, value)
        seen.match = seen.match or topic.match_value(record, value, EXACT)
        seen.scope = Scope(record, value, topic.settings, seen.match.event_type, EXACT)
    except FAILURES as failure:
        seen.failure = _sentence_of(failure)
    except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
        seen.failure = unexpected(error)
    return seen


def _sentence_of(failure: BaseException) -> str:
    if isinstance(failure, MappingError):
        return failure.message
    if isinstance(failure, SchemaNeededError):
        return f"its schema {failure.reference} is not known here"
    return "the value is nested too deeply, or has a number that cannot be read exactly"


def _told(mapping: CompiledMapping, record: Record, seen: SeenRecord, outcomes: Outcomes) -> tuple[WalkStep, ...]:
    told: list[WalkStep] = []
    try:
        told.extend(_steps(mapping, record, seen, outcomes))
    except Exception as error:  # noqa: BLE001  # what is made of the record is told all the same
        told.append(WalkStep("value", f"no more can be told of it: {unexpected(error)}"))
    return tuple(told)


def _steps(mapping: CompiledMapping, record: Record, seen: SeenRecord, outcomes: Outcomes) -> Iterator[WalkStep]:
    yield _value(record, seen, outcomes)
    match, scope, topic = seen.match, seen.scope, seen.topic
    if match is None:
        return
    reader = topic.settings.event_type
    if not match.event_type:
        yield WalkStep("type", f"{reader.text} finds no type")
        return
    yield WalkStep("type", f"{cut(match.event_type, _LONGEST_TYPE)!r}, from {reader.text}")
    rules, others = topic.considered(match.event_type)
    yield from _rules(rules, others)
    if scope is None or match.outcomes is not None:
        yield from _elsewhere(topic, rules)
        return
    if topic.when is not None:
        yield _condition(topic.when, seen, None)
    yield from _times(topic, scope)
    yield from _elsewhere(topic, rules)
    made = {outcome.route.name: outcome for outcome in outcomes if outcome.route is not None}
    for plan in match.plans:
        outcome = made.get(plan.route.name)
        if outcome is not None:
            yield from _route(mapping, record, seen, plan, outcome)


def _value(record: Record, seen: SeenRecord, outcomes: Outcomes) -> WalkStep:
    if seen.failure is not None and seen.form is None:
        return WalkStep("value", f"not read: {seen.failure}")
    if seen.form is not None:
        return WalkStep("value", f"decoded as {seen.form}")
    if record.value is None:
        return WalkStep("value", "null: a tombstone")
    first = outcomes[0]
    why = first.message if isinstance(first, Failed) else "no document to map"
    if isinstance(first, SchemaNeeded):
        why = f"its schema {first.reference} is not known here"
    return WalkStep("value", f"{plural(len(record.value), 'byte')}: {why}")


def _rules(rules: tuple[Rule, ...], others: int) -> Iterator[WalkStep]:
    rest = f"{plural(others, 'rule is', 'rules are')} for other types" if others else "there are no others"
    if not rules:
        yield WalkStep("rule", f"none is for this type: {rest}")
        return
    first, *beaten = rules
    drop = ": drop" if not first.routes else ""
    yield WalkStep("rule", f"{first.key!r} applies{drop}; {rest}")
    for each in beaten:
        why = (
            "an exact type counts before a pattern"
            if "*" not in first.key and "?" not in first.key
            else ("its text before the first wildcard is shorter")
        )
        yield WalkStep("rule", f"{each.key!r} fits too and does not apply: {why}")


def _elsewhere(topic: TopicPlan, rules: tuple[Rule, ...]) -> Iterator[WalkStep]:
    """Routes of the rule that are limited to other topics."""
    for parts in rules[0].routes if rules else ():
        if not topic.is_for(parts.head):
            yield WalkStep("route", "not for this topic (see its topics)", parts.head.route.name)


def _condition(when: Condition, seen: SeenRecord, route: str | None) -> WalkStep:
    scope = seen.scope
    try:
        holds = scope is not None and when.holds(seen.value, scope)
    except FAILURES as failure:
        return WalkStep("when", f"neither true nor false: {_sentence_of(failure)}", route)
    gone: list[str] = []
    if when.tree is not None:
        with suppress(*FAILURES):
            gone = sorted({each.absent for each in absences(when.tree, seen.value)})
    lacking = f" ({', '.join(gone)}: not in the value)" if gone else ""
    return WalkStep("when", f"{'true' if holds else 'false'}: {when.text}{lacking}", route)


def _times(topic: TopicPlan, scope: Scope) -> Iterator[WalkStep]:
    settings = topic.settings
    for what, reader, read, instead in (
        ("time", settings.occurred_at, scope.occurred_at, "Kafka's timestamp"),
        ("id", settings.event_id, scope.event_id, "its place in Kafka"),
    ):
        try:
            found = reader.read(scope.value, scope)
            text = read()
        except FAILURES as failure:
            yield WalkStep(what, _sentence_of(failure))
            continue
        is_found = found is not None and not (found.__class__ is str and not found)
        source = f"from {reader.text}" if is_found else f"{instead}, as {reader.text} finds nothing"
        yield WalkStep(what, source, None, text)


def _route(
    mapping: CompiledMapping, record: Record, seen: SeenRecord, plan: RoutePlan, outcome: Outcome
) -> Iterator[WalkStep]:
    name = plan.route.name
    if plan.head.when is not None:
        yield _condition(plan.head.when, seen, name)
    if isinstance(outcome, Request | Forget):
        yield WalkStep("user", _user(plan.user_id, seen), name, outcome.user_id)
    made = _made(mapping, record, outcome)
    said = "would be a dead letter" if made.result == "dead_letter" else made.result
    yield WalkStep(
        "route", made.sentence if made.result == "request" else f"{said} ({made.reason}): {made.sentence}", name
    )
    if isinstance(outcome, Request):
        yield from _metadata(plan, outcome, seen)


def _user(reader: ValueReader, seen: SeenRecord) -> str:
    with suppress(*FAILURES):
        if seen.scope is not None:
            return f"{kind(reader.read(seen.value, seen.scope))}, from {reader.text}"
    return f"from {reader.text}"


def _metadata(plan: RoutePlan, request: Request, seen: SeenRecord) -> Iterator[WalkStep]:
    """What came out of it, and what did not."""
    contents = plan.contents(exact_json.loads(request.body))
    filled, lacking = [], []
    for key, reader in plan.keys.items():
        if key in contents or any(name.startswith(f"{key}.") for name in contents):
            filled.append(f"{key} (default)" if _is_default(reader, seen) else key)
        else:
            lacking.append(f"{key} ({_why_absent(reader, seen)})")
    others = len(contents) - len([name for name in contents if name in plan.keys])
    more = f"{' and ' if filled else ''}{plural(others, 'further one', 'further ones')}" if others else ""
    what = f"{', '.join(filled[:_KEYS_TOLD])}{more}" or "none"
    yield WalkStep("metadata", f"filled: {what}", plan.route.name)
    if lacking:
        yield WalkStep("metadata", f"left out: {', '.join(lacking[:_KEYS_TOLD])}", plan.route.name)
    if request.left_out > sum(each.endswith(f"({_NO_FLAT_FORM})") for each in lacking):
        form = f"{plural(request.left_out, 'value')} without a flat form (lists of objects)"
        yield WalkStep("metadata", f"left out: {form}", plan.route.name)


def _is_default(reader: ValueReader, seen: SeenRecord) -> bool:
    if reader.default is None or reader.bare is None or seen.scope is None:
        return False
    with suppress(*FAILURES):
        return reader.bare.read(seen.value, seen.scope) is None
    return False


def _why_absent(reader: ValueReader, seen: SeenRecord) -> str:
    if seen.scope is None:
        return "nothing there"
    with suppress(*FAILURES):
        if (reader.bare or reader).read(seen.value, seen.scope) is not None:
            return _NO_FLAT_FORM
    return first_obstacle(reader.paths, seen.value) or f"nothing at {reader.text}"
