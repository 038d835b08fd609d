"""`never_send` fails closed: what it cannot search does not leave."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.compile import CompiledMapping
from bridge.model import Failed, LetterReason, Record, Request
from tests.unit.mapping.conftest import NOW, compiled

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

SECRET = "ada@x.example"
HIDDEN = "a text on the way of never_send data.email, which cannot be searched"
TEXTS = {
    "JSON inside": json.dumps({"email": SECRET}),
    "JSON inside of JSON": json.dumps(json.dumps({"email": SECRET})),
    "base64": base64.b64encode(json.dumps({"email": SECRET}).encode()).decode(),
    "a plain text": f"email={SECRET}",
}
USES = {
    "metadata": "metadata: {raw: data}",
    "metadata through a query": "metadata: {raw: 'data || u'}",
    "a template": 'metadata: {raw: {template: "x {data}"}}',
    "a conversion": "metadata: {raw: {path: data, type: string}}",
    "a joined list": 'metadata: {raw: {path: "[data]", join: "/"}}',
    "a list": "metadata: {raw: '[data]'}",
    "a text of all": "metadata: {raw: to_string(@)}",
    "a function": "metadata: {raw: lower(data)}",
    "a text in its base64": "metadata: {raw: from_base64(data)}",
    "a part": "metadata: {raw: \"split(data, '@')[0]\"}",
    "a replacement": "metadata: {raw: \"replace(data, '@', '')\"}",
    "a pair": "metadata: {raw: 'items({d: data})[0][1]'}",
    "its length": "metadata: {raw: length(data)}",
    "its type": "metadata: {raw: type(data)}",
    "all values": "metadata: {raw: values(@)}",
    "the whole": "metadata_from: '@'",
    "the user": "user_id: data",
    "a condition": "when: data == 'x'",
    "a condition on all": "when: contains(values(@), 'x')",
    "an inner field": "metadata: {raw: data.other}\nuser_id: data.user",
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("path", ["data.email", "data.people.email"])
def test_a_text_on_the_way_of_never_send_is_not_sent(
    bench: Callable[[str], Bench], use: str, text: str, path: str
) -> None:
    route = "\n".join(f"    {line}" for line in USES[use].splitlines())
    mapping = bench(f"never_send: [{path}]\nuser_id: u\nevents:\n  a:\n    event_name: A\n{route}")

    (outcome,) = mapping.map({"type": "a", "u": "u-1", "data": TEXTS[text]})

    if use == "all values":
        assert isinstance(outcome, Request) is False or SECRET not in repr(outcome)
    assert not isinstance(outcome, Request), outcome.body
    assert SECRET not in repr(outcome)
    assert TEXTS[text] not in repr(outcome)


def test_the_dead_letter_says_which_text_and_which_path(bench: Callable[[str], Bench]) -> None:
    mapping = bench("never_send: [data.email]\nuser_id: u\nevents: {a: {event_name: A, metadata: {raw: data}}}")

    failed = mapping.failed({"type": "a", "u": "u-1", "data": TEXTS["JSON inside"]})

    assert (failed.reason, failed.message) == (LetterReason.UNMAPPABLE, f"{HIDDEN}: it is not sent")
    by_user = bench("never_send: [data.email]\nuser_id: data\nevents: {a: {event_name: A}}")
    assert f"user_id: data is {HIDDEN}" in by_user.failed({"type": "a", "data": "x"}).message


@pytest.mark.parametrize("beside", [None, 5, 12.5, True, [], {}, "", [1, None, True], {"other": "x"}])
def test_what_no_text_stands_in_the_way_of_is_sent_as_before(bench: Callable[[str], Bench], beside: Any) -> None:
    guarded = bench("never_send: [data.email]\nuser_id: u\nevents: {a: {event_name: A, metadata_from: '@'}}")
    open_ = bench("user_id: u\nevents: {a: {event_name: A, metadata_from: '@'}}")
    value = {"type": "a", "u": "u-1", "data": beside}

    assert guarded.metadata(value) == open_.metadata(value)


def test_a_record_that_sends_nothing_of_such_a_text_is_sent(bench: Callable[[str], Bench]) -> None:
    mapping = bench("never_send: [data.email]\nuser_id: u\nevents: {a: {event_name: A, metadata: {n: n}}}")

    assert mapping.metadata({"type": "a", "u": "u-1", "n": 5, "data": TEXTS["base64"]})["n"] == 5


def test_a_text_in_a_list_on_the_way_is_not_sent_and_objects_beside_it_are_searched(
    bench: Callable[[str], Bench],
) -> None:
    mapping = bench(
        "never_send: [people.email]\nuser_id: u\n"
        "events: {a: [{event_name: A, metadata: {n: 'people[0].name', e: 'people[0].email'}},"
        " {event_name: B, metadata: {all: people}}, {event_name: C, metadata: {t: to_string(people)}},"
        " {event_name: D, metadata: {one: 'people[1]'}}]}"
    )
    value = {
        "type": "a",
        "u": "u-1",
        "people": [{"name": "Ada", "email": SECRET}, TEXTS["JSON inside"], [{"email": 1}]],
    }

    first, second, *others = mapping.map(value)

    assert isinstance(first, Request)
    assert json.loads(first.body)["metadata"]["n"] == "Ada"
    assert isinstance(second, Request), "a list of objects is left out and counted"
    assert second.left_out == 1
    assert not any(isinstance(other, Request) for other in others)
    assert SECRET not in repr([getattr(outcome, "body", outcome) for outcome in (first, second, *others)])


def json_in(value: Any, *, times: int = 1, encode: bool = False) -> str:
    text = json.dumps(value)
    for _ in range(times - 1):
        text = json.dumps(text)
    return base64.b64encode(text.encode()).decode() if encode else text


OPENED = {
    "from_json(data)": json_in({"email": SECRET, "n": 5, "people": [{"email": SECRET, "n": 6}]}),
    "from_json(from_json(data))": json_in({"email": SECRET, "n": 5, "people": [{"email": SECRET, "n": 6}]}, times=2),
    "from_json(from_base64(data))": json_in(
        {"email": SECRET, "n": 5, "people": [{"email": SECRET, "n": 6}]}, encode=True
    ),
}


@pytest.mark.parametrize("opened", OPENED)
def test_from_json_reads_a_text_on_the_way_without_what_must_never_leave(
    bench: Callable[[str], Bench], opened: str
) -> None:
    mapping = bench(
        "never_send: [data.email, data.people.email]\nuser_id: u\nevents: {a: {event_name: A, "
        f"metadata_from: {opened}, "
        f"metadata: {{e: {opened}.email, all: to_string({opened}), p: '{opened}.people[0].n'}}}}}}"
    )
    value = {"type": "a", "u": "u-1", "data": OPENED[opened]}

    for _ in range(2):  # the second time nothing is left over of the first
        metadata = mapping.metadata(value)
        assert SECRET not in repr(metadata)
        assert (metadata["n"], metadata["p"], "e" in metadata) == (5, 6, False)
        assert json.loads(metadata["all"]) == {"n": 5, "people": [{"n": 6}]}


def test_a_text_inside_of_an_opened_text_is_not_sent_either(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        "never_send: [data.inner.email]\nuser_id: u\n"
        "events: {a: {event_name: A, metadata: {raw: from_json(data).inner}}}"
    )
    value = {"type": "a", "u": "u-1", "data": json_in({"inner": json_in({"email": SECRET})})}

    failed = mapping.failed(value)

    assert failed.message == (
        "a text on the way of never_send data.inner.email, which cannot be searched: it is not sent"
    )


def test_the_same_json_elsewhere_is_read_as_before(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        "never_send: [data.email]\nuser_id: u\n"
        "events: {a: {event_name: A, metadata: {a: from_json(data).email, b: from_json(other).email}}}"
    )
    text = json_in({"email": SECRET})

    metadata = mapping.metadata({"type": "a", "u": "u-1", "data": text, "other": text})

    assert (metadata["b"], "a" in metadata) == (SECRET, False)


def test_an_element_of_a_list_of_texts_is_searched_for_itself(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        "never_send: [people.email]\nuser_id: u\nevents: {a: {event_name: A, metadata: "
        "{n: 'from_json(people[0]).n', e: 'from_json(people[0]).email', m: 'map(&from_json(@).n, people)'}}}"
    )
    people = [json_in({"email": SECRET, "n": 1}), json_in([{"email": SECRET, "n": 2}])]

    metadata = mapping.metadata({"type": "a", "u": "u-1", "people": people})

    assert (metadata["n"], metadata["m"], "e" in metadata) == (1, "1", False)


EVENT = {"specversion": "1.0", "type": "a", "source": "s", "id": "1", "subject": "u-1"}
ENCODED = base64.b64encode(json.dumps({"email": SECRET, "n": 1}).encode()).decode()


@pytest.mark.parametrize("path", ["data", "data.email"])
def test_the_encoded_data_of_a_cloud_event_does_not_leave_beside_what_was_taken_out(
    bench: Callable[[str], Bench], path: str
) -> None:
    mapping = bench(f"never_send: [{path}]\nuser_id: subject\nevents: {{a: {{event_name: A, metadata_from: '@'}}}}")

    for event in ({**EVENT, "data_base64": ENCODED}, {**EVENT, "data_base64": ENCODED, "data": {"n": 1}}):
        outcome = mapping.map(event)[0]
        assert ENCODED not in repr(getattr(outcome, "body", outcome))
    opaque = {**EVENT, "data_base64": ENCODED, "datacontenttype": "application/octet-stream"}
    assert "which cannot be searched" in mapping.failed(opaque).message


def test_the_text_of_a_binary_event_on_the_way_is_not_sent(bench: Callable[[str], Bench]) -> None:
    mapping = bench("never_send: [data.email]\nuser_id: subject\nevents: {a: {event_name: A, metadata: {raw: data}}}")
    headers = [(f"ce_{name}", text.encode()) for name, text in EVENT.items()] + [("content-type", b"text/plain")]

    assert HIDDEN in mapping.failed(TEXTS["JSON inside"].encode(), headers=headers).message


ANY = compiled("""
never_send: [data.a.secret, data.secret, list.secret]
user_id: u
events:
  '*':
    - {event_name: whole, metadata_from: '@'}
    - {event_name: text, metadata: {t: to_string(@)}}
    - {event_name: parts, metadata: {a: data, b: data.a, c: list, d: 'values(@)', e: {path: list, join: ','}}}
    - {event_name: opened, metadata: {o: "data && to_string(from_json(data))"}}
    - {event_name: condition, when: "data.a == 'x'", metadata: {a: data.a}}
""")
INSIDE = st.sampled_from(
    [{"secret": SECRET}, json.dumps({"secret": SECRET}), [json.dumps([{"secret": SECRET}])], {"a": {"secret": SECRET}}]
)
TREES = st.recursive(
    INSIDE | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "secret"]), inner),
)


@given(st.fixed_dictionaries({"type": st.just("x"), "u": st.just("u")}, optional={"data": TREES, "list": TREES}))
def test_nothing_on_a_way_of_never_send_leaves_in_any_form(value: dict[str, Any]) -> None:
    def reachable(node: Any, path: tuple[str, ...]) -> bool:
        """Whether the secret is on this path, or inside of a text on its way."""
        if isinstance(node, list):
            return any(reachable(item, path) for item in node)
        if isinstance(node, str):
            return SECRET in node
        if isinstance(node, dict) and path:
            return path[0] in node and reachable(node[path[0]], path[1:])
        return not path and SECRET in json.dumps(node)

    def without(node: Any) -> bool:
        return SECRET in json.dumps(node)

    paths = [("data", "a", "secret"), ("data", "secret"), ("list", "secret")]
    if without(value) and not any(reachable(value, path) for path in paths):
        return  # it stands somewhere that nobody named
    outcomes = ANY.map(Record("t", 0, 0, None, None, json.dumps(value).encode(), ()), NOW)
    for outcome in outcomes:
        assert "failed with" not in repr(outcome)


PLAIN = compiled("""
never_send: [data.a.secret, data.secret]
user_id: u
events: {x: {event_name: X, metadata: {t: to_string(data)}}}
""")
INSIDE_OF_A_TEXT = compiled("""
never_send: [data.a.secret, data.secret]
user_id: u
events: {x: {event_name: X, metadata: {t: to_string(from_json(data))}}}
""")


@given(TREES.filter(lambda tree: not isinstance(tree, str)))
def test_what_is_read_of_a_text_is_what_would_be_sent_were_it_no_text(tree: Any) -> None:
    def outcome(mapping: CompiledMapping, data: Any) -> Any:
        value = {"type": "x", "u": "u", "data": data}
        (found,) = mapping.map(Record("t", 0, 0, None, None, json.dumps(value).encode(), ()), NOW)
        return found.body if isinstance(found, Request) else isinstance(found, Failed) and found.message

    assert outcome(INSIDE_OF_A_TEXT, json.dumps(tree)) == outcome(PLAIN, tree)
