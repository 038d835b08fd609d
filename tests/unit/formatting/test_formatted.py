"""What `fmt` makes of a configuration: one way to write it, the same meaning, every comment."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config.reading import yaml_core
from bridge.config.sections import SHAPE
from bridge.formatting.format_text import formatted
from bridge.formatting.layout import CannotFormatError
from bridge.formatting.writing import rank
from tests.unit.selftest.test_overrides import EVERY_KEY

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / "bridge.example.yaml").read_text(encoding="utf-8")

BEFORE = """\
# Ours.

mapping:
    events:
    # All of them.
        order.completed:
        - metadata: {amount: data.amount,
                     plan: data.plan}   # two
          # the shop's name for it
          event_name:   Order Completed
        - event_name: Gift
        audit:  drop
        # user.deleted:
        #   - forget: true
    examples: []
track:   # the API
    api_key: ${KEY}
    endpoint: analytex.userpilot.io      # US, and
                                         # not EU


kafka:
    topics:
    - NO
    - "12:30:00"
    group_id: bridge
    bootstrap_servers: kafka:9092
# the last words
"""
AFTER = """\
# Ours.

kafka:
  bootstrap_servers: kafka:9092
  group_id: bridge
  topics:
    - "NO"
    - "12:30:00"
track:   # the API
  endpoint: analytex.userpilot.io        # US, and
                                         # not EU
  api_key: ${KEY}

mapping:
  events:
    # All of them.
    order.completed:
      # the shop's name for it
      - event_name: Order Completed
        metadata: {amount: data.amount,
                   plan: data.plan}     # two
      - event_name: Gift
    audit: drop
    # user.deleted:
    #   - forget: true
  examples: []
# the last words
"""


def comments(text: str) -> Counter[str]:
    return Counter(each.strip() for each in re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE))


def test_keys_are_ordered_and_comments_go_with_them() -> None:
    assert formatted(BEFORE) == AFTER
    assert formatted(AFTER) == AFTER
    assert comments(AFTER) == comments(BEFORE)


def test_the_example_is_what_fmt_would_write() -> None:
    assert formatted(EXAMPLE) == EXAMPLE


def test_the_order_is_that_of_the_example() -> None:
    def look(node: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(node, dict):
            places = rank(SHAPE.models_at(path))
            if places and len(path) < 3:
                assert list(node) == sorted(node, key=lambda key: places[key]), path
            for key, each in node.items():
                look(each, (*path, key))

    look(yaml_core.parse(EXAMPLE).tree, ())


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("# only\n", "# only\n"),
        ("{kafka: {topics: [a]}}\n", "{kafka: {topics: [a]}}\n"),
        ("kafka:\n    group_id: a", "kafka:\n  group_id: a\n"),
        ("---\nkafka:\n    group_id: a\n", "---\nkafka:\n  group_id: a\n"),
        ("kafka:\r\n    group_id: a\r\n", "kafka:\r\n  group_id: a\r\n"),
        ("\ufeffkafka:\n    group_id: a\n", "\ufeffkafka:\n  group_id: a\n"),
        ("a:\n    b: yes\n    a: '2026-01-01'\n", "a:\n  b: \"yes\"\n  a: '2026-01-01'\n"),
        ("a:\n    - - 1\n      - 2\n", "a:\n  - - 1\n    - 2\n"),
        (
            "a:\n    - |\n        x\n          y\n\n        z\nb: 1\n",
            "a:\n  - |\n      x\n        y\n\n      z\nb: 1\n",
        ),
        ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"),
        ("a:\n    \"one\n      two\"\nb: 'x\n\n  y'\n", "a:\n    \"one\n      two\"\nb: 'x\n\n  y'\n"),
        ("a:\n-\n  b: 1\n-\n", "a:\n  - b: 1\n  -\n"),
        ("track: {api_key: a}\nkafka: &k {group_id: a}\n", "track: {api_key: a}\nkafka: &k {group_id: a}\n"),
    ],
)
def test_a_text_of_this_form_becomes(text: str, result: str) -> None:
    assert formatted(text) == result
    assert formatted(result) == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge key"),
        ("a:\n\tb: 1\n", "tab"),
        ("kafka:\n  group_id: a\t# tab\n", "a tab; write spaces"),
        ("a: 1\na: 2\n", "is here twice"),
        ("a: 1\r\nb: 2\n", "line ends of several kinds"),
        ("? a\n: 1\n", "written with ?"),
        ("a: 1\n...\n", "left alone"),
        ("a: 1 # x\u2028y\n", "U+2028"),
        ("a: [1\n", "not closed"),
    ],
)
def test_what_it_does_not_touch_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(CannotFormatError, match=re.escape(said)):
        formatted(text)


def shuffled(draw: st.DrawFn, node: Any) -> Any:
    """Keys of the file's own in any order; those that somebody chose stay."""
    if isinstance(node, dict):
        keys = draw(st.permutations(list(node)))
        return {key: shuffled(draw, node[key]) for key in keys}
    return [shuffled(draw, each) for each in node] if isinstance(node, list) else node


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A configuration with every key, written by another program, with comments and blank lines anywhere."""
    sections = draw(st.lists(st.sampled_from(sorted(EVERY_KEY)), min_size=1, max_size=3, unique=True))
    tree = shuffled(draw, {name: EVERY_KEY[name] for name in sections})
    text = yaml.safe_dump(
        tree,
        sort_keys=False,
        indent=draw(st.integers(2, 5)),
        default_flow_style=draw(st.sampled_from([False, None])),
        width=draw(st.sampled_from([40, 200])),
    )
    lines = []
    for number, line in enumerate(text.splitlines()):
        what = draw(st.integers(0, 11))
        if what == 0:
            lines.append(f"{' ' * draw(st.integers(0, 9))}# above {number}")
        elif what == 1:
            lines.append("")
        ends = re.search(r"[\w\]}:'\"]$", line) is not None and line.count("'") % 2 == 0 and line.count('"') % 2 == 0
        lines.append(f"{line}   # beside {number}" if what == 2 and ends else line)
    return "\n".join(lines) + "\n"


@settings(max_examples=25, deadline=None, derandomize=True)
@given(documents())
def test_it_means_the_same_has_every_comment_and_is_done_once(text: str) -> None:
    try:
        before = yaml_core.parse(text)
    except yaml_core.Malformed:
        return  # a comment inside of a text of several lines
    found = formatted(text)
    assert yaml_core.parse(found).tree == before.tree
    assert comments(found) == comments(text)
    assert formatted(found) == found
