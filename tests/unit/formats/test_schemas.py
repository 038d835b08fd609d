"""What is kept in Kafka as JSON or headers: the schema allows what is written, and what is written is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from bridge.formats import declarations, letter_headers, letters, losses, resolutions
from bridge.formats.declarations import Declaration
from bridge.formats.losses import Lost, ParsedLoss
from bridge.formats.resolutions import Attempted, Author, Changed, Ended, Ending
from bridge.model import DeadLetter, LetterReason, Record, Route, TopicPartition

ROOT = Path(__file__).parents[3]
BY = Author("track-bridge dlq replay", "u", "h")
OUT = DeadLetter(
    Record("orders", 3, 17, 1_767_323_045_678, b"key", b"value", ()),
    LetterReason.REJECTED,
    "the API said no",
    route=Route("order.completed", "0123456789ab", "Order Completed"),
    status=400,
    request=b"{}",
)
LETTER = letters.parse(Record("letters", 0, 5, 1, b"key", b"value", letter_headers.build(OUT, "bridge")))
FACTS: list[resolutions.Fact] = [
    Ended(Ending.REPLAYED, 1.5, BY, None, 202, "aa"),
    Ended(Ending.DISCARDED, 1.5, BY, "why"),
    Attempted(2, (0, 3), 1.5, BY, "rejected", "no", 400, "invalid", "0123456789ab"),
    Attempted(1, (0,), 1.5, BY, "rejected", "no", 400, None, "0123456789ab", "company", 1),
    Changed(None, b"\xff", 1.5, BY, "note"),
]
LOSSES = [
    Lost(TopicPartition("orders", 3), "id", 50, 80, "out_of_range"),
    Lost(TopicPartition("orders", 3), "", 50, None, "recreated"),
]
DECLARATIONS = [Declaration("ab", 2.5, 7), Declaration("ab", 0.0, 8, automatic=True)]


class Written(NamedTuple):
    document: Any
    """As the schema has it."""
    read_back: object
    expected: object


def headers() -> list[Written]:
    own = {name: (value or b"").decode() for name, value in letter_headers.build(OUT, "bridge")}
    assert LETTER.origin is not None
    read = (LETTER.origin.topic, LETTER.origin.offset, LETTER.reason, LETTER.message, LETTER.status, LETTER.route)
    return [Written(own, read, ("orders", 17, "rejected", "the API said no", 400, "order.completed"))]


def facts() -> list[Written]:
    found = []
    for fact in FACTS:
        key, value = resolutions.encode(fact, LETTER, "id")
        read = resolutions.decode(key, value)
        found.append(Written(json.loads(value), read and read.fact, fact))
    return found


def lost() -> list[Written]:
    found = []
    for each in LOSSES:
        key, value = losses.encode(each, "bridge", 1.5, BY)
        found.append(Written(json.loads(value), losses.decode(key, value, "bridge"), ParsedLoss(each, 1.5)))
    return found


def declared() -> list[Written]:
    texts = [declarations.encode(each) for each in DECLARATIONS]
    return [
        Written(json.loads(text), declarations.decode(text), each)
        for text, each in zip(texts, DECLARATIONS, strict=True)
    ]


FORMATS: dict[str, Callable[[], list[Written]]] = {
    "dead-letter-headers.schema.json": headers,
    "resolution.schema.json": facts,
    "lost-records.schema.json": lost,
    "replay-declaration.schema.json": declared,
}


@pytest.mark.parametrize("schema", FORMATS)
def test_what_is_written_fits_its_schema_and_is_read_back(schema: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "schemas" / schema).read_text("utf-8")))
    for document, read_back, expected in FORMATS[schema]():
        validator.validate(document)
        assert read_back == expected


def test_every_schema_that_a_format_names_is_held_against_it() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "bridge" / "formats").glob("*.py")]
    named = {name for text in texts for name in re.findall(r"schemas/([\w.-]+\.json)", text)}
    assert named == set(FORMATS)
