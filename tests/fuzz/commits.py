"""Commit metadata: foreign or damaged text is ignored, and what is believed is a map that a tracker can live with."""

from __future__ import annotations

import binascii

from bridge.formats import commit_mark, offset_map
from bridge.formats.offset_map import BROKER_LIMIT, Demand, Head, OffsetMap
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.fuzz.choices import Choices


def check_text(text: str) -> None:
    """Metadata as it is found in a group, by whomever it was written."""
    commit_mark.has(text, 7)
    inner = commit_mark.unmarked(text)
    assert commit_mark.unmarked(commit_mark.marked(inner, 12)) == inner
    found = offset_map.decode(inner)
    if found is not None:
        check_map(found)


def check_map(found: OffsetMap) -> None:
    """Ranges above the base, ascending; a tracker that starts from them encodes a map of its own."""
    end = found.base
    for done in found.done:
        assert end < done.start < done.stop
        end = done.stop
    tracker: OffsetTracker[None] = OffsetTracker(
        TopicPartition("t", 0), found.base, topic_id=found.topic_id, restored=found
    )
    assert not tracker.already_done(found.base)
    assert tracker.lowest_open == found.base
    position = tracker.position(Demand(0, 0), Head(), BROKER_LIMIT)
    assert len(position.metadata) <= BROKER_LIMIT
    again = offset_map.decode(position.metadata)
    assert again is not None
    assert again.done == found.done[: len(again.done)]


def sealed(rest: str) -> str:
    """The text with a right checksum: what only a writer of this format, or an attacker, makes."""
    return f"{offset_map.VERSION}.{binascii.crc32(rest.encode('latin-1', 'replace')):08x}.{rest}"


def fuzz(data: bytes) -> None:
    """Text as it stands, or with a right checksum before it."""
    choices = Choices(data)
    is_sealed = choices.number(2)
    text = choices.rest().decode("latin-1")
    check_text(sealed(text) if is_sealed else text)
