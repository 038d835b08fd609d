from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.pipeline.offsets import OpenSpans


class Read(dict[int, Any]):
    """Open offsets that count how many of them were looked at, from either end."""

    looked_at = 0

    def __iter__(self) -> Iterator[int]:
        return self._counted(super().__iter__())

    def __reversed__(self) -> Iterator[int]:
        return self._counted(super().__reversed__())

    def _counted(self, offsets: Iterator[int]) -> Iterator[int]:
        for offset in offsets:
            self.looked_at += 1
            yield offset


def naive(offsets: dict[int, Any]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for offset in offsets:
        if spans and spans[-1][1] == offset:
            spans[-1] = (spans[-1][0], offset + 1)
        else:
            spans.append((offset, offset + 1))
    return spans


def found(spans: OpenSpans) -> list[tuple[int, int]]:
    """All of them, from the last one backwards."""
    last, lengths = spans.last, list(spans.lengths())
    if last is None:
        assert lengths == []
        return []
    at, whole = last[0] - sum(lengths), []
    for opened, gap in zip(lengths[::2], lengths[1::2], strict=True):
        whole.append((at, at + opened))
        at += opened + gap
    return [*whole, last]


ROUNDS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([1, 1, 1, 2, 7]), max_size=12),  # how far each record that arrives is from the last
        st.sets(st.integers(0, 40), max_size=20),  # which of those that are open complete, counted from the lowest
    ),
    max_size=12,
)


@given(st.integers(0, 3), ROUNDS)
def test_the_spans_are_those_of_the_open_offsets_whatever_completed_and_arrived_since_the_last_look(
    start: int, rounds: list[tuple[list[int], set[int]]]
) -> None:
    spans, still_open, until = OpenSpans(), dict[int, Any](), start
    for steps, ends in rounds:
        for step in steps:
            until += step
            still_open[until - 1] = None
        completed = [offset for number, offset in enumerate(still_open) if number in ends]
        for offset in completed:
            del still_open[offset]
        spans.update(still_open, completed[::-1], until)
        assert found(spans) == naive(still_open)


def test_a_look_reads_what_is_new_and_not_what_has_been_open_for_long() -> None:
    spans, still_open = OpenSpans(), Read(dict.fromkeys(range(20_000)))
    spans.update(still_open, [], 20_000)
    for offset in (5, 19_000):
        del still_open[offset]
    still_open[20_000] = still_open[20_001] = None
    still_open.looked_at = 0
    spans.update(still_open, [5, 19_000], 20_002)
    assert found(spans) == [(0, 5), (6, 19_000), (19_001, 20_002)]
    assert still_open.looked_at <= 4, "the lowest, the two that arrived, and the one before them"
