"""The compiled mapping: one record in, its outcomes out. Never raises, does no I/O, and knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bridge.decode.elements import ElementList
from bridge.decode.failures import MappingError, undecodable
from bridge.decode.keys import SchemaNeededError
from bridge.decode.protocol import EXACT, FAST, NO_SCHEMAS, DecodeSettings, Schemas
from bridge.formats.letter_headers import is_of_a_bridge
from bridge.mapping.absent_keys import AbsentKeys, KeyCount, MetadataKey
from bridge.mapping.early_filters import EarlyFilter
from bridge.mapping.elements import MappedElements
from bridge.mapping.expressions.scope import InexactNumberError, Scope
from bridge.mapping.matches import Match
from bridge.mapping.missing_schema import failed
from bridge.mapping.routes.plan import RouteParts, RoutePlan, unexpected
from bridge.mapping.rules import RoutingRules
from bridge.mapping.settings import MappedTopicSettings, Settings
from bridge.mapping.topic_plan import SharedByTopics, TopicPlan
from bridge.model import (
    UNREADABLE_HEADERS,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    Outcome,
    Outcomes,
    Record,
    Route,
    SchemaNeeded,
    output_of,
)

_WHEN_FALSE: Final[Outcomes] = (Filtered(FilterReason.WHEN),)
"""Of the condition that all routes share."""
_BRIDGE_RECORD: Final[Outcomes] = (Filtered(FilterReason.BRIDGE_RECORD),)


_NO_ELEMENTS: Final[Outcomes] = (Filtered(FilterReason.NO_ELEMENTS),)
_BY_DECODER: Final[dict[Filtered, Outcomes]] = {}
"""What decoders filter: a few instances, each of a whole kind of records."""


class CompiledMapping:
    """The mapping section, compiled once. Implements `bridge.pipeline.ports.Mapper`."""

    def __init__(self, settings: MappedTopicSettings, rules: RoutingRules, schemas: Schemas = NO_SCHEMAS) -> None:
        self._settings = settings
        self._rules = rules
        self._schemas = schemas
        self._shared = SharedByTopics(rules, schemas, self._bind)
        self._topics: dict[str, TopicPlan] = {}
        self._plans: dict[tuple[int, RouteParts], RoutePlan] = {}
        self._around: Callable[[RoutePlan], RoutePlan] | None = None

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every rule's routes in the order of the file, ``drop`` rules too (their event name is empty)."""
        return tuple(route for rule in self._rules.all for route in rule.identities)

    @property
    def rules(self) -> tuple[str, ...]:
        """The keys of `mapping.events`, types and globs, in the order of the file."""
        return tuple(rule.key for rule in self._rules.all)

    def has_rule_for(self, event_type: str) -> bool:
        """Whether a type falls under any of them."""
        return self._rules.find(event_type) is not None

    def map(self, record: Record, now: float) -> Outcomes:
        """What the record becomes; ``now`` in Unix seconds. Not a number: no event is too old."""
        try:
            outcomes = self._map(record, now, FAST)
        except MappingError as failure:
            outcomes = (self._failed(record, failure),)
        except InexactNumberError:
            outcomes = None  # here the first decoded value is still in memory, below it is not
        except SchemaNeededError as missing:
            outcomes = (SchemaNeeded(missing.reference),)
        except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
            outcomes = (Failed(LetterReason.UNMAPPABLE, unexpected(error)),)
        if outcomes is None:
            outcomes = self._map_exactly(record, now)
        # Looked at last, because what is filtered anyway is most of some topics.
        if (
            record.headers
            and (outcomes[0].__class__ is not Filtered or (len(outcomes) > 1 and not _are_filtered(outcomes)))
            and is_of_a_bridge(record.headers)
        ):
            return _BRIDGE_RECORD
        return outcomes

    def outputs(self, record: Record, now: float) -> tuple[tuple[int, Outcome], ...]:
        """As `map`, of all elements where the record has some, each with its number among the record's events."""
        outcomes = self.map(record, now)
        elements = outcomes[0]
        if not isinstance(elements, Elements):
            return tuple(enumerate(outcomes))
        return tuple(
            (output_of(element, route), outcome)
            for element in range(elements.count)
            for route, outcome in enumerate(elements.map(element, now))
        )

    def map_all(self, record: Record, now: float) -> Outcomes:
        """As `outputs`, without the numbers."""
        outcomes = self.map(record, now)
        return tuple([each for _, each in self.outputs(record, now)]) if isinstance(outcomes[0], Elements) else outcomes

    @property
    def descriptor_sets(self) -> tuple[bytes | None, ...]:
        """The content of the files that it reads Protobuf by, in the order of its settings."""
        return self._settings.descriptor_sets

    @property
    def absent_keys(self) -> Sequence[AbsentKeys]:
        """What counts for `key_counts`: it can be kept when the mapping is not."""
        return [plan.absent_keys for plan in self._plans.values()]

    def key_counts(self) -> Mapping[MetadataKey, KeyCount]:
        """How often each metadata key of each route found nothing, of all events mapped since the start."""
        counts: dict[MetadataKey, KeyCount] = {}
        for absent in self.absent_keys:  # one route has several where settings differ by topic
            for key, count in absent.counts().items():
                counts[key] = counts.get(key, KeyCount()) + count
        return counts

    def rest_follows(self, topic: str) -> bool:
        """Whether what comes behind an identify that the API refuses is sent nevertheless."""
        return self._settings.of(topic).on_identify_rejected == "send"

    def topic(self, name: str) -> TopicPlan:
        """The plan of one topic, made when it is first seen."""
        plan = self._topics.get(name)
        if plan is None:
            plan = self._topics[name] = TopicPlan(name, self._settings.of(name), self._shared)
        return plan

    def early_filter(self, topic: str) -> EarlyFilter | None:
        """How to tell this topic's records that are certainly filtered; None as long as none of them was mapped.

        May be called on any thread: it makes nothing.
        """
        plan = self._topics.get(topic)
        return None if plan is None else plan.early_filter

    def _bind(self, parts: RouteParts, settings: Settings) -> RoutePlan:
        """Topics with the same settings share their plans."""
        place = (id(settings), parts)
        plan = self._plans.get(place)
        if plan is None:
            plan = self._plans[place] = parts.bind(settings)
        return plan if self._around is None else self._around(plan)

    def put_around(self, around: Callable[[RoutePlan], RoutePlan]) -> None:
        """From now on this is asked for what maps in place of each plan; before the first record."""
        self._around = around

    def _failed(self, record: Record, failure: MappingError) -> Failed:
        return failed(record, failure, self._schemas, self._settings.of(record.topic).format.layers)

    def _map_exactly(self, record: Record, now: float) -> Outcomes:
        """Once more, with all numbers as written."""
        try:
            return self._map(record, now, EXACT)
        except MappingError as failure:
            return (self._failed(record, failure),)
        except SchemaNeededError as missing:
            return (SchemaNeeded(missing.reference),)
        except Exception as error:  # noqa: BLE001  # as in `map`
            return (Failed(LetterReason.UNMAPPABLE, unexpected(error)),)

    def _map(self, record: Record, now: float, how: DecodeSettings) -> Outcomes:  # noqa: PLR0911 - a call costs what it saves
        name, _, _, _, _, raw, headers = record
        if headers is UNREADABLE_HEADERS:
            raise undecodable(
                "the name of a header is not UTF-8, so no header can be read; this dead letter is without them"
            )
        topic = self._topics.get(name) or self.topic(name)
        if raw is None and not topic.is_event_without_data(record):
            return topic.tombstone(record, how)
        match = topic.match_first(record, how) if topic.is_told_first else None
        if match is not None and match.outcomes is not None:
            return match.outcomes
        attributes = topic.attributes(record) if headers else None
        if attributes is not None and topic.type_is_attribute:
            match = topic.match_attributes(record, attributes)
            if match.outcomes is not None:
                return match.outcomes
        value = topic.decode(record, attributes, how)
        if not isinstance(value, dict):
            return topic.tombstone(record, how) if value is None else _without_document(value, topic, record, match)
        if match is None:
            match = topic.match_value(record, value, how)
            if match.outcomes is not None:
                return match.outcomes
        scope = Scope(record, value, topic.settings, match.event_type, how)
        if topic.when is not None and not topic.when.holds(value, scope):
            return _WHEN_FALSE
        plans = match.plans
        return (plans[0].map(value, scope, now),) if len(plans) == 1 else match.by_each(value, scope, now)


def _are_filtered(outcomes: Outcomes) -> bool:
    return all(outcome.__class__ is Filtered for outcome in outcomes)


def _without_document(
    found: ElementList | SchemaNeeded | Filtered, topic: TopicPlan, record: Record, match: Match | None
) -> Outcomes:
    """What a record becomes of which the bytes are no one document."""
    if isinstance(found, SchemaNeeded):
        return (found,)
    if isinstance(found, Filtered):
        # The same instance for all of them: a row of them is counted in one go.
        return _BY_DECODER.get(found) or _BY_DECODER.setdefault(found, (found,))
    if not found.items:
        return _NO_ELEMENTS
    return (MappedElements(topic, record, found, match),)
