"""JSON of Kafka Connect with its schema is what the schema says, as the same values of Avro are."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.mapping_section import MappingConfig
from bridge.decode import debezium
from bridge.decode.avro.careful import CarefulReader
from bridge.decode.avro.schema import parse_schema
from bridge.decode.beyond_json.meanings import BY_CONNECT_NAME, DECIMAL, VARIABLE_SCALE
from bridge.decode.connect_types import BYTES_OF_ONE, MOST_NESTED, MOST_SHOWN, ConnectTypes
from bridge.decode.decoders import DECODERS
from bridge.decode.failures import MappingError, Unusable
from bridge.decode.keys import key_reader
from bridge.decode.protocol import EXACT, FAST, NO_SCHEMAS, FormatSettings
from bridge.decode.steps import decode_of
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Filtered, LetterReason, Record, Request
from tests.support.avro import block, long

INTEGERS = {"int": "int32", "long": "int64"}
DATE = {"type": "int32", "name": "org.apache.kafka.connect.data.Date", "version": 1}
CENTS = {"type": "bytes", "name": DECIMAL, "version": 1, "parameters": {"scale": "2"}}
OWN_SCALE = {
    "type": "struct",
    "name": VARIABLE_SCALE,
    "fields": [{"type": "int32", "field": "scale"}, {"type": "bytes", "field": "value"}],
}


def decimal(digits: int) -> str:
    return b64encode(two_s(digits)).decode()


def two_s(digits: int) -> bytes:
    return digits.to_bytes(digits.bit_length() // 8 + 1, "big", signed=True)


def struct(**fields: Any) -> dict[str, Any]:
    return {"type": "struct", "fields": [{**schema, "field": name} for name, schema in fields.items()]}


def read(schema: Any, payload: Any, **settings: Any) -> Any:
    """The payload, as what expressions see of it."""
    made = FormatSettings(unwrap=settings.pop("unwrap", "connect"), **settings)
    value = orjson.dumps({"schema": schema, "payload": payload})
    return decode_of(DECODERS["json"], made, NO_SCHEMAS)(Record("t", 0, 0, 0, None, value, ()), None, FAST)


def failure(schema: Any, payload: Any) -> str:
    with pytest.raises(MappingError) as raised:
        read(schema, payload)
    assert raised.value.reason is LetterReason.UNDECODABLE
    return raised.value.message


def same(one: Any, other: Any) -> bool:
    return (one.__class__, one.what if isinstance(one, Unusable) else one) == (
        other.__class__,
        other.what if isinstance(other, Unusable) else other,
    )


@given(st.sampled_from(sorted(BY_CONNECT_NAME)), st.data())
def test_counts_of_time_are_shown_as_the_same_type_of_avro_is(of: tuple[str, str], data: st.DataObject) -> None:
    kind, name = of
    bits = 31 if kind == "int" else 63
    stored = data.draw(st.integers(-(2**bits), 2**bits - 1) | st.integers(-100_000, 100_000))
    avro = CarefulReader(parse_schema(json.dumps({"type": kind, "connect.name": name})), long(stored), 0).read()

    assert same(read(struct(it={"type": INTEGERS[kind], "name": name}), {"it": stored})["it"], avro)


@given(st.integers(-(10**40), 10**40), st.none() | st.integers(-500, 500))
def test_decimals_are_shown_as_those_of_avro_are(digits: int, scale: int | None) -> None:
    parameters = {} if scale is None else {"scale": str(scale)}
    schema = {"type": "bytes", "connect.name": DECIMAL, "connect.parameters": parameters}
    avro = CarefulReader(parse_schema(json.dumps(schema)), block(two_s(digits)), 0).read()

    found = read(struct(it={"type": "bytes", "name": DECIMAL, "parameters": parameters}), {"it": decimal(digits)})
    assert same(found["it"], avro)


@given(st.integers(-(10**40), 10**40), st.integers(-500, 500))
def test_decimals_with_a_scale_of_their_own_are_shown_as_those_of_avro_are(digits: int, scale: int) -> None:
    fields = [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}]
    schema = {"type": "record", "name": VARIABLE_SCALE, "fields": fields}
    avro = CarefulReader(parse_schema(json.dumps(schema)), long(scale) + block(two_s(digits)), 0).read()

    assert same(read(struct(it=OWN_SCALE), {"it": {"scale": scale, "value": decimal(digits)}})["it"], avro)


def test_types_are_found_in_structs_arrays_and_maps_and_null_stays_null() -> None:
    rows = {"type": "array", "items": struct(due=DATE, total=CENTS, note={"type": "string"})}
    by_name = {"type": "map", "keys": {"type": "string"}, "values": CENTS}
    pairs = {"type": "map", "keys": DATE, "values": {"type": "string"}}
    payload = {
        "rows": [{"due": 20_455, "total": decimal(1_234), "note": "n"}, None, {"due": None}],
        "by_name": {"a": decimal(-5), "b": None},
        "pairs": [[0, "epoch"]],
        "unknown": 7,
    }

    assert read(struct(rows=rows, by_name=by_name, pairs=pairs), payload) == {
        "rows": [{"due": "2026-01-02", "total": 12.34, "note": "n"}, None, {"due": None}],
        "by_name": {"a": -0.05, "b": None},
        "pairs": [["1970-01-01", "epoch"]],
        "unknown": 7,
    }


def test_decimals_that_the_converter_wrote_as_numbers_stay_numbers() -> None:
    assert read(struct(it=CENTS), {"it": 12.34}) == {"it": 12.34}
    value = b'{"schema": %b, "payload": {"it": 0.12345678901234567890}}' % orjson.dumps(struct(it=CENTS))
    decode = decode_of(DECODERS["json"], FormatSettings(unwrap="connect"), NO_SCHEMAS)
    found: Any = decode(Record("t", 0, 0, 0, None, value, ()), None, EXACT)
    assert found["it"] == Decimal("0.12345678901234567890")


@pytest.mark.parametrize("schema", [None, 42, "string", [], {}, {"type": "struct"}, struct(), {"type": ["struct"]}])
def test_without_a_schema_that_says_more_values_stay_as_they_are_stored(schema: Any) -> None:
    payload = {"due": 20_455, "total": decimal(1_234)}
    assert read(schema, payload) == payload


def test_values_stay_as_they_are_stored_where_the_mapping_says_so_or_nobody_knows_the_type() -> None:
    payload = {"due": 20_455, "total": decimal(1_234)}
    assert read(struct(due=DATE, total=CENTS), payload, logical_types=False) == payload
    unknown = {"type": "int32", "name": "io.debezium.time.Year"}, {**DATE, "type": "int64"}
    assert read(struct(due=unknown[0], total={"type": "bytes"}), payload) == payload
    assert read(struct(due=unknown[1]), payload) == payload


@pytest.mark.parametrize(
    ("schema", "payload", "sentence"),
    [
        (struct(due=DATE), {"due": "soon"}, "field due: a string where an integer that means a date is needed"),
        (struct(due=DATE), {"due": True}, "field due: a boolean where an integer that means a date is needed"),
        (struct(due=DATE), {"due": 2**31}, "field due: a number of more than 32 bits"),
        (struct(a=struct(total=CENTS)), {"a": {"total": "?"}}, "field a.total: a string that is no base64"),
        (struct(a=struct(total=CENTS)), {"a": {"total": {}}}, "field a.total: an object where a decimal in base64"),
        (struct(a=struct(total=CENTS)), {"a": 7}, "field a: a number where a struct is needed"),
        (struct(a={"type": "array", "items": DATE}), {"a": [1, "x"]}, "field a[]: a string where an integer"),
        (struct(a={"type": "array", "items": DATE}), {"a": {}}, "field a: an object where an array is needed"),
        (struct(a={"type": "map", "keys": DATE, "values": DATE}), {"a": [7]}, "field a: a map with an entry that"),
        (struct(a=OWN_SCALE), {"a": {"value": "BNI="}}, "field a: a struct without an integer as scale and base64"),
        (struct(due=DATE), [], "the payload does not fit its schema: an array where a struct is needed"),
        (struct(**{"a\n": DATE}), {"a\n": "x"}, "field a\\n: a string"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_schema_is_a_dead_letter_that_names_the_field_and_no_value(
    schema: Any, payload: Any, sentence: str
) -> None:
    message = failure(schema, payload)
    assert message.startswith("the payload does not fit its schema: ")
    assert sentence in message


def test_a_schema_that_is_nested_without_end_is_a_dead_letter() -> None:
    schema: dict[str, Any] = DATE
    for _ in range(MOST_NESTED):
        schema = {"type": "array", "items": schema}
    assert failure(struct(a=schema), {"a": []}) == "the schema beside the payload has types nested deeper than 64"


def test_a_schema_is_understood_once_and_what_is_kept_is_bounded() -> None:
    types = ConnectTypes(debezium.is_unavailable)
    for number in range(1_000):
        assert types.meant(struct(**{f"due_{number}": DATE}), {f"due_{number}": 0}, 0) == {
            f"due_{number}": "1970-01-01"
        }
        types.meant(struct(due=DATE), {"due": 0}, 0)
    again = struct(due=DATE)
    assert types._convert(again) is types._convert(orjson.loads(orjson.dumps(again))) is not None
    assert len(types._known) <= 256
    large = ConnectTypes(debezium.is_unavailable)
    for number in range(6):
        large.meant({**struct(due=DATE), "doc": f"{number}" + "x" * 1_000_000}, {"due": 0}, 0)
    assert len(large._known) < 6


WIDE = struct(**{f"due_{number}": DATE for number in range(1_000)})


@pytest.mark.parametrize(
    ("items", "of_list", "most"),
    [
        ({"type": "array", "items": DATE}, lambda number: [0] * number, MOST_SHOWN - 1),
        ({"type": "array", "items": WIDE}, lambda number: [{}] * number, MOST_SHOWN // 1_001),
        ({"type": "map", "values": DATE}, lambda number: {f"{each}": 0 for each in range(number)}, MOST_SHOWN - 1),
        ({"type": "map", "keys": DATE}, lambda number: [[0, 0]] * number, MOST_SHOWN // 2 - 1),
    ],
    ids=["dates", "objects without any of their many dates", "a map", "pairs"],
)
def test_a_payload_holds_no_more_of_such_types_than_can_be_shown_in_time(
    items: Any, of_list: Callable[[int], Any], most: int
) -> None:
    schema = struct(it=items)
    assert len(read(schema, {"it": of_list(most)})["it"]) == most
    assert failure(schema, {"it": of_list(most + 1)}) == (
        "the payload has more than 50000 decimals, dates and times, more than one for each 20 bytes; "
        "logical_types: false reads them as they are stored"
    )
    assert len(read(schema, {"it": of_list(most + 1)}, logical_types=False)["it"]) == most + 1
    larger = "x" * (2 * MOST_SHOWN * BYTES_OF_ONE)
    assert len(read(schema, {"it": of_list(most + 1), "note": larger})["it"]) == most + 1


def test_an_envelope_inside_of_a_text_is_read_as_any_other_is() -> None:
    inside = json.dumps({"schema": struct(due=DATE), "payload": {"due": 20_455}})
    assert read({"type": "string"}, inside) == {"due": "2026-01-02"}


@pytest.mark.parametrize("key", ["text", "json", "auto"])
def test_fields_of_a_key_are_shown_as_what_they_mean_too(key: Any) -> None:
    reader = key_reader(FormatSettings(unwrap="connect", key=key), NO_SCHEMAS, DECODERS)
    stored = key_reader(FormatSettings(unwrap="connect", key=key, logical_types=False), NO_SCHEMAS, DECODERS)
    content = orjson.dumps({"schema": struct(due=DATE), "payload": {"due": 20_455}})

    assert reader.value(content, (), exact=False) == {"due": "2026-01-02"}
    assert stored.value(content, (), exact=False) == {"due": 20_455}
    wrong = orjson.dumps({"schema": struct(due=DATE), "payload": {"due": "x"}})
    for attempt in (lambda: reader.value(wrong, (), exact=False), lambda: reader.text(wrong, "key", ())):
        with pytest.raises(MappingError, match="key: the payload does not fit its schema: field due") as raised:
            attempt()
        assert raised.value.reason is LetterReason.UNMAPPABLE


# --- changes of Debezium

MICROS = {"type": "int64", "name": "io.debezium.time.MicroTimestamp", "version": 1}
DATES = {"type": "array", "items": {"type": "int32", "name": "io.debezium.time.Date"}}
ROW = struct(id={"type": "int32"}, balance=CENTS, since=MICROS, holidays=DATES)
CHANGE = struct(before=ROW, after=ROW, source=struct(table={"type": "string"}), op={"type": "string"})


def outcome(before: Any, after: Any, **metadata: str) -> Any:
    mapping = compile_mapping(
        MappingConfig.model_validate(
            {
                "unwrap": "debezium",
                "event_type": "source.table",
                "user_id": "after.id",
                "events": {"t": {"event_name": "E", "when": "changed('balance')", "metadata": metadata}},
            }
        )
    )
    assert isinstance(mapping, CompiledMapping), mapping
    payload = {"before": before, "after": after, "source": {"table": "t"}, "op": "u"}
    value = orjson.dumps({"schema": CHANGE, "payload": payload})
    (found,) = mapping.map(Record("t", 0, 5, 1_767_323_045_678, None, value, ()), 0.0)
    return found


def test_a_change_is_read_with_its_decimals_and_times_and_says_what_changed() -> None:
    before = {"id": 7, "balance": decimal(1_234), "since": 1_767_323_045_678_901, "holidays": [0]}
    after = before | {"balance": decimal(1_250)}

    request = outcome(before, after, balance="after.balance", since="after.since", first="after.holidays[0]")
    assert isinstance(request, Request)
    metadata = orjson.loads(request.body)["metadata"]
    assert (metadata["balance"], metadata["since"], metadata["first"]) == (
        12.5,
        "2026-01-02T03:04:05.678901Z",
        "1970-01-01",
    )
    assert isinstance(outcome(before, before), Filtered)


@pytest.mark.parametrize(
    ("field", "stored"),
    [
        ("balance", b64encode(debezium.PLACEHOLDER.encode()).decode()),
        ("balance", debezium.PLACEHOLDER),
        ("since", debezium.PLACEHOLDER),
        ("holidays", list(debezium.PLACEHOLDER.encode())),
    ],
)
def test_a_value_that_the_database_did_not_tell_is_none_whatever_its_type(field: str, stored: Any) -> None:
    row = {"id": 7, "balance": decimal(1_234), "since": 0, "holidays": [0]}
    payload = {"before": None, "after": row | {field: stored}, "source": {}, "op": "u"}

    assert read(CHANGE, payload, unwrap="debezium")["after"][field] is debezium.UNAVAILABLE


def test_a_decimal_that_the_database_did_not_tell_has_not_changed() -> None:
    row = {"id": 7, "balance": decimal(1_234), "since": 0, "holidays": [0]}
    unavailable = row | {"balance": b64encode(debezium.PLACEHOLDER.encode()).decode()}

    assert isinstance(outcome(row, unavailable), Filtered)
