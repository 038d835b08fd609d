"""What is looked at: a configuration, its mapping compiled, and what became of some records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from math import nan
from typing import Any, Final, NamedTuple

from bridge.config.events.example_section import ExampleConfig
from bridge.config.events.route_section import RouteConfig
from bridge.config.mapping_section import MappingConfig
from bridge.config.sections import Config
from bridge.config.topics.consumed_topics import ConsumedTopics, topics_of
from bridge.decode import exact_json
from bridge.decode.elements import ElementList
from bridge.decode.failures import MappingError
from bridge.mapping.expressions.scope import InexactNumberError
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.coverage import Coverage
from bridge.mapping.review.examples import example_record
from bridge.model import Outcomes, Record, Request

_DOCUMENTS_KEPT: Final = 200
"""Of one route: what is personal or large shows in a few."""
_VALUES_KEPT: Final = 200
UNREADABLE: Final = (MappingError, InexactNumberError, RecursionError)


class SentSample(NamedTuple):
    """One request of a sample."""

    kind: str
    document: Mapping[str, Any]


class LintSamples:
    """Records and what became of them."""

    def __init__(self, mapping: CompiledMapping) -> None:
        self.mapping = mapping
        self.coverage = Coverage(mapping)
        self.records: Counter[str] = Counter()
        """By topic."""
        self.requests: Counter[tuple[str, str]] = Counter()
        """By topic and kind."""
        self.sent: dict[str, list[SentSample]] = {}
        """By the name of the route."""
        self.values: list[Any] = []
        """As expressions see them, and with what is never sent."""

    def add(self, record: Record, outcomes: Outcomes) -> None:
        """One record. Never raises for what is in it."""
        self.records[record.topic] += 1
        self.coverage.add(record, outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Request):
                self.requests[record.topic, outcome.kind.name] += 1
                kept = self.sent.setdefault(outcome.route.name, [])
                if len(kept) < _DOCUMENTS_KEPT:
                    kept.append(SentSample(outcome.kind.name, exact_json.loads(outcome.body)))
        if len(self.values) < _VALUES_KEPT and record.value is not None:
            with suppress(*UNREADABLE):
                self._keep(self.mapping.topic(record.topic).before_never_send(record))

    def _keep(self, value: Any) -> None:
        if isinstance(value, dict):
            self.values.append(value)
        elif isinstance(value, ElementList):
            self.values += [each for item in value.items[:_VALUES_KEPT] if (each := value.read(item)) is not None]


@dataclass(slots=True)
class LintEvidence:
    """What the brokers showed, as far as somebody asked them."""

    records: LintSamples
    """The newest of the consumed topics."""
    backlog: float | None = None
    """Seconds until what is in the topics was sent, if every record becomes one request; None: not known."""
    arriving: Mapping[str, float] = field(default_factory=dict)
    """Records a second that came in during the last hour, by topic."""

    def requests_per_record(self, topic: str, kinds: Iterable[str]) -> float:
        """As the newest show it; 0.0 where there are none."""
        records = self.records.records[topic]
        made = sum(self.records.requests[topic, kind] for kind in kinds)
        return made / records if records else 0.0


def samples_of_examples(mapping: CompiledMapping, examples: Iterable[ExampleConfig]) -> LintSamples:
    """What the examples of a configuration show of it."""
    samples = LintSamples(mapping)
    for example in examples:
        record = example_record(example)
        samples.add(record, mapping.map_all(record, nan if example.now is None else example.now))
    return samples


class NamedRoute(NamedTuple):
    """A route as it is written."""

    where: str
    """``mapping.events.KEY``, with its place where the rule has several."""
    name: str
    """As `Route.name`."""
    key: str
    """Of its rule."""
    route: RouteConfig


@dataclass(frozen=True)
class LintSubject:
    """What every rule is given."""

    config: Config
    mapping: CompiledMapping
    samples: LintSamples
    """Of the examples in the file."""
    evidence: LintEvidence | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where each key is, see `Loaded.places`."""

    @property
    def section(self) -> MappingConfig:
        """The section ``mapping``."""
        return self.config.mapping

    @cached_property
    def read(self) -> ConsumedTopics:
        """The topics that are consumed."""
        return topics_of(self.config.kafka)

    @cached_property
    def routes(self) -> tuple[NamedRoute, ...]:
        """All that is not ``drop``, in the order of the file."""
        return tuple(_routes(self.section))

    @property
    def has_patterns(self) -> bool:
        """Whether which topics are read is for the brokers to say."""
        return len(self.read.names) < len(self.read.entries)

    def every_sample(self) -> Iterator[LintSamples]:
        """The examples, and records of topics where there are any."""
        yield self.samples
        if self.evidence is not None:
            yield self.evidence.records

    def source_of(self, samples: LintSamples) -> str:
        """What one of them is made of, for a sentence."""
        return "examples" if samples is self.samples else "newest records"

    def of_all_topics(self, name: str) -> tuple[Any, ...]:
        """What a setting of `mapping` may be on the topics that are read, each value once."""
        own = [each for each in self.section.per_topic.values() if name in each.model_fields_set]
        given = [getattr(each, name) for each in own]
        lifts = name == "when"  # there a null is no condition, elsewhere nothing that is said
        return tuple(
            dict.fromkeys([getattr(self.section, name), *(each for each in given if lifts or each is not None)])
        )


def _routes(mapping: MappingConfig) -> Iterator[NamedRoute]:
    for key, rule in mapping.events.items():
        for place, route in enumerate(rule if rule != "drop" else ()):
            name = f"{key}[{place}]" if len(rule) > 1 else key
            yield NamedRoute(f"mapping.events.{name}", name, key, route)
