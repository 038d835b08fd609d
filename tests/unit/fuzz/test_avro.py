from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.everyday import examples
from tests.fuzz.avro import READERS, check_schema, check_value, fuzz

SCHEMAS = st.sampled_from(
    [
        "",
        "{",
        '"string"',
        '["null", "string"]',
        '{"type": "array", "items": "null"}',
        '{"type": "record", "name": "R", "fields": [{"name": "type", "type": "string"}, {"name": "r", "type": "R"}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}',
        '{"type": "enum", "name": "E", "symbols": []}',
        '{"type": "fixed", "name": "F", "size": 2147483647}',
        '{"type": "bytes", "logicalType": "decimal", "precision": 400, "scale": 400}',
    ]
)  # fmt: skip


@given(st.sampled_from(READERS), st.binary(max_size=200))
def test_whatever_the_bytes_are_both_readers_say_the_same(reader: object, raw: bytes) -> None:
    check_value(reader, raw)  # type: ignore[arg-type]  # one of READERS


@settings(max_examples=examples(50))
@given(SCHEMAS | st.text(max_size=40), st.binary(max_size=60))
def test_whatever_a_schema_is_it_is_refused_in_a_sentence_or_reads(text: str, raw: bytes) -> None:
    check_schema(text, raw)


@given(st.binary(max_size=100))
def test_the_target_takes_any_bytes(data: bytes) -> None:
    fuzz(data)
