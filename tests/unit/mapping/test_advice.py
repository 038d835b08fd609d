"""What a failure advises works: each message is provoked, its advice is followed to the letter, and the event goes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.expressions import instants
from bridge.model import Failed, Request

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

NESTED = '{"user": {"id": "u-9"}, "plan": "pro", "seats": [{"name": "A"}], "big": 123456789012345678901}'


@pytest.mark.parametrize(
    ("route", "record", "says", "advised"),
    [
        (
            "user_id: payload.user.id",
            {"payload": NESTED},
            "payload is a string with JSON inside: from_json(payload).user.id reads it",
            "user_id: from_json(payload).user.id",
        ),
        (
            'user_id: data."raw body".user.id',
            {"data": {"raw body": NESTED}},
            'from_json(data."raw body").user.id reads it',
            "user_id: 'from_json(data.\"raw body\").user.id'",
        ),
        (
            "user_id: items.id",
            {"items": '[{"id": "u-9"}]'},
            "from_json(items)[0].id reads its first element",
            "user_id: 'from_json(items)[0].id'",
        ),
        (
            "user_id: items.id",
            {"items": [{"id": "u-9"}]},
            "items is an array: items[0].id reads its first element",
            "user_id: 'items[0].id'",
        ),
        (
            "{user_id: u, when: payload.plan}",
            {"u": "u-9", "payload": NESTED},
            "from_json(payload).plan reads it",
            "{user_id: u, when: from_json(payload).plan == 'pro'}",
        ),
        (
            "{user_id: u, when: 'payload.amount > `0`'}",
            {"u": "u-9", "payload": '{"amount": 5}'},
            "from_json(payload).amount reads it",
            "{user_id: u, when: 'from_json(payload).amount > `0`'}",
        ),
        (
            "{user_id: u, metadata: {plan: {path: payload.plan, required: true}}}",
            {"u": "u-9", "payload": NESTED},
            "from_json(payload).plan reads it",
            "{user_id: u, metadata: {plan: {path: from_json(payload).plan, required: true}}}",
        ),
        (
            "{user_id: u, metadata_from: payload, metadata_omit: [seats, big]}",
            {"u": "u-9", "payload": NESTED},
            "payload is a string with JSON inside (from_json(payload) reads it)",
            "{user_id: u, metadata_from: from_json(payload), metadata_omit: [seats, big]}",
        ),
        (
            "user_id: payload.user.id",
            {"payload": json.dumps(NESTED)},
            "from_json(from_json(payload)).user.id reads it",
            "user_id: from_json(from_json(payload)).user.id",
        ),
        (
            "user_id: payload.user.id",
            {"payload": base64.b64encode(NESTED.encode()).decode()},
            "payload is a string with JSON inside: from_json(from_base64(payload)).user.id reads it",
            "user_id: from_json(from_base64(payload)).user.id",
        ),
        (
            "{user_id: u, metadata: {on: {path: day, type: datetime}}}",
            {"u": "u-9", "day": "2026-02-03"},
            "or say its zone with type: datetime and zone",
            "{user_id: u, metadata: {on: {path: day, type: datetime, zone: Europe/Berlin}}}",
        ),
        (
            "{user_id: u, metadata: {on: {path: day, type: datetime}}}",
            {"u": "u-9", "day": "2026-02-03"},
            "append that, as in join('', [created_on, 'T00:00:00Z'])",
            "{user_id: u, metadata: {on: {path: \"join('', [day, 'T00:00:00Z'])\", type: datetime}}}",
        ),
        (
            "{user_id: u, metadata: {at: {path: at, type: datetime}}}",
            {"u": "u-9", "at": "2026-02-03 04:05:06"},
            "append Z or an offset, as in join('', [created_at, 'Z'])",
            "{user_id: u, metadata: {at: {path: \"join('', [at, 'Z'])\", type: datetime}}}",
        ),
        (
            "{user_id: u, metadata: {at: {path: at, type: datetime}}}",
            {"u": "u-9", "at": 1767323045},
            "set type: datetime with unit: s, ms, us, ns or d",
            "{user_id: u, metadata: {at: {path: at, type: datetime, unit: s}}}",
        ),
        (
            "{user_id: u, metadata: {at: {path: at, type: datetime}}}",
            {"u": "u-9", "at": "1767323045"},
            "set type: datetime with unit: s, ms, us, ns or d",
            "{user_id: u, metadata: {at: {path: at, type: datetime, unit: s}}}",
        ),
        (
            "{user_id: u, metadata: {at: iso8601(at)}}",
            {"u": "u-9", "at": 1767323045000},
            "write iso8601(x, 'ms')",
            "{user_id: u, metadata: {at: \"iso8601(at, 'ms')\"}}",
        ),
        (
            "user_id: u",
            {"u": 123.0},
            "a whole number written with a fraction, as 12.0; {path: …, type: integer} takes it",
            "user_id: {path: u, type: integer}",
        ),
        (
            "{user_id: u, metadata: {m: {path: cents, divide_by: 100}}}",
            {"u": "u-9", "cents": "1250"},
            "(type: number reads it as one)",
            "{user_id: u, metadata: {m: {path: cents, divide_by: 100, type: number}}}",
        ),
        (
            "{user_id: u, event_name: {path: n}, allowed_event_names: ['5']}",
            {"u": "u-9", "n": 5},
            "({path: …, type: string} makes one of it)",
            "{user_id: u, event_name: {path: n, type: string}, allowed_event_names: ['5']}",
        ),
    ],
)
def test_the_advice_of_a_failure_works(
    bench: Callable[[str], Bench], route: str, record: dict[str, Any], says: str, advised: str
) -> None:
    def mapped(text: str) -> Any:
        nested = text if text.startswith("{") else f"{{{text}}}"
        mapping = bench(f"common_metadata: {{occurred_at: false, event_id: false}}\nevents: {{order: {nested}}}")
        (outcome,) = mapping.map({"type": "order", **record})
        return outcome

    before = mapped(route)
    assert isinstance(before, Failed)
    assert says in before.message

    assert isinstance(mapped(advised), Request), mapped(advised)


@pytest.mark.parametrize(("number", "kind"), [(5, "a number"), (True, "a boolean")])
def test_a_type_that_is_no_text_says_what_makes_one_of_it_and_that_works(
    bench: Callable[[str], Bench], number: Any, kind: str
) -> None:
    events = "user_id: u\nevents: {'5': {event_name: A}, 'true': {event_name: B}}"
    record = {"kind": number, "u": "u-1"}

    failed = bench(f"event_type: kind\n{events}").failed(record)
    assert failed.message == (
        f"event_type: kind is {kind}; a string is needed ({{path: …, type: string}} makes one of it)"
    )
    assert bench(f"event_type: {{path: kind, type: string}}\n{events}").request(record)["user_id"] == "u-1"


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)),  # noqa: DTZ001 - without a zone, that is what is tested
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%G-W%V-%u", "%Y-%m-%dT%H", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.%f"]),
)
def test_whatever_has_no_zone_is_a_time_once_what_is_advised_is_appended(moment: datetime, form: str) -> None:
    text = moment.strftime(form)

    with pytest.raises(instants.NotATimeError) as failed:
        instants.parse_text(text)
    (appended,) = [part for part in ("T00:00:00Z", "Z") if f", '{part}'])" in str(failed.value)]

    assert instants.parse_text(text + appended).utcoffset() is not None


def test_a_text_without_json_on_the_way_of_a_path_is_named_and_nothing_is_advised(
    bench: Callable[[str], Bench],
) -> None:
    mapping = bench("user_id: payload.id\nevents: {order: {}}")

    said = {
        text: mapping.failed({"type": "order", "payload": text}).message
        for text in ("u-1", "{not json", "7", '"text"', "[", "")
    }

    (message,) = set(said.values())
    assert message.startswith("user_id: payload.id is missing or null (payload is a string, which has no fields);")


def test_no_message_shows_what_the_text_on_the_way_holds(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: payload.id\nevents: {order: {}}")

    assert "secret" not in mapping.failed({"type": "order", "payload": '{"secret-name": "secret-value"}'}).message
