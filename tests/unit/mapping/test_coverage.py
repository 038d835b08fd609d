"""What many records show of a mapping: fill rates, conditions that never changed, and what is said of both."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from bridge.decode.protocol import Schema
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.cautions import cautions
from bridge.mapping.review.coverage import Coverage, Fill
from bridge.mapping.review.explain import explain
from bridge.model import Failed, Record, Request
from tests.unit.mapping.conftest import NOW, compiled, config_of

FREE = "common_metadata: {occurred_at: false, event_id: false}\n"


def seen(text: str, *values: Any, topic: str = "shop.orders") -> Coverage:
    mapping = compiled(f"user_id: u\n{FREE}{text}")
    coverage = Coverage(mapping)
    for place, value in enumerate(values):
        raw = value if isinstance(value, bytes | None) else json.dumps({"type": "order", "u": "u-1", **value}).encode()
        record = Record(topic, 0, place, 1_767_323_045_000, b"k-1", raw, ())
        coverage.add(record, mapping.map(record, NOW))
    return coverage


def said(text: str, *values: Any) -> list[str]:
    return [each.what for each in cautions(seen(text, *values))]


# --- metadata


def test_the_fill_rate_of_every_metadata_key_is_counted_with_what_keeps_it_empty() -> None:
    coverage = seen(
        "events: {order: {metadata: {amount: data.amount, plan: {path: data.plan, default: free}, "
        "city: data.address, coupon: data.coupon, inner: payload.x, lines: data.lines}}}",
        {"data": {"amount": 1, "address": {"city": "Bern"}, "lines": [{"a": 1}]}, "payload": '{"x": 1}'},
        {"data": {"amount": 2, "plan": "pro", "coupon": None}},
        {"data": {"amount": 3}},
    )

    route = coverage.routes["order"]
    assert route.requests == 3
    assert route.keys == {
        "amount": Fill(3),
        "plan": Fill(3, by_default=2),
        "city": Fill(1),
        "coupon": Fill(0),
        "inner": Fill(0, obstacle="payload is a string with JSON inside: from_json(payload).x reads it"),
        "lines": Fill(0, obstacle="has no flat form"),
        "city.city": Fill(1),
    }


def test_what_goes_into_a_company_is_counted_as_metadata_is_and_a_forgotten_user_has_none() -> None:
    coverage = seen(
        "events: {order: {company: {id: data.company, properties: {plan: data.plan, size: data.size}}}, "
        "gone: {forget: true, user_id: u}}",
        {"data": {"company": "acme", "plan": "pro"}},
        {"type": "gone"},
    )
    assert coverage.routes["order"].requests == 1
    assert coverage.routes["order"].keys["plan"] == Fill(1)
    assert coverage.routes["order"].keys["size"].filled == 0
    assert "gone" not in coverage.routes


def test_keys_of_a_whole_object_are_counted_as_they_come_and_in_bounds() -> None:
    coverage = seen(
        "events: {order: {metadata_from: data, metadata: {own: data.k0}}}",
        *({"data": {f"k{number}": 1 for number in range(place, place + 400)}} for place in range(0, 2000, 400)),
    )

    assert coverage.routes["order"].keys["own"] == Fill(1)
    assert coverage.routes["order"].keys["k0"] == Fill(1)
    assert len(coverage.routes["order"].keys) == 1000


AVRO = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "type", "type": "string"},
        {"name": "u", "type": "string"},
        {"name": "nan", "type": "double"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "moment", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
    ],
}
FAR, FARTHER = b"\xfe" * 3 + b"\x7f", b"\xfe" * 8 + b"\x7f"
UNUSABLE = b"\0\0\0\0\1" + b"\x0aorder\x06u-1" + struct.pack("<d", float("nan")) + FAR + FARTHER + FAR
"""Of all its kinds: what no request can carry."""
IN_JSON = b'{"type": "order", "u": "u-1", "beyond": 1e999, "long": 1%s}' % (b"0" * 1200)


@pytest.mark.parametrize("found", ["nan", "day", "moment", "clock", "beyond", "long"])
@pytest.mark.parametrize(
    "field",
    [
        "occurred_at: %s",
        "event_id: %s",
        "event_type: %s",
        "user_id: %s",
        "when: %s",
        "when: %s != ''",
        "common_metadata: {m: %s}",
        "occurred_at: {path: %s, type: datetime, unit: ms}",
        "common_metadata: {m: {path: %s, type: datetime, unit: ms}}",
        "common_metadata: {m: {path: %s, default: none}}",
        "on_no_user: drop\nuser_id: %s",
        "on_untyped: drop\nevent_type: %s",
    ],
)
def test_what_no_request_can_carry_is_looked_at_wherever_the_mapping_reads_it(field: str, found: str) -> None:
    is_json = found in {"beyond", "long"}
    text = f"decode: {'json' if is_json else 'avro'}\n{field % found}\nevents: {{order: {{event_name: Order}}}}"
    text += "" if "user_id" in field else "\nuser_id: u"
    mapping = compile_mapping(config_of(text), {"id:1": Schema("avro", json.dumps(AVRO))})
    assert isinstance(mapping, CompiledMapping), mapping
    record = Record("t", 0, 0, 1_767_323_045_000, None, IN_JSON if is_json else UNUSABLE, ())

    outcomes = mapping.map_all(record, NOW)
    seen = Coverage(mapping)
    seen.add(record, outcomes)

    (failed,) = outcomes
    assert isinstance(failed, Failed)
    assert [each.reason for each in explain(mapping, record, NOW).looks] == [failed.reason.value]
    if field in {"occurred_at: %s", "event_id: %s"}:
        assert seen.settings[field.partition(":")[0], found].found == 1, "it is there, and so nothing stands in for it"
    cautions(seen)


def test_only_requests_count_and_no_record_makes_it_fail() -> None:
    coverage = seen(
        "when: data.ok\nevents: {order: {metadata: {m: data.m}}}",
        {"data": {"ok": True, "m": 1}},
        {"data": {"ok": True}, "u": None},
        {"data": {"ok": False}},
        {"data": {}},
        {"type": "other"},
        b"{broken",
        b"",
        None,
        b"[" * 5000,
    )

    assert coverage.routes["order"].requests == 1
    (condition,) = coverage.conditions.values()
    assert (condition.true, condition.false, condition.undecided) == (2, 1, 1)


def test_each_route_and_each_condition_counts_for_itself() -> None:
    coverage = seen(
        "events: {order: [{event_name: A, when: data.n > `1`}, {event_name: B, when: data.n > `9`}]}",
        {"data": {"n": 1, "m": 1}},
        {"data": {"n": 5, "m": 1}},
    )

    assert {name: route.requests for name, route in coverage.routes.items()} == {"order[0]": 1}
    assert [(each.route, each.true, each.false) for each in coverage.conditions.values()] == [
        ("order[0]", 1, 1),
        ("order[1]", 0, 2),
    ]


def test_where_kafkas_time_stands_in_for_the_records_is_counted() -> None:
    coverage = seen(
        "occurred_at: time\nevent_id: meta.id\nevents: {order: {}}",
        {"time": "2026-01-02T03:04:05Z", "meta": {"id": 5}},
        {"time": None, "meta": {"id": ""}},
        {"time": [], "meta": {"id": []}},
    )

    assert {name: (each.found, each.records) for (name, _), each in coverage.settings.items()} == {
        "occurred_at": (2, 3),
        "event_id": (2, 3),
    }


# --- reserved words


@pytest.mark.parametrize("word", ["timestamp", "key", "topic"])
@pytest.mark.parametrize(
    "place",
    [
        "occurred_at: {path: WORD}\nevents: {order: {}}",
        "event_id: WORD\nevents: {order: {}}",
        "events: {order: {user_id: WORD}}",
        "events: {order: {metadata: {m: WORD}}}",
        "events: {order: {metadata: {m: {template: 'of {WORD}'}}}}",
        "events: {order: {metadata: {m: {path: WORD, type: string}}}}",
    ],
)
def test_a_word_that_is_kafkas_is_said_where_records_have_a_field_of_that_name(word: str, place: str) -> None:
    text = place.replace("WORD", word)
    own = {word: "2025-05-05T05:05:05Z"}

    said_of_some = said(text, own, {}, {word: None})
    if "occurred_at" not in place or word == "timestamp":
        (what,) = said_of_some
        assert f"{word} is Kafka's {word}, and 1 of 3 records have a field of that name, which is not read." in what
    assert said(text, {}, {word: None}) == []
    assert said(text.replace(word, f"""'"{word}"'""") if "template" not in text else "events: {order: {}}", own) == []


def test_a_record_of_several_routes_counts_once() -> None:
    (what,) = said(
        "occurred_at: timestamp\nevents: {order: [{event_name: A}, {event_name: B}]}",
        {"timestamp": "2025-05-05T05:05:05Z"},
        {},
    )

    assert "1 of 2 records have" in what


def test_the_advice_reads_the_field() -> None:
    (caution,) = cautions(seen("occurred_at: timestamp\nevents: {order: {}}", {"timestamp": "2025-05-05T05:05:05Z"}))
    assert caution.to_do == "to read the field write '\"timestamp\"'"

    mapping = compiled("user_id: u\noccurred_at: '\"timestamp\"'\nevents: {order: {}}")
    raw = json.dumps({"type": "order", "u": "u-1", "timestamp": "2025-05-05T05:05:05Z"}).encode()
    (outcome,) = mapping.map(Record("t", 0, 0, 1_767_323_045_000, None, raw, ()), NOW)
    assert isinstance(outcome, Request)
    assert b'"occurred_at":"2025-05-05T05:05:05Z"' in outcome.body


@pytest.mark.parametrize(
    ("route", "word"),
    [
        ("when: \"topic == 'shop.orders'\"", "topic"),
        ("when: \"key != 'k-1'\"", "key"),
        ("user_id: key.id || u", "key"),
        ("metadata: {m: key.id}", "key"),
        ("metadata: {m: \"join('/', [topic, u])\"}", "topic"),
    ],
)
def test_a_word_in_a_longer_expression_is_the_records_field_which_is_said_where_no_record_has_it(
    route: str, word: str
) -> None:
    text = f"events: {{order: {{{route}}}}}"

    found = [what for what in said(text, {}, {}) if f"{word} in " in what]
    assert len(found) == 1
    assert "is a field of the record's value, and none of 2 records has it." in found[0]
    assert [what for what in said(text, {word: {"id": "u-2"}}, {}) if f"{word} in " in what] == []


# --- comparisons


CHANGED = "events: {order: {when: before.status != after.status}}"


def test_a_comparison_that_an_absent_side_decides_is_said_with_how_often() -> None:
    assert said(
        CHANGED,
        {"before": None, "after": {"status": "b"}},
        {"after": {"status": "b"}},
        {"before": {"status": "a"}, "after": {"status": "b"}},
        {"before": {"status": "a"}, "after": {}},
    ) == [
        (
            "order: when: before.status != after.status is true in 2 of 4 records only because before is missing or "
            "null."
        ),
        (
            "order: when: before.status != after.status is true in 1 of 4 records only because after.status is missing "
            "or null."
        ),
    ]


@pytest.mark.parametrize(
    ("when", "record"),
    [
        ("before.status != after.status", {"before": None, "after": {"status": "b"}}),
        ("!(before.status == after.status)", {"before": None, "after": {"status": "b"}}),
        ("before.status != after.status || after.vip", {"before": None, "after": {"status": "b", "vip": True}}),
    ],
)
def test_the_advice_leaves_out_records_without_that_side_and_no_others(when: str, record: dict[str, Any]) -> None:
    (caution,) = cautions(seen(f"events: {{order: {{when: '{when}'}}}}", record))
    assert "REPLICA IDENTITY FULL" in caution.to_do
    guarded = caution.to_do.removeprefix("to leave such records out write ").partition(";")[0]

    coverage = seen(
        f"events: {{order: {{when: '{guarded}'}}}}",
        record,
        {"before": {"status": "a"}, "after": {"status": "b"}},
        {"before": {"status": "a"}, "after": {"status": "a", "vip": False}},
    )
    (condition,) = coverage.conditions.values()
    assert (condition.true, condition.false, condition.undecided) == (1, 2, 0)
    assert cautions(coverage) == []


@pytest.mark.parametrize(
    "when",
    [
        "before != `null` && before.status != after.status",
        "before == `null` || before.status != after.status",
        "op == 'u' && before.status != after.status",
        "length(lines[?a != b]) == `0`",
    ],
)
def test_what_a_guard_rules_out_is_not_said(when: str) -> None:
    assert said(f'events: {{order: {{when: "{when}"}}}}', {"op": "c", "after": {"status": "b"}, "lines": [{}]}) == []


def test_a_word_without_quotes_that_no_record_has_is_taken_for_a_text_that_was_meant() -> None:
    found = cautions(
        seen("events: {order: {when: data.plan == pro}}", {"data": {"plan": "pro"}}, {"data": {"plan": "x"}})
    )

    assert [(each.what, each.to_do) for each in found] == [
        (
            "order: when: data.plan == pro is false in 2 of 2 records only because pro is missing or null.",
            "if the text is meant write 'pro', in single quotes",
        )
    ]


def test_a_field_that_is_compared_with_a_text_is_said_where_no_record_has_it() -> None:
    text = "events: {order: {when: \"data.plan == 'pro'\"}}"

    assert said(text, {"data": {}}, {"data": {"plan": "pro"}}) == [], "some have it, some do not: that is compared"
    assert said(text, {"data": {}}, {"data": {}}) == [
        "order: when: data.plan == 'pro' is false in 2 of 2 records only because data.plan is missing or null."
    ]


@pytest.mark.parametrize(
    "route",
    [
        """{metadata: {m: 'data.name || "unknown"'}}""",
        """{metadata: {m: {template: 'of {data.name || "unknown"}'}}}""",
        """{metadata: {m: {path: 'data.name || "unknown"', type: string}}}""",
        """{when: '(data.ok || "unknown") != `null`'}""",
        """{metadata: {m: 'join(`-`, ["unknown", u] || u)'}}""",
    ],
)
@pytest.mark.filterwarnings("ignore:deprecated string literal")
def test_a_name_in_double_quotes_that_no_record_has_is_taken_for_a_text_that_was_meant(route: str) -> None:
    text = f"events: {{order: {route}}}"

    found = [each for each in cautions(seen(text, {}, {})) if '"unknown" in' in each.what]

    assert [each.to_do for each in found] == ["if the text is meant write 'unknown', in single quotes"]
    assert "is a field of the record's value, and none of 2 records has it." in found[0].what
    assert [each for each in said(text, {"unknown": "x"}, {}) if '"unknown" in' in each] == []


def test_a_name_in_double_quotes_that_leads_a_path_is_not_mentioned() -> None:
    assert said("""events: {order: {metadata: {m: 'data.a || "odd name".b', n: '"odd name"'}}}""", {}, {}) == []


@pytest.mark.parametrize(
    ("unit", "number", "likelier"),
    [
        ("s", 20455, "d"),
        ("s", 1767323045000, "ms"),
        ("ms", 1767323045, "s"),
        ("us", 1767323045000, "ms"),
        ("ms", 20455, "d"),
        ("us", "1767323045000", "ms"),
        ("s", 1767323045.5, None),
        ("d", 20455, None),
        ("d", 3000, None),
        ("s", 0, None),
        ("s", -20455, None),
        ("ms", True, None),
    ],
)
def test_a_time_of_the_seventies_that_is_of_today_in_another_unit_is_said(
    unit: str, number: Any, likelier: str | None
) -> None:
    text = f"occurred_at: {{path: at, type: datetime, unit: {unit}}}\nevents: {{order: {{}}}}"

    found = [each for each in cautions(seen(text, {"at": number}, {"at": number})) if "seventies" in each.what]

    if likelier is None:
        assert not found
    else:
        (caution,) = found
        assert f"counted in {likelier} it is one of this century" in caution.what
        assert f"unit: {likelier}" in caution.to_do


def test_the_unit_of_a_metadata_key_is_looked_at_after_its_division() -> None:
    key = "{path: at, type: datetime, unit: s, divide_by: 1000}"

    (caution,) = cautions(
        seen(f"events: {{order: {{metadata: {{paid: {key}}}}}}}", {"at": 20455000}, {"at": 1767323045000})
    )

    assert caution.what == (
        "metadata.paid: at counted in s is a time of the seventies or none at all in 1 of 2 records; "
        "counted in d it is one of this century."
    )


# --- texts of JSON


@pytest.mark.parametrize(("header", "number"), [(b'"order"', 1), (b'"other"', 0), (b"order", 0), (b'"', 0)])
@pytest.mark.parametrize("policy", ["drop", "dead_letter"])
def test_a_type_in_quotes_whose_inside_has_a_rule_is_cautioned_of(header: bytes, number: int, policy: str) -> None:
    mapping = compiled(f"on_unmapped: {policy}\nevent_type: header:kind\nuser_id: u\nevents: {{order: {{}}}}")
    coverage, record = Coverage(mapping), Record("t", 0, 0, 5, None, b'{"u": "u-1"}', [("kind", header)])
    coverage.add(record, mapping.map_all(record, NOW))
    assert [each.what for each in cautions(coverage)] == number * [
        "t: event_type: header:kind is a JSON text in quotes in 1 record, and what is in the quotes has a rule."
    ]
    assert all("unwrap: connect" in each.to_do for each in cautions(coverage))


@pytest.mark.parametrize(
    ("key", "setting", "number"), [(b'"u-1"', "text", 1), (b"u-1", "text", 0), (b'"u-1"', "json", 0)]
)
def test_a_user_in_quotes_is_cautioned_of(key: bytes, setting: str, number: int) -> None:
    mapping = compiled(f"key: {setting}\nevent_type: topic\nuser_id: key\nevents: {{t: {{}}}}")
    coverage, record = Coverage(mapping), Record("t", 0, 0, 5, key, b"{}", ())
    coverage.add(record, mapping.map_all(record, NOW))
    found = [each for each in cautions(coverage) if "in quotes" in each.what]
    assert [each.to_do for each in found] == number * ["key: json takes the quotes off, in mapping or under per_topic"]
