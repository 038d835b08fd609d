"""What became of one event: a pure decision over `RecordFacts`.

Whatever is known for certain comes first: a dead letter and how it ended, a recorded loss. Then the committed offset
and its map, which say only that a record is done. What it became is then told by today's mapping, and what that leaves
open is said beside it.
"""

from __future__ import annotations

from typing import Final

from bridge.explain import of_letters
from bridge.explain.facts import RecordFacts
from bridge.explain.fates import DecidedFate, NotReadFate, UnknownFate
from bridge.explain.of_done import done
from bridge.explain.of_open import not_done
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.mapping.review.walk import WalkedEvent

_AGAIN: Final = "Its offset is not done: a bridge that is killed before it commits maps the record once more."
_NO_OFFSETS: Final = "The brokers did not say where the log and the group's committed offset are."


def decide(facts: RecordFacts, event: WalkedEvent | None) -> DecidedFate:
    """One fate of one event; None: the record could not be read, so nobody knows which events it makes."""
    offsets = facts.offsets
    is_done = offsets is not None and _is_done(facts, offsets, event)
    entry = of_letters.letter_of(facts, event)
    if entry is not None:
        return DecidedFate(of_letters.fate_of(entry, event), () if is_done or offsets is None else (_AGAIN,))
    accepted = of_letters.accepted_in_replay(facts, event)
    if accepted is not None:
        return DecidedFate(accepted)
    if not facts.is_consumed:
        topic = facts.partition.topic
        sentence = f"kafka.topics does not take {topic}: the group {facts.group} reads nothing of it."
        return DecidedFate(NotReadFate(sentence, "Add the topic to kafka.topics if it is to be read."))
    if offsets is None:
        return DecidedFate(UnknownFate(_NO_OFFSETS))
    return done(facts, event) if is_done else not_done(facts, offsets, event)


def _is_done(facts: RecordFacts, offsets: PartitionOffsets, event: WalkedEvent | None) -> bool:
    if offsets.is_done(facts.offset):
        return True
    kept = offsets.map
    if event is None or event.element is None or kept is None or facts.offset != kept.base:
        return False
    return kept.head.way == facts.elements_way and any(event.element in each for each in kept.head.done)
