from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config.keys.problems import ConfigError, Problem, render
from bridge.config.keys.scalars import StartPoint
from bridge.config.load import Loaded, read

Load = Callable[..., Loaded]
OneProblem = Callable[..., tuple[str, str]]


def test_a_right_file_is_a_configuration_without_problems(changed: Load) -> None:
    loaded = changed()
    assert loaded.problems == ()
    assert loaded.config
    assert loaded.mapping is loaded.config.mapping


def test_what_the_file_leaves_out_has_the_documented_defaults(changed: Load) -> None:
    config = changed().config
    assert config
    assert (config.kafka.start_from, config.kafka.commit_interval, config.kafka.drain_timeout) == (
        StartPoint.ERROR, 0.2, 20.0,
    )  # fmt: skip
    assert (config.track.timeout, config.track.client, config.track.auth.hold_after) == (10.0, "auto", 5)
    assert (config.delivery.max_buffered_bytes, config.delivery.rate_limit) == (32_000_000, 10.0)
    assert config.delivery.retry.max_retry_after == 600.0
    assert (config.dead_letter.create, config.dead_letter.hold_after) == (False, 100)
    assert config.mapping.metadata_limit == 10_000
    assert (config.observability.listen.host, config.observability.listen.port) == ("0.0.0.0", 9464)  # noqa: S104


# --- the file itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty; begin with the sections kafka, track, dead_letter and mapping"),
        ("# nothing\n", "is empty"),
        ("- kafka\n", "must be a map with sections"),
        ("just text", "must be a map with sections"),
        ("kafka: [\n", "is not valid YAML in line 2, column 1: a list in brackets"),
        (b"kafka: \xff\n", "is not UTF-8 text (byte 7, in line 1)"),
        ("kafka: 1\n".encode("utf-16"), "is not UTF-8 text"),
        ("a: 1\n---\nb: 2\n", "has a second document in line 2"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_sentence(load: Load, content: str | bytes, says: str) -> None:
    loaded = load(content)
    assert loaded.config is None
    assert len(loaded.problems) == 1
    assert loaded.problems[0].where.endswith("bridge.yaml")
    assert says in loaded.problems[0].message


def test_a_byte_order_mark_is_no_part_of_the_file(load: Load, right: str) -> None:
    assert load(b"\xef\xbb\xbf" + right.encode()).problems == ()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/no/such/bridge.yaml", "does not exist"),
        ("/tmp", "is a directory"),  # noqa: S108
        ("/dev/zero", "is larger than"),
        ("a\0b", "its name is not valid"),
        ("/dev/null/x", "cannot be read (Not a directory)"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(path: str, says: str) -> None:
    problems = read(Path(path), {}).problems
    assert len(problems) == 1
    assert problems[0].where == path
    assert says in problems[0].message


# --- all problems at once ----------------------------------------------------------------------------

BROKEN = """\
kafka:
  brokers: localhost:9092
  group_id: bridge
  topics: [shop.orders, '^bridge.*']
  drain_timeout: 400s
  properties: {enable.auto.commit: true}
track:
  endpoint: http://analytex.userpilot.io
  api_key: key-1
  timeout: 10
dead_letter:
  topic: bridge.dlq
  topic: other
delivery:
  max_in_flight: "64"
mapping:
  events:
    order.completed:
      - event_name: Order Completed
        when: [a]
      - evnt_name: Gift
    account.*: {sample: 0.5}
    audit: skip
  examples:
    - {name: x, input: {}, expect: [{dropped: because}]}
  never_send: data.email
"""


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(load: Load) -> None:
    found = [(each.where, each.source) for each in load(BROKEN).problems]
    assert found == [
        ("kafka.brokers", "line 2"),
        ("kafka.topics[1]", "line 4"),
        ("kafka.topics[1]", "line 4"),
        ("kafka.drain_timeout", "line 5"),
        ("kafka.properties.enable.auto.commit", "line 6"),
        ("track.endpoint", "line 8"),
        ("track.timeout", "line 10"),
        ("dead_letter.topic", "line 13"),
        ("delivery.max_in_flight", "line 15"),
        ("mapping.events.order.completed[0].when", "line 20"),
        ("mapping.events.order.completed[1].evnt_name", "line 21"),
        ("mapping.events.account.*.sample", "line 22"),
        ("mapping.events.audit", "line 23"),
        ("mapping.examples[0].expect[0].dropped", "line 25"),
        ("mapping.never_send", "line 26"),
    ]


def test_a_single_route_is_not_given_a_place_in_a_list_that_the_file_does_not_have(load: Load) -> None:
    assert "mapping.events.account.*.sample" in {each.where for each in load(BROKEN).problems}


def test_a_mapping_that_is_right_is_there_although_other_sections_are_not(changed: Load) -> None:
    loaded = changed("group_id: bridge", "group_id: 7")
    assert loaded.config is None
    assert loaded.mapping
    assert list(loaded.mapping.events) == ["order.completed"]


def test_problems_found_later_get_their_line(changed: Load) -> None:
    loaded = changed()
    problem = Problem("mapping.events.order.completed[0].when", "is not an expression")
    assert loaded.located([problem])[0].source == "line 12"


def test_a_problem_in_a_list_of_one_route_names_its_place_in_the_list(changed: Load) -> None:
    loaded = changed("{event_name: Order Completed}", "[{event_name: Order Completed}]")
    found = loaded.located([Problem("mapping.events.order.completed.when", ""), Problem("mapping.events.order", "")])
    assert [each.where for each in found] == ["mapping.events.order.completed[0].when", "mapping.events.order"]


@pytest.mark.parametrize("missing", ["bootstrap_servers", "group_id", "topics"])
def test_a_required_key_that_is_missing_is_said_with_what_it_is(load: Load, right: str, missing: str) -> None:
    lines = [line for line in right.splitlines() if missing not in line]
    problems = load("\n".join(lines)).problems
    assert [each.where for each in problems] == [f"kafka.{missing}"]
    assert problems[0].message.startswith("is required: ")


def test_a_missing_section_is_its_required_keys(load: Load) -> None:
    found = {each.where for each in load("kafka: {}\ntrack:\n").problems}
    assert found == {
        "kafka.bootstrap_servers", "kafka.group_id", "kafka.topics", "track.endpoint", "track.api_key_file",
        "dead_letter.topic", "mapping.events",
    }  # fmt: skip


@pytest.mark.parametrize("section", ["delivery:", "observability:", "delivery:\n  retry:", "observability: {}"])
def test_a_section_whose_lines_are_all_comments_has_its_defaults(load: Load, right: str, section: str) -> None:
    assert load(f"{right}{section}\n").problems == ()


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("group_id: bridge", "group_id: 7", "kafka.group_id", "must be text, not 7; put it in quotes"),
        ("group_id: bridge", "group_id: ''", "kafka.group_id", "must not be empty"),
        ("group_id: bridge", "group_id:", "kafka.group_id", "must be text, not nothing"),
        ("[shop.orders]", "shop.orders", "kafka.topics", "must be a list, such as [a, b], not 'shop.orders'"),
        ("[shop.orders]", "[]", "kafka.topics", "must not be empty"),
        ("[shop.orders]", "[1.5]", "kafka.topics[0]", "must be text, not 1.5"),
        ("topic: bridge.dlq", "topic: [a]", "dead_letter.topic", "must be text, not a list"),
        ("api_key: key-1", "api_key: 12", "track.api_key", "put the key in quotes"),
        ("api_key: key-1", "api_key: k\n  client: http", "track.client", "did you mean httpx?"),
        ("api_key: key-1", "api_key: k\n  auth: 5", "track.auth", "must be a map of keys and values, not 5"),
        ("api_key: key-1", "api_key: k\n  auth: {hold_after: -1}", "track.auth.hold_after", "must be 0 or more"),
        ("Order Completed}", "Order Completed, max_age: 5}", "mapping.events.order.completed.max_age", "5 has none"),
        ("{event_name: Order Completed}", "[]", "mapping.events.order.completed", "write drop"),
        ("{event_name: Order Completed}", "", "mapping.events.order.completed", "must be drop, a route or a list"),
        ("{event_name: Order Completed}", "[drop]", "mapping.events.order.completed[0]", "must be a map"),
        ("\n    order.completed: {event_name: Order Completed}", " {}", "mapping.events", "must not be empty"),
    ],
)
def test_a_wrong_value_is_said_with_what_is_expected(
    problem_of: OneProblem, old: str, new: str, where: str, says: str
) -> None:
    found, message = problem_of(old, new)
    assert found == where
    assert says in message


@pytest.mark.parametrize(
    ("written", "where", "says"),
    [
        ("5", "", "write {value: 5}"),
        ("true", "", "write {value: true}"),
        ("[a]", "", "not a list"),
        ("''", "", "must not be empty"),
        ("{value: web, path: x}", "", "not value and path together"),
        ("{pth: x}", "", "one of the keys value (a literal), template or path"),
        ("{value: null}", ".value", "must be a text, a number, true or false, not nothing"),
        ("{value: .nan}", ".value", "finite"),
        ("{path: x, typ: string}", ".typ", "did you mean type?"),
        ("{path: x, type: int}", ".type", "must be string, integer, number, boolean or datetime"),
        ("{path: x, unit: ms}", "", "add type: datetime"),
        ("{path: x, divide_by: 0}", "", "must not be 0"),
        ("{path: x, unit: d}", "", "unit says what a time counts; add type: datetime or remove unit"),
        ("{path: x, format: '%Y'}", "", "format says how a text has its time; add type: datetime or remove format"),
        ("{path: x, type: string, zone: UTC}", "", "zone says where a time is; add type: datetime or remove zone"),
        (
            "{path: x, type: datetime, unit: s, zone: UTC}",
            "",
            "unit is for numbers, which count since 1970 in UTC, and zone",
        ),
        ("{path: x, type: datetime, unit: s, format: '%Y'}", "", "and format for texts; remove one of the two"),
        ("{path: x, type: datetime, divide_by: 10}", "", "divide_by with type: datetime needs unit"),
        (
            "{path: x, decimal: ','}",
            "",
            "decimal says how a number is written in a text; add type: number or remove decimal",
        ),
        ("{path: x, type: number, decimal: ';'}", ".decimal", "',' or '.'"),
        ("{path: x, divide_by: 10, type: string}", "", "divide_by needs a number, but type is string"),
        ("{path: x, default: 1, required: true}", "", "remove required or default"),
        ("{path: x, required: yes}", ".required", "must be true or false"),
    ],
)
def test_a_value_outside_the_grammar_is_said_at_its_key(
    problem_of: OneProblem, written: str, where: str, says: str
) -> None:
    found, message = problem_of("{event_name: Order Completed}", f"{{metadata: {{amount: {written}}}}}")
    assert found == f"mapping.events.order.completed.metadata.amount{where}"
    assert says in message


@pytest.mark.parametrize(
    ("written", "where", "says"),
    [
        ("{name: x, expect: {dropped: rule}}", "", "either input (a value alone) or record"),
        ("{name: x, input: 1, record: {topic: t}, expect: {dropped: rule}}", "", "either input"),
        ("{name: x, input: 1, expect: []}", ".expect", "must not be empty"),
        ("{name: x, input: 1, expect: [drop]}", ".expect[0]", "must be a map, not 'drop'"),
        ("{name: x, input: 1, expect: {user_id: u}}", ".expect.event_name", "is required"),
        ("{name: x, input: 1, now: 2026-01-02, expect: {dropped: rule}}", ".now", "must say its zone"),
        ("{name: x, record: {topic: t, value: 1, value_base64: eA==}, expect: {dropped: rule}}", ".record", "both"),
    ],
)
def test_an_example_outside_its_grammar_is_said_at_its_key(
    problem_of: OneProblem, written: str, where: str, says: str
) -> None:
    found, message = problem_of("mapping:", f"mapping:\n  examples: [{written}]")
    assert found == f"mapping.examples[0]{where}"
    assert says in message


def test_a_null_input_is_an_input(changed: Load) -> None:
    loaded = changed("mapping:", "mapping:\n  examples: [{name: x, input: null, expect: {dropped: tombstone}}]")
    assert loaded.problems == ()


def test_common_metadata_is_added_to_the_defaults_and_false_leaves_one_out(changed: Load) -> None:
    mapping = changed("mapping:", "mapping:\n  common_metadata: {event_id: false, tenant: data.tenant}").mapping
    assert mapping
    assert mapping.common_metadata == {
        "occurred_at": "envelope:occurred_at",
        "event_id": False,
        "tenant": "data.tenant",
    }


def test_an_override_for_a_topic_tells_null_from_not_written(changed: Load) -> None:
    mapping = changed("mapping:", "mapping:\n  per_topic: {shop.orders: {when: null}}").mapping
    assert mapping
    assert mapping.per_topic["shop.orders"].model_fields_set == {"when"}


def test_the_values_are_frozen(changed: Load) -> None:
    config = changed().config
    assert config
    with pytest.raises(ValueError, match="frozen"):
        config.kafka.group_id = "other"  # type: ignore[misc]  # that this is refused is the point


# --- nothing raises ----------------------------------------------------------------------------------

scalars_ = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
trees = st.recursive(
    scalars_,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
KEYS = [
    "kafka", "topics", "properties", "track", "endpoint", "auth", "delivery", "retry", "dead_letter", "topic",
    "mapping", "events", "per_topic", "examples", "expect", "metadata", "observability", "listen", "path",
]  # fmt: skip
known_trees = st.recursive(
    st.one_of(scalars_, st.sampled_from(["drop", "^a", "20s", "${X}", "${file:/}", "$${"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.one_of(trees, known_trees))
def test_no_tree_raises_and_each_problem_is_one_line(load: Load, tree: object) -> None:
    for problem in load(yaml.safe_dump(tree, allow_unicode=False)).problems:
        assert problem.message
        assert "Traceback" not in problem.message


@pytest.mark.parametrize("path", ["kafka", "track", "delivery", "dead_letter", "mapping", "observability"])
@pytest.mark.parametrize("value", ["5", "[a]", "x", "true"])
def test_a_section_that_is_no_map_is_one_problem(load: Load, right: str, path: str, value: str) -> None:
    kept = {name: tree for name, tree in yaml.safe_load(right).items() if name != path}
    found = load(f"{yaml.safe_dump(kept)}\n{path}: {value}\n").problems
    assert [(each.where, each.message.partition(",")[0]) for each in found] == [
        (path, "must be a map of keys and values")
    ]


# --- the values of problems --------------------------------------------------------------------------


def test_a_path_is_written_as_people_write_it() -> None:
    assert render(("mapping", "events", "order.completed", 0, "when")) == "mapping.events.order.completed[0].when"


def test_an_error_prints_one_problem_a_line() -> None:
    error = ConfigError([Problem("a", "is wrong", "line 1"), Problem("b", "is too")])
    assert str(error) == "a: is wrong (line 1)\nb: is too"
