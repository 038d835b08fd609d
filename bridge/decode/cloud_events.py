"""CloudEvents in Kafka's content modes, shown to the mapping in one shape: the structured one.

Structured: the value is the whole event, ``{"specversion": …, "type": …, "data": …}``. Binary: the attributes are
headers named ``ce_…`` and the value is the data; it is put together as if it had been structured, extensions
included, so that one mapping (``type``, ``id``, ``time``, ``data.x``) serves both. Batch: the value is a list of whole
events, each of them a record of its own. Sources: the CloudEvents Kafka protocol binding 1.0, and section 4 of the JSON
format for batches, which Kafka's binding leaves open.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from bridge.decode import exact_json, plain_json, plain_text
from bridge.decode.elements import ElementList, element_list, read_item
from bridge.decode.failures import kind, undecodable
from bridge.decode.protocol import (
    EXACT,
    Attributes,
    Decode,
    DecodedRecord,
    DecodeSettings,
    DecodesTo,
    FormatSettings,
    Schemas,
)
from bridge.model import Header, Record

_REQUIRED: Final = ("specversion", "type", "source", "id")
_STRUCTURED: Final = "application/cloudevents"
_BATCH: Final = "application/cloudevents-batch"
_OBJECT: Final = ord("{")
_PREFIX: Final = "ce_"


def decode(record: Record, attributes: Attributes | None, settings: DecodeSettings) -> DecodesTo:
    """See `Decode`: the record is an event, or a batch of them."""
    if attributes is not None:
        return _binary(record, attributes, settings)
    raw = record.value
    if raw and raw[0] != _OBJECT and _content_type(record.headers).startswith(_BATCH):
        return _batch(record, settings)
    value = plain_json.read_object(record, settings)
    if value is not None:
        _check_alone(value, record.headers)
        _unpack(value, record, settings)
    return value


def decode_what_is_there(record: Record, attributes: Attributes | None, settings: DecodeSettings) -> DecodesTo:
    """See `Decode`: an event where the record says so or looks like one, else plain JSON."""
    if attributes is not None or (record.headers and _is_structured(record.headers)):
        return decode(record, attributes, settings)
    value = plain_json.read_object(record, settings)
    if value is not None and "specversion" in value and _looks_structured(value):
        _unpack(value, record, settings)
    return value


def decode_anything(record: Record, attributes: Attributes | None, settings: DecodeSettings) -> Any:
    """As `decode_what_is_there`, of any JSON."""
    if attributes is not None or (record.headers and _is_structured(record.headers)):
        return decode(record, attributes, settings)
    value = plain_json.read(record, settings)
    if value.__class__ is dict and "specversion" in value and _looks_structured(value):
        _unpack(value, record, settings)
    return value


def make(given: FormatSettings, _schemas: Schemas) -> Decode:
    """See `MakeDecode`."""
    return decode_anything if given.takes_anything else decode_what_is_there


def form(attributes: Attributes | None, value: dict[str, Any]) -> str:
    """See `Decoder.form`."""
    if attributes is not None:
        return "CloudEvent (binary)"
    return "CloudEvent (structured)" if _looks_structured(value) else plain_json.form(None, value)


def binary_attributes(headers: Sequence[Header]) -> dict[str, Any] | None:
    """The attributes of an event in binary mode; None where the headers describe none.

    Raises for a required attribute that is missing: half an event is not guessed at.
    """
    attributes: dict[str, Any] = {}
    for name, content in headers:
        if name.startswith(_PREFIX) and content is not None:
            text = plain_text.text_of(content)
            if text is None:
                raise undecodable(f"the CloudEvents header {name} is {plain_text.problem_of(content)}")
            attributes[name[len(_PREFIX) :]] = text
    if "specversion" not in attributes:
        return None
    for name in _REQUIRED:
        if not attributes.get(name):
            raise undecodable(f"the record has CloudEvents headers, but {_PREFIX}{name} is missing or empty")
    media = _content_type(headers)
    if media:
        attributes["datacontenttype"] = media
    return attributes


def _content_type(headers: Sequence[Header]) -> str:
    """The media type, lower case and without parameters; empty where there is none."""
    for name, content in headers:
        if len(name) == 12 and name.lower() == "content-type" and content:
            return content.decode("latin-1").partition(";")[0].strip().lower()
    return ""


def _binary(record: Record, attributes: Attributes, settings: DecodeSettings) -> DecodedRecord:
    """The attributes, and under ``data`` the record's value, if any."""
    if record.value:
        media = attributes.get("datacontenttype", "")
        if _is_json(media):
            attributes["data"] = plain_json.read(record, settings)
        elif media.startswith("text/"):
            attributes["data"] = _text(record.value)
        else:
            raise undecodable(f"the CloudEvent's data is {media}; JSON is needed")
    return attributes


def _batch(record: Record, settings: DecodeSettings) -> ElementList | None:
    """A list of events; each is looked at when its turn comes."""
    raw = record.value or b""
    how = EXACT if settings.exact or exact_json.may_be_inexact(raw) else settings
    value = plain_json.read(record, how)
    if value is None:
        return None
    if not isinstance(value, list):
        raise undecodable(f"the value is {kind(value)}; a batch of CloudEvents is an array")

    def read(item: Any) -> dict[str, Any] | None:
        event = read_item(item)
        if event is not None:
            _check_structured(event, "the element")
            _unpack(event, record, how)
        return event

    return element_list(value, None, read, len(raw))  # nothing is around them


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise undecodable(f"the CloudEvent's data is not UTF-8 text: byte {error.start}") from None


def _unpack(value: dict[str, Any], record: Record, settings: DecodeSettings) -> None:
    """Gives a structured event its ``data`` where that is JSON in ``data_base64``."""
    data = _embedded(value)
    if data is not None:
        # Its digits are not in the record's bytes, where whoever needs exact numbers looks for long ones.
        exact = settings.exact or exact_json.may_be_inexact(data)
        value["data"] = plain_json.read_bytes(data, record, exact=exact)


def _is_structured(headers: Sequence[Header]) -> bool:
    """Whether the headers say that the value is a whole event."""
    return _content_type(headers).startswith(_STRUCTURED)


def _check_structured(value: dict[str, Any], name_of_it: str = "the value") -> None:
    """Refuses a value that was said to be an event and lacks what every event has."""
    for name in _REQUIRED:
        attribute = value.get(name)
        if not isinstance(attribute, str) or not attribute:
            what = kind(attribute) if attribute is not None else "missing"
            raise undecodable(f"{name_of_it} is no CloudEvent: {name} is {what if attribute != '' else 'empty'}")


def _check_alone(value: dict[str, Any], headers: Sequence[Header]) -> None:
    """As `_check_structured`; one event alone is taken whatever the headers say of a batch."""
    if _content_type(headers).startswith(_BATCH) and not _looks_structured(value):
        raise undecodable(
            "the value is an object, and its content-type says a batch of CloudEvents; an array is needed"
        )
    _check_structured(value)


def _looks_structured(value: dict[str, Any]) -> bool:
    """Whether a JSON object that nothing was said about is an event."""
    return all(isinstance(value.get(name), str) for name in _REQUIRED)


def _is_json(media: str) -> bool:
    """Whether data of this media type is JSON; none given means JSON, as the format's default has it."""
    return not media or media.endswith("+json") or media.partition("/")[2] == "json"


def _embedded(value: dict[str, Any]) -> bytes | None:
    """The bytes of ``data_base64`` where these are JSON and take the place of ``data``."""
    encoded = value.get("data_base64")
    media = value.get("datacontenttype")
    if encoded is None or "data" in value or not isinstance(media, str | None):
        return None
    if not _is_json((media or "").partition(";")[0].strip().lower()):
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise undecodable("data_base64 of the CloudEvent is not base64") from None
