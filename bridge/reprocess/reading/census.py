"""Feeds both topics to a count of open letters, in the order that lets it forget what is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from bridge.kafka.letters.letter_log import whole
from bridge.model import Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Generator

    from bridge.kafka.letters.letter_log import Extent
    from bridge.reprocess.reading.open_letters import OpenLetters

Read = Callable[[Mapping[TopicPartition, range]], "Generator[list[Record]]"]
"""As `LetterLog.read`."""


def take(read: Read, extent: Extent, into: OpenLetters) -> None:
    """All of both topics. Letters as long as there is room; when there is none, the resolutions, which make some.

    Where everything that has no resolution takes all the room, what is left is read once, for the reasons it has.
    """
    unread = whole(extent.letters)
    while unread:
        unread = _until_full(read, unread, into)
        if unread:
            for batch in read(whole(extent.resolutions)):
                into.resolutions(batch)
            if into.is_crowded:
                _feed(read(unread), into.letters)
                break
    _feed(read(whole(extent.resolutions)), into.settled)


def take_news(
    read: Read, letters: Mapping[TopicPartition, range], news: Mapping[TopicPartition, range], into: OpenLetters
) -> None:
    """What both topics got since."""
    _feed(read(letters), into.letters)
    _feed(read(news), into.settled)


def _feed(batches: Iterable[list[Record]], into: Callable[[list[Record]], None]) -> None:
    for batch in batches:
        into(batch)


def _until_full(read: Read, unread: Mapping[TopicPartition, range], into: OpenLetters) -> dict[TopicPartition, range]:
    """What is left."""
    following = {partition: offsets.start for partition, offsets in unread.items()}
    with closing(read(unread)) as batches:
        for batch in batches:
            into.letters(batch)
            for record in batch:
                following[TopicPartition(record.topic, record.partition)] = record.offset + 1
            if into.is_full:
                left = {p: range(following[p], offsets.stop) for p, offsets in unread.items()}
                return {p: offsets for p, offsets in left.items() if offsets}
    return {}
