"""A record of many records: each element is mapped as a record of its own would be, when there is room for it.

Headers, key and topic are the record's; `outer:PATH` looks around the element. Whether a number in the record may have
been rounded was looked at for the whole of it, so that no element makes the others be decoded again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.decode.elements import ElementList
from bridge.decode.failures import MappingError
from bridge.decode.keys import read_once
from bridge.mapping.expressions.scope import ElementRecord, ElementScope
from bridge.mapping.matches import Match
from bridge.mapping.routes.plan import unexpected
from bridge.mapping.topic_plan import TopicPlan
from bridge.model import Elements, Failed, Filtered, FilterReason, LetterReason, Outcomes, Record

_NULL: Final[Outcomes] = (Filtered(FilterReason.TOMBSTONE),)
_KEYS_BEHIND_SCHEMAS: Final = frozenset({"avro", "protobuf", "auto"})
_WHEN_FALSE: Final[Outcomes] = (Filtered(FilterReason.WHEN),)


class MappedElements(Elements):
    """The elements of one record under one mapping."""

    __slots__ = ("_elements", "_match", "_record", "_settings", "_topic")

    def __init__(self, topic: TopicPlan, record: Record, elements: ElementList, match: Match | None) -> None:
        """`match` is of the type where that is not in the elements, but in a header, the key or the topic.

        A key behind a schema is read now: no element has to wait for that, nor misses it where the registry's answer
        is not known any more when its turn comes. Raises `SchemaNeededError`.
        """
        super().__init__(len(elements.items), elements.size, topic.way)
        self._topic = topic
        self._record = record
        self._elements = elements
        self._match = match
        self._settings = settings = topic.settings
        if record.key is not None and settings.format.key in _KEYS_BEHIND_SCHEMAS:
            self._settings = replace(settings, key_reader=read_once(settings.key_reader, record.key, record.headers))

    def map(self, element: int, now: float) -> Outcomes:
        """See `Elements`."""
        try:
            return self._map(element, now)
        except MappingError as failure:
            return (Failed(failure.reason, failure.message, schema=failure.schema),)
        except Exception as error:  # noqa: BLE001  # whatever an element brings about is this element's own problem
            return (Failed(LetterReason.UNMAPPABLE, unexpected(error)),)

    def look(self, element: int) -> tuple[ElementScope | None, Match | None]:
        """What expressions see of an element, and its type's rule; None for a null. Raises `MappingError`."""
        value = self._elements.read(self._elements.items[element])
        if value is None:
            return None, None
        record = ElementRecord(*self._record)
        record.element = element
        scope = ElementScope(record, value, self._settings, self._elements.outer)
        match = self._match or self._topic.match_element(value, scope)
        scope.event_type = match.event_type
        return scope, match

    def _map(self, element: int, now: float) -> Outcomes:
        scope, match = self.look(element)
        if scope is None or match is None:
            return _NULL
        if match.outcomes is not None:
            return match.outcomes
        when, value = self._topic.when, scope.value
        if when is not None and not when.holds(value, scope):
            return _WHEN_FALSE
        return match.by_each(value, scope, now)
