"""What is known of an event of a record that the group is not done with. Pure."""

from __future__ import annotations

from typing import Final

from bridge.commands import command
from bridge.explain.facts import RecordFacts, RecordPresence
from bridge.explain.fates import DecidedFate, LostFate, NoRecordFate, NotReadFate, UnknownFate, WaitingFate
from bridge.explain.of_done import ABORTED, NO_RECORD, loss_of
from bridge.holds import REASONS, Reason, shown
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.kafka.consumer.starts.start_policy import Hold
from bridge.mapping.review.walk import WalkedEvent

_BY_NAME: Final = {reason.value: reason for reason in Reason}
_SEVERAL: Final = "Its record makes several events, and is done only when all of them are: some may have been sent."
_OTHER_LOG: Final = "The committed offset is not in this log: whether it was sent before that was so is not known."


def not_done(facts: RecordFacts, offsets: PartitionOffsets, event: WalkedEvent | None) -> DecidedFate:
    """Decides; letters of the event were looked for before."""
    match facts.presence:
        case RecordPresence.GONE:
            return _gone(facts, offsets)
        case RecordPresence.NOT_YET:
            end = offsets.log.end
            return DecidedFate(
                NoRecordFate(f"Nothing is written there yet: {facts.partition} ends before offset {end}.")
            )
        case RecordPresence.ABORTED:
            return DecidedFate(NoRecordFate(ABORTED))
        case RecordPresence.NO_RECORD:
            return DecidedFate(NoRecordFate(NO_RECORD))
        case _ if offsets.committed is None:
            return _not_begun(facts)
        case _:
            return DecidedFate(_waiting(facts, offsets, _then(event)), tuple(_unknown(facts, offsets, event)))


def _gone(facts: RecordFacts, offsets: PartitionOffsets) -> DecidedFate:
    lost = loss_of(facts)
    if lost is not None:
        return DecidedFate(lost)
    first = offsets.log.first
    if offsets.committed is None or offsets.first_open != offsets.committed.offset:
        sentence = (
            f"The log begins at {first} now, and the group has no committed offset in it that would say whether this "
            "one was done."
        )
        return DecidedFate(UnknownFate(sentence))
    sentence = (
        f"It left the log, which begins at {first} now, before it was done: the committed offset is "
        f"{offsets.committed.offset}."
    )
    show = command("offsets", "show", str(facts.partition))
    return DecidedFate(LostFate(sentence, None, f"`{show}` shows how many are."))


def _not_begun(facts: RecordFacts) -> DecidedFate:
    sentence = (
        f"The group {facts.group} has no committed offset on {facts.partition}: it has not begun there. Whether it "
        "begins before this record or behind it, kafka.start_from says."
    )
    is_held = facts.halt is not None and facts.halt.why == Reason.NO_START.value
    return DecidedFate(NotReadFate(sentence, REASONS[Reason.NO_START].action if is_held else ""))


def _unknown(facts: RecordFacts, offsets: PartitionOffsets, event: WalkedEvent | None) -> list[str]:
    found = []
    if event is not None and (event.of > 1 or event.element is not None):
        found.append(_SEVERAL)
    if offsets.hold is not None:
        found.append(_OTHER_LOG)
    if facts.presence is RecordPresence.UNREADABLE:
        found.append(f"The record could not be read: {facts.unread}")
    return found


def _waiting(facts: RecordFacts, offsets: PartitionOffsets, then: str) -> WaitingFate:
    before = offsets.open_before(facts.offset)
    hold, halt = offsets.problem, facts.halt
    operator = None if offsets.committed is None else offsets.committed.operator_hold
    if hold is not None and (offsets.hold is not None or operator is None or not operator.is_over(facts.now)):
        return _held(offsets, hold, before, then)
    if facts.presence is RecordPresence.OPEN_TRANSACTION and (
        halt is None or halt.why != Reason.TRANSACTION_HANGING.value
    ):
        sentence = (
            f"A producer's transaction is open: {facts.partition} can be read up to offset {offsets.stable} only. When "
            "it ends, records behind it are read, and its own unless it is aborted."
        )
        return WaitingFate(None, sentence, before, then)
    if halt is None:
        sentence = f"The group is not done with it. Why it waits is not known. {facts.no_halt}".rstrip()
        return WaitingFate(None, sentence, before, then, retrying=facts.retrying)
    known = _BY_NAME.get(halt.why)
    reason = None if known is None else REASONS[known]
    return WaitingFate(
        halt.why,
        halt.sentence or (reason.meaning if reason is not None else ""),
        before,
        then,
        halt.since,
        halt.until,
        halt.next_try,
        halt.action or (reason.action if reason is not None else ""),
        needs_someone=reason is not None and reason.needs_operator,
        empty_at=halt.empty_at,
        retrying=facts.retrying,
    )


def _held(offsets: PartitionOffsets, hold: Hold, before: int, then: str) -> WaitingFate:
    """By what is committed: it holds whichever replica has the partition, also while none runs."""
    reason = REASONS[hold.reason]
    operator = None if offsets.committed is None else offsets.committed.operator_hold
    return WaitingFate(
        shown(hold.reason).value,
        hold.detail,
        before,
        then,
        since=float(operator.since) if operator is not None and operator.since else None,
        until=float(operator.until) if operator is not None and operator.until else None,
        action=reason.action,
        needs_someone=reason.needs_operator,
    )


def _then(event: WalkedEvent | None) -> str:
    if event is None:
        return "what the mapping makes of it then"
    made = event.made_now
    if made.result == "request":
        return "a request"
    if made.result == "filtered":
        return f"nothing, as it is filtered ({made.reason}): {made.sentence}"
    if made.result == "schema_needed":
        return f"not known, as {made.sentence}"
    return f"a dead letter ({made.reason}): {made.sentence}"
