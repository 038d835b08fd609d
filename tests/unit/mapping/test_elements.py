"""Each element of a record is mapped as a record of its own would be: its own event, failure, and identity."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.review.coverage import Coverage
from bridge.mapping.review.explain import explain, explain_element
from bridge.model import (
    MOST_ELEMENTS,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    Outcome,
    Record,
    Request,
    element_of,
    output_of,
)
from tests.unit.mapping.conftest import NOW, Bench, compiled

BATCH = """
each: records
user_id: user
event_id: id
events:
  paid: {event_name: Paid, metadata: {shop: outer:shop, amount: amount, sent_by: header:app}}
  twice:
    - {event_name: First}
    - {event_name: Second}
"""


def record(value: Any, **changes: Any) -> Record:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Record("shop.orders", 3, 17, 1_767_323_045_000, None, raw, ())._replace(**changes)


def paid(user: Any = "u-1", **more: Any) -> dict[str, Any]:
    return {"type": "paid", "user": user} | more


def of(text: str, value: Any, **changes: Any) -> dict[int, Outcome]:
    return dict(compiled(text).outputs(record(value, **changes), NOW))


def body(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Request), outcome
    found: dict[str, Any] = json.loads(outcome.body)
    return found


def test_a_hundred_elements_of_which_one_names_no_user_are_99_requests_and_one_dead_letter() -> None:
    elements = [paid(f"u-{number}" if number != 42 else None) for number in range(100)]

    outputs = of(BATCH, {"records": elements})

    assert [number for number, outcome in outputs.items() if isinstance(outcome, Failed)] == [42]
    assert [body(outputs[number])["user_id"] for number in range(100) if number != 42] == [
        f"u-{number}" for number in range(100) if number != 42
    ]


def test_an_expression_sees_the_element_and_outer_what_is_around_it() -> None:
    (outcome,) = of(BATCH, {"shop": "north", "records": [paid(amount=5)]}, headers=(("app", b"till"),)).values()

    assert body(outcome)["metadata"] == {
        "shop": "north",
        "amount": 5,
        "sent_by": "till",
        "occurred_at": "2026-01-02T03:04:05Z",
        "event_id": "shop.orders/3/17/0",
    }


def test_each_element_has_an_event_id_of_its_own_unless_it_says_one() -> None:
    outputs = of(BATCH, {"records": [paid(), paid(), paid(id="own")]})

    assert [body(each)["metadata"]["event_id"] for each in outputs.values()] == [
        "shop.orders/3/17/0",
        "shop.orders/3/17/1",
        "own",
    ]


def test_the_first_route_of_an_element_has_the_elements_number_and_no_other_event_of_the_record_has_it() -> None:
    outputs = of(BATCH, {"records": [{"type": "twice", "user": "u"}] * 3})

    assert sorted(outputs) == [0, 1, 2, MOST_ELEMENTS, MOST_ELEMENTS + 1, MOST_ELEMENTS + 2]
    assert [outputs[output_of(2, 0)].route.name, outputs[output_of(2, 1)].route.name] == ["twice[0]", "twice[1]"]  # type: ignore[union-attr]


@given(st.integers(0, MOST_ELEMENTS - 1), st.integers(0, 50))
def test_the_number_of_an_event_says_its_element_whatever_the_mapping_was(element: int, route: int) -> None:
    assert element_of(output_of(element, route)) == element


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"records": {"a": 1}}, "each: records is an object; an array is needed"),
        ({"other": []}, "each: records is missing or null; an array is needed"),
        ([paid()], "each: records is missing or null"),
    ],
)
def test_a_record_without_the_list_is_one_dead_letter(value: Any, sentence: str) -> None:
    (failed,) = of(BATCH, value).values()

    assert isinstance(failed, Failed)
    assert failed.reason is LetterReason.UNDECODABLE
    assert sentence in failed.message


def test_an_empty_list_and_a_null_element_are_filtered_and_an_element_that_is_no_object_is_a_dead_letter() -> None:
    (empty,) = of(BATCH, {"records": []}).values()
    null, text = of(BATCH, {"records": [None, "u-1"]}).values()

    assert isinstance(empty, Filtered)
    assert empty.reason is FilterReason.NO_ELEMENTS
    assert isinstance(null, Filtered)
    assert null.reason is FilterReason.TOMBSTONE
    assert isinstance(text, Failed)
    assert text.message == "the element is a string; a JSON object is needed"


def test_the_value_itself_may_be_the_list_of_one_topic_and_of_no_other() -> None:
    text = BATCH.replace("each: records", "per_topic: {batches: {each: '@'}}")

    assert len(of(text, [paid(), paid()], topic="batches")) == 2
    assert isinstance(of(text, [paid()])[0], Failed)
    assert isinstance(of(text, paid())[0], Request)


def test_a_type_in_a_header_is_that_of_all_elements_and_one_that_nobody_wants_is_never_decoded() -> None:
    text = BATCH.replace("each: records", "each: records\nevent_type: header:type")
    elements = {"records": [{"user": "u"}, {"user": "v"}]}

    assert [body(each)["user_id"] for each in of(text, elements, headers=(("type", b"paid"),)).values()] == ["u", "v"]
    (unmapped,) = of(text, b"\xff\xff", headers=(("type", b"other"),)).values()
    assert isinstance(unmapped, Filtered)
    assert unmapped.reason is FilterReason.UNMAPPED


def test_numbers_of_elements_are_as_they_are_written_be_they_compressed_or_not() -> None:
    first = b'{"type":"paid","user":"u","amount":1.00000000000000000001}'
    raw = b'{"records":[' + first + b',{"type":"paid","user":"u","amount":2}]}'

    for text, value in ((BATCH, raw), (BATCH.replace("each:", "layers: [gzip]\neach:"), gzip.compress(raw))):
        exact, plain = of(text, value).values()
        assert isinstance(exact, Request)
        assert b'"amount":1.00000000000000000001' in exact.body
        assert body(plain)["metadata"]["amount"] == 2


def test_what_must_not_be_sent_is_taken_out_of_elements_and_out_of_what_is_around_them() -> None:
    text = BATCH.replace("each:", "never_send: [email, owner.email]\neach:").replace(
        "shop: outer:shop", "shop: outer:owner.email, other: 'outer:records[1].email', own: email"
    )
    value = {"owner": {"email": "a@b.example"}, "records": [paid(email="c@d.example"), paid(email="e@f.example")]}

    for outcome in of(text, value).values():
        assert isinstance(outcome, Request)
        assert b"example" not in outcome.body


def test_a_batch_of_cloud_events_is_told_by_its_content_type() -> None:
    text = "events: {paid: {event_name: Paid, metadata: {n: data.n}}}"
    event = {"specversion": "1.0", "type": "paid", "source": "/shop", "id": "e-1", "data": {"user_id": "u", "n": 1}}
    encoded = {**event, "id": "e-2", "data_base64": base64.b64encode(b'{"user_id":"v","n":2}').decode()}
    del encoded["data"]
    half = {"specversion": "1.0", "type": "paid"}
    headers = (("content-type", b"application/cloudevents-batch+json; charset=utf-8"),)

    first, second, third = of(text, [event, encoded, half], headers=headers).values()

    assert [body(first)["user_id"], body(second)["user_id"]] == ["u", "v"]
    assert body(second)["metadata"] == {"n": 2, "event_id": "e-2", "occurred_at": "2026-01-02T03:04:05Z"}
    assert isinstance(third, Failed)
    assert third.message == "the element is no CloudEvent: source is missing"


def test_what_is_encoded_in_a_batch_of_cloud_events_is_not_sent_either() -> None:
    text = "never_send: [data.email]\nevents: {paid: {event_name: Paid, metadata_from: data}}"
    data = base64.b64encode(b'{"user_id":"v","email":"a@b.example"}').decode()
    event = {"specversion": "1.0", "type": "paid", "source": "/shop", "id": "e-2", "data_base64": data}

    (outcome,) = of(text, [event], headers=(("content-type", b"application/cloudevents-batch+json"),)).values()

    assert b"example" not in outcome.body  # type: ignore[union-attr]


def test_elements_are_mapped_one_by_one_when_they_are_asked_for() -> None:
    (elements,) = compiled(BATCH).map(record({"records": [paid(), paid(7.5), paid()]}), NOW)

    assert isinstance(elements, Elements)
    assert elements.count == 3
    assert [type(elements.map(each, NOW)[0]) for each in (2, 1, 0)] == [Request, Failed, Request]


def test_an_explanation_names_the_element_and_what_was_around_it() -> None:
    text = BATCH.replace("each:", "layers: [base64, gzip]\neach:")
    raw = base64.b64encode(gzip.compress(json.dumps({"records": [paid(), paid(None)]}).encode()))

    explained = explain(compiled(text), record(raw), NOW)

    assert explained.form == "JSON in gzip in base64 (2 elements)"
    assert [each.coordinates for each in explained.elements] == ["shop.orders/3/17#0", "shop.orders/3/17#1"]
    assert explained.elements[1].form == "JSON in gzip in base64 (element 1 of 2)"
    assert [look.result for look in explained.all_looks] == ["request", "dead_letter"]
    one = explain_element(compiled(text), record(raw), 1, NOW)
    assert one == explained.elements[1]
    assert explain_element(compiled(text), record(raw), 2, NOW) is None


def test_coverage_counts_the_elements() -> None:
    mapping = compiled(BATCH)
    seen, given_record = Coverage(mapping), record({"records": [paid(amount=1), paid()]})

    seen.add(given_record, mapping.map_all(given_record, NOW))

    assert seen.routes["paid"].requests == 2
    assert seen.routes["paid"].keys["amount"].filled == 1


def test_each_that_is_no_path_is_a_problem_of_the_configuration(problems: Callable[[str], dict[str, str]]) -> None:
    found = problems("each: records[]\nper_topic: {a: {each: 'x y'}}\nevents: {a: {}}")

    assert found == {
        "mapping.each": "'records[]' is no path such as data.records, nor @ for the value itself",
        "mapping.per_topic.a.each": "'x y' is no path such as data.records, nor @ for the value itself",
    }


def test_outer_outside_of_elements_is_nothing(bench: Callable[[str], Bench]) -> None:
    text = "user_id: u\nevents: {paid: {event_name: Paid, metadata: {shop: outer:shop}}}"

    assert "shop" not in bench(text).metadata({"type": "paid", "u": "u-1", "shop": "north"})


def way(text: str) -> int:
    value = json.dumps({"records": [paid()], "others": [paid()]}).encode()
    (elements,) = compiled(text).map(record(gzip.compress(value) if "gzip" in text else value), NOW)
    assert isinstance(elements, Elements)
    return elements.way


@pytest.mark.parametrize(
    "other",
    [
        BATCH.replace("each: records", "each: others"),
        BATCH + "unwrap: connect\n",
        BATCH + "layers: [gzip]\n",
        BATCH + "per_topic: {shop.orders: {each: others}}\n",
    ],
)
def test_what_may_make_another_list_of_a_record_makes_another_way_to_take_it_apart(other: str) -> None:
    assert way(other) != way(BATCH)


def test_what_is_made_of_its_elements_is_no_other_way_to_take_a_record_apart() -> None:
    other = BATCH.replace("event_name: Paid", "event_name: Bought").replace("event_id: id", "event_id: own")

    assert way(other + "key: json\nper_topic: {shop.users: {each: others}}\n") == way(BATCH)
