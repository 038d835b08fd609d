from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import offset_map
from bridge.formats.commit_mark import LONG, MAPPINGS, SUBSCRIPTIONS, has, mapping_of, marked, subscription_of, unmarked
from bridge.formats.offset_map import Demand, Head


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0~")), st.integers(1, 10**12))
def test_a_mark_comes_off_whole(text: str, number: int) -> None:
    assert unmarked(marked(text, number)) == text
    assert has(marked(text, number), number)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_one_mark_is_not_taken_for_another(mine: int, other: int) -> None:
    assert has(marked("b1.text", mine), other) is (mine == other)


@pytest.mark.parametrize("text", [None, "", "a~b", "~", "12", "a~1~"])
def test_text_without_a_mark_stays(text: str | None) -> None:
    assert unmarked(text) == (text or "")
    assert not has(text, 1)


def test_the_final_nul_of_other_clients_view_comes_off_too() -> None:
    assert unmarked("map~5\0") == "map"
    assert unmarked("map\0") == "map"


def test_a_map_is_readable_once_the_mark_is_off() -> None:
    text = offset_map.encode(7, [1, 2], leader_epoch=1, topic_id="t", demand=Demand(1, 2), head=Head(), max_length=1000)
    found = offset_map.decode(unmarked(marked(text, 3)))
    assert found is not None
    assert found.done == (range(8, 10),)


MAPPING = st.none() | st.integers(1, MAPPINGS - 1)
SUBSCRIPTION = st.integers(1, SUBSCRIPTIONS - 1)
NUMBER = st.integers(1, 999)


@given(
    st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0~")),
    st.just(0) | NUMBER,
    st.integers(1, MAPPINGS - 1),
    st.none() | SUBSCRIPTION,
)
def test_the_number_of_the_mapping_travels_in_the_mark_and_comes_off_with_it(
    text: str, number: int, mapping: int, subscription: int | None
) -> None:
    whole = marked(text, number, mapping, subscription)
    assert unmarked(whole) == text
    assert mapping_of(whole) == mapping_of(f"{whole}\0") == mapping
    assert subscription_of(whole) == subscription_of(f"{whole}\0") == subscription
    assert has(whole, number, mapping)
    assert len(whole) - len(text) == LONG


@given(NUMBER, NUMBER, MAPPING, SUBSCRIPTION)
def test_with_a_mapping_one_commit_is_not_taken_for_another(
    mine: int, other: int, mapping: int | None, subscription: int
) -> None:
    """Of those that may still be on their way: numbers come again after a thousand."""
    assert has(marked("b1.text", mine, mapping, subscription), other, mapping) is (mine == other)
    assert not has(marked("b1.text", 0, mapping, subscription), other, mapping)


def test_the_same_number_of_another_mapping_is_another_commit() -> None:
    assert not has(marked("b1.text", 7, 5), 7, 6)


@given(st.integers(1, 10**9))
def test_a_number_of_any_size_is_found_again(number: int) -> None:
    assert has(marked("b1.text", number, 5, 6), number, 5)
    assert not has(marked("b1.text", number, 5, 6), number + 1, 5)


def test_readers_of_before_take_the_whole_for_one_mark() -> None:
    before = re.compile(r"~\d{1,18}\0?\Z", re.ASCII)
    assert before.sub("", marked("b1.map", 7, MAPPINGS - 1, SUBSCRIPTIONS - 1)) == "b1.map"


@pytest.mark.parametrize("text", [None, "", "map", "map~7", f"map~{'1' * 17}", "map~" + "1" * 18 + "x", f"~{'0' * 18}"])
def test_a_commit_that_does_not_say_by_which_mapping_names_none(text: str | None) -> None:
    assert mapping_of(text) is None
    assert subscription_of(text) is None
