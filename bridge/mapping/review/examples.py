"""Runs the ``examples:`` of the configuration: each a record and what must become of it. No wall clock is involved."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Final

from bridge.config.events.example_section import (
    DescribedCompany,
    ExampleConfig,
    ExpectedCompany,
    ExpectedDeadLetter,
    ExpectedDrop,
    ExpectedEvent,
    ExpectedIdentify,
    IdentifiedUser,
    RecordExample,
)
from bridge.config.keys.problems import Problem
from bridge.decode import exact_json
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.explain import describe
from bridge.model import Failed, Filtered, Forget, Outcomes, Record, Request

TOPIC_OF_INPUT: Final = "example"
"""A bare `input` comes from a topic of this name, which no rule of a real topic is meant for."""
ExpectedRequest = ExpectedEvent | ExpectedIdentify | ExpectedCompany
_REQUESTS: Final = (ExpectedEvent, ExpectedIdentify, ExpectedCompany)


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """How one example went."""

    name: str
    differences: tuple[str, ...]
    """Empty when it passed; else one line for each thing that is not as expected."""
    outcomes: Outcomes
    """What the record became."""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def check_examples(examples: Sequence[ExampleConfig]) -> tuple[Problem, ...]:
    """What keeps examples from being run at all."""
    problems = []
    for place, example in enumerate(examples):
        try:
            example_record(example)
        except ValueError as error:
            problems.append(Problem(f"mapping.examples[{place}]", str(error)))
    return tuple(problems)


def run_examples(mapping: CompiledMapping, examples: Sequence[ExampleConfig]) -> tuple[ExampleResult, ...]:
    """Maps each example's record and compares."""
    return tuple(run_example(mapping, example) for example in examples)


def run_example(mapping: CompiledMapping, example: ExampleConfig) -> ExampleResult:
    """Maps one example's record and compares; events, in order, and dead letters must be exactly those expected."""
    record = example_record(example)
    now = nan if example.now is None else example.now
    outcomes = mapping.map_all(record, now)
    differences = [*_differences(example, outcomes, mapping, record)]
    if example.now is None:
        topic = mapping.topic(record.topic)
        aged = [o.route for o in outcomes if isinstance(o, Request) and topic.plan_of(o.route).max_age is not None]
        differences += [f"max_age is in force for {route.name}; say when it is, by `now`" for route in aged]
    return ExampleResult(example.name, tuple(differences), outcomes)


def example_record(example: ExampleConfig) -> Record:
    """The record an example describes; raises ValueError for one that cannot be built."""
    if example.record is None:
        return Record(TOPIC_OF_INPUT, 0, 0, None, None, _json(example.input), ())
    return record_of(example.record)


def record_of(given: RecordExample) -> Record:
    """A whole record as it was written down; raises ValueError for one that cannot be built."""
    headers = tuple((name, text.encode()) for name, text in given.headers.items())
    return Record(given.topic, given.partition, given.offset, given.timestamp, _key(given), _value(given), headers)


def _key(given: RecordExample) -> bytes | None:
    if given.key_base64 is not None:
        return _decoded(given.key_base64, "key_base64")
    return given.key.encode() if isinstance(given.key, str) else _json(given.key)


def _value(given: RecordExample) -> bytes | None:
    return _json(given.value) if given.value_base64 is None else _decoded(given.value_base64, "value_base64")


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"record.{name} is not base64") from None


def _json(value: Any) -> bytes | None:
    """A value as Kafka would hold it; null is a tombstone."""
    try:
        return None if value is None else exact_json.dumps(value)
    except (TypeError, ValueError):
        raise ValueError("holds something JSON cannot: .nan, .inf, or a key that is not text") from None


# --- comparing


def _differences(example: ExampleConfig, outcomes: Outcomes, mapping: CompiledMapping, record: Record) -> Iterator[str]:
    events = [expected for expected in example.expect if isinstance(expected, _REQUESTS)]
    requests = [outcome for outcome in outcomes if isinstance(outcome, Request)]
    yield from _request_differences(events, requests)

    letters = [expected.dead_letter for expected in example.expect if isinstance(expected, ExpectedDeadLetter)]
    yield from _letter_differences(letters, [outcome for outcome in outcomes if isinstance(outcome, Failed)])

    drops = [expected.dropped for expected in example.expect if isinstance(expected, ExpectedDrop)]
    filtered = [
        outcome.filtered if isinstance(outcome, Forget) else outcome
        for outcome in outcomes
        if isinstance(outcome, Filtered | Forget)
    ]
    missing = _surplus(drops, [outcome.reason.value for outcome in filtered])
    for reason in missing:
        yield f"expected to be dropped ({reason}), but it was not"
    if len(events) > len(requests) or missing:
        # Filtered routes need not be listed, but where something is missing they are the likely cause.
        for outcome in filtered:
            name = f"{outcome.route.name}: " if outcome.route is not None else ""
            yield f"dropped: {name}{describe(mapping, record, outcome)}"


def _request_differences(wanted: Sequence[ExpectedRequest], requests: Sequence[Request]) -> Iterator[str]:
    for place, (expected, request) in enumerate(zip(wanted, requests, strict=False), start=1):
        got = exact_json.loads(request.body)
        match expected, request.kind.name:
            case ExpectedEvent(), "track":
                yield from _compare(f"event {place}", expected, ("user_id", "event_name"), got)
            case ExpectedIdentify(identify=user), "identify":
                yield from _compare(f"identify {place}", user, ("user_id",), got)
                yield from _compare_company(f"identify {place}", user.company, got.get("company"))
            case ExpectedCompany(company=company), "company":
                yield from _compare(f"company {place}", company, ("company_id",), got)
            case _:
                yield f"request {place}: expected {_named(expected)}, got {_named_request(request)}"
    for expected in wanted[len(requests) :]:
        yield f"expected {_named(expected)}, but it was not sent"
    for request in requests[len(wanted) :]:
        yield f"not expected: {_named_request(request)} of {request.route.name}"


def _named(expected: ExpectedRequest) -> str:
    match expected:
        case ExpectedEvent():
            return f"the event {expected.event_name!r}"
        case ExpectedIdentify():
            return f"an identify of {expected.identify.user_id!r}"
        case ExpectedCompany():
            return f"the company {expected.company.company_id!r}"


def _named_request(request: Request) -> str:
    match request.kind.name:
        case "track":
            return f"the event {request.event_name!r}"
        case "identify":
            return f"an identify of {request.user_id!r}"
        case _:
            return f"the company {exact_json.loads(request.body)['company_id']!r}"


def _compare_company(where: str, expected: Mapping[str, Any] | None, got: Mapping[str, Any] | None) -> Iterator[str]:
    if expected is None or got is None:
        if expected is not got:
            yield f"{where}: company: " + ("expected, but there is none" if got is None else "not expected")
        return
    yield from _compare_all(f"{where}: company", expected, got)


def _letter_differences(letters: Sequence[str], failures: Sequence[Failed]) -> Iterator[str]:
    for reason in _surplus(letters, [failure.reason.value for failure in failures]):
        yield f"expected a dead letter ({reason}), but there is none"
    unexplained = list(letters)
    for failure in failures:
        if failure.reason.value in unexplained:
            unexplained.remove(failure.reason.value)
        else:
            yield f"not expected: a dead letter ({failure.reason.value}): {failure.message}"


def _surplus(expected: Sequence[str], got: Sequence[str]) -> list[str]:
    """What is expected and not there, counting each as often as it is expected."""
    left = list(got)
    surplus = []
    for item in expected:
        if item in left:
            left.remove(item)
        else:
            surplus.append(item)
    return surplus


def _compare(
    where: str,
    expected: ExpectedEvent | IdentifiedUser | DescribedCompany,
    ids: Sequence[str],
    got: Mapping[str, Any],
) -> Iterator[str]:
    for name in ids:
        if getattr(expected, name) != got[name]:
            yield f"{where}: {name}: expected {getattr(expected, name)!r}, got {got[name]!r}"
    yield from _compare_all(f"{where}: metadata", expected.metadata, got.get("metadata", {}))


def _compare_all(where: str, expected: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[str]:
    for key, value in expected.items():
        if key not in got:
            yield f"{where}.{key}: expected {_shown(value)}, but it is not there"
        elif not _same(value, got[key]):
            yield f"{where}.{key}: expected {_shown(value)}, got {_shown(got[key])}"
    for key, value in got.items():
        if key not in expected:
            yield f"{where}.{key}: not expected, got {_shown(value)}"


def _same(one: Any, other: Any) -> bool:
    """Numbers by value, so that 12 is 12.0; but 1 is not true."""
    return bool(one == other) and (one.__class__ is bool) == (other.__class__ is bool)


def _shown(value: Any) -> str:
    try:
        return exact_json.dumps(value).decode()
    except (TypeError, ValueError):
        return repr(value)
