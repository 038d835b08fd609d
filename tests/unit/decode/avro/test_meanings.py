"""What logical, Connect's and Debezium's types are shown as."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.avro import tables
from bridge.decode.avro.careful import CarefulReader
from bridge.decode.avro.schema import parse_schema
from bridge.decode.avro.source import fast_reader
from bridge.decode.beyond_json import times
from bridge.decode.exact_json import fraction
from bridge.decode.failures import MappingError, Unusable
from tests.support.avro import block, long, text

MS = 1_767_323_045_678
"""2026-01-02T03:04:05.678Z"""
CONNECT = "org.apache.kafka.connect.data."
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
DEBEZIUM = "io.debezium.time."


def read(schema: Any, raw: bytes) -> Any:
    """By both readers, which agree."""
    parsed = parse_schema(json.dumps(schema))
    found = fast_reader(parsed, "x")(raw, 0)
    careful = CarefulReader(parsed, raw, 0).read()
    assert isinstance(found, Unusable) or (careful == found and careful.__class__ is found.__class__)
    return found


def logical(base: str, logical_type: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": logical_type, **more}


def connect(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "connect.version": 1, "connect.name": name, **more}


@pytest.mark.parametrize(
    ("schema", "raw", "shown"),
    [
        (logical("long", "timestamp-millis"), long(MS), "2026-01-02T03:04:05.678Z"),
        (logical("long", "timestamp-millis"), long(MS // 1000 * 1000), "2026-01-02T03:04:05Z"),
        (logical("long", "timestamp-millis"), long(0), "1970-01-01T00:00:00Z"),
        (logical("long", "timestamp-millis"), long(-1), "1969-12-31T23:59:59.999Z"),
        (logical("long", "timestamp-micros"), long(MS * 1000 + 9), "2026-01-02T03:04:05.678009Z"),
        (logical("long", "timestamp-micros"), long(MS * 1000), "2026-01-02T03:04:05.678Z"),
        (logical("long", "timestamp-micros"), long(MS // 1000 * 10**6 + 9), "2026-01-02T03:04:05.000009Z"),
        (logical("long", "timestamp-nanos"), long(MS * 10**6 + 9), "2026-01-02T03:04:05.678000009Z"),
        (logical("long", "timestamp-nanos"), long(MS * 10**6), "2026-01-02T03:04:05.678Z"),
        (logical("long", "local-timestamp-millis"), long(MS), "2026-01-02T03:04:05.678"),
        (logical("long", "local-timestamp-micros"), long(MS * 1000), "2026-01-02T03:04:05.678"),
        (logical("long", "local-timestamp-micros"), long(MS * 1000 + 9), "2026-01-02T03:04:05.678009"),
        (logical("long", "local-timestamp-nanos"), long(MS * 10**6 + 1), "2026-01-02T03:04:05.678000001"),
        (logical("int", "date"), long(20_455), "2026-01-02"),
        (logical("int", "date"), long(-1), "1969-12-31"),
        (logical("int", "date"), long(8_191), "1992-06-05"),
        (logical("int", "time-millis"), long(11_045_120), "03:04:05.12"),
        (logical("int", "time-millis"), long(0), "00:00:00"),
        (logical("long", "time-micros"), long(11_045_000_001), "03:04:05.000001"),
        (logical("string", "uuid"), text(UUID), UUID),
        (
            logical("fixed", "uuid", name="U", size=16),
            bytes.fromhex(UUID.replace("-", "")),
            UUID,
        ),
        (logical("fixed", "duration", name="D", size=12), struct.pack("<III", 1, 2, 3_500), "P1M2DT3.5S"),
        (logical("fixed", "duration", name="D", size=12), struct.pack("<III", 14, 0, 0), "P14M"),
        (logical("fixed", "duration", name="D", size=12), struct.pack("<III", 0, 0, 3_600_000), "PT1H"),
        (logical("fixed", "duration", name="D", size=12), bytes(12), "PT0S"),
        (logical("bytes", "big-decimal"), block(block(b"\x04\xd2") + long(2)), 12.34),
        (connect("int", f"{CONNECT}Date"), long(20_455), "2026-01-02"),
        (connect("int", f"{CONNECT}Time"), long(11_045_120), "03:04:05.12"),
        (connect("long", f"{CONNECT}Timestamp"), long(MS), "2026-01-02T03:04:05.678Z"),
        (connect("bytes", f"{CONNECT}Decimal", scale=2), block(b"\x04\xd2"), 12.34),
        (connect("int", f"{DEBEZIUM}Date"), long(20_455), "2026-01-02"),
        (connect("int", f"{DEBEZIUM}Time"), long(11_045_120), "03:04:05.12"),
        (connect("long", f"{DEBEZIUM}MicroTime"), long(11_045_120_000), "03:04:05.12"),
        (connect("long", f"{DEBEZIUM}NanoTime"), long(11_045_120_000_000), "03:04:05.12"),
        (connect("long", f"{DEBEZIUM}Timestamp"), long(MS), "2026-01-02T03:04:05.678Z"),
        (connect("long", f"{DEBEZIUM}MicroTimestamp"), long(MS * 1000), "2026-01-02T03:04:05.678Z"),
        (connect("long", f"{DEBEZIUM}NanoTimestamp"), long(MS * 10**6), "2026-01-02T03:04:05.678Z"),
        (connect("string", f"{DEBEZIUM}ZonedTimestamp"), text("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z"),
        (connect("string", f"{DEBEZIUM}ZonedTime"), text("03:04:05Z"), "03:04:05Z"),
        (connect("string", f"{DEBEZIUM}Interval"), text("P1Y2M3DT4H5M6.7S"), "P1Y2M3DT4H5M6.7S"),
        (connect("long", f"{DEBEZIUM}MicroDuration"), long(93_784_500_000), "PT26H3M4.5S"),
        (connect("long", f"{DEBEZIUM}NanoDuration"), long(-1_500_000_000), "-PT1.5S"),
        (connect("int", f"{DEBEZIUM}Year"), long(2026), 2026),
        (connect("string", "io.debezium.data.Json"), text('{"a": 1}'), '{"a": 1}'),
        (connect("string", "io.debezium.data.Enum"), text("new"), "new"),
        (connect("bytes", "io.debezium.data.Bits"), block(b"\5"), "BQ=="),
    ],
)  # fmt: skip
def test_a_type_with_a_meaning_is_shown_as_that(schema: Any, raw: bytes, shown: Any) -> None:
    assert read(schema, raw) == shown
    assert read(["null", schema], b"\2" + raw) == shown


def test_a_decimal_with_a_scale_of_its_own_is_a_number() -> None:
    schema = {
        "type": "record",
        "name": "VariableScaleDecimal",
        "namespace": "io.debezium.data",
        "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}],
        "connect.name": "io.debezium.data.VariableScaleDecimal",
    }
    assert read(schema, long(2) + block(b"\x04\xd2")) == 12.34
    assert read(schema, long(-3) + block(b"\x07")) == 7_000


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_a_decimal_is_the_number_that_its_digits_say(digits: int, scale: int) -> None:
    content = digits.to_bytes(20, "big", signed=True)
    schema = logical("bytes", "decimal", precision=40, scale=scale)
    found = read(schema, block(content))

    written = Decimal(f"{digits}E-{scale}")
    expected = digits if scale == 0 else fraction(f"{written:f}" if "." in f"{written:f}" else f"{written:f}.0")
    assert found == expected
    assert found.__class__ is expected.__class__
    shortest = digits.to_bytes(max(1, (digits.bit_length() + 8) // 8), "big", signed=True)
    assert read(schema, block(shortest)) == found


def test_a_decimal_without_digits_is_a_zero() -> None:
    assert read(logical("bytes", "decimal", precision=4, scale=2), block(b"")) == 0


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_the_shortest_number_that_is_the_same_float(number: float) -> None:
    raw = struct.pack("<f", number)
    found = read("float", raw)

    assert struct.pack("<f", found) == raw
    digits = len(repr(found).partition("e")[0].replace(".", "").strip("-0"))
    for fewer in range(1, digits):
        shorter = float(f"{number:.{fewer}g}")
        assert abs(shorter) > 3.4e38 or struct.pack("<f", shorter) != raw


@pytest.mark.parametrize(
    ("schema", "raw", "what"),
    [
        ("double", struct.pack("<d", float("nan")), "a number that is not finite"),
        ("double", struct.pack("<d", float("-inf")), "a number that is not finite"),
        ("float", struct.pack("<f", float("inf")), "a number that is not finite"),
        (logical("int", "date"), long(2**31 - 1), "a date outside the years 1 to 9999"),
        (logical("long", "timestamp-millis"), long(2**62), "a time outside the years 1 to 9999"),
        (logical("long", "timestamp-micros"), long(-(2**63)), "a time outside the years 1 to 9999"),
        (logical("int", "time-millis"), long(-1), "a time of day outside 24 hours"),
        (logical("bytes", "decimal", precision=9999), block(b"\x7f" * 500), "a number of more than 1000 digits"),
        (logical("bytes", "decimal", precision=400, scale=400), block(b"\1"), "a number outside the range of a double"),
    ],
)
def test_what_json_has_no_word_for_is_a_dead_letter_of_whoever_uses_it_only(schema: Any, raw: bytes, what: str) -> None:
    found = read(schema, raw)

    assert isinstance(found, Unusable)
    assert found.what == what
    failure = found.why()
    assert isinstance(failure, MappingError)
    assert what.split()[1] in failure.message
    assert failure.message.count("no request can carry it") + failure.message.count("it is not sent") == 1


def test_what_is_remembered_of_times_is_bounded() -> None:
    schema = parse_schema(json.dumps(logical("long", "timestamp-millis")))
    reader = fast_reader(schema, "x")
    for place in range(20_000):
        reader(long(MS + place * 3_600_000), 0)

    assert len(times.DATES) <= 4_096
    assert len(tables.MINUTES) <= 8_192
    assert len(tables.WINDOWS_MS) <= 8_192
