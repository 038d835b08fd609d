"""Values in JSON by the schema that Kafka Connect's JSON converter wrote beside them: shown as what they mean.

JSON has no type for a decimal, a date or a time: the converter writes base64 and counts, and says in the schema what
they are. What a schema has of such types is made into a function once, and the parts of a value are looked at only
where it has some. They come out as the same types do of Avro: see `bridge.decode.beyond_json`.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from bridge.decode.beyond_json import values
from bridge.decode.beyond_json.meanings import (
    BY_CONNECT_NAME,
    DECIMAL,
    VARIABLE_SCALE,
    Meaning,
    decimal_of_scale,
    scale_in,
)
from bridge.decode.beyond_json.numbers import decimal_with_scale
from bridge.decode.failures import Unusable, kind, undecodable
from bridge.errors import InvalidError

MOST_NESTED: Final = 64
"""Types in a schema within each other."""
_MOST_KEPT: Final = 256
"""Schemas whose functions are kept."""
_MOST_BYTES_KEPT: Final = 4_000_000
"""That these schemas have as JSON, by which they are found again: a function takes a few times as much."""
_LONGEST_PATH: Final = 200

_BITS: Final = {"int32": 32, "int64": 64}
_AS_IN_AVRO: Final = {"int32": "int", "int64": "long"}

MOST_SHOWN: Final = 50_000
"""Values in one payload that are shown otherwise than they are stored: each takes a time that its bytes do not."""
BYTES_OF_ONE: Final = 20
"""A larger value may hold more, in proportion."""

IsMissing = Callable[[Any], bool]
"""Whether something stands for a value that is not there, which stays what it is, whatever the schema says."""


class ShownRoom:
    """How many more values of a payload of so many bytes may be shown otherwise than they are stored."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        self._left = max(MOST_SHOWN, size // BYTES_OF_ONE)

    def take(self, values: int) -> None:
        """Before they are looked at, even where they are not there. Raises `MappingError`."""
        self._left -= values
        if self._left < 0:
            raise undecodable(
                f"the payload has more than {MOST_SHOWN} decimals, dates and times, more than one for each "
                f"{BYTES_OF_ONE} bytes; logical_types: false reads them as they are stored"
            )


Convert = Callable[[Any, ShownRoom], Any]
"""From a value that is not null to what expressions see. Changes objects and lists in place. Raises `MisfitError`, and
`MappingError` where there is no room."""


class MisfitError(InvalidError):
    """A value is not what its schema says. Never holds it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str] = []
        """Of the field, innermost first."""

    def sentence(self) -> str:
        """With the field's name."""
        path = "".join(reversed(self.path)).removeprefix(".")
        if not path.isprintable():
            path = ascii(path)[1:-1]
        if len(path) > _LONGEST_PATH:
            path = f"{path[:_LONGEST_PATH]}…"
        return f"the payload does not fit its schema: {f'field {path}: ' if path else ''}{self.what}"


class ConnectTypes:
    """What converts payloads, by their schemas: connectors write the same one into each record of a topic."""

    def __init__(self, is_missing: IsMissing) -> None:
        self._is_missing = is_missing
        self._known: dict[bytes, Convert | None] = {}
        self._bytes_known = 0

    def meant(self, schema: Any, payload: Any, size: int) -> Any:
        """The payload as what it means; one without a schema as it is. Raises `MappingError`.

        `size` is that of the bytes that both were read from.
        """
        if payload is None or schema.__class__ is not dict:
            return payload
        convert = self._convert(schema)
        if convert is None:
            return payload
        try:
            return convert(payload, ShownRoom(size))
        except MisfitError as misfit:
            raise undecodable(misfit.sentence()) from None

    def _convert(self, schema: dict[str, Any]) -> Convert | None:
        try:
            text = orjson.dumps(schema)
        except TypeError:  # a default of more digits than it can write, or nested too deep: as rare as it is slow
            return _converter(schema, self._is_missing, MOST_NESTED)
        if text in self._known:
            return self._known[text]
        convert = _converter(schema, self._is_missing, MOST_NESTED)
        if len(self._known) >= _MOST_KEPT or self._bytes_known + len(text) > _MOST_BYTES_KEPT:
            self._known.clear()
            self._bytes_known = 0
        self._known[text] = convert
        self._bytes_known += len(text)
        return convert


# --- what a schema is made into; None where all of its values are what they are


def _converter(  # noqa: PLR0911 - one for each type
    schema: Any, is_missing: IsMissing, left: int
) -> Convert | None:
    if schema.__class__ is not dict:
        return None
    if not left:
        raise undecodable(f"the schema beside the payload has types nested deeper than {MOST_NESTED}")
    name = schema.get("name")
    match schema.get("type"):
        case "int32" | "int64" as stored:
            return _count(BY_CONNECT_NAME.get((_AS_IN_AVRO[stored], str(name))), _BITS[stored], is_missing)
        case "bytes" if name == DECIMAL:
            return _decimal(decimal_of_scale(scale_in(schema.get("parameters"))), is_missing)
        case "struct":
            return _struct(schema, is_missing, left)
        case "array":
            return _list(_converter(schema.get("items"), is_missing, left - 1), is_missing)
        case "map":
            keys, items = (_converter(schema.get(part), is_missing, left - 1) for part in ("keys", "values"))
            return _map(keys, items, is_missing)
        case _:
            return None


def _struct(schema: dict[str, Any], is_missing: IsMissing, left: int) -> Convert | None:
    fields = schema.get("fields")
    named = [each for each in fields if isinstance(each, dict)] if isinstance(fields, list) else []
    types = {each["field"]: each for each in named if isinstance(each.get("field"), str)}
    if schema.get("name") == VARIABLE_SCALE and _kinds(types) == {"scale": "int32", "value": "bytes"}:
        return _decimal_with_scale(is_missing)
    made = {field: _converter(each, is_missing, left - 1) for field, each in types.items()}
    parts = tuple((field, convert) for field, convert in made.items() if convert is not None)
    if not parts:
        return None

    def convert_struct(value: Any, room: ShownRoom) -> Any:
        if value.__class__ is not dict:
            return _kept(value, is_missing, "a struct")
        room.take(len(parts))
        for field, convert in parts:
            stored = value.get(field)
            if stored is not None:
                value[field] = _inside(convert, stored, room, f".{field}")
        return value

    return convert_struct


def _kinds(types: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {field: each.get("type") for field, each in types.items()}


def _list(items: Convert | None, is_missing: IsMissing) -> Convert | None:
    if items is None:
        return None

    def convert_list(value: Any, room: ShownRoom) -> Any:
        if value.__class__ is not list or is_missing(value):
            return _kept(value, is_missing, "an array")
        room.take(len(value))
        value[:] = [None if item is None else _inside(items, item, room, "[]") for item in value]
        return value

    return convert_list


def _map(keys: Convert | None, items: Convert | None, is_missing: IsMissing) -> Convert | None:
    """An object where its keys are texts, else a list of pairs."""
    if keys is items is None:
        return None

    def part(convert: Convert | None, stored: Any, room: ShownRoom) -> Any:
        return stored if convert is None or stored is None else _inside(convert, stored, room, "[]")

    def convert_map(value: Any, room: ShownRoom) -> Any:
        if value.__class__ is dict and keys is None:
            room.take(len(value))
            for name, stored in value.items():
                value[name] = part(items, stored, room)
            return value
        if value.__class__ is not list or is_missing(value):
            return _kept(value, is_missing, "a map")
        room.take(2 * len(value))
        for pair in value:
            if pair.__class__ is not list or len(pair) != 2:
                raise MisfitError("a map with an entry that is no pair of a key and a value")
            pair[:] = part(keys, pair[0], room), part(items, pair[1], room)
        return value

    return convert_map


def _inside(convert: Convert, stored: Any, room: ShownRoom, step: str) -> Any:
    try:
        return convert(stored, room)
    except MisfitError as misfit:
        misfit.path.append(step)
        raise


def _kept(value: Any, is_missing: IsMissing, needed: str) -> Any:
    """What is not as its schema says may stand for what is not there. Raises `MisfitError`."""
    if is_missing(value):
        return value
    raise MisfitError(f"{kind(value)} where {needed} is needed")


# --- values


_SPOKEN: Final = {"span": "duration", "time": "time of day"}


def _count(meaning: Meaning | None, bits: int, is_missing: IsMissing) -> Convert | None:
    if meaning is None:
        return None
    limit = 1 << bits - 1

    def convert_count(value: Any, _room: ShownRoom) -> Any:
        if value.__class__ is not int:
            return _kept(value, is_missing, f"an integer that means a {_SPOKEN.get(meaning.kind, meaning.kind)}")
        if not -limit <= value < limit:
            raise MisfitError(f"a number of more than {bits} bits")
        return values.meant(value, meaning)

    return convert_count


def _decimal(meaning: Meaning | None, is_missing: IsMissing) -> Convert | None:
    if meaning is None:
        return None

    def convert_decimal(value: Any, _room: ShownRoom) -> Any:
        if value.__class__ is str and not is_missing(value):
            return values.meant(_bytes_of(value), meaning)
        if value.__class__ in _NUMBERS or isinstance(value, Unusable):
            return value  # decimal.format: NUMERIC
        return _kept(value, is_missing, "a decimal in base64")

    return convert_decimal


_NUMBERS: Final = frozenset({int, float, Decimal})


def _decimal_with_scale(is_missing: IsMissing) -> Convert:
    def convert_parts(value: Any, _room: ShownRoom) -> Any:
        if value.__class__ is not dict or is_missing(value):
            return _kept(value, is_missing, "a struct of scale and value")
        scale, digits = value.get("scale"), value.get("value")
        if is_missing(digits):
            return digits
        if scale.__class__ is not int or digits.__class__ is not str:
            raise MisfitError("a struct without an integer as scale and base64 as value where a decimal is needed")
        return decimal_with_scale(_bytes_of(digits), scale)

    return convert_parts


def _bytes_of(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MisfitError("a string that is no base64 where a decimal is needed") from None
