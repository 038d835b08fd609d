"""The promises about order and repetition, held against what the emulated API accepted.

An event is known by its ``event_id``, which is its record's place: ``topic/partition/offset``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bridge.sandbox.emulator.ledger import Accepted

Place = tuple[str, int, int]


def place(event: Accepted) -> Place:
    """Topic, partition and offset of the event's record."""
    topic, partition, offset = str(event.metadata["event_id"]).rsplit("/", 2)
    return topic, int(partition), int(offset)


def places(accepted: Iterable[Accepted]) -> set[Place]:
    """All that arrived, whatever their number."""
    return {place(event) for event in accepted}


def repeated(accepted: Iterable[Accepted]) -> Counter[Place]:
    """How often each event came again after its first time; the total is the number of duplicates."""
    counts = Counter(place(event) for event in accepted)
    return Counter({each: count - 1 for each, count in counts.items() if count > 1})


def overtaken(accepted: Sequence[Accepted]) -> list[str]:
    """Events whose first acceptance came after that of a later event of the same partition and user.

    A repeated event is no overtaking: what counts is when each was accepted first.
    """
    seen: set[Place] = set()
    newest: dict[tuple[str, int, str], int] = {}
    wrong = []
    for event in accepted:
        at = place(event)
        if at in seen:
            continue
        seen.add(at)
        topic, partition, offset = at
        lane = (topic, partition, event.user_id)
        if offset < newest.get(lane, -1):
            wrong.append(f"{topic}/{partition}/{offset} of {event.user_id} came first after offset {newest[lane]}")
        newest[lane] = max(offset, newest.get(lane, -1))
    return wrong


def in_the_last(seconds: float, accepted: Sequence[Accepted]) -> int:
    """How many were accepted so shortly before the last of them, itself included."""
    return sum(event.at > accepted[-1].at - seconds for event in accepted)
