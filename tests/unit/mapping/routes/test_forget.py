"""Whom the bridge forgets: by a route, and by a record without a value where it identifies users by itself."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bridge.formats.letter_headers import LETTER
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import Destination
from bridge.model import Filtered, FilterReason, Forget, Header, Outcome, Record
from tests.unit.mapping.conftest import NOW, Bench, config_of

IDENTIFIES = Destination(identifies_unknown=True)


def of_tombstone(
    text: str, destination: Destination = IDENTIFIES, *, key: bytes | None = b"u-1", value: bytes | None = None,
    headers: Sequence[Header] = (),
) -> Outcome:  # fmt: skip
    mapping = compile_mapping(config_of(f"{text}\nevents: {{t: {{event_name: E}}}}"), destination=destination)
    assert isinstance(mapping, CompiledMapping), mapping
    (outcome,) = mapping.map(Record("users", 0, 5, 1_767_323_045_000, key, value, headers), NOW)
    return outcome


def test_a_route_that_forgets_names_the_user_and_shares_what_it_counts_as(bench: Callable[[str], Bench]) -> None:
    mapping = bench("events: {user.deleted: {forget: true, user_id: data.id, when: 'data.gone == `true`'}}")
    gone = {"type": "user.deleted", "data": {"id": 7, "gone": True}}
    first, second = mapping.map(gone)[0], mapping.map(gone)[0]
    assert isinstance(first, Forget)
    assert isinstance(second, Forget)
    assert first.user_id == "7"
    assert first.filtered is second.filtered
    assert (first.filtered.reason, first.route and first.route.name) == (FilterReason.FORGET, "user.deleted")
    assert mapping.filtered({"type": "user.deleted", "data": {"id": 7, "gone": False}}).reason is FilterReason.WHEN


def test_it_is_never_too_late_to_forget(bench: Callable[[str], Bench]) -> None:
    mapping = bench("max_age: 1h\non_expired: dead_letter\nevents: {t: {forget: true, user_id: id}}")
    (outcome,) = mapping.map({"type": "t", "id": "u-1", "time": "2020-01-01T00:00:00Z"})
    assert isinstance(outcome, Forget)


def test_a_route_that_forgets_nobody_is_a_dead_letter_or_dropped(bench: Callable[[str], Bench]) -> None:
    failed = bench("events: {t: {forget: true}}").failed({"type": "t", "data": {}})
    assert failed.message == "user_id: data.user_id is missing or null; a string or an integer is needed"
    dropped = bench("on_no_user: drop\nevents: {t: {forget: true}}").filtered({"type": "t", "data": {}})
    assert dropped.reason is FilterReason.NO_USER


@pytest.mark.parametrize(
    ("settings", "record", "user"),
    [
        ("user_id: key", {}, "u-1"),
        ("user_id: header:user", {"headers": [("user", b"u-2")]}, "u-2"),
        ("user_id: key:id\nkey: json", {"key": b'{"id":"u-3"}'}, "u-3"),
        ("user_id: key\nkey: int64", {"key": struct.pack(">q", 42)}, "42"),
        ("user_id: {template: 'x-{key}'}", {}, "x-u-1"),
        ("user_id: {path: key, default: anonymous}", {}, "u-1"),
        ("user_id: key", {"value": b"null"}, "u-1"),
        ("user_id: key\nlayers: [gzip]", {}, "u-1"),
        ("user_id: key\nunwrap: debezium", {}, "u-1"),
        ("user_id: data.id\nper_topic: {users: {user_id: key}}", {}, "u-1"),
    ],
)
def test_a_record_without_a_value_forgets_the_user_that_its_key_or_headers_name(
    settings: str, record: dict[str, Any], user: str
) -> None:
    outcome = of_tombstone(settings, **record)
    assert isinstance(outcome, Forget)
    assert outcome.user_id == user
    assert (outcome.filtered.reason, outcome.route) == (FilterReason.TOMBSTONE, None)


@pytest.mark.parametrize(
    ("settings", "record"),
    [
        ("user_id: data.id", {}),
        ("user_id: topic", {}),
        ("user_id: {value: everybody}", {}),
        ("user_id: envelope:event_id", {}),
        ("user_id: key", {"key": None}),
        ("user_id: key", {"key": b""}),
        ("user_id: key", {"key": b"\x00\x00\x00\x07"}),
        ("user_id: {path: key, default: anonymous}", {"key": None}),
        ("user_id: header:user", {}),
    ],
)
def test_a_record_without_a_value_that_names_nobody_is_filtered_as_ever(settings: str, record: dict[str, Any]) -> None:
    outcome = of_tombstone(settings, **record)
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.TOMBSTONE


def test_where_nobody_is_identified_unasked_a_record_without_a_value_is_filtered_by_one_instance() -> None:
    first, second = (of_tombstone("user_id: key", Destination()) for _ in range(2))
    assert first is second
    assert isinstance(first, Filtered)


def test_the_tombstones_of_a_mapping_share_what_they_count_as() -> None:
    first, second = (of_tombstone("user_id: key", key=key) for key in (b"u-1", b"u-2"))
    assert isinstance(first, Forget)
    assert isinstance(second, Forget)
    assert first.filtered is second.filtered


def test_what_a_bridge_wrote_forgets_nobody() -> None:
    outcome = of_tombstone("user_id: key", headers=[LETTER])
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.BRIDGE_RECORD
