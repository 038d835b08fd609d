"""Decoding and mapping: whatever a record holds, it becomes valid requests, a rule's filter, or one clean sentence."""

from __future__ import annotations

import json
import math
import re
from typing import Final

from bridge.config.mapping_section import MappingConfig
from bridge.config.reading import yaml_core
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.routes.properties import MOST_PROPERTIES
from bridge.model import IDENTIFY, TRACK, DeadLetter, Elements, Failed, Filtered, Forget, Header, Record, Request
from bridge.sandbox.emulator.contract import read_body
from bridge.sandbox.emulator.documents import ContractRefusal
from tests.fuzz.choices import Choices
from tests.fuzz.letters import check_letter

LIMIT: Final = 20_000
"""Bytes of metadata."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def _compiled(text: str) -> CompiledMapping:
    mapping = compile_mapping(MappingConfig.model_validate(yaml_core.parse(text).tree))
    assert isinstance(mapping, CompiledMapping), mapping
    return mapping


_ROUTES = """
metadata_limit: 20KB
on_unmapped: dead_letter
per_topic:
  dead: {on_expired: dead_letter, stringify: true}
events:
  'page.*': drop
  '*':
    - event_name: {path: type}
      allowed_event_names: [a, b]
      when: data.x > `1`
    - event_name: everything
      user_id: data.user
      sample: 50%
      max_age: 1h
      metadata_from: '@'
      metadata_omit: [data.secret]
      metadata:
        a: {path: data.x, type: number, divide_by: 7}
        b: {path: data.x, type: datetime, unit: us}
        c: sum(data.list)
        d: sort_by(data.list, &x)
        e: {template: "{data.x} {timestamp} {offset}"}
        f: contains(data.x, data.y)
        g: iso8601(data.x, 'ms')
        h: {path: data.list, join: ","}
        i: max(data.list)
        j: {path: data.y, divide_by: 0.01}
        k: to_number(data.y)
        l: {path: data.y, type: integer}
        m: {template: "{data.y}"}
    - {event_name: headers, user_id: topic, metadata: {t: timestamp, l: '*.*', h: 'header:id'}}
"""
_IDENTIFIERS = """
events:
  '*':
    - {event_name: plain, metadata: {k: key, h: 'header:id', o: 'header:other'}}
    - {event_name: {path: type}, allowed_event_names: [a, b, type]}
    - {event_name: whole, metadata_from: '@'}
    - event_name: numbers
      metadata:
        a: key:@
        b: {path: 'key:id', type: integer}
        c: {path: 'header:id', type: number}
        d: to_string(@)
        e: type(data.secret)
        f: data.secret == data.list
        g: sum(data.list)
        h: avg(data.list)
"""
_PROFILES = """
never_send: [data.secret]
events:
  'page.*': {forget: true, user_id: data.user}
  '*':
    - identify:
        user_id: data.user
        from: data
        omit: [list]
        properties: {x: data.x, n: {path: data.y, type: number}, t: time, whole: '@', m: max(data.list)}
        clear: [x, y.z, whole, m, '0']
        company: {id: data.x, from: '@', properties: {y: data.y}, clear: [y]}
    - company: {id: data.y, from: data.list, clear: [a]}
    - {company: {id: {template: '{type}'}, from: data, properties: {l: data.list}}, sample: 50%}
    - {identify: true, when: data.x > `1`}
"""
MAPPINGS: Final = (
    tuple(
        _compiled(head + _ROUTES)
        for head in (
            "user_id: key:id\nevent_id: header:id",
            "decode: json\nuser_id: data.user\nevent_type: header:kind",
            "decode: cloudevents\nuser_id: data.user\nnever_send: [data.secret]",
        )
    )
    + tuple(
        _compiled(head + _IDENTIFIERS)
        for head in (
            "user_id: key\nevent_id: header:id\nevent_type: header:kind",
            "user_id: header:other\nevent_id: key\nevent_type: key",
            'user_id: {template: "{header:id}/{key}"}\nnever_send: [data.secret.deep, data.list.secret, subject.x]',
            "user_id: subject\nevent_id: key:id\nevent_type: data.x",
        )
    )
    + tuple(
        _compiled(head + _PROFILES)
        for head in (
            "user_id: key",
            "user_id: header:id\nstringify: true\non_no_user: drop",
            "each: data.list\nuser_id: key:id",
        )
    )
)
_CLEARED: Final = frozenset({"x", "y.z", "whole", "m", "0", "y", "a"})


def check_record(record: Record, now: float) -> None:
    """Map it in every mode; `now` in Unix seconds."""
    for mapping in MAPPINGS:
        outcomes = mapping.map_all(record, now)
        assert outcomes
        for outcome in outcomes:
            if isinstance(outcome, Request):
                _check_request(outcome)
            elif isinstance(outcome, Failed):
                assert "failed with" not in outcome.message, f"an exception nobody thought of: {outcome.message}"
                check_letter(DeadLetter(record, outcome.reason, outcome.message, route=outcome.route))
            else:
                assert isinstance(outcome, Filtered | Forget | Elements)


def _check_profile(prepared: Request) -> None:
    """By the strict contract of the emulated API, and beyond it: no null but what is named for it."""
    read = read_body(prepared.path, prepared.body)
    assert not isinstance(read, ContractRefusal), read
    body = json.loads(prepared.body)
    held = [body.get("metadata", {}), body.get("company", {})]
    assert all(value is not None or name in _CLEARED for each in held for name, value in each.items())
    assert all(len(each) <= MOST_PROPERTIES + 1 for each in held)
    assert "id" not in held[0] or prepared.kind is IDENTIFY


def _check_request(prepared: Request) -> None:
    if prepared.kind is not TRACK:
        _check_profile(prepared)
        return
    body = json.loads(prepared.body)
    assert set(body) <= {"user_id", "event_name", "metadata"}
    assert body["user_id"] == prepared.user_id
    for identifier in (prepared.user_id, body["event_name"]):
        assert identifier.strip()
        assert not _CONTROL.search(identifier)
        assert not identifier.startswith("\ufeff")
    metadata = body.get("metadata", {})
    assert len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) <= LIMIT + 1000
    for value in metadata.values():
        assert isinstance(value, str | int | float | bool)
        assert not isinstance(value, float) or math.isfinite(value)


_NAMES: Final = (
    "id", "kind", "ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time", "content-type", "ce_datacontenttype",
    "__value_schema_id", "__key_schema_id", "ce_subject", "other",
)  # fmt: skip


def fuzz(data: bytes) -> None:
    """A record, with its value last: most of the bytes are its."""
    choices = Choices(data)
    kind = choices.number(8)
    headers: list[Header] = []
    if kind & 1:
        headers = [(choices.one_of(_NAMES), choices.block()) for _ in range(choices.number(6))]
    key = choices.block() if kind & 2 else None
    timestamp = int.from_bytes(choices.take(8), "big", signed=True) if kind & 4 else 1_767_323_045_678
    topic = choices.one_of(("t", "dead"))
    value = choices.rest()
    check_record(Record(topic, 0, 7, timestamp, key, value, headers), now=1_767_326_400.0)
