from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import offset_map
from bridge.formats.offset_map import Demand, Head, OffsetMap

BASES = st.integers(0, 2**62)
RUNS = st.lists(st.integers(1, 5000), max_size=600).filter(lambda runs: len(runs) % 2 == 0)
EPOCHS = st.none() | st.integers(0, 2**31 - 1)
TOPIC_IDS = st.from_regex(r"[A-Za-z0-9_-]{0,22}", fullmatch=True)
DEMANDS = st.builds(Demand, st.integers(0, 10**11), st.integers(0, 10**11)) | st.builds(
    Demand, st.integers(0, 10**11 - 1), st.integers(0, 10**11), of_users=st.just(True)
)
HEADS = st.builds(Head, st.integers(0, 10**15), st.integers(0, 10**8))


def written(
    base: int = 100,
    runs: list[int] | None = None,
    epoch: int | None = 3,
    topic_id: str = "id",
    max_length: int = offset_map.BROKER_LIMIT,
) -> str:
    return offset_map.encode(
        base,
        [1, 2, 3, 4] if runs is None else runs,
        leader_epoch=epoch,
        topic_id=topic_id,
        demand=Demand(7, 1_700_000_000),
        head=Head(1_700_000_000_000, 2),
        max_length=max_length,
    )


def done_by(base: int, runs: list[int]) -> set[int]:
    done: set[int] = set()
    at = base
    for index, length in enumerate(runs):
        if index % 2:
            done.update(range(at, at + length))
        at += length
    return done


def done_in(found: OffsetMap) -> set[int]:
    return {offset for done in found.done for offset in done}


@given(BASES, RUNS, EPOCHS, TOPIC_IDS, DEMANDS, HEADS)
def test_what_is_written_is_read_back_whole_when_there_is_room(
    base: int, runs: list[int], epoch: int | None, topic_id: str, demand: Demand, head: Head
) -> None:
    text = offset_map.encode(
        base, runs, leader_epoch=epoch, topic_id=topic_id, demand=demand, head=head, max_length=10**6
    )
    found = offset_map.decode(text)
    at, ranges = base, []
    for index, length in enumerate(runs):
        if index % 2:
            ranges.append(range(at, at + length))
        at += length
    assert found == OffsetMap(base, -1 if epoch is None else epoch, topic_id, demand, head, tuple(ranges))


@given(BASES, st.lists(st.integers(1, 300), max_size=3000), st.integers(60, 3072))
def test_cutting_forgets_and_never_invents(base: int, runs: list[int], max_length: int) -> None:
    text = written(base, runs, max_length=max_length)
    found = offset_map.decode(text)
    assert found is not None
    assert found.base == base
    assert done_in(found) <= done_by(base, runs)
    assert len(text) <= max(max_length, len(written(base, [])))


def test_cutting_keeps_what_is_nearest_to_the_position() -> None:
    runs = [1, 1] * 5000
    found = offset_map.decode(written(0, runs))
    assert found is not None
    kept = sorted(done_in(found))
    assert kept == list(range(1, 2 * len(kept), 2))
    assert len(kept) > 1000


def test_no_more_of_a_long_row_of_runs_is_asked_for_than_there_is_room() -> None:
    asked = iter([1, 1] * 100_000)
    whole = offset_map.encode(
        0, asked, leader_epoch=1, topic_id="id", demand=Demand(0, 0), head=Head(), max_length=offset_map.BROKER_LIMIT
    )
    assert len(whole) > offset_map.BROKER_LIMIT - 8
    assert sum(1 for _ in asked) > 190_000


@given(st.text(max_size=200) | st.from_regex(r"b1\.[0-9a-f]{8}\.[\w.=-]{0,80}", fullmatch=True))
def test_foreign_text_is_ignored_and_never_an_error(text: str) -> None:
    assert offset_map.decode(text) is None


@given(st.data())
def test_a_damaged_map_is_ignored(data: st.DataObject) -> None:
    text = written()
    at = data.draw(st.integers(0, len(text) - 1))
    instead = data.draw(st.characters(exclude_characters=text[at] + "\0"))
    assert offset_map.decode(text[:at] + instead + text[at + 1 :]) is None
    assert offset_map.decode(text[:at]) is None


@pytest.mark.parametrize("text", [None, "", "\0", "b2" + written()[2:], written() + "A", "b1." + "0" * 4000])
def test_absent_newer_and_prolonged_text_is_ignored(text: str | None) -> None:
    assert offset_map.decode(text) is None


def test_the_final_nul_the_client_puts_on_the_wire_does_no_harm() -> None:
    assert offset_map.decode(written() + "\0") == offset_map.decode(written())


def test_a_map_is_believed_only_at_the_position_topic_and_epoch_it_was_made_for() -> None:
    found = offset_map.decode(written(100, epoch=3, topic_id="id"))
    assert offset_map.trusted(found, offset=100, leader_epoch=3, topic_id="id") is found
    assert offset_map.trusted(found, offset=99, leader_epoch=3, topic_id="id") is None
    assert offset_map.trusted(found, offset=101, leader_epoch=3, topic_id="id") is None
    assert offset_map.trusted(found, offset=100, leader_epoch=4, topic_id="id") is None
    assert offset_map.trusted(found, offset=100, leader_epoch=None, topic_id="id") is None
    assert offset_map.trusted(found, offset=100, leader_epoch=3, topic_id="recreated") is None
    assert offset_map.trusted(None, offset=100, leader_epoch=3, topic_id="id") is None


def test_a_map_without_an_epoch_belongs_to_a_position_without_one() -> None:
    found = offset_map.decode(written(epoch=None))
    assert offset_map.trusted(found, offset=100, leader_epoch=None, topic_id="id") is found


@pytest.mark.parametrize("partitions", [1, 12, 85, 86, 300, 1000])
def test_the_maps_of_all_partitions_fit_one_batch_and_each_the_broker_s_limit(partitions: int) -> None:
    limit = offset_map.limit(partitions)
    text = written(10**12, [1, 1] * 5000, max_length=limit)
    assert len(text) <= limit <= offset_map.BROKER_LIMIT
    assert len(text) * partitions <= offset_map.BATCH_LIMIT
    assert offset_map.decode(text) is not None


def test_a_map_that_is_shortened_calls_less_done_and_keeps_everything_else() -> None:
    text = offset_map.encode(
        7,
        [1, 2, 300, 4] * 50,
        leader_epoch=3,
        topic_id="topic",
        demand=offset_map.Demand(9, 1_790_000_000),
        head=offset_map.Head(1_790_000_000_000, 4),
        max_length=3000,
    )
    whole = offset_map.decode(text)
    assert whole is not None
    for length in range(len(text) + 1):
        shorter = offset_map.shortened(text, length)
        assert len(shorter) <= length
        found = offset_map.decode(shorter)
        if found is not None:
            assert found.done == whole.done[: len(found.done)]
            assert (found.base, found.demand, found.head, found.topic_id) == (7, whole.demand, whole.head, "topic")
    assert offset_map.shortened(text, len(text)) == text
    assert offset_map.shortened("somebody else's", 3) == ""


# --- elements of the record at the base ---------------------------------------------------------------


@given(st.sets(st.integers(0, 400)), st.integers(1, 1_000_000))
def test_which_elements_are_done_is_read_back_and_a_map_without_any_is_written_as_ever(
    done: set[int], count: int
) -> None:
    spans = tuple(range(each, each + 1) for each in sorted(done) if each - 1 not in done)
    spans = tuple(
        range(each.start, next(stop for stop in range(each.start, 500) if stop not in done)) for each in spans
    )
    text = with_elements(Head(5, 2, count, spans, 2**32 - 1))

    found = offset_map.decode(text)

    assert found is not None
    assert found.head == (Head(5, 2, count, spans, 2**32 - 1) if done else Head(5, 2))
    if not done:
        assert text == with_elements(Head(5, 2))
    assert offset_map.shortened(text, len(text)) == text


@given(st.integers(90, 3000))
def test_cutting_the_elements_forgets_and_never_invents(room: int) -> None:
    spans = tuple(range(each, each + 1) for each in range(0, 4000, 2))

    text = with_elements(Head(5, 2, 4000, spans), room)

    found = offset_map.decode(text)
    assert found is not None
    assert len(text) <= room
    assert found.head.done == spans[: len(found.head.done)]
    assert {offset for each in found.done for offset in each} <= {101, 102, 106, 107, 108, 109}
    assert set(offset_map.decode(offset_map.shortened(text, room - 10)).head.done) <= set(spans)  # type: ignore[union-attr]


def with_elements(head: Head, max_length: int = offset_map.BROKER_LIMIT) -> str:
    return offset_map.encode(
        100, [1, 2, 3, 4], leader_epoch=3, topic_id="id", demand=Demand(7, 9), head=head, max_length=max_length
    )


EARLIER = re.compile(
    r"b1\.[0-9a-f]{8}\.\d{1,19}\.-?\d{1,10}\.[\w-]{0,64}\.(\d{1,12})\.(\d{1,12})\.\d{1,16}\.\d{1,9}\.[\w-]*={0,2}\Z",
    re.ASCII,
)
"""How a version from before users had a budget of their own reads a text; it takes both numbers as they are."""


@given(st.integers(0, 10**12), st.integers(0, 10**11))
def test_what_waits_for_the_rate_of_users_is_nothing_to_an_earlier_version_which_reads_the_rest(
    waiting: int, at: int
) -> None:
    def text(demand: Demand) -> str:
        return offset_map.encode(
            100, [1, 2], leader_epoch=3, topic_id="id", demand=demand, head=Head(), max_length=offset_map.BROKER_LIMIT
        )

    with_users = text(Demand(waiting, at, of_users=True))
    found, read = EARLIER.match(with_users), offset_map.decode(with_users)
    assert found is not None
    assert read is not None
    assert read.demand.of_users
    assert (int(found[1]), int(found[2])) == (min(waiting, 10**11 - 1), at)
    if waiting < 10**12:
        without = offset_map.decode(text(Demand(waiting, at)))
        assert without is not None
        assert not without.demand.of_users
