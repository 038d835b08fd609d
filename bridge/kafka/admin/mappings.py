"""Whether the members of a group map the same records in the same way: read from what they commit. Pure.

Each commit carries the number of the mapping it was made by, and says when. Two programs with different mappings in
one group deliver each about half of the events by either, and nothing else would show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bridge.formats import offset_map

if TYPE_CHECKING:
    from bridge.kafka.admin.committed import Committed
    from bridge.model import TopicPartition

FRESH: Final = 120.0
"""Seconds after a commit for which its author is taken to work still; an old one is of a process that was replaced."""


def others(
    committed: Mapping[TopicPartition, Committed], mine: int, now: float
) -> dict[int, tuple[TopicPartition, ...]]:
    """Partitions by the other mappings they were committed by lately; `now` is in Unix seconds.

    A commit that does not say by which mapping, or when, is left out: an older version made it.
    """
    found: dict[int, list[TopicPartition]] = {}
    for partition, each in committed.items():
        if each.mapping is None or each.mapping == mine:
            continue
        text = offset_map.decode(each.metadata)
        if text is not None and now - text.demand.at < FRESH:
            found.setdefault(each.mapping, []).append(partition)
    return {mapping: tuple(sorted(partitions)) for mapping, partitions in sorted(found.items())}
