from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.globs import compile_glob, overlap
from bridge.mapping.routes.sample import sampler
from bridge.model import Failed, Filtered, Record, Request
from tests.unit.mapping.conftest import compiled

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


def record(raw: bytes | None, **changes: Any) -> Record:
    return Record("t", 0, 0, 0, None, raw, ())._replace(**changes)


FLAT = compiled("user_id: {value: u}\nmetadata_limit: 1MB\nevents: {a: {metadata_from: x, metadata: {own: y}}}")


@given(st.dictionaries(TEXTS, JSON, max_size=5), JSON)
def test_metadata_is_flat_finite_and_without_null(whole: dict[str, Any], own: Any) -> None:
    (outcome,) = FLAT.map(record(json.dumps({"type": "a", "x": whole, "y": own}).encode()), 0)

    assert isinstance(outcome, Request)
    objects: list[list[tuple[str, Any]]] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        objects.append(pairs)
        return dict(pairs)

    json.loads(outcome.body, object_pairs_hook=collect)
    metadata, _request = objects
    assert len({key for key, _ in metadata}) == len(metadata)
    for _, value in metadata:
        assert isinstance(value, str | int | float | bool)
        assert not isinstance(value, float) or math.isfinite(value)


@given(JSON)
def test_a_scalar_arrives_as_it_was_sent(value: Any) -> None:
    if isinstance(value, dict | list | None):
        return
    (outcome,) = FLAT.map(record(json.dumps({"type": "a", "y": value}).encode()), 0)

    assert isinstance(outcome, Request)
    got = json.loads(outcome.body)["metadata"]["own"]
    assert (got, type(got)) == (value, type(value))


MARKER = "MARKER-f3a9"
SECRETIVE = compiled(
    """
never_send: [data.secret, data.deep.secret, data.list.secret, 'data."odd key"', id]
user_id: data.user
events:
  '*':
    - event_name: {template: "{data.secret}"}
      allowed_event_names: [MARKER-f3a9]
    - event_name: a
      metadata_from: '@'
      metadata: {m: to_string(data), n: data.deep, o: {template: "x {data.list[0].secret}"}, p: 'values(data)'}
    - {event_name: b, user_id: data.secret}
    - {event_name: c, user_id: {path: "join('-', values(data.deep))"}}
"""
)


def planted(value: Any) -> dict[str, Any]:
    return {
        "type": "a",
        "id": MARKER,
        "data": {
            "user": "u",
            "secret": value,
            "odd key": value,
            "deep": {"secret": value, "open": "x"},
            "list": [{"secret": value}, [{"secret": value, "open": 1}], "text"],
        },
    }


@given(st.just(MARKER) | st.recursive(st.just(MARKER), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_what_is_never_sent_is_in_no_body_and_no_message(value: Any) -> None:
    for outcome in SECRETIVE.map(record(json.dumps(planted(value)).encode()), 0):
        text = outcome.body.decode() + outcome.user_id if isinstance(outcome, Request) else repr(outcome)
        assert MARKER not in text


WIDE = compiled("""
user_id: key:id
event_id: header:id
max_age: 1h
events:
  '*':
    - event_name: {path: type}
      allowed_event_names: [a]
      when: data.x > `1`
    - event_name: b
      user_id: data.user
      sample: 50%
      metadata_from: data
      metadata:
        a: {path: data.x, type: number, divide_by: 7}
        b: {path: data.x, type: datetime, unit: us}
        c: sum(data.list)
        d: sort_by(data.list, &x)
        e: {template: "{data.x} {timestamp}"}
        f: contains(data.x, data.y)
        g: iso8601(data.x, 'ms')
        h: {path: data.list, join: ","}
        i: max(data.list)
        j: '&x'
    - {event_name: c, user_id: topic, max_age: null, metadata: {t: timestamp, l: '*.*'}}
""")
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["id", "ce_specversion", "ce_type", "ce_id", "ce_source", "content-type", "x"]),
        st.none() | st.binary(max_size=20),
    ),
    max_size=6,
)
VALUES = (
    st.none()
    | st.binary(max_size=200)
    | st.builds(lambda value: json.dumps(value).encode(), JSON)
    | st.builds(
        lambda **data: json.dumps({"type": "a", "data": data}).encode(),
        x=JSON,
        y=JSON,
        list=JSON,
        user=JSON,
    )
    | st.builds(lambda frame, value: b"\0" + frame + json.dumps(value).encode(), st.binary(max_size=9), JSON)
    | st.sampled_from(
        [
            b'{"type":"a","data":{"x":1e999,"list":[1e308,1e308],"user":1e999}}',
            b'{"type":"a","data":' + b'{"x":' * 1000 + b"1" + b"}" * 1000 + b"}",
            b'{"type":"a","data":{"x":' + b"9" * 6000 + b',"list":[' + b"9" * 6000 + b"]}}",
            b'{"type":"a","data":{"user":"\\ud83d\\ude00","x":"\\u0000"}}',
        ]
    )
)


@given(VALUES, st.none() | st.binary(max_size=40), HEADERS, st.none() | st.integers(-(2**63), 2**63 - 1), st.floats())
def test_no_record_makes_the_mapping_raise(
    value: bytes | None, key: bytes | None, headers: Any, timestamp: int | None, now: float
) -> None:
    outcomes = WIDE.map(record(value, key=key, headers=headers, timestamp_ms=timestamp), now)

    assert outcomes
    for outcome in outcomes:
        assert isinstance(outcome, Request | Filtered | Failed)
        if isinstance(outcome, Request):
            assert set(json.loads(outcome.body)) <= {"user_id", "event_name", "metadata"}
        if isinstance(outcome, Failed):
            assert "failed with" not in outcome.message, "an exception nobody thought of"


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_a_glob_matches_what_its_wildcards_stand_for(glob: str, text: str) -> None:
    plain = glob.replace("*", ".*").replace("?", ".")

    assert (compile_glob(glob).fullmatch(text) is not None) is (re.fullmatch(plain, text) is not None)
    if re.fullmatch(plain, text):
        assert overlap(glob, text)


@given(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.99]), st.lists(TEXTS, min_size=1))
def test_a_sample_is_stable_and_grows_with_its_share(share: float, users: list[str]) -> None:
    contains, again, larger = sampler(share), sampler(share), sampler(min(share * 2, 0.999))
    assert contains is not None
    assert again is not None
    assert larger is not None

    for user in users:
        assert contains(user) is again(user)
        assert larger(user) or not contains(user)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_sample_holds_its_share_of_users(share: float) -> None:
    contains = sampler(share)
    assert contains is not None

    part = sum(map(contains, (f"user-{number}" for number in range(20_000)))) / 20_000

    assert abs(part - share) < 4 * math.sqrt(share * (1 - share) / 20_000)
