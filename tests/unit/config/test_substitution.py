from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.keys.scalars import Substituted
from bridge.config.load import Loaded
from bridge.config.reading.substitution import substitute

Load = Callable[..., Loaded]


def only(tree: object, **environ: str) -> object:
    result = substitute(tree, environ)
    assert result.problems == []
    return result.tree


def test_a_variable_is_put_in_wherever_it_stands() -> None:
    assert only({"a": ["x-${HOST}-${PORT}"]}, HOST="h", PORT="1") == {"a": ["x-h-1"]}


@pytest.mark.parametrize(("environ", "found"), [({}, "d"), ({"V": ""}, "d"), ({"V": "v"}, "v")])
def test_a_default_stands_in_where_the_variable_is_unset_or_empty(environ: dict[str, str], found: str) -> None:
    assert only("${V:-d}", **environ) == found


def test_a_default_may_be_empty_or_hold_colons() -> None:
    assert only(["${V:-}", "${V:-localhost:9092}"]) == ["", "localhost:9092"]


def test_a_doubled_dollar_is_a_literal_reference() -> None:
    found = only("$${V} costs $5 and ${V}", V="v")
    assert found == "${V} costs $5 and v"


def test_a_literal_reference_alone_is_still_the_files_own_text() -> None:
    assert not isinstance(only("$${V}"), Substituted)


def test_what_is_put_in_is_not_searched_again() -> None:
    assert only("${A}", A="${B}", B="secret") == "${B}"


def test_what_is_put_in_never_becomes_structure() -> None:
    assert only({"a": "${V}"}, V="[1, 2]\nb: 3") == {"a": "[1, 2]\nb: 3"}


def test_keys_are_substituted_too() -> None:
    assert only({"${T}": 1}, T="shop.orders") == {"shop.orders": 1}


def test_a_file_is_put_in_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "pem").write_bytes(b"\xef\xbb\xbfline 1\nline 2\r\n")
    assert only(f"${{file:{tmp_path}/pem}}") == "line 1\nline 2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${NOPE}", "the environment variable NOPE is not set; set it, or write ${NOPE:-default}"),
        ("${file:/no/such/file}", "the file /no/such/file cannot be read (No such file or directory)"),
        ("${file:/}", "cannot be read (Is a directory)"),
        ("${file:}", "without a path"),
        ("${file:~nobody-at-all/x}", "cannot be read"),
        ("a ${OPEN", "without a closing brace"),
        ("${data.amount}", "none of the known forms; write ${NAME}, ${NAME:-default} or ${file:/path}, and $${"),
        ("${V:?required}", "none of the known forms"),
        ("${}", "none of the known forms"),
        ("${A:-${B}}", "none of the known forms"),
    ],
)
def test_what_cannot_be_had_is_a_problem_at_its_key(text: str, says: str) -> None:
    problems = substitute({"kafka": {"topics": ["a", text]}}, {}).problems
    assert [each.where for each in problems] == ["kafka.topics[1]"]
    assert says in problems[0].message


def test_a_file_that_is_not_text_is_named_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "bin").write_bytes(b"ab\xff")
    assert "not UTF-8 text (byte 2)" in substitute(f"${{file:{tmp_path}/bin}}", {}).problems[0].message


def test_a_device_without_end_is_not_read_to_its_end() -> None:
    assert "larger than" in substitute("${file:/dev/zero}", {}).problems[0].message


def test_two_keys_that_become_one_are_a_problem() -> None:
    assert "there already" in substitute({"a": 1, "${V}": 2}, {"V": "a"}).problems[0].message


Problem = Callable[..., tuple[str, str]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("delivery: {max_in_flight: '${V}'}", "8"),
        ("delivery: {rate_limit: '${V}'}", "10/s"),
        ("dead_letter: {topic: t, create: '${V}'}", "true"),
        ("observability: {listen: ':${V}'}", "9000"),
        ("delivery: {ordering: '${V}'}", "key"),
    ],
)
def test_a_field_parses_what_was_put_in_as_its_own_kind(load: Load, right: str, written: str, value: str) -> None:
    text = right.replace("dead_letter:\n  topic: bridge.dlq\n", "") if written.startswith("dead") else right
    assert load(f"{text}{written}\n", V=value).problems == ()


def test_a_key_that_cannot_be_resolved_has_no_further_problem(problem_of: Problem) -> None:
    where, message = problem_of("endpoint: https://analytex.userpilot.io", "endpoint: ${USERPILOT_ENDPOINT}")
    assert where == "track.endpoint"
    assert "USERPILOT_ENDPOINT is not set" in message


def test_a_reference_does_not_matter_where_the_environment_sets_the_key(changed: Load) -> None:
    loaded = changed("group_id: bridge", "group_id: ${NOPE}", BRIDGE_KAFKA__GROUP_ID="other")
    assert loaded.problems == ()
    assert loaded.config
    assert loaded.config.kafka.group_id == "other"


def test_a_problem_with_a_value_from_outside_names_its_source(changed: Load) -> None:
    problem = changed("group_id: bridge", "group_id: bridge\n  drain_timeout: ${DRAIN}", DRAIN="20").problems[0]
    assert str(problem).endswith("the text given has none (line 4, environment variable DRAIN)")
