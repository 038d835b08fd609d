"""The sample in Avro, held to fastavro: the same events, in another encoding."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from bridge.sandbox.avro import IDS, SCHEMAS, encoded, in_avro
from bridge.sandbox.sample import sample

SAMPLE = sample(2000)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def test_every_good_record_of_the_sample_is_read_by_fastavro_as_what_it_was() -> None:
    schemas = {topic: fastavro.parse_schema(schema) for topic, schema in SCHEMAS.items()}
    read = 0
    for plain, framed in zip(SAMPLE.records, in_avro(SAMPLE).records, strict=True):
        if plain.value == framed.value:
            continue
        assert framed.value is not None
        assert framed.value[:5] == b"\0" + IDS[plain.topic].to_bytes(4, "big")
        with io.BytesIO(framed.value[5:]) as stream:
            event: Any = fastavro.schemaless_reader(stream, schemas[plain.topic], None)
            assert not stream.read(), "nothing is behind the value"
        was = json.loads(plain.value or b"")
        known = {field["name"] for field in SCHEMAS[plain.topic]["fields"][3]["type"]["fields"]}
        assert (event["type"], event["id"]) == (was["type"], was["id"])
        data = {name: inner for name, inner in was["data"].items() if name in known}
        if "total" in data:
            data["total"]["amount"] = Decimal(str(data["total"]["amount"]))
        assert without_nulls(event["data"]) == data
        read += 1
    assert read > 1900


def test_what_is_broken_in_the_sample_stays_broken_and_a_null_stays_one() -> None:
    same = [plain for plain, framed in zip(SAMPLE.records, in_avro(SAMPLE).records, strict=True) if plain is framed]

    assert {record.value for record in same} >= {None, b""}
    assert len(same) == SAMPLE.undecodable + sum(record.value is None for record in SAMPLE.records)


def test_a_type_that_the_shop_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no encoding for"):
        encoded({"type": "map", "values": "int"}, {})
