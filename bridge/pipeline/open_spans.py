"""The open offsets of a partition as spans: what the offset map is written from, several times a second.

A buffer may hold tens of thousands of open offsets, and each look at all of them would keep the event loop from the
answers that come meanwhile. So the spans are kept, and a look costs what has changed since the last one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import sub
from typing import Any


class OpenSpans:
    """Half-open spans of open offsets, ascending; as many as there are open offsets at most.

    Only offsets that arrived are known here: what never did, between two that are open, belongs to no span.
    """

    __slots__ = ("_seen", "_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._seen = 0
        """The offset from which on nothing was looked at yet."""

    @property
    def last(self) -> tuple[int, int] | None:
        """The highest span."""
        return (self._starts[-1], self._stops[-1]) if self._starts else None

    def lengths(self) -> Iterator[int]:
        """Of each span and of the gap behind it, in turn, up to the last span: without a step of Python for any."""
        starts, stops = self._starts, self._stops
        following = islice(starts, 1, None)
        return chain.from_iterable(zip(map(sub, stops, starts), map(sub, following, stops), strict=False))

    def update(self, still_open: dict[int, Any], completed: Sequence[int], until: int) -> None:
        """Take in what happened since the last call: what was completed, in any order, and what arrived.

        `still_open` ascends, and `until` is the offset after the last one that arrived.
        """
        lowest = next(iter(still_open), until)
        self._drop_below(lowest)
        for offset in completed:
            if offset > lowest:
                self._remove(offset)
        self._append(reversed(still_open))
        self._seen = until

    def _drop_below(self, lowest: int) -> None:
        """Most of what completes is at the low end, and needs no search for each."""
        starts, stops = self._starts, self._stops
        gone = bisect_right(stops, lowest)
        del starts[:gone], stops[:gone]
        if starts and starts[0] < lowest:
            starts[0] = lowest

    def _remove(self, offset: int) -> None:
        starts, stops = self._starts, self._stops
        at = bisect_right(starts, offset) - 1
        if at < 0 or offset >= stops[at]:
            return  # it came and went since the last look
        begins, ends = starts[at] == offset, stops[at] == offset + 1
        if begins and ends:
            del starts[at], stops[at]
        elif begins:
            starts[at] = offset + 1
        elif ends:
            stops[at] = offset
        else:
            starts.insert(at + 1, offset + 1)
            stops.insert(at, offset)

    def _append(self, from_the_end: Iterable[int]) -> None:
        seen = self._seen
        arrived: list[int] = []
        for offset in from_the_end:
            if offset < seen:
                break
            arrived.append(offset)
        starts, stops = self._starts, self._stops
        for offset in reversed(arrived):
            if stops and stops[-1] == offset:
                stops[-1] = offset + 1
            else:
                starts.append(offset)
                stops.append(offset + 1)
