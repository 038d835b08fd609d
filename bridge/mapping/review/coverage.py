"""What many records show of a mapping: which of its parts ever find something, and which were asked in vain.

Looked at again for each record, so for commands and never for delivery, whose own counts are in `fill`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import nan
from typing import Any, Final, NamedTuple

from bridge.decode import exact_json
from bridge.decode.elements import ElementList
from bridge.decode.failures import MappingError
from bridge.decode.protocol import EXACT
from bridge.decode.recognition import form_of_value
from bridge.decode.schema_ids import framed_value
from bridge.mapping.elements import MappedElements
from bridge.mapping.expressions import instants
from bridge.mapping.expressions.absence import Absence, absences, first_obstacle
from bridge.mapping.expressions.expression import RESERVED
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import InexactNumberError, Scope
from bridge.mapping.expressions.values import Condition
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.matches import Match
from bridge.mapping.routes.plan import RoutePlan
from bridge.mapping.topic_plan import TopicPlan
from bridge.model import Outcomes, Record, Request

_KEYS_KEPT: Final = 1000
"""Of one route: keys of a whole object come from the records."""
FOR_ALL: Final = "all routes"
"""Stands for the route of a condition that is directly under `mapping`."""


@dataclass(slots=True)
class Fill:
    """One metadata key of a route."""

    filled: int = 0
    """Requests that have it."""
    by_default: int = 0
    """Of these: that have it only because a default is configured."""
    obstacle: str | None = None
    """What was in the way of its path once."""


@dataclass(slots=True)
class RouteCoverage:
    """What one route's requests have."""

    requests: int = 0
    keys: dict[str, Fill] = field(default_factory=dict)


@dataclass(slots=True)
class SettingCoverage:
    """A setting for which Kafka's own takes the place, where it finds nothing."""

    records: int = 0
    found: int = 0


@dataclass(slots=True)
class Verdicts:
    """What one condition came to."""

    route: str
    text: str
    true: int = 0
    false: int = 0
    undecided: int = 0
    """Neither: a dead letter."""
    absences: Counter[Absence] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Records it was asked of."""
        return self.true + self.false + self.undecided


class WordPlace(NamedTuple):
    """A reserved word in one place of the mapping."""

    where: str
    text: str
    word: str


@dataclass(slots=True)
class Word:
    """What the records had of a reserved word's name."""

    asked: int = 0
    own: int = 0
    """Records with a field of that name."""


class UnitPlace(NamedTuple):
    """A time in one place of the mapping that is counted in a unit."""

    where: str
    text: str
    unit: str


@dataclass(slots=True)
class Unit:
    """What the records had there."""

    numbers: int = 0
    likelier: Counter[str] = field(default_factory=Counter)
    """Numbers that are a time of this century in another unit, see `instants.likelier_unit`."""


class FramedPlace(NamedTuple):
    """Values that a schema is needed for, where values are read as JSON."""

    topic: str
    language: str
    """``avro`` or ``protobuf``, as `mapping.decode` has it."""
    reference: str
    """The first schema that was seen."""


class Coverage:
    """Takes records with what became of them."""

    def __init__(self, mapping: CompiledMapping) -> None:
        self._mapping = mapping
        self.routes: dict[str, RouteCoverage] = {}
        self.settings: dict[tuple[str, str], SettingCoverage] = {}
        """What `occurred_at` and `event_id` found, by name and expression."""
        self.conditions: dict[tuple[str, str], Verdicts] = {}
        self.of_kafka: dict[WordPlace, Word] = {}
        """Reserved words that stand alone, and so are Kafka's."""
        self.of_the_value: dict[WordPlace, Word] = {}
        """Those at the beginning of a path or in a longer expression, where they are fields of the value."""
        self._counted: set[WordPlace] = set()
        """Of the record that is looked at."""
        self.quoted: dict[WordPlace, Word] = {}
        """Fields that are names in quotes and nothing more, in a longer expression."""
        self.units: dict[UnitPlace, Unit] = {}
        self.quoted_types: Counter[tuple[str, str]] = Counter()
        """Records whose type is a text of JSON in quotes and has a rule without them, by topic and expression."""
        self.quoted_keys: Counter[str] = Counter()
        """Records whose user is a key in such quotes, by topic."""
        self.framed: dict[tuple[str, str], FramedPlace] = {}
        """By topic and language."""

    def add(self, record: Record, outcomes: Outcomes) -> None:
        """One record. Never raises."""
        if record.value is None:
            return
        try:
            self._look(self._mapping.topic(record.topic), record, outcomes)
        except MappingError:
            self._framed(record)
        except (InexactNumberError, RecursionError):
            return  # a dead letter, which says why

    # --- counting

    def _framed(self, record: Record) -> None:
        """A dead letter, which says why; but what to do is for the configuration."""
        decoder, raw = self._mapping.topic(record.topic).settings.decoder, record.value
        if raw is None or not (decoder.shows_members or decoder.knows_events):
            return
        with suppress(MappingError):
            framed = framed_value(raw, record.headers)
            language = (form_of_value(raw, record.headers) or "").partition(" ")[0].lower()
            if framed is not None and language in {"avro", "protobuf"}:
                place = FramedPlace(record.topic, language, framed.reference)
                self.framed.setdefault((record.topic, language), place)

    def _look(self, topic: TopicPlan, record: Record, outcomes: Outcomes) -> None:
        self._counted.clear()
        attributes = topic.attributes(record)
        value = topic.decode(record, attributes, EXACT)
        match = topic.match_record(record, EXACT) if topic.type_comes_first else None
        if isinstance(value, ElementList):
            self._look_at_elements(topic, MappedElements(topic, record, value, match))
        if not isinstance(value, dict):
            return  # a null, which is a tombstone, or a schema is missing
        if match is None:
            match = topic.match_value(record, value, EXACT)
        scope = Scope(record, value, topic.settings, match.event_type, EXACT)
        self._count(topic, match, scope, _sent(outcomes))

    def _look_at_elements(self, topic: TopicPlan, elements: MappedElements) -> None:
        """Each as a record of its own, whatever its age."""
        for element in range(elements.count):
            self._counted.clear()
            with suppress(MappingError, RecursionError):
                scope, match = elements.look(element)
                if scope is not None and match is not None:
                    self._count(topic, match, scope, _sent(elements.map(element, nan)))

    def _count(self, topic: TopicPlan, match: Match, scope: Scope, sent: Mapping[str, dict[str, Any]]) -> None:
        if match.outcomes is not None:
            self._quoted_type(topic, match, scope.record.topic)
            return
        value = scope.value
        self._words("event_type", topic.settings.event_type, value)
        for name, reader in (("occurred_at", topic.settings.occurred_at), ("event_id", topic.settings.event_id)):
            counted = self.settings.setdefault((name, reader.text), SettingCoverage())
            counted.records += 1
            counted.found += _finds(reader, value, scope)
            self._unit(name, reader, value, scope)
        if topic.when is not None and not self._verdict(FOR_ALL, topic.when, value, scope):
            return
        for plan in match.plans:
            when = plan.head.when
            if when is None or self._verdict(plan.route.name, when, value, scope):
                self._words_of(topic, plan, value)
                self._quoted_key(topic, plan, scope)
                document = sent.get(plan.route.name)
                if document is not None:
                    self._count_keys(plan, plan.contents(document), value, scope)

    def _quoted_type(self, topic: TopicPlan, match: Match, name: str) -> None:
        reader = topic.settings.event_type
        inside = _in_quotes(match.event_type or "")
        if inside and match.rule is None and reader.header is not None and topic.match(inside).rule is not None:
            self.quoted_types[name, reader.text] += 1

    def _quoted_key(self, topic: TopicPlan, plan: RoutePlan, scope: Scope) -> None:
        if plan.user_id.text == "key" and topic.settings.format.key == "text":
            with suppress(MappingError):
                self.quoted_keys[scope.record.topic] += bool(_in_quotes(scope.key_text() or ""))

    def _verdict(self, route: str, when: Condition, value: Any, scope: Scope) -> bool:
        verdicts = self.conditions.setdefault((route, when.text), Verdicts(route, when.text))
        if when.tree is not None:
            verdicts.absences.update(set(absences(when.tree, value)))
        self._longer_words("when", when.text, (path[0] for path in when.paths), value)
        for word in when.quoted:
            self._count_word(self.quoted, WordPlace("when", when.text, word), value)
        try:
            holds = when.holds(value, scope)
        except MappingError:
            verdicts.undecided += 1
            return False
        if holds:
            verdicts.true += 1
        else:
            verdicts.false += 1
        return holds

    def _words_of(self, topic: TopicPlan, plan: RoutePlan, value: dict[str, Any]) -> None:
        settings = topic.settings
        for key, reader in (("occurred_at", settings.occurred_at), ("event_id", settings.event_id), *plan.readers):
            self._words(key, reader, value)

    def _count_keys(self, plan: RoutePlan, metadata: Mapping[str, Any], value: Any, scope: Scope) -> None:
        route = self.routes.setdefault(plan.route.name, RouteCoverage())
        route.requests += 1
        configured = plan.keys
        for key, reader in configured.items():
            fill = route.keys.setdefault(key, Fill())
            found = (reader.bare or reader).read(value, scope)
            fill.by_default += found is None and reader.default is not None
            self._unit(f"metadata.{key}", reader, value, scope)
            if key in metadata or any(name.startswith(f"{key}.") for name in metadata):
                fill.filled += 1
            elif fill.obstacle is None:
                fill.obstacle = first_obstacle(reader.paths, value) if found is None else "has no flat form"
        for name in metadata.keys() - configured.keys():
            if name in route.keys or len(route.keys) < _KEYS_KEPT:
                route.keys.setdefault(name, Fill()).filled += 1

    def _unit(self, where: str, reader: ValueReader, value: Any, scope: Scope) -> None:
        if reader.counted is None:
            return
        unit, read = reader.counted
        number = read(value, scope)
        if number is not None:
            counted = self.units.setdefault(UnitPlace(where, reader.text, unit), Unit())
            counted.numbers += 1
            other = instants.likelier_unit(number, unit)
            if other is not None:
                counted.likelier[other] += 1

    def _words(self, where: str, reader: ValueReader, value: dict[str, Any]) -> None:
        for word in reader.quoted:
            self._count_word(self.quoted, WordPlace(where, reader.text, word), value)
        for word in reader.reserved:
            self._count_word(self.of_kafka, WordPlace(where, reader.text, word), value)
        self._longer_words(where, reader.text, (path[0] for path in reader.paths), value)

    def _longer_words(self, where: str, text: str, roots: Iterable[str], value: dict[str, Any]) -> None:
        for word in RESERVED.intersection(roots):
            if f'"{word}"' not in text:  # in quotes the field is what is meant
                self._count_word(self.of_the_value, WordPlace(where, text, word), value)

    def _count_word(self, words: dict[WordPlace, Word], place: WordPlace, value: dict[str, Any]) -> None:
        if place in self._counted:
            return  # another route of the record has it of the same setting
        self._counted.add(place)
        counted = words.setdefault(place, Word())
        counted.asked += 1
        counted.own += value.get(place.word) is not None


def _sent(outcomes: Outcomes) -> dict[str, dict[str, Any]]:
    """The documents that are sent, by route."""
    return {outcome.route.name: exact_json.loads(outcome.body) for outcome in outcomes if isinstance(outcome, Request)}


def _in_quotes(text: str) -> str:
    """What a text of JSON holds; empty for what is none."""
    if len(text) < 3 or text[0] != '"' or text[-1] != '"':
        return ""
    with suppress(ValueError, MappingError):
        inside = exact_json.loads(text.encode())
        return inside if isinstance(inside, str) else ""
    return ""


def _finds(reader: ValueReader, value: Any, scope: Scope) -> bool:
    """Whether there is anything, be it of a wrong form, which is a dead letter."""
    try:
        found = reader.read(value, scope)
    except MappingError:
        return True
    # Never compared: what no request can carry refuses that, see `Unusable`.
    return found is not None and not (found.__class__ is str and not found)
