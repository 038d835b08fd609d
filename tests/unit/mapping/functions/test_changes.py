"""`changed()`: a false event is worse than a dead letter, and neither is made of a creation."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.queries import compile_query
from bridge.model import LetterReason

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

PLACEHOLDER = "__debezium_unavailable_value"


def update(before: Any, after: Any, **others: Any) -> dict[str, Any]:
    return {"before": before, "after": after, "op": "u", "source": {"connector": "postgresql"}} | others


def changed(path: str, change: Any) -> Any:
    return compile_query(f"changed('{path}')")(change)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {"a": 1}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, True),
        ({"a": None}, {"a": 0}, True),
        ({"a": "x"}, {"a": None}, True),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [2, 1]}}, True),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, False),
    ],
)
def test_an_update_has_changed_what_differs(before: Any, after: Any, expected: Any) -> None:
    assert changed("a", update(before, after)) is expected


def test_a_longer_path_and_odd_names_are_looked_up_on_both_sides() -> None:
    change = update({"a": {"b-c": 1, "x y": 1}}, {"a": {"b-c": 2, "x y": 1}})

    assert changed("a.b-c", change)
    assert not changed('a."x y"', change)
    assert changed("a.b", update({"a": None}, {"a": {"b": 1}}))


@pytest.mark.parametrize("op", ["c", "r", "d", "t", "m"])
def test_what_is_no_update_has_changed_nothing_so_that_no_snapshot_makes_events(op: str) -> None:
    assert changed("a", {"before": None, "after": {"a": 1}, "op": op}) is False


@pytest.mark.parametrize("op", [{"op": "u"}, {"op": None}, {}])
def test_an_update_without_its_past_is_a_dead_letter_that_says_how_to_have_it(
    order: Callable[[str], Bench], op: dict[str, Any]
) -> None:
    mapping = order("when: changed('status')")

    failed = mapping.failed({"type": "order", "u": "u-1", "before": None, "after": {"status": "paid"}, **op})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message == (
        "when: changed('status'): changed('status') found no before in the change: for PostgreSQL, "
        "ALTER TABLE … REPLICA IDENTITY FULL has it in every change"
    )


def test_of_mongodb_it_says_what_is_to_be_done_there() -> None:
    with pytest.raises(QueryTypeError, match="changeStreamPreAndPostImages"):
        changed("a", update(None, {"a": 1}, source={"connector": "mongodb"}))


def of_mongodb(**updates: Any) -> dict[str, Any]:
    return update(None, {"a": {"b": 1}}, source={"connector": "mongodb"}, updateDescription=updates)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.b", True), ("a", True), ("a.c", False), ("ab", False), ("d", True), ("d.e", True), ("f", True), ("f.g", None)],
)
def test_mongodbs_list_of_updated_fields_answers_where_it_can(path: str, expected: Any) -> None:
    change = of_mongodb(
        updatedFields={"a.b": 1, "f": {"g": 1}},
        removedFields=["d.e"],
        truncatedArrays=[{"field": "list", "newSize": 1}],
    )

    if expected is None:  # all of f was set: whether g was another before, it does not say
        with pytest.raises(QueryTypeError, match="changeStreamPreAndPostImages"):
            changed(path, change)
    else:
        assert changed(path, change) is expected
    assert changed("list", change) is True
    assert changed("a", of_mongodb(updatedFields={})) is False


@pytest.mark.parametrize(
    "updates", [{}, {"updatedFields": '{"a": 1}'}, {"updatedFields": None, "removedFields": ["b"]}]
)
def test_a_list_of_updated_fields_that_is_none_answers_nothing(updates: dict[str, Any]) -> None:
    with pytest.raises(QueryTypeError, match="found no before in the change"):
        changed("a", of_mongodb(**updates))


@pytest.mark.parametrize("value", [{}, {"op": "u"}, {"after_all": 1}, {"payload": "text"}, [], "x"])
def test_what_is_no_change_event_is_a_failure_and_no_answer(value: Any) -> None:
    with pytest.raises(QueryTypeError, match="the value is no change event of Debezium"):
        changed("a", value)


def test_an_operation_that_nobody_knows_is_a_failure() -> None:
    with pytest.raises(QueryTypeError, match="got an op that is none of Debezium's"):
        changed("a", update({"a": 1}, {"a": 2}, op="update"))


def test_the_envelope_of_schema_and_payload_is_looked_into() -> None:
    assert changed("a", {"schema": {}, "payload": update({"a": 1}, {"a": 2})}) is True
    assert changed("a", update({"a": 1}, {"a": 1}, payload=update({"a": 1}, {"a": 2}))) is False


@pytest.mark.parametrize(
    "unavailable",
    [PLACEHOLDER, base64.b64encode(PLACEHOLDER.encode()).decode(), [PLACEHOLDER], {PLACEHOLDER: PLACEHOLDER}],
)
def test_a_value_that_debezium_left_out_because_it_did_not_change_has_not_changed(unavailable: Any) -> None:
    assert changed("a", update({"a": "long"}, {"a": unavailable})) is False
    assert changed("a", update({"a": unavailable}, {"a": unavailable})) is False
    assert changed("a", update({"a": unavailable}, {"a": "new"})) is True


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_column_that_only_one_side_has_was_left_out_and_has_not_changed(side: str) -> None:
    rows = {"before": {"b": 1}, "after": {"b": 1}}
    rows[side] |= {"a": 1}

    with pytest.raises(
        QueryTypeError, match=rf"changed\('a'\) found a on one side only, {side}: the table's REPLICA IDENT"
    ):
        changed("a", update(**rows))
    assert changed("a", update(**rows, source={"connector": "mongodb"})) is True
    assert changed("c", update(**rows)) is False


def test_never_send_of_one_side_makes_no_changes(bench: Callable[[str], Bench]) -> None:
    mapping = bench("never_send: [after.a]\nuser_id: u\nevents: {order: {when: changed('a')}}")

    failed = mapping.failed({"type": "order", "u": "u-1"} | update({"a": 1}, {"a": 1}))

    assert "or never_send leaves it out on the other" in failed.message


def test_debezium_unwrapped_is_asked_alike(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        "unwrap: debezium\nevent_type: source.table\nuser_id: after.u\n"
        "events: {t: {event_name: T, when: \"changed('a') || changed('doc.b')\", "
        "metadata: {was: before.a, is: after.a}}}"
    )

    def record(before: Any, after: Any, op: str = "u") -> dict[str, Any]:
        change = {"before": before, "after": after, "op": op, "source": {"table": "t", "connector": "mongodb"}}
        return {"schema": {"type": "struct"}, "payload": change}

    assert mapping.metadata(record({"a": 1}, {"a": 2, "u": "u-1"})).items() >= {"was": 1, "is": 2}.items()
    mapping.filtered(record({"a": "long"}, {"a": PLACEHOLDER, "u": "u-1"}))
    mapping.filtered(record(None, {"a": 1, "u": "u-1"}, "c"))
    assert "changeStreamPreAndPostImages" in mapping.failed(record(None, {"a": 1, "u": "u-1"})).message
    as_texts = record(json.dumps({"doc": {"b": 1}}), json.dumps({"doc": {"b": 2}, "u": "u-1"}))
    assert mapping.request(as_texts)["user_id"] == "u-1"
    updated = record(None, json.dumps({"a": 1, "u": "u-1"}))
    updated["payload"]["updateDescription"] = {"updatedFields": json.dumps({"a": 1}), "removedFields": None}
    assert mapping.request(updated)["user_id"] == "u-1"
    updated["payload"]["updateDescription"] = {"updatedFields": json.dumps({"b": 1}), "truncatedArrays": 5}
    mapping.filtered(updated)


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ({"a": "{}"}, "changed('a.b') cannot look into before.a, which is a string; an object is needed"),
        ('{"a": 1}', "changed('a.b') cannot look into before, which is a string; an object is needed"),
        ({"a": [1]}, "changed('a.b') cannot look into before.a, which is an array; an object is needed"),
    ],
)
def test_what_has_no_fields_on_the_way_is_a_failure_and_no_change(before: Any, sentence: str) -> None:
    with pytest.raises(QueryTypeError) as failure:
        changed("a.b", update(before, {"a": {"b": 1}}))
    assert str(failure.value).startswith(sentence)


@pytest.mark.parametrize(
    "text", ["changed()", "changed(a)", "changed('')", "changed('a[0]')", "changed('a', 'b')", "changed(`5`)"]
)
def test_anything_but_one_path_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"takes one, in single quotes: changed\('a.b'\)"):
        compile_expression(text, "m")


@pytest.mark.parametrize(
    "text",
    [
        "after.changed('a')",
        "after | changed('a')",
        "lines[?changed('a')]",
        "lines[*].changed('a')",
        "map(&changed('a'), x)",
    ],
)
def test_it_is_refused_where_it_would_not_see_the_whole_change(text: str) -> None:
    with pytest.raises(ExpressionError, match="compares the whole change"):
        compile_expression(text, "m")


def test_it_is_a_part_of_longer_conditions(order: Callable[[str], Bench]) -> None:
    mapping = order("when: op == 'u' && (changed('status') || changed('plan')) && !changed('id')")

    def record(**after: Any) -> dict[str, Any]:
        return {"type": "order", "u": "u-1"} | update({"id": 1, "status": "new", "plan": "a"}, after)

    assert mapping.request(record(id=1, status="new", plan="b"))["user_id"] == "u-1"
    mapping.filtered(record(id=2, status="paid", plan="b"))
    mapping.filtered(record(id=1, status="new", plan="a"))


def test_its_paths_are_those_of_both_sides() -> None:
    assert compile_expression("changed('a.b') && c", "m").paths == (("before", "a", "b"), ("after", "a", "b"), ("c",))


VALUES = st.none() | st.integers(0, 2) | st.booleans() | st.sampled_from(["", "x"])
ROWS = st.fixed_dictionaries({"a": VALUES})


@given(ROWS, ROWS)
def test_it_says_the_same_as_the_comparison_of_both_sides(before: Any, after: Any) -> None:
    change = update(before, after)

    assert changed("a", change) is compile_query("before.a != after.a")(change)
