from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import api_key
from bridge.config.load import Loaded

Problem = Callable[..., tuple[str, str]]
Load = Callable[..., Loaded]


@pytest.mark.parametrize("text", ["key-1", "key-1\n", "  key-1\r\n", "\tkey-1 "])
def test_white_space_around_a_key_is_no_part_of_it(text: str) -> None:
    assert api_key.clean(text) == "key-1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("a\nX-Injected: b", "several lines"),
        ("a\rb", "several lines"),
        ("a\u2028b", "several lines"),
        ("Token abc", "without the word Token"),
        ("a\tb", "white space inside"),
        ("a\0b", "no header can carry"),
        ("a\x7fb", "no header can carry"),
        ("schlüssel", "no header can carry"),
        ("кey", "no header can carry"),
    ],
)
def test_a_key_that_could_split_its_header_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        api_key.clean(text)


@given(st.text())
def test_an_accepted_key_is_one_visible_ascii_word(text: str) -> None:
    try:
        key = api_key.clean(text)
    except ValueError:
        return
    assert key.isascii()
    assert key.isprintable()
    assert len(key.split()) == 1


def test_one_of_key_and_key_file_is_required(problem_of: Problem) -> None:
    where, message = problem_of("  api_key: key-1\n", "")
    assert where == "track.api_key_file"
    assert message == "is required: the file with the API key (or set track.api_key)"


def test_key_and_key_file_together_are_refused(problem_of: Problem) -> None:
    where, message = problem_of("api_key: key-1", "api_key: key-1\n  api_key_file: /run/key")
    assert where == "track.api_key"
    assert "remove one of the two" in message


@pytest.mark.parametrize("empty", ["KEY_FILE", "KEY"])
def test_a_choice_left_to_the_environment_and_empty_there_counts_as_not_given(changed: Load, empty: str) -> None:
    written = "api_key_file: ${KEY_FILE:-}\n  api_key: ${KEY:-}"
    given = {"KEY": "key-2", "KEY_FILE": "/run/key"} | {empty: ""}
    loaded = changed("api_key: key-1", written, **given)
    assert loaded.problems == ()
    assert loaded.config
    assert (loaded.config.track.api_key is None) == (empty == "KEY")
    assert (loaded.config.track.api_key_file is None) == (empty == "KEY_FILE")


def test_a_misspelt_key_is_not_reported_as_missing_too(problem_of: Problem) -> None:
    assert problem_of("api_key: key-1", "token: key-1") == (
        "track.token",
        "is not a known key; did you mean track.api_key?",
    )


MARK = "marked-s3cr3t"


@pytest.mark.parametrize(
    "replacements",
    [
        ("api_key: key-1", f'api_key: "{MARK}\\n{MARK}"'),
        ("api_key: key-1", f"api_key: [{MARK}]"),
        ("api_key: key-1", f"api_key: !{MARK}"),
        ("api_key: key-1", f"api_key: *{MARK}"),
        ("api_key: key-1", f"api_key: &{MARK}"),
        ("api_key: key-1", f"api_key: %{MARK}"),
        ("api_key: key-1", f"api_key: Token {MARK}"),
        ("api_key: key-1", f"api_key: {MARK}\n  api_key_file: x"),
        ("https://analytex.userpilot.io", f"https://h.example/{MARK}"),
        ("https://analytex.userpilot.io", f"https://{MARK}@h.example"),
        ("topics: [shop.orders]", f"topics: [shop.orders]\n  properties: {{sasl.password: {{x: {MARK}}}}}"),
        ("topics: [shop.orders]", f"topics: [shop.orders]\n  properties: {{acks: {MARK}, sasl.password: {MARK}}}"),
        ("topics: [shop.orders]", "topics: [shop.orders]\n  drain_timeout: ${MARK}"),
        ("topics: [shop.orders]", "topics: ['${MARK} ']"),
        ("topic: bridge.dlq", "topic: bridge.dlq\n  create: ${MARK}"),
        ("topic: bridge.dlq", "topic: bridge.dlq\n  hold_after: ${MARK}"),
        ("mapping:", "observability: {log_level: '${MARK}'}\nmapping:"),
        ("mapping:", "delivery: '${MARK}'\nmapping:"),
    ],
)
def test_no_problem_repeats_a_secret(changed: Load, replacements: tuple[str, str]) -> None:
    loaded = changed(*replacements, MARK=MARK)
    assert loaded.problems
    assert MARK not in "".join(str(each) for each in loaded.problems)
    assert MARK not in repr(loaded)


def test_no_text_of_the_configuration_shows_a_secret(changed: Load) -> None:
    loaded = changed(
        "topics: [shop.orders]", f"topics: [shop.orders]\n  properties: {{sasl.password: {MARK}}}", "key-1", MARK
    )
    assert loaded.problems == ()
    assert MARK not in repr(loaded) + str(loaded.config)
    assert loaded.config
    assert MARK not in str(loaded.config.track.model_dump())
    assert loaded.config.track.api_key
    assert loaded.config.track.api_key.get_secret_value() == MARK
