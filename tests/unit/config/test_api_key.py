from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.keys import api_key
from bridge.config.load import Loaded
from bridge.config.reading import yaml_core
from bridge.config.sections import SHAPE
from bridge.track.credentials import KeyFile, KeyFileError

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


KEYS = [
    "NX-7f3a9c1e5b2d4f60",
    "nx-7f3a9c1e5b2d4f60+/=",
    "7f3a9c1e5b2d4f607f3a9c1e5b2d4f60",
    "7f3a9c1e-5b2d-4f60-7f3a-9c1e5b2d4f60",
    "aB3dE5fG7hJ9kL1mN3pQ5r",
]


@pytest.mark.parametrize("put", ["value", "list", "map", "key"])
@pytest.mark.parametrize("leaf", SHAPE.leaves)
def test_no_problem_repeats_a_key_that_was_typed_into_another_field(
    load: Load, right: str, leaf: str, put: str
) -> None:
    itself = () if leaf in {"track", "track.api_key"} else ("the-key-itself",)
    for key in (*KEYS, *itself):
        tree: Any = yaml_core.parse(right.replace("key-1", "the-key-itself")).tree
        *above, last = leaf.split(".")
        node = tree
        for name in above:
            node = node.setdefault(name, {})
        if not isinstance(node, dict):
            return
        written: dict[str, dict[str, Any]] = {
            "value": {last: key},
            "list": {last: [key]},
            "map": {last: {key: key}},
            "key": {key: "x"},
        }
        node.update(written[put])
        loaded = load(json.dumps(tree))
        shown = "".join(f"{each} {each.where} {each.message}" for each in (*loaded.problems, *loaded.warnings))
        assert key not in shown
        assert key.lower() not in shown


@pytest.mark.parametrize(
    "text",
    [
        "kafka.topics[0]: must be text",
        "shop.orders-v2.2024-10-31.eu-west-1",
        "userpilot-bridge.dlq.resolutions",
        "must be a time such as 2026-01-02T03:04:05Z",
        "/run/secrets/track/api-key-2024",
        "localhost:9092,broker-12.example.com:9092",
        "allAutomaticallyDiscoveredTopics1",
    ],
)
def test_ordinary_words_are_not_taken_for_keys(text: str) -> None:
    assert api_key.without_keys(text) == text


def test_a_key_as_the_name_of_the_key_file_is_not_repeated() -> None:
    with pytest.raises(KeyFileError) as failed:
        KeyFile(Path(KEYS[0]))
    assert KEYS[0] not in str(failed.value)


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
