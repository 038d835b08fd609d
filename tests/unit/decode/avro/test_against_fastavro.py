"""Whatever schema and value: both readers say what fastavro says, put into JSON."""

from __future__ import annotations

import base64
import json
import math
import struct
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.decode.avro.careful import CarefulReader
from bridge.decode.avro.schema import parse_schema
from bridge.decode.avro.source import fast_reader
from bridge.decode.failures import Unusable
from tests.everyday import examples
from tests.support.avro import Drawn, drawn_values


def in_json(found: Any) -> Any:  # noqa: PLR0911 - one for each type
    """What fastavro returns, as JSON has it."""
    match found:
        case bool() | int() | float() | str() | None:
            return found
        case bytes():
            return base64.b64encode(found).decode()
        case Decimal():
            return found
        case datetime():
            micros = found.microsecond
            spec = "seconds" if not micros else "microseconds" if micros % 1000 else "milliseconds"
            return found.isoformat(timespec=spec).replace("+00:00", "Z")
        case date():
            return found.isoformat()
        case time():
            text = found.isoformat(timespec="microseconds")
            return text.rstrip("0").rstrip(".")
        case uuid.UUID():
            return str(found)
        case list() | tuple():
            return [in_json(inner) for inner in found]
        case dict():
            return {name: in_json(inner) for name, inner in found.items()}
        case _:
            raise AssertionError(type(found))


def same(ours: Any, theirs: Any) -> bool:
    """Alike to the type; a float of single precision is alike where it is the same four bytes."""
    match theirs:
        case float() if not math.isfinite(theirs):
            return isinstance(ours, Unusable)
        case float():
            return ours.__class__ is float and (
                struct.pack("<d", ours) == struct.pack("<d", theirs)
                or struct.pack("<f", ours) == struct.pack("<f", theirs)
            )
        case Decimal():
            return isinstance(ours, int | float | Decimal) and Decimal(str(ours)) == theirs
        case list():
            return ours.__class__ is list and len(ours) == len(theirs) and all(map(same, ours, theirs))
        case dict():
            return ours.__class__ is dict and list(ours) == list(theirs) and all(same(ours[k], theirs[k]) for k in ours)
        case _:
            return ours.__class__ is theirs.__class__ and bool(ours == theirs)


@pytest.mark.slow
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn_values())
def test_both_readers_read_what_fastavro_reads(drawn: Drawn) -> None:
    theirs = in_json(fastavro.schemaless_reader(BytesIO(drawn.encoded), fastavro.parse_schema(drawn.tree()), None))
    schema = parse_schema(json.dumps(drawn.schema))

    fast = fast_reader(schema, "test")(drawn.encoded, 0)
    careful = CarefulReader(schema, drawn.encoded, 0).read()

    assert same(fast, theirs), (fast, theirs)
    assert same(careful, theirs), (careful, theirs)


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn_values(), st.binary(max_size=20))
def test_a_value_is_read_from_where_it_begins(drawn: Drawn, framing: bytes) -> None:
    schema = parse_schema(json.dumps(drawn.schema))
    read = fast_reader(schema, "test")
    expected = repr(read(drawn.encoded, 0)).partition(" object at ")[0]

    assert repr(read(framing + drawn.encoded, len(framing))).partition(" object at ")[0] == expected


def nested(depth: int) -> Any:
    """An array in a map in an array, and so on."""
    if not depth:
        return "string"
    inner = nested(depth - 1)
    return {"type": "array", "items": inner} if depth % 2 else {"type": "map", "values": inner}


def of_depth(depth: int) -> Any:
    if not depth:
        return "at the bottom"
    inner = of_depth(depth - 1)
    return [inner, inner] if depth % 2 and depth < 4 else [inner] if depth % 2 else {"a": inner}


NAMED = [
    {"type": "record", "name": f"R{number}", "fields": [{"name": f"f{number}", "type": "long"}]} for number in range(12)
]
MANY_BRANCHES = ["null", "string", {"type": "array", "items": "long"}, *NAMED]


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (nested(16), [of_depth(16)]),
        (MANY_BRANCHES, [None, "text", [1, 2], *({f"f{number}": number} for number in range(12))]),
    ],
    ids=["deeply nested", "a union of many"],
)
def test_what_is_too_much_for_one_function_is_read_by_several(schema: Any, values: list[Any]) -> None:
    row = {
        "type": "record",
        "name": "Row",
        "fields": [{"name": "before", "type": schema}, {"name": "n", "type": "long"}],
    }
    read = fast_reader(parse_schema(json.dumps(row)), "test")
    for value in values:
        written = BytesIO()
        fastavro.schemaless_writer(written, fastavro.parse_schema(row), {"before": value, "n": 7})
        encoded = written.getvalue()
        assert read(encoded, 0) == {"before": value, "n": 7}
        assert CarefulReader(parse_schema(json.dumps(row)), encoded, 0).read() == {"before": value, "n": 7}
