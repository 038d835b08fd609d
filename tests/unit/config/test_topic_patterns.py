"""Which topics a pattern takes: as the group protocol in use reads it, in time that no pattern can stretch."""

from __future__ import annotations

import itertools
import re
import string
import sys
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.pattern_syntax import MOST_NODES, PatternError
from bridge.config.topics.topic_patterns import Reading, compiled
from tests.support.kafka import posix

NAMES = st.text(string.ascii_lowercase[:3] + "A1._-", min_size=1, max_size=8)
SETS = st.sampled_from(
    ["[ab]", "[^ab]", "[a-c]", "[[:digit:]]", "[^[:alpha:]_]", "[]a]", "[a-]", "[.]", "[[:upper:]b-c]", "[^]]", "[[a]"]
)
ATOMS = SETS | st.sampled_from(["a", "b", "c", "1", "-", "_", ".", r"\.", r"\-", "^", "$", "A"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantified = st.tuples(inner, st.sampled_from(["*", "+", "?", "{0}", "{1}", "{2,}", "{0,2}", "{1,3}"]))
    return (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, max_size=3).map("|".join).map(lambda text: f"({text})")
        | quantified.map(lambda pair: f"({pair[0]}){pair[1]}")
        | inner.map(lambda text: text if text[-1:] in "^$*+?}" else f"{text}*")
    )


PATTERNS = st.recursive(ATOMS, _grown, max_leaves=8).map(lambda text: f"^{text}")
ON_GLIBC = pytest.mark.skipif(sys.platform != "linux", reason="needs the C library that the client is built with")


@ON_GLIBC
@given(PATTERNS, st.lists(NAMES, min_size=1, max_size=5))
@example("^a|b", ["cb", "a", "xa"])
@example("^orders-[[:digit:]]+$", ["orders-1", "orders-", "orders-12", "orders-1a", "d"])
def test_the_classic_reading_is_that_of_the_library_the_client_asks(pattern: str, names: list[str]) -> None:
    assume(topic_patterns.fault(pattern) is None)
    assert [compiled(pattern, Reading.SEARCHED).matches(name) for name in names] == posix.searches(pattern, names)


@ON_GLIBC
@given(st.text("ab1^$.*+?{},()[]|\\-:dw ", max_size=10).map(lambda text: f"^{text}"), st.lists(NAMES, max_size=4))
def test_whatever_is_not_refused_means_to_the_client_what_it_means_here(pattern: str, names: list[str]) -> None:
    assume(topic_patterns.fault(pattern) is None)
    assert [compiled(pattern, Reading.SEARCHED).matches(name) for name in names] == posix.searches(pattern, names)


@given(PATTERNS, NAMES)
def test_the_consumer_protocols_reading_matches_the_whole_name(pattern: str, name: str) -> None:
    """RE2's language is Python's here, once its classes are written out; short names keep Python from running away."""
    assume(topic_patterns.fault(pattern) is None)
    assume("[" not in pattern or "[:" not in pattern)
    written = pattern.replace("[]a]", r"[\]a]").replace("[^]]", r"[^\]]").replace("[[a]", r"[\[a]")
    try:
        expected = re.compile(f"(?:{written})\\Z").match(name) is not None
    except re.error:
        assume(False)
    assert compiled(pattern, Reading.WHOLE).matches(name) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "searched", "whole"),
    [
        ("^bill", "bill", True, True),
        ("^bill", "billing", True, False),
        ("^bill.*", "billing", True, True),
        ("^a|b", "cb", True, False),
        ("^bill$", "billing", False, False),
        ("^orders-[[:digit:]]+$", "orders-17", True, True),
        ("^orders-[[:digit:]]+$", "orders-d", False, False),
        (r"^shop\.(orders|users)$", "shop.users", True, True),
        (r"^shop\.(orders|users)$", "shopxusers", False, False),
    ],
)
def test_a_pattern_is_searched_for_or_matched_whole_as_the_protocol_has_it(
    *,
    pattern: str,
    name: str,
    searched: bool,
    whole: bool,
) -> None:
    assert topic_patterns.matches(pattern, name, Reading.SEARCHED) is searched
    assert topic_patterns.matches(pattern, name, Reading.WHOLE) is whole
    assert ConsumedTopics([pattern], Reading.SEARCHED).takes(name) is searched
    assert ConsumedTopics([pattern], Reading.WHOLE).takes(name) is whole


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a*)*b", "^((a?){10}){10}a{20}$", "^(.*)*(.*)*(.*)*x$"])
@pytest.mark.parametrize("reading", list(Reading))
def test_a_pattern_takes_no_more_steps_than_a_name_has_characters(pattern: str, reading: Reading) -> None:
    """Counted as sets of states looked up; Python's own engine needs more than the universe has seconds for these."""
    found = compiled(pattern, reading)
    looked_up: list[str] = []

    class Counted(str):
        __slots__ = ()

        def __iter__(self) -> Iterator[str]:
            for each in str.__iter__(self):
                looked_up.append(each)
                yield each

    assert found.matches(Counted("a" * 248 + "!")) in (True, False)
    assert len(looked_up) <= 249


@pytest.mark.parametrize(
    "pattern", ["^((a{100}){100}){100}", "^(a{1000}){3}", f"^{'(' * 200}a{')' * 200}", "^" + "a" * 2000]
)
def test_a_pattern_that_would_grow_without_bound_is_refused(pattern: str) -> None:
    assert topic_patterns.fault(pattern) is not None
    assert MOST_NODES < 10_000


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"^a\d", r"has \d, which not every Kafka client understands; write [0-9]"),
        (r"^(a)\1", r"reference such as \1"),
        (r"^\<a", r"such as \<"),
        (r"^[\d]", r"has \d in brackets, which not every Kafka client understands"),
        (r"^[a\-z]", "has a backslash in brackets, which some Kafka clients read as itself"),
        ("^[[=a=]]", "has brackets in brackets that are no class"),
        ("^[[:word:]]", "has brackets in brackets that are no class"),
        ("^[a-c-e]", "has a - in the middle of brackets"),
        ("^[c-a]", "ends before it begins: c-a"),
        ("^a{,3}", "begins no number of times"),
        ("^a{2", "begins no number of times"),
        ("^a{3,2}", "repeats from 3 to 2 times"),
        ("^a{1001}", "at most 1000"),
        ("^a+?", "a lazy quantifier"),
        ("^a**", "two quantifiers in a row"),
        ("^(?:a)", "has (?, which not every Kafka client understands"),
        ("^*a", "repeats what has no length"),
        ("^(*a)", "repeats nothing"),
        ("^(a", "missing ), unterminated subpattern at character 2"),
        ("^a)", "is not a regular expression: a ) without its ("),
        ("^[a", "is not a regular expression: a [ without its ]"),
        ("^a\\", "ends in a lone backslash"),
        ("^ä", "at place 2 that no topic name has"),
        ("^a\0", "at place 3 that no topic name has"),
    ],
)
def test_what_the_engines_read_differently_is_refused_with_a_sentence(pattern: str, said: str) -> None:
    assert said in str(topic_patterns.fault(pattern))
    assert topic_patterns.matches(pattern, "a", Reading.SEARCHED) is False


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        (r"^shop\.\w+", "shop.orders", "shop."),
        (r"^a\d{2}", "a12", "a1"),
        (r"^(?:a|b)c", "bc", "c"),
        (r"^(?P<x>a)b", "ab", "b"),
        (r"^[\d.]+$", "1.2", "1a"),
        ("^a+?b", "aab", "b"),
        ("^a|b", "b", "cb"),
        ("^bill", "billing", "my-bill"),
    ],
)
def test_the_mappings_own_patterns_keep_their_shorthands_and_begin_where_the_name_does(
    pattern: str, takes: str, leaves: str
) -> None:
    found = compiled(pattern, Reading.FROM_BEGINNING)
    assert (found.matches(takes), found.matches(leaves)) == (True, False)
    assert (re.match(pattern, takes) is not None, re.match(pattern, leaves) is not None) == (True, False)


@pytest.mark.parametrize("pattern", ["^(?!a)b", "^(?i)a", "^a(?=b)", r"^(a)\1", r"^a\b"])
def test_what_no_automaton_can_say_is_refused_in_the_mapping_too(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern, Reading.FROM_BEGINNING)


def test_steps_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_patterns, "_MOST_REMEMBERED", 10)
    pattern = topic_patterns.TopicPattern("^(a|b|c)*x[0-9]{1,3}$", Reading.SEARCHED)
    names = ["".join(each) for each in itertools.product("abcx1", repeat=4)]
    assert [name for name in names if pattern.matches(name)] == [
        name for name in names if re.search("^(a|b|c)*x[0-9]{1,3}$", name)
    ]
    assert len(pattern._steps) <= 10
    assert sum(map(len, pattern._steps.values())) <= 10 + max(map(len, pattern._steps.values()))
