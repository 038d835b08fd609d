"""Facts about one record, and events of it, in few words."""

from __future__ import annotations

from typing import Any

from bridge.explain.facts import LettersKnown, RecordFacts, RecordPresence
from bridge.formats import offset_map, resolutions
from bridge.formats.letters import parse
from bridge.formats.losses import Lost, ParsedLoss
from bridge.formats.offset_map import Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.formats.resolutions import Attempted, Author, Ended, Ending
from bridge.kafka.admin.committed import Committed
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.mapping.review.walk import Made, Result, WalkedEvent
from bridge.model import LogRange, TopicPartition
from bridge.reprocess.reading.ledger import LetterLedger
from bridge.reprocess.reading.selection import LetterEntry
from tests.support.reprocess.letters import GROUP, letter

PARTITION = TopicPartition("orders", 0)
ID = "AAAAAAAAAAAAAAAAAAAAAQ"
AUTHOR = Author("track-bridge dlq replay", "ada", "host")
AT = 1_767_500_000.0


def offsets(
    committed: int | None,
    first: int = 0,
    end: int = 100,
    *runs: int,
    stable: int | None = None,
    hold: OperatorHold | None = None,
    topic_id: str = ID,
    head: Head | None = None,
) -> PartitionOffsets:
    """Committed with a map of ``runs``, open first."""
    found = None
    if committed is not None:
        text = offset_map.encode(
            committed,
            runs,
            leader_epoch=4,
            topic_id=ID,
            demand=Demand(0, 0),
            head=head or Head(),
            max_length=offset_map.BROKER_LIMIT,
        )
        found = Committed(committed, text, 7, leader_epoch=4, operator_hold=hold)
    return PartitionOffsets(PARTITION, LogRange(first, end), end if stable is None else stable, found, topic_id)


def facts(
    offset: int, known: PartitionOffsets | None, presence: RecordPresence = RecordPresence.THERE, **changes: Any
) -> RecordFacts:
    return RecordFacts(PARTITION, offset, presence, GROUP, offsets=known, timestamp=AT, **changes)


def event(
    result: Result = "request", reason: str | None = None, *, now: Result | None = None, **changes: Any
) -> WalkedEvent:
    made = Made(result, reason, "the sentence of the mapping")
    later = made if now is None else Made(now, "expired", "older than max_age (3600 s)")
    return WalkedEvent(
        changes.pop("number", 0), "order.completed", "track" if result == "request" else None, made, later, **changes
    )


def letters(
    offset: int, *facts_: Ended | Attempted, place: int = 17, whole_since: float | None = None, **changes: Any
) -> LettersKnown:
    """One letter of the record at an offset, with what is recorded of it."""
    found = parse(letter(offset, **changes).record(place))
    ledger = LetterLedger("")
    for each in facts_:
        written = resolutions.decode(*resolutions.encode(each, found, ""))
        assert written is not None
        ledger.note(written)
    return LettersKnown((LetterEntry(found, ledger.standing(found)),), whole_since=whole_since)


def ended(ending: Ending, reason: str | None = None) -> Ended:
    return Ended(ending, AT, AUTHOR, reason)


def failed_replay(*delivered: int) -> Attempted:
    return Attempted(1, delivered, AT, AUTHOR)


def loss(start: int, stop: int, reason: str) -> ParsedLoss:
    return ParsedLoss(Lost(PARTITION, ID, start, stop, reason), AT)
