from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Header, Record
from tests.fuzz.records import check_record

TEXTS = st.text(max_size=10)
NUMBERS = st.integers() | st.integers(-(10**30), 10**30) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
DATA = st.fixed_dictionaries({}, optional={"user": JSON, "x": JSON, "y": JSON, "list": JSON, "secret": JSON})
ENVELOPES = st.fixed_dictionaries(
    {"type": st.sampled_from(["a", "b", "page.viewed"]) | JSON, "data": DATA | JSON},
    optional={
        "id": JSON,
        "time": st.just("2026-01-02T03:04:05Z") | JSON,
        "specversion": st.just("1.0") | JSON,
        "source": JSON,
        "datacontenttype": st.sampled_from(["application/json", "text/plain", "image/png"]),
        "data_base64": st.text("AQgw=+/é", max_size=12) | JSON,
    },
)
DOCUMENTS = st.builds(lambda value: json.dumps(value).encode(), ENVELOPES | JSON)
EXTREME = ["1e400", "-1e99999999", "1e-99999999", "9" * 5000, "-" + "9" * 400 + ".5", "0e99999999999", '"1e9999"']
NUMBERED = st.builds(
    '{{"type": "b", "data": {{"user": {}, "x": {}, "y": {}, "list": [{}, 1]}}}}'.format,
    *[st.sampled_from([*EXTREME, "1", '"u"']) for _ in range(4)],
).map(str.encode)
FRAMES = st.sampled_from(
    [b"\0\0\0\0\1", b"\0\0\0\0\0\0\0\0\1", b"\0", b"\xef\xbb\xbf", b"\x1f\x8b", b"Obj\x01", b"[", b""]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with a piece taken out, put in or changed, as a bad writer or a bad disk does."""
    document = draw(DOCUMENTS)
    start = draw(st.integers(0, len(document)))
    end = draw(st.integers(start, min(len(document), start + 8)))
    return document[:start] + draw(st.binary(max_size=8)) + document[end:]


VALUES = DOCUMENTS | damaged() | NUMBERED | st.builds(bytes.__add__, FRAMES, DOCUMENTS | st.binary(max_size=60))
NAMES = ["id", "kind", "other", "ce_specversion", "ce_type", "ce_id", "ce_source", "ce_subject", "content-type"]
NAMES += ["ce_datacontenttype", "__key_schema_id", "x"]
KNOWN = [b"1.0", b"a", b"application/json", b"application/cloudevents+json; charset=utf-8", b"text/plain", b"\xff"]
CONTENTS = (
    st.integers(-(2**63), 2**63 - 1).map(lambda number: number.to_bytes(8, "big", signed=True))
    | st.integers(-(2**31), 2**31 - 1).map(lambda number: number.to_bytes(4, "big", signed=True))
    | st.binary(min_size=16, max_size=16)
    | st.builds(lambda text: b"\0\0\0\0\x07" + bytes([2 * len(text)]) + text, st.binary(max_size=20))
    | st.builds(bytes.__add__, FRAMES, DOCUMENTS | st.binary(max_size=20))
    | st.text(max_size=8).map(str.encode)
    | st.binary(max_size=20)
    | NUMBERED
)
"""What stands in keys and headers: texts, and what serializers of other types write."""
HEADERS: st.SearchStrategy[list[Header]] = st.lists(
    st.tuples(st.sampled_from(NAMES), st.none() | st.sampled_from(KNOWN) | st.binary(max_size=12) | CONTENTS),
    max_size=6,
)
TIMES = st.none() | st.just(1_767_323_045_678) | st.integers(-(2**63), 2**63 - 1)


@given(VALUES, st.none() | DOCUMENTS | CONTENTS, HEADERS, TIMES, st.sampled_from(["t", "dead"]))
def test_a_record_becomes_valid_requests_a_filter_or_a_letter_whatever_it_holds(
    value: bytes, key: bytes | None, headers: list[Header], timestamp: int | None, topic: str
) -> None:
    check_record(Record(topic, 0, 7, timestamp, key, value, headers), now=1_767_326_400.0)


@given(
    st.integers(1, 3000), st.sampled_from(['{"type":"a","data":', '{"data":{"user":"u","x":', "[", '{"type":']), JSON
)
def test_nesting_of_any_depth_costs_its_own_record_at_most(depth: int, opening: str, inside: Any) -> None:
    closing = "}" * opening.count("{") + "]" * opening.count("[")
    value = opening * depth + json.dumps(inside) + closing * depth
    check_record(Record("t", 0, 7, None, None, value.encode(), ()), now=0.0)
