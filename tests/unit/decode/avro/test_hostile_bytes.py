"""What a record of Avro costs: time and memory in proportion to its bytes, whatever schema and bytes are."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import pytest

from bridge.decode.avro.decoder import make
from bridge.decode.failures import MappingError
from bridge.decode.protocol import FAST, FormatSettings, Schema
from bridge.model import Record
from tests.support.avro import long, text
from tests.support.processor_time import processor_time

SIZE: Final = 1_000_000
MOST_MEMORY: Final = 32_000_000
MOST_SECONDS: Final = 0.05
PATIENCE: Final = 8
"""How much slower than that a shared machine may be. What this looks for takes seconds where it is wrong."""


def listed(items: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "list", "type": {"type": "array", "items": items}}]}


def mapped(items: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "map", "type": {"type": "map", "values": items}}]}


ONE: Final = {"type": "record", "name": "One", "fields": [{"name": "a", "type": "boolean"}]}
NODE: Final = {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]}
FOREST: Final = listed(
    {"type": "record", "name": "T", "fields": [{"name": "of", "type": {"type": "array", "items": "T"}}]}
)
MOMENT: Final = {"type": "long", "logicalType": "timestamp-millis"}
WIDE: Final = {
    "type": "record",
    "name": "R",
    "fields": [{"name": f"field_{place}", "type": ["null", "string"]} for place in range(1_000)],
}


def blocks(of: int, item: bytes) -> bytes:
    """As many as fit, so many in each block."""
    one = long(of) + item * of
    return one * (SIZE // len(one)) + b"\0"


CASES: Final[dict[str, tuple[Any, Callable[[], bytes]]]] = {
    "booleans": (listed("boolean"), lambda: blocks(50, b"\1")),
    "a block for each boolean": (listed("boolean"), lambda: blocks(1, b"\1")),
    "as many booleans as may be": (listed("boolean"), lambda: long(190_000) + b"\1" * 190_000 + b"\0"),
    "records of one boolean": (listed(ONE), lambda: blocks(50, b"\1")),
    "as many records as may be": (listed(ONE), lambda: long(50_000) + b"\1" * 50_000 + b"\0"),
    "longs of 64 bits": (listed("long"), lambda: blocks(50, long(-(2**63)))),
    "moments that are all different": (
        listed(MOMENT),
        lambda: long(60_000) + b"".join(long(1_000_000_000_000 + place * 9_000_000) for place in range(60_000)) + b"\0",
    ),
    "moments that are no moments": (listed(MOMENT), lambda: blocks(50, long(2**62))),
    "records of moments": (
        listed({"type": "record", "name": "M", "fields": [{"name": f"m{n}", "type": MOMENT} for n in range(20)]}),
        lambda: blocks(50, b"\0" * 20),
    ),
    "floats": (listed("float"), lambda: blocks(50, b"\x01\x02\x03\x04")),
    "empty lists": (listed({"type": "array", "items": "int"}), lambda: blocks(50, b"\0")),
    "empty texts": (listed("string"), lambda: blocks(50, b"\0")),
    "short texts": (listed("string"), lambda: blocks(50, text("abcd"))),
    "texts of emoji": (listed("string"), lambda: blocks(50, text("\N{GRINNING FACE}"))),
    "one text": (listed("string"), lambda: long(1) + text("x" * SIZE) + b"\0"),
    "one broken text": (listed("string"), lambda: long(1) + long(SIZE) + b"x" * (SIZE - 1) + b"\xff\0"),
    "keys that are all alike": (mapped("int"), lambda: blocks(50, b"\2a\2")),
    "keys that are all different": (
        mapped("int"),
        lambda: long(100_000) + b"".join(text(f"{place:05}") + b"\2" for place in range(100_000)) + b"\0",
    ),
    "decimals of 400 bytes": (
        listed({"type": "bytes", "logicalType": "decimal", "precision": 900, "scale": 300}),
        lambda: blocks(50, long(400) + b"\x7f" * 400),
    ),
    "one decimal of a megabyte": (
        listed({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        lambda: long(1) + long(SIZE) + b"\x7f" * SIZE + b"\0",
    ),
    "a list of itself": (NODE, lambda: long(1) * SIZE),
    "a forest": (FOREST, lambda: blocks(50, b"\0")),
    "zeros": (WIDE, lambda: bytes(SIZE)),
    "many fields": (WIDE, lambda: (long(1) + text("x" * 900)) * 1_000),
    "a varint that never ends": (listed("long"), lambda: b"\xff" * SIZE),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_record_of_a_megabyte_is_read_or_refused_in_bounded_time_and_memory(case: str) -> None:
    tree, given = CASES[case]
    decode = make(FormatSettings(), {"id:42": Schema("avro", json.dumps(tree))})
    record = Record("t", 0, 0, 0, None, b"\0\0\0\0\x2a" + given(), ())
    assert record.value is not None
    assert len(record.value) < 1_010_000

    def read() -> str:
        try:
            decode(record, None, FAST)
        except MappingError as failure:
            return failure.message
        return ""

    with pytest.raises(MappingError):  # what is made of the schema is made once
        decode(record._replace(value=b"\0\0\0\0\x2a"), None, FAST)
    tracemalloc.start()
    try:
        said = read()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert said == "" or said.startswith("the value is no Avro of schema id 42: ")
    assert len(said) < 500
    seconds = processor_time(read)

    assert seconds < MOST_SECONDS * PATIENCE
    assert most < MOST_MEMORY
