"""What a topic's records need besides their format: layers undone before it, an envelope taken off and a list taken
apart behind it. A topic that needs none of it has its format's own function, and pays nothing.
"""

from __future__ import annotations

from typing import Any

from bridge.decode import connect, debezium
from bridge.decode.elements import ElementList, elements_of
from bridge.decode.exact_json import may_be_inexact
from bridge.decode.failures import kind, undecodable
from bridge.decode.layers import undo
from bridge.decode.protocol import (
    EXACT,
    Attributes,
    Decode,
    Decoder,
    DecodeSettings,
    DecodesTo,
    FormatSettings,
    Schemas,
)
from bridge.decode.recognition import form_of_string
from bridge.model import Filtered, Record, SchemaNeeded


def decode_of(decoder: Decoder, given: FormatSettings, schemas: Schemas) -> Decode:
    """What reads the records of a topic."""
    decode = decoder.make(given, schemas)
    if given.as_it_is:
        return decode
    return _Undoing(decode, given)


class _Undoing:
    """A `Decode` with something around it."""

    def __init__(self, decode: Decode, given: FormatSettings) -> None:
        self._decode = decode
        self._given = given
        self._types = (
            connect.types(debezium.is_unavailable, logical_types=given.logical_types)
            if given.unwrap != "none"
            else None
        )

    def __call__(self, record: Record, attributes: Attributes | None, settings: DecodeSettings, /) -> DecodesTo:
        given, raw = self._given, record.value
        if given.layers and raw is not None:
            raw = undo(raw, given.layers)
            record = record._replace(value=raw)
        if raw and (given.layers or given.each is not None) and may_be_inexact(raw):
            settings = EXACT  # whoever looks for long digits looks into the record's own bytes
        value: Any = self._decode(record, attributes, settings)
        if given.unwrap != "none":
            value = self._unwrapped(value, record, settings)
        if isinstance(value, SchemaNeeded | Filtered | ElementList) or value is None:
            return value
        if given.each is not None:
            return elements_of(value, given.each, given.each_path, len(raw or b""))
        return value if given.shown else as_object(value)

    def _unwrapped(self, value: Any, record: Record, settings: DecodeSettings) -> Any:
        if isinstance(value, SchemaNeeded | ElementList):
            return value
        value = connect.document(value, self._types, len(record.value or b""), exact=settings.exact)
        if self._given.unwrap == "debezium" and value.__class__ is dict:
            return debezium.change(value, record, exact=settings.exact)
        return value


def as_object(value: Any) -> dict[str, Any]:
    """What expressions see. Raises `MappingError`."""
    if value.__class__ is dict:
        document: dict[str, Any] = value
        return document
    what = (form_of_string(value) if value.__class__ is str else None) or kind(value)
    raise undecodable(f"the value is {what}; a JSON object is needed")
