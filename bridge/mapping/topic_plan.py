"""One topic: its settings, how its records' types are found, and the rule of each type seen, kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bridge.decode import plain_text
from bridge.decode.failures import MappingError, unmappable
from bridge.decode.protocol import (
    EXACT,
    Attributes,
    Decode,
    Decoder,
    DecodeSettings,
    FormatSettings,
    Peek,
    Schemas,
)
from bridge.decode.steps import decode_of
from bridge.mapping.early_filters import EarlyFilter, HeaderFilter, LeadingBytesFilter, LeadingTypeFilter
from bridge.mapping.expressions.paths import Path, covers
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.matches import LONGEST_TYPE_KEPT, Match, Unmapped
from bridge.mapping.never_send import without
from bridge.mapping.routes.plan import RouteHead, RouteParts, RoutePlan, identifier
from bridge.mapping.rules import RoutingRules, Rule
from bridge.mapping.settings import Settings, way_apart
from bridge.model import (
    Failed,
    Filtered,
    FilterReason,
    Forget,
    LetterReason,
    Outcomes,
    Record,
    Route,
    last_header,
)

TYPES_KEPT: Final = 5_000
"""Types come from the records: what is remembered of them is bounded."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
"""A member's name that JSON can spell differently only with a backslash and a u."""
_TOMBSTONE: Final = (Filtered(FilterReason.TOMBSTONE),)
_OF_NO_USER: Final = frozenset({"topic", "timestamp"})
"""Expressions that read neither the value nor anything that is a user's."""
_NO_RECORD: Final = Record("", 0, 0, None, None, None, ())


def _user_without_value(settings: Settings) -> ValueReader | None:
    """What reads the user of a record from its key or its headers; None where nobody would be forgotten by it."""
    reader = settings.user_id.bare or settings.user_id
    reads_record = reader.uses_scope and not reader.uses_value and reader.text not in _OF_NO_USER
    return reader if settings.tombstones_forget and reads_record else None


_UNTYPED: Final = Match("", None, (Filtered(FilterReason.UNTYPED),))


@dataclass(frozen=True, slots=True, eq=False)
class SharedByTopics:
    """What all topics of a mapping have in common."""

    rules: RoutingRules
    schemas: Schemas
    bind: Callable[[RouteParts, Settings], RoutePlan]
    """The same plan for all topics with the same settings."""
    unmapped: Unmapped = field(default_factory=Unmapped)
    _decodes: dict[tuple[Decoder, FormatSettings], Decode] = field(default_factory=dict)

    def decode_of(self, settings: Settings) -> Decode:
        """The same for all topics whose bytes are read in the same way: what is made of a schema is made once."""
        how = (settings.decoder, settings.format)
        decode = self._decodes.get(how)
        if decode is None:
            decode = self._decodes[how] = decode_of(settings.decoder, settings.format, self.schemas)
        return decode


class TopicPlan:
    """Everything about a topic that need not be looked up for each record."""

    __slots__ = (
        "_by_header",
        "_filtered_by_header",
        "_header",
        "_leading_bytes",
        "_leading_type",
        "_no_scope",
        "_peek",
        "_read_type",
        "_shared",
        "_topic",
        "_user_of_tombstone",
        "decode",
        "early_filter",
        "is_told_first",
        "match_first",
        "matches",
        "settings",
        "type_comes_first",
        "type_is_attribute",
        "way",
        "when",
    )

    def __init__(self, topic: str, settings: Settings, shared: SharedByTopics) -> None:
        self._topic = topic
        self._shared = shared
        self.decode = without(settings.never_send, shared.decode_of(settings))
        """Reads the record's value without what is never sent; a decoder itself, which saves a call per record."""
        self.settings = settings
        self.matches: dict[str, Match] = {}
        """By event type, filled as types are seen."""
        reader = settings.event_type
        self._read_type = reader.read
        self._header = reader.header
        self._by_header: dict[bytes, Match] = {}
        """By the bytes of the header that holds the type, so that a known type need not even become text."""
        self._filtered_by_header: dict[bytes | None, Outcomes] = {}
        self.early_filter: EarlyFilter | None = (
            None if self._header is None else HeaderFilter(self._header, self._filtered_by_header)
        )
        """How to tell what is certainly filtered before a record is made of it; None where that takes more."""
        self._no_scope = None if reader.uses_scope else Scope(_NO_RECORD, None, settings)
        """Used where nothing looks at it, which saves building one for records that are only filtered."""
        self.type_comes_first = not reader.uses_value
        """The type is in a header, the key or the topic: an unmapped record is never decoded."""
        self._peek = self._peek_of(reader.path) if reader.uses_value and not reader.uses_scope else None
        """Reads the type out of a value, where that takes less than decoding it."""
        self._leading_bytes = LeadingBytesFilter()
        """Learns from what it finds, as long as there may be something to learn."""
        self.is_told_first = self.type_comes_first or self._peek is not None
        """Whether a type may be found without decoding, by `match_first`."""
        self.match_first: Callable[[Record, DecodeSettings], Match | None] = (
            self.match_record if self._peek is None else self._match_peeked
        )
        self.type_is_attribute = reader.path is not None and reader.uses_value and reader.path[0] != "data"
        """The type may be among the attributes that headers hold."""
        name = reader.path[0] if reader.path and len(reader.path) == 1 and not reader.uses_scope else None
        self._leading_type: LeadingTypeFilter | None = None
        """Learns from filtered records, as long as there may be something to learn."""
        shown = settings.decoder.shows_members and settings.format.as_it_is
        if name is not None and shown and _PLAIN_NAME.fullmatch(name):
            self._leading_type = LeadingTypeFilter(name, in_headers=settings.decoder.knows_events)
        self.when = settings.when
        self.way = way_apart(settings)
        """As `Elements.way`."""
        self._user_of_tombstone = _user_without_value(settings)

    def whole(self, record: Record) -> Any:
        """The decoded value with its envelope, elements and what is never sent, for people: `DecodesTo`, and where the
        mapping takes a value apart whatever it is. Raises `MappingError`.
        """
        given = self.settings.format
        given = replace(given, unwrap="none", each=None, each_path=(), shown=given.takes_anything)
        decode = self._shared.decode_of(replace(self.settings, format=given))
        return decode(record, self.attributes(record), EXACT)

    def before_never_send(self, record: Record) -> Any:
        """The decoded value, or `ElementList`, as expressions would see it with what is never sent: for looking whether
        a path finds anything. Raises `MappingError`.
        """
        return self._shared.decode_of(self.settings)(record, self.attributes(record), EXACT)

    def attributes(self, record: Record) -> Attributes | None:
        """What the record's headers say of its event, all of it still; None where they describe none."""
        return self.settings.decoder.attributes(record.headers)

    def is_event_without_data(self, record: Record) -> bool:
        """Whether a record without a value is an event by its headers, which needs no data to be one."""
        return bool(record.headers) and self.attributes(record) is not None

    def tombstone(self, record: Record, how: DecodeSettings) -> Outcomes:
        """What a record without a value becomes: nothing, or the end of what is remembered of its user."""
        reader = self._user_of_tombstone
        if reader is None:
            return _TOMBSTONE
        scope = Scope(record, None, self.settings, "", how)
        try:
            user_id = identifier(reader, reader.read(None, scope), scope)
        except MappingError:
            return _TOMBSTONE  # of nobody
        return (Forget(user_id, _TOMBSTONE[0]),)

    def match_record(self, record: Record, how: DecodeSettings) -> Match:
        """By a type that is in a header, the key or the topic's name: nothing is decoded for it."""
        unseen, wanted = None, self._header
        if wanted is not None:
            unseen = last_header(record.headers, wanted)
            known = None if unseen is None else self._by_header.get(unseen)
            if known is not None:
                return known
        match = self.match(self._read_type(None, Scope(record, None, self.settings, "", how)))
        if unseen is not None and len(unseen) <= LONGEST_TYPE_KEPT and len(self._by_header) < TYPES_KEPT:
            self._by_header[unseen] = match
            if match.outcomes is not None and isinstance(match.outcomes[0], Filtered):
                self._filtered_by_header[unseen] = match.outcomes
        return match

    def _peek_of(self, path: Path | None) -> Peek | None:
        settings = self.settings
        if not settings.format.as_it_is:
            return None  # what is seen of a value is not where it begins
        if not path or any(covers(taken_out, path) or covers(path, taken_out) for taken_out in settings.never_send):
            return None
        return settings.decoder.peek(settings.format, self._shared.schemas, path)

    def _match_peeked(self, record: Record, _how: DecodeSettings) -> Match | None:
        """By a type in the value, which is not decoded for it; None where only that can tell."""
        peek, path = self._peek, self.settings.event_type.path
        text = None if peek is None else peek(record)
        if peek is None or not path or text.__class__ is not str:
            return None
        value: Any = text
        for name in reversed(path):
            value = {name: value}
        event_type = self._read_type(value, self._no_scope or Scope(record, value, self.settings))
        match = self.matches.get(event_type) if event_type.__class__ is str else None
        if match is None:
            match = self.match(event_type, value)
        if match.outcomes is not None and self._leading_bytes.tries:
            self._learn_beginning(peek, record, match.outcomes)
        return match

    def _learn_beginning(self, peek: Peek, record: Record, outcomes: Outcomes) -> None:
        """A record was filtered by its type; the next one that begins like it may be told by its bytes."""
        leading = self._leading_bytes
        leading.tries -= 1
        place = peek.leading(record)
        if place is not None and record.value is not None and isinstance(outcomes[0], Filtered):
            leading.learn(record.value, place, outcomes)
            self.early_filter = leading

    def match_attributes(self, record: Record, attributes: Attributes) -> Match:
        """By a type in its headers, where the decoder shows them as the event's attributes."""
        return self.match(self._read_type(attributes, Scope(record, attributes, self.settings)), attributes)

    def match_value(self, record: Record, value: dict[str, Any], how: DecodeSettings) -> Match:
        """By a type in the decoded value."""
        scope = self._no_scope or Scope(record, value, self.settings, "", how)
        event_type = self._read_type(value, scope)
        match = self.matches.get(event_type) if event_type.__class__ is str else None
        if match is None:
            match = self.match(event_type, value)
        if self._leading_type is not None and match.outcomes is not None:
            self._learn(self._leading_type, record, match)
        return match

    def _learn(self, leading: LeadingTypeFilter, record: Record, match: Match) -> None:
        """A record was filtered by its type, in its value; the next one like it may be told without decoding it."""
        raw, outcomes = record.value, match.outcomes
        if raw is None or outcomes is None or not isinstance(outcomes[0], Filtered):
            return
        leading.learn(raw, match.event_type, outcomes)
        if leading.filtered:
            self.early_filter = leading
        if not leading.tries:
            self._leading_type = None

    def match_element(self, value: dict[str, Any], scope: Scope) -> Match:
        """By a type in an element of the decoded value."""
        return self.match(self._read_type(value, scope), value)

    def plan_of(self, route: Route) -> RoutePlan:
        """The plan behind a route that has looked at a record of this topic."""
        parts = next(part for rule in self._shared.rules.all for part in rule.routes if part.head.route is route)
        return self._shared.bind(parts, self.settings)

    def considered(self, event_type: str) -> tuple[tuple[Rule, ...], int]:
        """For people: the rules that a type falls under, that which counts first, and how many are for other types."""
        rules = self._shared.rules
        found = rules.considered(event_type)
        return found, len(rules.all) - len(found)

    def is_for(self, head: RouteHead) -> bool:
        """Whether a route may look at records of this topic."""
        return head.topics is None or head.topics.has(self._topic)

    def match(self, event_type: Any, value: Any = None) -> Match:
        """What the type's rule comes to; raises where there is no type. `value` is where it was looked for."""
        if event_type.__class__ is not str or not event_type:
            if (event_type is None or event_type.__class__ is str) and self.settings.on_untyped == "drop":
                return _UNTYPED
            reader = self.settings.event_type
            empty = event_type.__class__ is str
            what = "an empty string; a string is needed" if empty else reader.found_no_text(event_type, value)
            raise unmappable(f"event_type: {reader.text} is {what}")
        known = self.matches.get(event_type)
        if known is not None:
            return known
        if not event_type.isprintable():
            plain_text.check_identifier(event_type, f"event_type: {self.settings.event_type.text}")
        match = self._match(event_type)
        if len(self.matches) < TYPES_KEPT and len(event_type) <= LONGEST_TYPE_KEPT:
            self.matches[event_type] = match
        return match

    def _match(self, event_type: str) -> Match:
        rule = self._shared.rules.find(event_type)
        if rule is None:
            return Match(event_type, None, self._no_rule(event_type))
        if not rule.routes:
            return Match(event_type, rule.key, (rule.dropped,))
        here = [parts for parts in rule.routes if self.is_for(parts.head)]
        if not here:
            return Match(event_type, rule.key, (rule.elsewhere,))
        plans = tuple(self._shared.bind(parts, self.settings) for parts in here)
        are_steps = len(here) > 1 and any(parts.is_step for parts in here)
        return Match(event_type, rule.key, None, plans, are_steps=are_steps)

    def _no_rule(self, event_type: str) -> Outcomes:
        if self.settings.on_unmapped == "drop":
            return self._shared.unmapped.of(event_type)
        shown = event_type if len(event_type) <= LONGEST_TYPE_KEPT else f"{event_type[:LONGEST_TYPE_KEPT]}…"
        message = f"no rule in mapping.events is for the type {shown!r}, and on_unmapped is dead_letter"
        return (Failed(LetterReason.UNMAPPABLE, message, unmapped_type=event_type[:LONGEST_TYPE_KEPT]),)
