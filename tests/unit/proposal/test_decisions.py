"""How types, users, times, ids and metadata are decided, each decision on the smallest sample that needs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Record, Request
from bridge.proposal.choices import ProposedTopic
from bridge.proposal.propose import propose, with_types
from bridge.proposal.words import title

Value = Callable[[int], dict[str, Any]]


def topic_of(value: Value, count: int = 40, name: str = "shop.things") -> ProposedTopic:
    records = [Record(name, 0, n, None, None, json.dumps(value(n)).encode(), ()) for n in range(count)]
    return propose(records).topics[0]


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("order.completed", "Order Completed"),
        ("OrderPlaced", "Order Placed"),
        ("orders/create", "Order Created"),
        ("user_signed_up", "User Signed Up"),
        ("com.acme.shop.order.placed.v1", "Order Placed"),
        ("com.acme.events.TrialStarted", "Trial Started"),
        ("INVOICE_PAID", "Invoice Paid"),
        ("link_click", "Link Clicked"),
        ("categories.update", "Category Updated"),
        ("api_key.created", "API Key Created"),
        ("Order Placed", "Order Placed"),
    ],
)
def test_names_are_title_case_of_what_the_type_says(event_type: str, name: str) -> None:
    assert title(event_type) == name


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("create", "User Created"),
        ("COMPLETED", "User Completed"),
        ("cancel", "User Cancelled"),
        ("sent", "User Sent"),
        ("login", "Login"),
        ("order", "Order"),
        ("OrderPlaced", "Order Placed"),
    ],
)
def test_what_was_done_alone_is_called_by_what_it_was_done_to(event_type: str, name: str) -> None:
    assert title(event_type, "users") == name


@pytest.mark.parametrize(
    ("value", "event_type"),
    [
        (lambda n: {"type": "a.b" if n % 2 else "a.c", "kind": "x"}, "type"),
        (lambda n: {"status": ("new", "paid")[n % 2], "eventName": ("a_done", "b_done")[n % 2]}, "eventName"),
        (lambda n: {"type": f"{n:08d}-aaaa", "order_id": n}, "topic"),
        (lambda n: {"user": {"type": "admin"}, "order_id": n}, "topic"),
        (lambda n: {"meta": {"event_type": ("a.b", "a.c")[n % 2]}, "type": 3}, "meta.event_type"),
        (lambda n: {"event": {"name": ("InvoicePaid", "TrialStarted")[n % 2], "payload": {"n": n}}}, "event.name"),
        (lambda n: {"message": {"name": ("InvoicePaid", "TrialStarted")[n % 2]}, "status": "new"}, "message.name"),
        (lambda n: {"type": ("sold", "refunded")[n % 2], "event": {"name": ("Jazz", "Opera")[n % 2]}}, "type"),
        (lambda n: {"product": {"name": ("Chair", "Table")[n % 2]}}, "topic"),
    ],
)
def test_the_type_has_few_values_and_a_name_of_its_own(value: Value, event_type: str) -> None:
    assert topic_of(value).event_type.spec == event_type


@pytest.mark.parametrize(
    ("value", "user"),
    [
        (lambda n: {"user_agent": "x", "customerId": f"c-{n % 5}"}, "customerId"),
        (lambda n: {"customer": {"id": n % 5, "name": "Ada"}, "id": n}, "customer.id"),
        (lambda n: {"account": {"id": "same"}, "actor": {"id": f"u-{n % 5}"}}, "actor.id"),
        (lambda n: {"userId": f"u-{n % 5}", "email": f"{n % 5}@mail.test"}, "userId"),
        (lambda n: {"email": f"{n % 5}@mail.test", "total": n}, "email"),
        (lambda n: {"userId": f"x-{n}", "customerId": f"c-{n % 5}"}, "customerId"),
        (lambda n: {"createdBy": f"u-{n % 5}", "created": "x"}, "createdBy"),
        (lambda n: {"user": {"created_at": "2026-01-02T03:04:05Z", "uuid": f"x{n % 5}"}}, "user.uuid"),
        (lambda n: {"context": {"user": {"id": f"u-{n % 4}"}}, "order": {"id": n}}, "context.user.id"),
    ],
)
def test_the_user_is_called_like_a_person_and_comes_again(value: Value, user: str) -> None:
    assert topic_of(value).user_id.spec == user


def test_where_nobody_is_named_an_account_is_not_taken_for_a_person_and_that_is_said() -> None:
    user = topic_of(lambda n: {"accountId": f"a-{n % 3}", **({"userId": f"u-{n % 5}"} if n % 2 else {})}).user_id
    assert user.spec == "userId"
    assert user.evidence.endswith("accountId where it is missing would make users of accounts")


def test_where_a_person_has_no_name_yet_another_id_of_persons_is_taken() -> None:
    user = topic_of(lambda n: {"anonymousId": f"a-{n % 3}", **({"userId": f"u-{n % 5}"} if n % 2 else {})}).user_id
    assert user.spec == "userId || anonymousId"


def test_an_account_that_is_the_same_person_is_taken_where_the_user_is_missing() -> None:
    user = topic_of(lambda n: {"accountId": f"u-{n % 5}", **({"userId": f"u-{n % 5}"} if n % 2 else {})}).user_id
    assert set(str(user.spec).split(" || ")) >= {"accountId"}


@pytest.mark.parametrize(("lacking", "drops"), [(1, False), (20, True)])
def test_what_lacks_a_user_is_a_dead_letter_unless_that_is_normal(lacking: int, *, drops: bool) -> None:
    proposed = topic_of(lambda n: {"type": "a.b", **({"userId": f"u-{n % 5}"} if n >= lacking else {})})
    assert proposed.drops_userless is drops


def test_events_without_a_type_are_counted_with_what_would_give_them_one() -> None:
    proposed = topic_of(lambda n: {"userId": f"u-{n % 5}", **({"action": ("paid", "sold")[n % 2]} if n >= 8 else {})})
    assert proposed.event_type.spec == "action"
    assert proposed.remarks == (
        "8 events without action are dropped; `event_type: action || 'a.type'` would give them one",
    )
    events = {"a.type": {"event_name": "Taken"}}
    mapping = compile_mapping(
        MappingConfig.model_validate({"event_type": "action || 'a.type'", "user_id": "userId", "events": events})
    )
    assert isinstance(mapping, CompiledMapping)
    (made,) = mapping.map_all(Record("shop.things", 0, 0, None, None, b'{"userId": "u-1"}', ()), 0.0)
    assert isinstance(made, Request)
    assert made.event_name == "Taken"


def test_a_type_that_somebody_names_gives_the_routes() -> None:
    records = [
        Record(
            "shop.things", 0, n, None, None, json.dumps({"what": ("Sold", "Lent")[n % 2], "userId": n % 5}).encode(), ()
        )
        for n in range(40)
    ]
    proposal = propose(records)
    assert proposal.topics[0].event_type.spec == "topic"
    (topic,) = with_types(proposal, {"shop.things": "what"}).topics
    assert topic.event_type.spec == "what"
    assert topic.event_type.evidence == "as you said, in 100 % of 40, 2 different"
    assert sorted(route.event_name for route in topic.routes) == ["Lent", "Sold"]


def test_nobody_is_found_where_nothing_looks_like_a_person_and_that_is_said() -> None:
    user = topic_of(lambda n: {"type": "a.b", "total": n}).user_id
    assert (user.spec, user.is_certain) == ("key", False)
    assert "NOT FOUND" in user.evidence


def test_evidence_says_the_share_the_number_and_the_next_best() -> None:
    user = topic_of(lambda n: {"userId": f"u-{n % 5}", "accountId": f"a-{n % 3}"}).user_id
    assert user.evidence == "in 100 % of 40, 5 different; next best: accountId"


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (lambda n: {"occurredAt": f"2026-01-02T03:04:{n:02d}Z", "dueAt": f"2027-01-02T03:04:{n:02d}Z"}, "occurredAt"),
        (lambda n: {"ts": 1767323045 + n}, {"path": "ts", "type": "datetime", "unit": "s"}),
        (lambda n: {"ts": 1767323045000 + n}, {"path": "ts", "type": "datetime", "unit": "ms"}),
        (lambda n: {"ts": 1767323045000000 + n}, {"path": "ts", "type": "datetime", "unit": "us"}),
        (lambda n: {"at": f"2026-01-02 03:04:{n:02d}"}, {"path": "at", "type": "datetime", "zone": "UTC"}),
        (lambda n: {"timestamp": f"2026-01-02T03:04:{n:02d}Z"}, '"timestamp"'),
        (lambda n: {"user": {"birthday": "1990-01-02T00:00:00Z"}, "n": n}, "timestamp"),
    ],
)
def test_the_time_is_the_moment_of_the_event_in_whatever_form(value: Value, time: Any) -> None:
    assert topic_of(value).occurred_at.spec == time


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (lambda n: {"id": f"e-{n}", "order": {"id": n}}, "id"),
        (lambda n: {"eventId": f"e-{n}", "id": n % 3}, "eventId"),
        (lambda n: {"order_id": n, "user_id": f"u-{n % 3}"}, "order_id"),
        (lambda n: {"id": n % 3, "ts": 1767323045 + n}, {"template": "{id}/{ts}"}),
        (lambda n: {"id": n % 3}, "header:event-id"),
        (lambda n: {"user_id": f"u-{n}"}, "id"),
    ],
)
def test_the_event_id_is_never_the_same_twice_and_never_the_user(value: Value, identifier: Any) -> None:
    assert topic_of(value).event_id.spec == identifier


def _change(n: int) -> dict[str, Any]:
    """Of a connector whose position nobody knows, so that the decoder has no id for it."""
    row = {"id": n, "email": f"{n}@mail.test", "order_id": 100 + n}
    return {
        "before": None, "after": row, "op": "c", "ts_ms": 1767323045000 + n,
        "source": {"connector": "other", "db": "app", "table": "users", "event_id": f"s-{n}"},
        "transaction": {"id": f"t-{n}", "total_order": 1, "data_collection_order": 1},
    }  # fmt: skip


def test_a_row_s_key_is_never_the_id_of_its_change() -> None:
    proposed = topic_of(_change)
    assert proposed.topic.format.unwrap == "debezium"
    assert proposed.event_id.spec == "id"
    assert "topic/partition/offset" in proposed.event_id.evidence


def test_rows_of_an_outbox_have_their_own_types_and_are_told_as_such() -> None:
    def row(n: int) -> dict[str, Any]:
        kind, payload = ("CheckedIn", "CheckedOut")[n % 2], json.dumps({"guestId": f"g-{n % 4}"})
        inner = {
            "id": f"x-{n}",
            "aggregatetype": "booking",
            "aggregateid": f"b-{n % 9}",
            "type": kind,
            "payload": payload,
        }
        return _change(n) | {"after": inner}

    proposed = topic_of(row)
    assert proposed.event_type.spec == "after.type"
    assert [route.event_name for route in proposed.routes] == ["Checked In", "Checked Out"]
    assert "from_json(after.payload).NAME" in proposed.remarks[0]
    assert topic_of(_change).remarks == ()


@pytest.mark.parametrize("mark", ["__op", "__deleted"])
def test_nor_is_it_where_the_row_was_flattened(mark: str) -> None:
    proposed = topic_of(lambda n: {"id": n, "user_id": f"u-{n % 3}", "order_id": 100 + n, mark: "c"})
    assert proposed.event_id.spec == "header:event-id"
    assert "topic/partition/offset" in proposed.event_id.evidence


def test_metadata_are_scalars_that_are_often_there_and_nothing_of_a_person() -> None:
    (route,) = topic_of(
        lambda n: {
            "type": "order.paid", "userId": f"u-{n % 3}", "total": n, "amount_cents": 100 + n,
            "plan": ("a", "b")[n % 2],
            "email": "x@mail.test", "phone": "+49 30 901820", "contact": "ada@mail.test", "ip": "10.1.2.3",
            "address": {"city": "Berlin"}, "essay": "x " * 300, "lines": [{"sku": 1}], "none": None,
            **({"rare": n} if n < 8 else {}), **({"never": n} if n < 1 else {}),
        }
    ).routes  # fmt: skip
    keys = {each.key: each for each in route.keys}
    assert {key for key, each in keys.items() if each.why_not is None} == {"total", "amount", "plan"}
    assert keys["amount"].spec == {"path": "amount_cents", "divide_by": 100}
    assert keys["rare"].why_not == "is in few events"
    assert keys["rare"].fill == "20 %"
    assert keys["essay"].why_not == "is long text"
    for key in ("email", "phone", "contact", "ip", "city"):
        assert "looks like" in (keys[key].why_not or "")
    assert "never" not in keys


def test_no_more_metadata_are_sent_than_a_person_reads() -> None:
    (route,) = topic_of(lambda n: {"userId": f"u-{n % 3}", **{f"field{x}": n for x in range(60)}}).routes
    assert sum(each.why_not is None for each in route.keys) == 12


def test_alike_names_at_different_places_have_keys_of_their_own() -> None:
    (route,) = topic_of(lambda n: {"userId": f"u-{n % 3}", "cart": {"size": n}, "shop": {"size": n + 1}}).routes
    assert sorted(each.key for each in route.keys) == ["shop_size", "size"]


def test_what_nobody_counts_by_is_offered_and_not_sent() -> None:
    (route,) = topic_of(
        lambda n: {
            "type": "order.paid", "userId": f"u-{n % 3}", "note": "ring twice", "description": "A chair",
            "updated_at": f"2026-01-02T03:04:{n:02d}Z", "at": f"2026-01-02T03:03:{n:02d}Z",
            "admin_graphql_api_id": f"7{n % 4}", "parent": f"gid://shopify/Order/{n}", "notes": n,
        }
    ).routes  # fmt: skip
    why = {each.key: each.why_not for each in route.keys}
    assert why == {
        "note": "is free text: nobody knows what is in it",
        "updated_at": "says when it was changed, not what happened",
        "admin_graphql_api_id": "is an id for another API",
        "parent": "is an id for another API",
        "description": None,
        "notes": None,
    }


def test_a_name_that_says_nothing_alone_is_told_with_what_is_above_it() -> None:
    (route,) = topic_of(
        lambda n: {
            "userId": f"u-{n % 3}", "data": {"kind": "x", "id": f"d{n % 4}"}, "plan": {"name": ("a", "b")[n % 2]},
            "invoice": {"id": f"i{n % 4}", "state": "paid"},
        }
    ).routes  # fmt: skip
    assert {each.key: each.spec for each in route.keys} == {
        "id": "data.id",
        "kind": "data.kind",
        "plan_name": "plan.name",
        "invoice_id": "invoice.id",
        "state": "invoice.state",
    }


def test_a_version_behind_an_at_is_no_address_and_the_way_of_a_request_is_not_sent() -> None:
    (route,) = topic_of(
        lambda n: {"userId": f"u-{n % 3}", "producer": "billing@1.42.0", "traceId": "a", "mailbox": "a@mail.test"}
    ).routes
    assert {each.key: each.why_not for each in route.keys} == {
        "producer": None,
        "trace_id": "says which way a request went, not what happened",
        "mailbox": "looks like an e-mail address, by its values",
    }


def test_a_number_in_a_text_is_told_with_what_makes_it_one() -> None:
    (route,) = topic_of(
        lambda n: {
            "type": "order.paid", "userId": f"u-{n % 3}", "total-price": f"{n}.50", "version": "1.5",
            "zip_code": "10115", "total": n, "label": "1.5 kg",
        }
    ).routes  # fmt: skip
    hints = {each.key: each.hint for each in route.keys if each.hint}
    assert hints == {"total_price": 'a number in a text: to_number("total-price")'}
    (priced,) = [each for each in route.keys if each.key == "total_price"]
    assert priced.remark == '100 %; a number in a text: to_number("total-price")'
