"""What goes along with a commit is read back, whatever of it the brokers take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import offset_map
from bridge.formats.commit_mark import MAPPINGS, SUBSCRIPTIONS
from bridge.formats.commit_text import CommitMetadata, CommitText, read
from bridge.formats.offset_map import Demand, Head
from bridge.formats.operator_hold import OperatorHold

MAP = offset_map.encode(
    7, [1, 2, 40, 3], leader_epoch=1, topic_id="t", demand=Demand(1, 2), head=Head(), max_length=1000
)
HOLD = st.none() | st.just(OperatorHold("wrong prices", "ana", 1_767_323_045))


@given(st.integers(1, MAPPINGS - 1), st.none() | st.integers(1, SUBSCRIPTIONS - 1), st.integers(1, 10**6), HOLD)
def test_what_is_written_is_read_back(
    mapping: int, subscription: int | None, number: int, hold: OperatorHold | None
) -> None:
    texts = CommitText(mapping)
    text = texts.of(MAP, number, subscription, hold)
    assert read(text) == CommitMetadata(MAP, mapping, subscription, hold)
    assert texts.carries(text, number)


@given(st.integers(1, 400), st.integers(1, 10**6), HOLD)
def test_what_the_brokers_cut_costs_parts_of_the_map_and_never_a_wrong_one(
    longest: int, number: int, hold: OperatorHold | None
) -> None:
    texts = CommitText(5)
    texts.longest = longest
    text = texts.of(MAP, number, None, hold)
    assert len(text) <= longest
    known = read(text)
    whole, left = offset_map.decode(MAP), offset_map.decode(known.offset_map)
    assert whole is not None
    assert left is None or set(left.done) <= set(whole.done)
    assert known.hold is None or (hold is not None and known.hold.since in {0, hold.since})
    assert known.hold is not None or hold is None or not texts.keeps_holds


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    read(text)


def test_another_mapping_is_named_from_then_on_and_the_answer_to_a_commit_before_it_is_still_known() -> None:
    """Else the commit under way would count as never answered, and no other was made for two minutes."""
    texts = CommitText(5)
    before = texts.of(MAP, 3)
    texts.name_mapping(6)
    assert texts.carries(before, 3)
    after = texts.of(MAP, 4)
    assert read(after).mapping == 6
    assert texts.carries(after, 4)
    assert not texts.carries(before, 4)
