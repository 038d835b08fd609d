"""Records of Avro on their way through a mapping."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.decode.avro import reader
from bridge.decode.avro.decoder import AvroReaders, make
from bridge.decode.failures import MappingError
from bridge.decode.protocol import FAST, MOST_KEPT, FormatSettings, NoSchema, Schema, Schemas
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.explain import explain
from bridge.model import Failed, Filtered, FilterReason, Header, LetterReason, Outcomes, Record, Request, SchemaNeeded
from tests.support.avro import block, long, text

NOW: Final = 1_767_323_045.0
ORDER: Final = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "type", "type": "string"},
        {"name": "user", "type": ["null", "string"]},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "weight", "type": "double"},
        {"name": "number", "type": "long"},
    ],
}
CONFIG: Final = {
    "decode": "avro",
    "event_type": "type",
    "user_id": "user",
    "occurred_at": "at",
    "events": {
        "paid": {"event_name": "Paid", "metadata": {"total": "total", "number": "number"}},
        "seen": "drop",
        "weighed": {"event_name": "Weighed", "metadata": {"weight": "weight"}},
    },
}
KNOWN: Final[Schemas] = {"id:42": Schema("avro", json.dumps(ORDER))}
FRAMING: Final = b"\0\0\0\0\x2a"


def order(event_type: str = "paid", user: str | None = "u-1", total: int = 12_999, weight: bytes = bytes(8)) -> bytes:
    return (
        text(event_type)
        + (b"\0" if user is None else b"\2" + text(user))
        + block(total.to_bytes(13, "big", signed=True))
        + long(1_767_323_045_678)
        + weight
        + long(2**63 - 1)
    )


def record(value: bytes | None, headers: Sequence[Header] = (), key: bytes | None = None) -> Record:
    return Record("shop", 0, 5, 1_767_323_045_000, key, value, headers)


def mapping(schemas: Schemas = KNOWN, **changed: Any) -> CompiledMapping:
    compiled = compile_mapping(MappingConfig.model_validate({**CONFIG, **changed}), schemas)
    assert isinstance(compiled, CompiledMapping), compiled
    return compiled


def mapped(value: bytes, headers: Sequence[Header] = (), **changed: Any) -> Any:
    (outcome,) = mapping(**changed).map(record(value, headers), NOW)
    return outcome


def failure(value: bytes, headers: Sequence[Header] = (), **changed: Any) -> str:
    outcome = mapped(value, headers, **changed)
    assert isinstance(outcome, Failed)
    assert outcome.reason is LetterReason.UNDECODABLE
    return outcome.message


def test_a_record_is_mapped_with_its_numbers_and_its_time_as_they_are() -> None:
    request = mapped(FRAMING + order(total=12_345_678_901_234_567_890))

    assert isinstance(request, Request)
    assert request.user_id == "u-1"
    metadata = request.body.decode().partition('"metadata":')[2]
    assert '"total":123456789012345678.90' in metadata
    assert '"number":9223372036854775807' in metadata
    assert '"occurred_at":"2026-01-02T03:04:05.678Z"' in metadata


def test_bytes_that_look_like_long_numbers_are_not_looked_at_again() -> None:
    """A user of digits, beside a double: of JSON this would be decoded a second time."""
    reads = 0

    class Counted(dict[str, Schema | NoSchema]):
        def get(self, reference: str, default: Any = None) -> Any:
            nonlocal reads
            reads += 1
            return super().get(reference, default)

    compiled = mapping(Counted(KNOWN))
    value = FRAMING + order("weighed", user="0.1234567890123456789", weight=b"\0\0\0\0\0\0\xf4\x3f")
    (outcome,) = compiled.map(record(value), NOW)

    assert isinstance(outcome, Request)
    assert b'"weight":1.25' in outcome.body
    assert reads == 2, "once for the type, once for the value"


def test_a_number_that_json_has_no_word_for_fails_only_who_sends_it() -> None:
    nan = b"\0\0\0\0\0\0\xf8\x7f"
    assert isinstance(mapped(FRAMING + order("paid", weight=nan)), Request)

    outcome = mapped(FRAMING + order("weighed", weight=nan))
    assert isinstance(outcome, Failed)
    assert outcome.reason is LetterReason.INVALID
    assert "NaN or infinite" in outcome.message


def test_a_schema_that_is_not_known_yet_is_asked_for() -> None:
    for schemas in ({}, {"id:7": KNOWN["id:42"]}):
        assert mapping(schemas).map(record(FRAMING + order()), NOW) == (SchemaNeeded("id:42"),)


def test_a_schema_that_becomes_known_serves_the_same_record() -> None:
    schemas: dict[str, Any] = {"id:42": NoSchema("the registry does not know schema id 42")}
    compiled = mapping(schemas)
    (outcome,) = compiled.map(record(FRAMING + order()), NOW)
    assert isinstance(outcome, Failed)
    assert outcome.message == "the registry does not know schema id 42"

    schemas["id:42"] = KNOWN["id:42"]
    assert isinstance(compiled.map(record(FRAMING + order()), NOW)[0], Request)


GUID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
RAW_GUID: Final = bytes.fromhex(GUID.replace("-", ""))


@pytest.mark.parametrize(
    ("reference", "value", "headers"),
    [
        ("id:42", FRAMING + order(), ()),
        (f"guid:{GUID}", order(), [("__value_schema_id", b"\1" + RAW_GUID)]),
        ("id:42", order(), [("__value_schema_id", b"\0\0\0\0\x2a")]),
        ("globalId:7", order(), [("apicurio.value.globalId", b"\0" * 7 + b"\7")]),
        ("contentId:7", order(), [("apicurio.value.contentId", b"\0" * 7 + b"\7")]),
        (f"glue:{GUID}", b"\3\0" + RAW_GUID + order(), ()),
        (f"glue:{GUID}", b"\3\5" + RAW_GUID + zlib.compress(order()), ()),
    ],
)
def test_wherever_the_schema_is_named_the_record_is_read(
    reference: str, value: bytes, headers: Sequence[Header]
) -> None:
    assert mapping({}).map(record(value, headers), NOW) == (SchemaNeeded(reference),)
    compiled = mapping({reference: KNOWN["id:42"]})
    assert isinstance(compiled.map(record(value, headers), NOW)[0], Request)


def test_a_null_is_a_tombstone() -> None:
    (outcome,) = mapping().map(record(None), NOW)
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.TOMBSTONE
    nullable = {"id:42": Schema("avro", json.dumps(["null", ORDER]))}
    (outcome,) = mapping(nullable).map(record(FRAMING + b"\0"), NOW)
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.TOMBSTONE


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "the value is empty; a schema id and a payload are needed"),
        (b'{"type": "paid"}', "the value names no schema: it is what looks like JSON"),
        (b"\xc3\x01" + bytes(20), "the value names no schema: it is Avro in single-object encoding"),
        (b"Obj\x01" + bytes(20), "the value names no schema: it is an Avro object container file"),
        (FRAMING + order()[:-3], "the value is no Avro of schema id 42: field number: the end of the bytes"),
        (FRAMING + order() + b"x", "the value is no Avro of schema id 42: 1 more bytes follow the value"),
        (FRAMING, "the value is no Avro of schema id 42: field type: the end of the bytes where a number should be"),
        (FRAMING + b"\x05", "field type: a negative length of a string at byte 5"),
    ],
)
def test_what_is_no_avro_is_a_dead_letter_that_says_what_it_is(value: bytes, said: str) -> None:
    assert said in failure(value)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Schema("avro", "{"), "schema id 42 is no Avro schema that can be read by: it is not JSON"),
        (Schema("avro", '"string"'), "the value is a string by schema id 42; a record is needed"),
        (Schema("protobuf", "CgA="), "schema id 42 is Protobuf and not Avro, which decode says it is"),
        (Schema("json", "{}"), "schema id 42 is JSON Schema and not Avro, which decode says it is"),
    ],
)
def test_a_schema_that_serves_no_record_is_named(schema: Schema, said: str) -> None:
    assert said in failure(FRAMING + text("a"), schemas={"id:42": schema})


def test_the_fault_of_a_schema_is_looked_for_once() -> None:
    asked = 0

    class Counted(dict[str, Schema]):
        def get(self, reference: str, default: Any = None) -> Any:
            nonlocal asked
            asked += 1
            return super().get(reference, default)

    decode = make(FormatSettings(), Counted({"id:42": Schema("avro", "{")}))
    for _ in range(3):
        with pytest.raises(Exception, match="schema id 42 is no Avro schema"):
            decode(record(FRAMING + b"x"), None, FAST)
    assert asked == 1


def test_who_only_looks_at_types_writes_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = mapping()

    def fail(*_given: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(reader, "fast_reader", fail)
    (outcome,) = compiled.map(record(FRAMING + order("seen")), NOW)
    assert isinstance(outcome, Filtered)
    with pytest.raises(AssertionError):
        reader.AvroReader(KNOWN["id:42"], "id:42", logical_types=True).read(order(), 0)  # type: ignore[arg-type]


def test_readers_are_kept_within_bounds() -> None:
    readers = AvroReaders({f"id:{n}": Schema("avro", '"int"') for n in range(1, 600)}, logical_types=True)
    for number in range(1, 600):
        readers.of(f"id:{number}")
    assert len(readers.known) <= MOST_KEPT


def test_logical_types_are_shown_as_stored_where_the_mapping_says_so() -> None:
    decode = make(FormatSettings(logical_types=False), KNOWN)
    value = decode(record(FRAMING + order()), None, FAST)
    assert isinstance(value, dict)
    assert value["at"] == 1_767_323_045_678
    assert value["total"] == "AAAAAAAAAAAAAAAyxw=="


def test_a_list_is_read_where_the_mapping_takes_it_apart() -> None:
    schemas = {"id:42": Schema("avro", json.dumps({"type": "array", "items": ORDER}))}
    value = record(FRAMING + long(2) + order(user="u-1") + order(user="u-2") + b"\0")
    found: Any = make(FormatSettings(each="@"), schemas)(value, None, FAST)

    assert [each["user"] for each in found] == ["u-1", "u-2"]
    with pytest.raises(MappingError, match="the value is an array by schema id 42; a record is needed"):
        make(FormatSettings(), schemas)(value, None, FAST)


KEY: Final = {
    "type": "record",
    "name": "Key",
    "fields": [{"name": "id", "type": "long"}, {"name": "at", "type": "int"}],
}


def test_a_key_of_avro_is_read() -> None:
    schemas = {**KNOWN, "id:7": Schema("avro", json.dumps(KEY)), "id:8": Schema("avro", '"string"')}
    whole = record(FRAMING + order(), key=b"\0\0\0\0\7" + long(77) + long(1))
    (outcome,) = mapping(schemas, key="avro", user_id="key:id").map(whole, NOW)
    assert isinstance(outcome, Request)
    assert outcome.user_id == "77"

    (outcome,) = mapping(schemas, key="avro", user_id="key").map(whole._replace(key=b"\0\0\0\0\x08" + text("u-8")), NOW)
    assert isinstance(outcome, Request)
    assert outcome.user_id == "u-8"

    (outcome,) = mapping(KNOWN, key="avro", user_id="key:id").map(whole, NOW)
    assert outcome == SchemaNeeded("id:7")


def test_explain_says_what_the_record_was() -> None:
    assert explain(mapping(), record(FRAMING + order()), NOW).form == "Avro"


# --- filtered by a leading field


def test_a_record_that_no_rule_wants_is_filtered_without_the_rest_of_it() -> None:
    compiled = mapping()
    for event_type, reason in (("seen", FilterReason.RULE), ("other", FilterReason.UNMAPPED)):
        (outcome,) = compiled.map(record(FRAMING + text(event_type) + b"the rest"), NOW)
        assert isinstance(outcome, Filtered)
        assert outcome.reason is reason


def early(compiled: CompiledMapping, value: bytes, headers: Sequence[Header] | None = None) -> Outcomes | None:
    found = compiled.early_filter("shop")
    return None if found is None else found.outcomes_of(headers, value)


def test_the_next_record_that_begins_like_it_is_told_by_its_bytes() -> None:
    compiled = mapping({**KNOWN, "id:43": KNOWN["id:42"]})
    assert early(compiled, FRAMING + order("seen")) is None
    first = compiled.map(record(FRAMING + order("seen")), NOW)
    second = compiled.map(record(FRAMING + order("other")), NOW)
    compiled.map(record(FRAMING + order("paid")), NOW)

    assert early(compiled, FRAMING + order("seen", user="u-9")) is first
    assert early(compiled, FRAMING + order("other", user=None), [("h", b"x")]) is second
    for value in (order("paid"), order("seem"), order("see"), order("seen.more"), b"", b"\x08", b"\x09seen"):
        assert early(compiled, FRAMING + value) is None
    assert early(compiled, b"\0\0\0\0\x2b" + order("seen")) is None
    assert early(compiled, FRAMING + order("seen"), [("__value_schema_id", b"\0\0\0\0\x2b")]) is None
    another = compiled.map(record(b"\0\0\0\0\x2b" + order("seen")), NOW)
    assert early(compiled, b"\0\0\0\0\x2b" + order("seen", user="u-9")) is another


def test_a_type_deeper_in_the_value_is_told_as_well() -> None:
    line = {"type": "array", "items": "int"}
    meta = {
        "type": "record",
        "name": "Meta",
        "fields": [{"name": "n", "type": "int"}, {"name": "kind", "type": "string"}],
    }
    fields = [
        {"name": "id", "type": ["null", "long"]},
        {"name": "meta", "type": ["null", meta]},
        {"name": "l", "type": line},
    ]
    schemas = {"id:42": Schema("avro", json.dumps({"type": "record", "name": "R", "fields": fields}))}
    compiled = mapping(schemas, event_type="meta.kind")

    (outcome,) = compiled.map(record(FRAMING + b"\2\x80\x01\2" + long(70) + text("seen") + b"cut off"), NOW)
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.RULE
    assert early(compiled, FRAMING + b"\2\x80\x01\2" + long(70) + text("seen")) is None, "it is not what comes first"
    (outcome,) = compiled.map(record(FRAMING + b"\0\0\0"), NOW)
    assert isinstance(outcome, Failed)
    assert outcome.message.startswith("event_type: meta.kind is missing or null")


def test_a_type_that_is_partly_never_sent_is_looked_for_in_the_whole_value() -> None:
    compiled = mapping(never_send=["type.secret"])
    (outcome,) = compiled.map(record(FRAMING + text("seen") + b"the rest"), NOW)
    assert isinstance(outcome, Failed)
