"""What one record costs: time and memory in proportion to its bytes, whatever it is made of."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from bridge.mapping.compile import CompiledMapping
from bridge.mapping.review.explain import explain
from bridge.model import Failed, Header, Record, Request
from tests.support.processor_time import collected_as_in_a_bridge, processor_time, takes_less
from tests.unit.mapping.conftest import NOW, compiled

MOST_BYTES: Final = 1_000_000
"""Of key, value and headers together: the largest record that the bounds are for."""
MOST_MEMORY: Final = 32_000_000
MOST_SECONDS: Final = 0.05
PATIENCE: Final = 8
"""How much slower than that a shared machine may be. What this looks for takes seconds where it is wrong."""

MAPPINGS: Final = {
    "a whole object": "user_id: data.user\nevents: {a: {event_name: A, metadata_from: data}}",
    "the whole value, with names left out": """
user_id: data.user
never_send: [data.secret, data.list.secret]
events: {a: {event_name: A, metadata_from: '@', metadata_omit: ['*secret*', 'data.*.x', k1]}}
""",
    "every kind of value": """
user_id: data.user
event_id: header:id
stringify: true
events:
  a:
    event_name: A
    when: length(data) >= `0`
    metadata:
      whole: data
      x: data.x
      list: data.list
      joined: {path: data.list, join: "/"}
      text: {template: "{type} {data.x}"}
      number: {path: data.x, type: string}
      key: key
      header: header:h
""",
    "by header": "user_id: key\nevent_type: header:h\nevents: {'*': {event_name: A, metadata: {k: 'key:id'}}}",
    "limit of a megabyte": "user_id: data.user\nmetadata_limit: 1MB\nevents: {a: {event_name: A, metadata_from: '@'}}",
}
COMPILED: Final = {name: compiled(text) for name, text in MAPPINGS.items()}


def value(data: str) -> bytes:
    return f'{{"type":"a","id":"e","data":{{"user":"u",{data}}}}}'.encode()


def repeated(piece: str, *, inside: str = "{}", room: int = MOST_BYTES - 200) -> bytes:
    """As many pieces as fit, numbered where there is a ``#``."""
    count = room // (len(piece.encode()) + 1 + (5 if "#" in piece else 0))
    pieces = (piece.replace("#", str(number)) for number in range(count)) if "#" in piece else [piece] * count
    return value(inside.replace("{}", ",".join(pieces)))


def nested(depth: int, *, key: str, leaf: str = "1") -> bytes:
    return value('"x":' + ("{" + key + ":") * depth + leaf + "}" * depth)


def text(piece: str, *, beside: str = "") -> bytes:
    """One text of a megabyte, as JSON writes it."""
    return value(f'{beside}"x":"' + piece * ((MOST_BYTES - 100) // len(piece.encode())) + '"')


def under(key: str) -> str:
    return f'"x":{{"{key}":{{{{}}}}}}'


LONG_KEY: Final = "k" * 60_000
EMOJI_KEY: Final = "\N{GRINNING FACE}" * 15_000
IN_X: Final = '"x":{{}}'
IN_LIST: Final = '"list":[{}]'

VALUES: Final[dict[str, Callable[[], bytes]]] = {
    # --- names that flattening repeats
    "a long key over many leaves": lambda: repeated('"#":1', inside=under(LONG_KEY), room=900_000),
    "a long key over 4,000 leaves": lambda: repeated('"#":1', inside=under(LONG_KEY), room=40_000),
    "a long key over nulls": lambda: repeated('"#":null', inside=under(LONG_KEY), room=900_000),
    "a long key over empty objects": lambda: repeated('"#":{}', inside=under(LONG_KEY), room=900_000),
    "a long key over empty lists": lambda: repeated('"#":[]', inside=under(LONG_KEY), room=900_000),
    "a long key over lists of objects": lambda: repeated('"#":[{}]', inside=under(LONG_KEY), room=900_000),
    "a long key over names left out": lambda: repeated('"secret#":1', inside=under(LONG_KEY), room=900_000),
    "a long key of emoji": lambda: repeated('"#":1', inside=under(EMOJI_KEY), room=900_000),
    "a key of 9,000 over many leaves": lambda: repeated('"#":1', inside=under("k" * 9_000)),
    "a key of 900 over nulls": lambda: repeated('"#":null', inside=under("k" * 900)),
    "long keys nested in each other": lambda: nested(900, key='"' + "k" * 1_000 + '"'),
    "keys nested as deep as can be": lambda: nested(1_000, key='"k"'),
    "keys nested beyond that": lambda: nested(150_000, key='"k"'),
    "many nested objects": lambda: repeated('"#":{"a":{"b":{"c":1}}}', inside=IN_X),
    "many objects of one leaf": lambda: repeated('"#":{"":0}', inside=IN_X),
    "many keys": lambda: repeated('"#":0', inside=IN_X),
    "many keys of nothing": lambda: repeated('"#":null', inside=IN_X),
    "many long keys": lambda: repeated('"' + "k" * 1_000 + '#":1', inside=IN_X),
    "one key many times": lambda: repeated('"k":1', inside=IN_X),
    # --- numbers
    "many integers": lambda: repeated("1", inside=IN_LIST),
    "many large doubles": lambda: repeated("1e300", inside=IN_LIST),
    "many numbers beyond a double": lambda: repeated("1e999", inside=IN_LIST),
    "many numbers below a double": lambda: repeated("1e-999", inside=IN_LIST),
    "many zeros": lambda: repeated("0.0", inside=IN_LIST),
    "many long fractions": lambda: repeated("0.12345678901234567891", inside=IN_LIST),
    "many fractions as doubles print them": lambda: repeated("0.1234567890123456", inside=IN_LIST),
    "many integers of 20 digits": lambda: repeated("12345678901234567890", inside=IN_LIST),
    "many integers of 4,000 digits": lambda: repeated("9" * 4_000, inside=IN_LIST),
    "one integer of a megabyte": lambda: value('"x":' + "9" * (MOST_BYTES - 100)),
    "one fraction of a megabyte": lambda: value('"x":0.' + "9" * (MOST_BYTES - 100)),
    "an exponent of a megabyte": lambda: value('"x":1e' + "9" * (MOST_BYTES - 100)),
    "many numbers of many keys": lambda: repeated('"#":0.12345678901234567891', inside=IN_X),
    "doubles that are keys of their own": lambda: repeated('"#":1e300', inside=IN_X),
    # --- texts
    "one huge text": lambda: text("x"),
    "one huge text of emoji": lambda: text("\N{GRINNING FACE}"),
    "escapes": lambda: text(r"\n"),
    "escaped surrogates": lambda: text(r"\ud83d\ude00"),
    "escaped surrogates beside a long number": lambda: text(r"\ud83d\ude00", beside='"y":1e999,'),
    "control characters": lambda: text(r"\u0001"),
    "many short texts": lambda: repeated('""', inside=IN_LIST),
    "many texts of emoji": lambda: repeated('"\N{GRINNING FACE}"', inside=IN_LIST),
    "a user of a megabyte": lambda: b'{"type":"a","data":{"user":"%b"}}' % (b"u" * (MOST_BYTES - 100)),
    "a user of control characters": lambda: (
        b'{"type":"a","data":{"user":"%b"}}' % (rb"\u0001" * (MOST_BYTES // 6 - 20))
    ),
    "a type of a megabyte": lambda: b'{"type":"%b"}' % (b"a" * (MOST_BYTES - 100)),
    # --- structure
    "many empty lists": lambda: repeated("[]", inside=IN_LIST),
    "many empty objects": lambda: repeated("{}", inside=IN_LIST),
    "many small objects": lambda: repeated('{"":0}', inside=IN_LIST),
    "many small objects with what is never sent": lambda: repeated('{"secret":0}', inside=IN_LIST),
    "many nulls": lambda: repeated("null", inside=IN_LIST),
    "many booleans": lambda: repeated("true", inside=IN_LIST),
    "lists nested as deep as can be": lambda: value('"list":' + "[" * 1_000 + "]" * 1_000),
    "lists nested beyond that": lambda: value('"list":' + "[" * 450_000 + "]" * 450_000),
    "white space": lambda: b'{"type":"a","data":{"user":"u"}}' + b" " * (MOST_BYTES - 100),
    "only white space": lambda: b" " * MOST_BYTES,
    # --- other forms
    "framed Avro of a megabyte": lambda: b"\0\0\0\0\x07" + b"\x02u" * (MOST_BYTES // 2 - 5),
    "framed Protobuf of a megabyte": lambda: b"\0\0\0\0\x07\0" + b"\x08\x01" * (MOST_BYTES // 2 - 5),
    "framed Protobuf of one long field": lambda: b"\0\0\0\0\x07\0\x0a\xb0\x84\x3d" + b"x" * 1_000_000,
    "framed zeros": lambda: bytes(MOST_BYTES),
    "a varint that never ends": lambda: b"\0\0\0\0\x07\0" + b"\xff" * (MOST_BYTES - 10),
    "base64 of a megabyte": lambda: base64.b64encode(b'{"type":"a"}' * (MOST_BYTES // 16)),
    "form data of a megabyte": lambda: b"a=1&" * (MOST_BYTES // 4),
    "form data of one field": lambda: b"a=" + b"x" * (MOST_BYTES - 10),
    "NDJSON of a megabyte": lambda: b'{"a":1}\n' * (MOST_BYTES // 8),
    "XML of a megabyte": lambda: b"<a>" * (MOST_BYTES // 3),
    "letters that are nearly base64": lambda: b"aB3/" * (MOST_BYTES // 4 - 1) + b"!",
    "a broken byte at the end": lambda: b'{"x":"' + b"x" * (MOST_BYTES - 10) + b"\xff",
    "an error at the end after emoji": lambda: (
        b'{"x":"' + "\N{GRINNING FACE}".encode() * (MOST_BYTES // 4 - 10) + b'" x'
    ),
    "JSON encoded twice": lambda: json.dumps('{"a":"' + "x" * (MOST_BYTES - 100) + '"}').encode(),
    "digits that are nearly long numbers": lambda: text("1234567890123456.e-999 "),
    "an encoded CloudEvent": lambda: (
        b'{"specversion":"1.0","type":"a","source":"s","id":"1","data_base64":"%b"}'
        % base64.b64encode(b'{"user":"u","list":[%b]}' % b",".join([b"0.12345678901234567891"] * 30_000))
    ),
}
KEYS_AND_HEADERS: Final[dict[str, Callable[[], tuple[bytes | None, list[Header]]]]] = {
    "a key of a megabyte": lambda: (b"k" * (MOST_BYTES - 100), [("h", b"a")]),
    "a binary key of a megabyte": lambda: (b"\x01" * (MOST_BYTES - 100), [("h", b"a")]),
    "a key of framed Protobuf": lambda: (b"\0\0\0\0\x07\0" + b"\x08\x01" * (MOST_BYTES // 2 - 100), [("h", b"a")]),
    "a key of many numbers": lambda: (b'{"id":[%b]}' % b",".join([b"1e300"] * 160_000), [("h", b"a")]),
    "a key of long numbers": lambda: (b'{"id":[%b]}' % b",".join([b"0.12345678901234567891"] * 40_000), [("h", b"a")]),
    "a key of a long name over leaves": lambda: (
        b'{"id":{"%b":{%b}}}' % (LONG_KEY.encode(), b",".join(b'"%d":1' % n for n in range(90_000))),
        [("h", b"a")],
    ),
    "a header of a megabyte": lambda: (b"k", [("h", b"h" * (MOST_BYTES - 100))]),
    "a binary header of a megabyte": lambda: (b"k", [("h", b"\x81\xa1" * (MOST_BYTES // 2 - 100))]),
    "many headers": lambda: (b"k", [("", b"")] * 150_000),
    "many headers of one name": lambda: (b"k", [("h", b"a")] * 150_000),
    "many attributes": lambda: (b"k", [*EVENT, *((f"ce_{number}", b"1") for number in range(80_000))]),
    "many binary attributes": lambda: (b"k", [*EVENT, *((f"ce_{number}", b"\x01") for number in range(80_000))]),
    "many content types": lambda: (b"k", [("content-type", b"")] * 70_000),
    "a long content type": lambda: (b"k", [("content-type", b"x" * (MOST_BYTES - 100))]),
}
EVENT: Final[list[Header]] = [
    ("ce_specversion", b"1.0"), ("ce_type", b"a"), ("ce_source", b"s"), ("ce_id", b"1"), ("h", b"a")
]  # fmt: skip


def record(case: str) -> Record:
    if case in VALUES:
        return Record("t", 0, 0, 0, b"k", VALUES[case](), [("h", b"a"), ("id", b"1")])
    key, headers = KEYS_AND_HEADERS[case]()
    return Record("t", 0, 0, 0, key, b'{"type":"a","data":{"user":"u"}}', headers)


def memory_of(mapping: CompiledMapping, of: Record) -> int:
    """Bytes, the most at any moment."""
    tracemalloc.start()
    try:
        mapping.map(of, NOW)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("case", [*VALUES, *KEYS_AND_HEADERS])
def test_no_record_of_a_megabyte_costs_more_than_50_milliseconds_or_32_megabytes(case: str) -> None:
    of = record(case)
    assert of.size <= MOST_BYTES + 10_000

    mapped = {
        name: mapping
        for name, mapping in COMPILED.items()
        if (name == "by header") is (case in KEYS_AND_HEADERS) or name == "every kind of value"
    }
    with collected_as_in_a_bridge():
        for name, mapping in mapped.items():
            # The machine may be busy with others: a quick time is looked for often, and one is enough.
            assert takes_less(partial(mapping.map, of, NOW), MOST_SECONDS * PATIENCE, times=12), name
    for name, mapping in mapped.items():
        assert memory_of(mapping, of) < MOST_MEMORY, name


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("a long key over many leaves", "the metadata has more than 10000 bytes as JSON, which is metadata_limit"),
        ("a long key over names left out", "the metadata has more than 10000 bytes as JSON"),
        ("many keys", "the metadata has more than 10000 bytes as JSON"),
        ("many integers", "the metadata has more than 10000 bytes as JSON"),
        ("many small objects", "the JSON has more than 100000 arrays, an object counted as two"),
        ("many empty lists", "the JSON has more than 100000 arrays, an object counted as two"),
        ("many long fractions", "the value has more than 10000 numbers of more than 15 digits"),
        ("keys nested as deep as can be", "nested too deeply"),
        ("framed Protobuf of a megabyte", "is Protobuf behind schema-registry framing (schema id 7)"),
        ("one integer of a megabyte", "has more than 1000 digits"),
    ],
)
def test_a_record_that_would_cost_too_much_is_a_dead_letter_that_says_why(case: str, words: str) -> None:
    mapping = COMPILED["every kind of value" if case == "many integers" else "a whole object"]
    if case == "many long fractions":
        mapping = COMPILED["every kind of value"]

    (failed,) = mapping.map(record(case), NOW)

    assert isinstance(failed, Failed)
    assert words in failed.message


def test_metadata_within_its_limit_is_sent_however_it_is_spread() -> None:
    mapping = compiled("user_id: u\nmetadata_limit: 20KB\nevents: {a: {event_name: A, metadata_from: x}}")
    whole = {"k" * 30: {str(n): n for n in range(300)}, "nothing": {str(n): None for n in range(9_000)}, "e": {"f": {}}}
    raw = json.dumps({"type": "a", "u": "u", "x": whole}).encode()

    (sent,) = mapping.map(Record("t", 0, 0, None, None, raw, ()), NOW)

    assert isinstance(sent, Request)
    expected = {f"{'k' * 30}.{n}": n for n in range(300)} | {"event_id": "t/0/0"}
    assert json.loads(sent.body)["metadata"] == expected
    assert 10_000 < len(sent.body) < 20_000


@pytest.mark.parametrize("limit", [100, 10_000, 12_345, 20_000])
def test_the_limit_is_the_same_whether_metadata_is_counted_or_measured(limit: int) -> None:
    mapping = compiled(
        f"user_id: u\nmetadata_limit: {limit}B\ncommon_metadata: {{occurred_at: false, event_id: false}}\n"
        "events: {a: {event_name: A, metadata_from: x}}"
    )
    empty = len('{"k.":""}') + len("1000")

    def outcome(size: int) -> object:
        count = (size - 2) // 20
        fields = {f"{n:04}": "x" * (20 - len('"k.0000":"",')) for n in range(count)}
        last = size - 1 - 20 * count
        if count:
            fields["0000"] += "x" * last
        else:
            fields["0000"] = "x" * (size - empty)
        raw = json.dumps({"type": "a", "u": "u", "x": {"k": fields}}).encode()
        return mapping.map(Record("t", 0, 0, None, None, raw, ()), NOW)[0]

    assert isinstance(outcome(limit), Request)
    assert isinstance(outcome(limit + 1), Failed)


@pytest.mark.slow
def test_a_larger_record_may_have_more_structure_in_proportion() -> None:
    mapping = compiled("user_id: u\nevents: {a: {event_name: A, metadata: {n: 'length(path)'}}}")
    points = [[12.5, 41.25]] * 150_000
    raw = json.dumps({"type": "a", "u": "u", "path": points}).encode()

    (sent,) = mapping.map(Record("t", 0, 0, None, None, raw, ()), NOW)

    assert isinstance(sent, Request)
    assert json.loads(sent.body)["metadata"]["n"] == 150_000


def test_brackets_inside_of_texts_are_no_structure() -> None:
    mapping = compiled("user_id: u\nevents: {a: {event_name: A}}")
    for text in ("[" * 300_000, '{"a":[\\"' * 50_000, "\\[" * 200_000):
        raw = json.dumps({"type": "a", "u": "u", "note": text}).encode()
        assert isinstance(mapping.map(Record("t", 0, 0, None, None, raw, ()), NOW)[0], Request)


@pytest.mark.slow
def test_the_explanation_of_a_hostile_record_costs_no_more_than_its_mapping() -> None:
    for case in ("a long key over many leaves", "many small objects", "many long fractions"):
        hostile = record(case)
        seconds = processor_time(lambda: explain(COMPILED["every kind of value"], hostile, NOW))  # noqa: B023 - called at once
        assert seconds < 3 * MOST_SECONDS * PATIENCE
