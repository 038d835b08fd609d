"""Whose events a record is of, and by which ids they are known: for whoever looks for them, whatever is made of
the record. What is filtered has a user too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from bridge.mapping.elements import MappedElements
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.matches import Match
from bridge.mapping.review.walk import FAILURES, seen_of
from bridge.mapping.routes.company import LANE, CompanyPlan
from bridge.mapping.routes.plan import RoutePlan
from bridge.mapping.topic_plan import TopicPlan
from bridge.model import Record


class Subject(NamedTuple):
    """A record, or one of its elements."""

    element: int | None
    event_id: str | None
    """None: it cannot be read."""
    users: frozenset[str]
    """Of all routes that may look at it, with ``company:<id>`` for a company."""


def subjects(mapping: CompiledMapping, record: Record) -> Iterator[Subject]:
    """None where the record cannot be read. Never raises."""
    topic = mapping.topic(record.topic)
    seen = seen_of(topic, record)
    if seen.scope is not None and seen.match is not None:
        yield _subject(topic, seen.scope, seen.match, None)
        return
    if seen.failure is not None or record.value is None:
        return
    elements = mapping.map(record, float("nan"))[0]
    if isinstance(elements, MappedElements):
        for element in range(elements.count):
            with suppress(*FAILURES):
                scope, match = elements.look(element)
                if scope is not None and match is not None:
                    yield _subject(topic, scope, match, element)


def _subject(topic: TopicPlan, scope: Scope, match: Match, element: int | None) -> Subject:
    event_id = None
    with suppress(*FAILURES):
        event_id = scope.event_id()
    found = {_id(plan.user_id, scope, plan) for plan in match.plans} or {_id(topic.settings.user_id, scope, None)}
    return Subject(element, event_id, frozenset(each for each in found if each))


def _id(reader: ValueReader, scope: Scope, plan: RoutePlan | None) -> str | None:
    with suppress(*FAILURES):
        found = reader.text_of(reader.read(scope.value, scope), scope, "user_id")
        return f"{LANE}{found}" if isinstance(plan, CompanyPlan) else found
    return None
