from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bridge.mapping.early_filters import HeaderFilter
from bridge.mapping.globs import compile_glob, overlap
from bridge.mapping.matches import LONGEST_TYPE_KEPT
from bridge.model import Failed, Filtered, FilterReason, LetterReason, Record, Request

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

NOW = 1_767_326_400.0


def order(**data: Any) -> dict[str, Any]:
    return {"type": "order", "time": "2026-01-02T03:00:00Z", "data": {"user_id": "u-1", **data}}


# --- by type


def test_the_exact_type_wins_then_the_glob_with_the_longest_literal_beginning(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        """
events:
  '*': {event_name: any}
  account.*: {event_name: account}
  account.plan.*: {event_name: plan}
  'acc?unt.plan.changed': {event_name: letter}
  account.plan.changed: {event_name: changed}
""".replace("'account.?'", "'acc?unt.plan.changed'")
    )

    def name(event_type: str) -> str:
        return str(mapping.request({"type": event_type, "data": {"user_id": "u"}})["event_name"])

    assert [
        name(each) for each in ("x", "account.a.b", "account.plan.x", "account.plan.changed", "acc0unt.plan.changed")
    ] == [
        "any",
        "account",
        "plan",
        "changed",
        "letter",
    ]


def test_an_event_name_left_out_on_an_exact_type_is_the_type(bench: Callable[[str], Bench]) -> None:
    assert bench("events: {order: {}}").request(order())["event_name"] == "order"


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.*", "a.*.b", True),
        ("a.*x", "a.*y", False),
        ("a*", "a?", True),
        ("a?", "a??", False),
        ("*", "", True),
        ("a*b*c", "a*c", True),
        ("?b", "a*", True),
        ("*a*b", "*b*a", False),
    ],
)
def test_globs_overlap_where_one_text_matches_both(one: str, other: str, *, meet: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is meet


def test_a_glob_takes_dots_and_newlines_but_nothing_else_specially() -> None:
    assert compile_glob("a.*").fullmatch("a.b\n.c")
    assert not compile_glob("a.*").fullmatch("aXb")
    assert not compile_glob("[ab]").fullmatch("a")


def test_a_glob_of_many_stars_is_done_with_a_long_type_at_once() -> None:
    assert not compile_glob("*a" * 30 + "b").fullmatch("a" * 10_000)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "is missing or null; a string is needed"),
        (7, "is a number; a string is needed ({path: …, type: string} makes one of it)"),
        ("", "is an empty string; a string is needed"),
        (["secret"], "is an array; a string is needed"),
        ({"secret": 1}, "is an object; a string is needed"),
    ],
)
def test_a_record_without_a_type_is_unmappable_not_quietly_unmapped(
    bench: Callable[[str], Bench], found: Any, words: str
) -> None:
    failed = bench("events: {order: {}}").failed({"type": found})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message == f"event_type: type {words}"


# --- no rule, no event


def test_an_unmapped_type_is_filtered_under_one_instance_per_type(bench: Callable[[str], Bench]) -> None:
    mapping = bench("events: {order: {}}")
    first, other = mapping.filtered({"type": "a"}), mapping.filtered({"type": "b"})

    assert (first.reason, first.event_type, other.event_type) == (FilterReason.UNMAPPED, "a", "b")
    assert mapping.filtered({"type": "a"}, topic="elsewhere") is first


def test_what_is_remembered_of_unmapped_types_is_bounded(bench: Callable[[str], Bench]) -> None:
    mapping = bench("events: {order: {}}")
    seen = {id(mapping.filtered({"type": f"t{number}"})): None for number in range(7_000)}
    rest = mapping.filtered({"type": "one more"})

    assert rest.event_type is None
    assert len(seen) == 1_001
    assert mapping.filtered({"type": "x" * (LONGEST_TYPE_KEPT + 1)}) is rest
    assert mapping.filtered({"type": "t0"}).event_type == "t0"
    assert len(mapping.mapping.topic("shop.orders").matches) <= 5_000


def test_an_unmapped_type_can_be_a_dead_letter(bench: Callable[[str], Bench]) -> None:
    failed = bench("on_unmapped: dead_letter\nevents: {order: {}}").failed({"type": "refund"})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert "no rule in mapping.events is for the type 'refund'" in failed.message


def test_drop_filters_by_rule(bench: Callable[[str], Bench]) -> None:
    mapping = bench("events: {audit: drop, order: {}}")
    filtered = mapping.filtered({"type": "audit"})

    assert filtered.reason is FilterReason.RULE
    assert filtered.route is not None
    assert filtered.route.name == "audit"
    assert filtered is mapping.filtered({"type": "audit"}, topic="other")


def test_all_routes_are_listed_also_those_that_never_matched(bench: Callable[[str], Bench]) -> None:
    routes = bench("""
events:
  order: [{event_name: A}, {event_name: {template: "B {type}"}, allowed_event_names: [B order]}]
  audit: drop
  refund: {}
""").mapping.routes

    assert [(route.name, route.event_name) for route in routes] == [
        ("order[0]", "A"),
        ("order[1]", "B {type}"),
        ("audit", ""),
        ("refund", "refund"),
    ]


def test_a_type_in_a_header_or_the_topic_is_routed_before_the_value_is_decoded(bench: Callable[[str], Bench]) -> None:
    by_header = bench("event_type: header:kind\nevents: {order: {}, audit: drop}")
    by_topic = bench("event_type: topic\nevents: {order: {}}")
    broken = b"\xff not JSON"

    assert by_header.filtered(broken, headers=[("kind", b"other")]).event_type == "other"
    assert by_header.filtered(broken, headers=[("kind", b"audit")]).reason is FilterReason.RULE
    assert by_header.failed(broken, headers=[("kind", b"order")]).reason is LetterReason.UNDECODABLE
    assert by_header.request(order(), headers=[("kind", b"order")])["event_name"] == "order"
    assert "event_type: header:kind is missing" in by_header.failed(order()).message
    assert by_topic.filtered(broken).event_type == "shop.orders"
    assert by_topic.request(order(), topic="order")["event_name"] == "order"


# --- conditions


def test_each_route_of_a_list_looks_at_the_record_by_itself(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
events:
  order:
    - {event_name: Paid, when: data.paid}
    - {event_name: Gift, when: data.gift, user_id: data.to}
    - {event_name: Always}
""")

    paid, gift, always = mapping.map(order(paid=True, gift=False))

    assert isinstance(paid, Request)
    assert isinstance(gift, Filtered)
    assert gift.route is not None
    assert (gift.reason, gift.route.name) == (FilterReason.WHEN, "order[1]")
    assert isinstance(always, Request)
    broken, sent, _ = mapping.map(order(paid="yes", gift=True, to="u-2"))
    assert isinstance(broken, Failed)
    assert isinstance(sent, Request)
    assert sent.user_id == "u-2"


def test_the_condition_for_all_routes_is_asked_first_and_once(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
when: data.live
per_topic: {test: {when: null}}
events: {order: [{event_name: A, when: data.a}, {event_name: B}]}
""")

    assert mapping.filtered(order(live=False)).route is None
    assert mapping.failed(order()).route is None
    assert len(mapping.map(order(live=True, a=True))) == 2
    assert len(mapping.map(order(a=True), topic="test")) == 2


def test_routes_are_limited_to_their_topics_by_name_and_pattern(bench: Callable[[str], Bench]) -> None:
    mapping = bench(r"""
events:
  order: [{event_name: A, topics: [shop.orders]}, {event_name: B, topics: ['^shop\.']}]
  refund: {topics: [other]}
""")

    def names(topic: str) -> list[str]:
        return [outcome.event_name for outcome in mapping.map(order(), topic=topic) if isinstance(outcome, Request)]

    assert names("shop.orders") == ["A", "B"]
    assert names("shop.else") == ["B"]
    filtered = mapping.filtered(order(), topic="my.shop.orders")
    assert filtered.reason is FilterReason.TOPIC
    assert filtered is mapping.filtered(order(), topic="other")
    assert mapping.filtered({"type": "refund"}).reason is FilterReason.TOPIC


@pytest.mark.parametrize(("age", "expired"), [(3599, False), (3600, False), (3601, True), (-3600, False)])
def test_an_event_older_than_max_age_is_expired(bench: Callable[[str], Bench], age: float, *, expired: bool) -> None:
    mapping = bench("max_age: 1h\nevents: {order: {}}")
    occurred = 1_767_322_800.0

    (outcome,) = mapping.map(order(), now=occurred + age)

    assert isinstance(outcome, Filtered) is expired
    if isinstance(outcome, Filtered):
        assert outcome.reason is FilterReason.EXPIRED


def test_max_age_of_a_route_or_topic_stands_in_for_the_general_one(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
max_age: 1m
per_topic: {slow: {max_age: 30d, on_expired: dead_letter}, never: {max_age: null}}
events: {order: {}, long: {max_age: 7d}, ever: {max_age: null}}
""")

    assert mapping.filtered(order()).reason is FilterReason.EXPIRED
    for event_type in ("long", "ever"):
        assert mapping.request({**order(), "type": event_type})
    assert mapping.request(order(), topic="slow")
    assert mapping.request(order(), topic="never", now=9e9)
    failed = mapping.failed(order(), topic="slow", now=NOW + 31 * 86400)
    assert failed.reason is LetterReason.EXPIRED
    assert "max_age is 2592000 s" in failed.message


def test_a_record_without_a_time_has_no_age_to_judge(bench: Callable[[str], Bench]) -> None:
    mapping = bench("max_age: 1h\nevents: {order: {}}")
    timeless = {"type": "order", "data": {"user_id": "u-1"}}

    assert mapping.request(timeless, now=1_767_323_045.0), "the Kafka timestamp stands in"
    assert mapping.failed(timeless, timestamp_ms=None).message.startswith("max_age: the record has neither")


def test_the_sample_is_a_stable_share_of_the_users(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
events: {order: {sample: 25%}, other: {sample: 25%}, more: {sample: 50%}, none: {sample: 0%}}
""")

    def sampled(event_type: str) -> set[str]:
        users = (f"user-{number}" for number in range(4_000))
        records = ((user, {"type": event_type, "data": {"user_id": user}}) for user in users)
        return {user for user, value in records if isinstance(mapping.map(value)[0], Request)}

    quarter = sampled("order")

    assert 900 < len(quarter) < 1_100
    assert sampled("other") == quarter
    assert quarter < sampled("more")
    assert sampled("none") == set()
    # Fixed for ever: a new release must not choose other users.
    assert sorted(quarter, key=lambda user: int(user[5:]))[:6] == [
        "user-1",
        "user-4",
        "user-11",
        "user-19",
        "user-21",
        "user-38",
    ]
    assert mapping.filtered({"type": "none", "data": {"user_id": "u"}}).reason is FilterReason.SAMPLED_OUT


# --- per topic


def test_settings_of_a_topic_come_by_exact_name_then_by_the_most_specific_pattern(
    bench: Callable[[str], Bench],
) -> None:
    mapping = bench(r"""
user_id: {value: base}
per_topic:
  '^billing\.': {user_id: {value: billing}}
  '^bill': {user_id: {value: bill}}
  '^bills*': {user_id: {value: any bill}}
  '^bills': {user_id: {value: bills}}
  '^billing\.v2\..*': {user_id: {value: v2}}
  billing.v2.invoices: {user_id: {value: exact}}
  '^.*eu$': {user_id: {value: eu}}
events: {order: {}}
""")

    def user(topic: str) -> str:
        return str(mapping.request({"type": "order"}, topic=topic)["user_id"])

    assert {
        topic: user(topic)
        for topic in ("x", "billed", "bills", "billing.x.eu", "billing.v2.x", "billing.v2.invoices", "x.eu")
    } == {
        "x": "base",
        "billed": "any bill",
        "bills": "bills",
        "billing.x.eu": "billing",
        "billing.v2.x": "v2",
        "billing.v2.invoices": "exact",
        "x.eu": "eu",
    }


def test_a_topic_overrides_what_it_names_and_keeps_the_rest(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
never_send: [data.a]
common_metadata: {event_id: false, occurred_at: false, one: {value: 1}}
per_topic:
  t:
    event_type: topic
    event_id: data.id
    occurred_at: {path: data.ms, type: datetime, unit: ms}
    stringify: true
    never_send: [data.b]
    common_metadata: {one: false, event_id: envelope:event_id, at: envelope:time}
events: {order: {metadata_from: data}, t: {metadata_from: data}}
""")
    value = order(a="a", b="b", id="e", ms=1767323045000)

    assert mapping.metadata(value) == {"user_id": "u-1", "b": "b", "id": "e", "ms": 1767323045000, "one": 1}
    assert mapping.metadata(value, topic="t") == {
        "user_id": "u-1",
        "id": "e",
        "ms": "1767323045000",
        "event_id": "e",
        "at": "2026-01-02T03:04:05Z",
    }


# --- never_send


@pytest.mark.parametrize(
    "route",
    [
        "metadata: {m: data.email}",
        "metadata: {m: data}",
        "metadata_from: data",
        "metadata_from: '@'",
        "metadata: {m: {template: 'x {data.email}'}}",
        "metadata: {m: 'to_string(@)'}",
        "metadata: {m: 'people[0].email', n: 'people[*].email'}",
        "metadata: {m: 'values(data)'}",
        "event_name: {path: data.email}\nallowed_event_names: [MARKER]",
        "user_id: data.email",
    ],
)
def test_what_is_never_sent_reaches_no_request_whatever_a_route_says(bench: Callable[[str], Bench], route: str) -> None:
    lines = "\n".join(f"    {line}" for line in route.splitlines())
    mapping = bench(f"""
never_send: [data.email, people.email, id, time]
events:
  order:
{lines}
""")
    value = {**order(email="MARKER", name="n"), "people": [{"email": "MARKER"}, [{"email": "MARKER"}]], "id": "MARKER"}

    for outcome in mapping.map(value):
        assert "MARKER" not in (outcome.body.decode() if isinstance(outcome, Request) else repr(outcome))


# --- hash


ROUTES = "order: {metadata: {a: data.a}}"
CHANGES = {
    "the route": ("order: {metadata: {a: data.b}}", ""),
    "its key": ("order.*: {event_name: order, metadata: {a: data.a}}", ""),
    "a default": (ROUTES, "user_id: u"),
    "common metadata": (ROUTES, "common_metadata: {x: topic}"),
    "never_send": (ROUTES, "never_send: [data.a]"),
    "per_topic": (ROUTES, "per_topic: {t: {stringify: true}}"),
    "stringify": (ROUTES, "stringify: true"),
}


def hash_of(bench: Callable[[str], Bench], routes: str, settings: str = "") -> str:
    return bench(f"{settings}\nevents:\n  {routes}\n  other: drop\n").mapping.routes[0].hash


@pytest.mark.parametrize("change", CHANGES)
def test_the_hash_changes_with_anything_that_could_change_the_request(
    bench: Callable[[str], Bench], change: str
) -> None:
    assert hash_of(bench, *CHANGES[change]) != hash_of(bench, ROUTES)


def test_the_hash_of_one_route_outlives_processes_orders_and_other_routes(bench: Callable[[str], Bench]) -> None:
    here = hash_of(bench, "order: {metadata: {a: data.a, b: data.b}, when: data.c}")

    assert here == hash_of(bench, "order: {when: data.c, metadata: {b: data.b, a: data.a}}")
    assert here == hash_of(bench, "order: {metadata: {a: data.a, b: data.b}, when: data.c, sample: 100%}\n  x: drop")
    assert here == hash_of(bench, "order: {metadata: {a: data.a, b: data.b}, when: data.c}", "on_unmapped: dead_letter")
    assert len(here) == 12
    assert here == "306e3638bd1e"


def test_the_headers_of_what_is_filtered_are_known_once_one_such_record_was_mapped(bench: Callable[..., Bench]) -> None:
    mapping = bench("event_type: header:kind\nevents: {order: {}, audit: drop}").mapping
    assert mapping.early_filter("shop.orders") is None, "nothing of the topic was seen"
    outcomes = {}
    for kind in (b"order", b"audit", b"ping"):
        record = Record("shop.orders", 0, 1, None, None, b"{}", [("kind", kind)])
        outcomes[kind] = mapping.map(record, 0.0)
    header_filter = mapping.early_filter("shop.orders")
    assert isinstance(header_filter, HeaderFilter)
    assert header_filter.header == "kind"
    assert dict(header_filter.filtered) == {kind: outcomes[kind] for kind in (b"audit", b"ping")}
    assert header_filter.filtered[b"audit"] is outcomes[b"audit"]


def test_a_type_without_a_rule_that_becomes_a_letter_is_never_filtered_by_header(bench: Callable[..., Bench]) -> None:
    mapping = bench("event_type: header:kind\non_unmapped: dead_letter\nevents: {order: {}}").mapping
    mapping.map(Record("shop.orders", 0, 1, None, None, b"{}", [("kind", b"ping")]), 0.0)
    header_filter = mapping.early_filter("shop.orders")
    assert isinstance(header_filter, HeaderFilter)
    assert not header_filter.filtered


def test_a_type_that_is_not_in_a_header_tells_nothing_beforehand(bench: Callable[..., Bench]) -> None:
    mapping = bench("event_type: type\nevents: {order: {}}").mapping
    mapping.map(Record("shop.orders", 0, 1, None, None, b'{"type": "ping"}', []), 0.0)
    assert mapping.early_filter("shop.orders") is None
