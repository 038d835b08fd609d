"""Deliberate bugs, each of a kind that real bridges had: the simulation is worth what it finds of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.formats import offset_map
from bridge.kafka.consumer.assignment.reading_again import ReadingAgain
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.end_offsets import EndOffsets
from bridge.kafka.consumer.starts.settled import Seen, Settled
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.consumption import Tracker
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.model import TRACK, Disposition, LetterRefused, TopicPartition
from bridge.pipeline.budget.governor import Outage
from bridge.pipeline.budget.key_guard import KeyGuard
from bridge.pipeline.budget.membership import Membership
from bridge.pipeline.budget.pacing import RateShare
from bridge.pipeline.dispatch import admission
from bridge.pipeline.dispatch.answers import Answers
from bridge.pipeline.dispatch.assignments import Assignments, Drain
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.dispatch.identifies import Identifies
from bridge.pipeline.dispatch.letters import LetterDesk
from bridge.pipeline.dispatch.schema_waits import SchemaWaits
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.ports import Arrival
from bridge.pipeline.queues.key_queues import KeyQueues
from bridge.pipeline.queues.queues import Queues
from bridge.pipeline.schema_wait import SchemaWait
from bridge.pipeline.work import AutomaticIdentify, Fanout, PartitionWork, Work

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    promise: str
    """Which one it breaks: how the violation begins."""
    patch: Patch


def _a_record_is_done_with_its_first_event(patch: pytest.MonkeyPatch) -> None:
    def settle(fanout: Fanout, work: Work, disposition: Disposition) -> bool:
        is_first = fanout.worst is Disposition.FILTERED
        fanout.worst = disposition
        del fanout.works[work]
        return is_first

    patch.setattr(Fanout, "settle", settle)


def _any_map_is_believed(patch: pytest.MonkeyPatch) -> None:
    def trusted(found: offset_map.OffsetMap | None, **_: Any) -> offset_map.OffsetMap | None:
        return found

    patch.setattr(offset_map, "trusted", trusted)


def _a_letter_that_cannot_be_written_is_skipped(patch: pytest.MonkeyPatch) -> None:
    written = LetterDesk.written

    def skip(desk: LetterDesk, work: Work, refused: LetterRefused | None, now: float) -> None:
        del refused
        written(desk, work, None, now)

    patch.setattr(LetterDesk, "written", skip)


def _the_position_is_the_last_offset_that_came(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OffsetTracker, "lowest_open", property(lambda tracker: tracker.next_offset))


def _nothing_waits_for_its_user(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KeyQueues, "push", lambda _, __: True)
    patch.setattr(KeyQueues, "advance", lambda _, __: None)


def _a_retry_lets_the_next_one_go(patch: pytest.MonkeyPatch) -> None:
    delay = Queues.delay

    def let_go(queues: Queues, work: Work, due: float) -> None:
        queues.leave(work)
        delay(queues, work, due)

    patch.setattr(Queues, "delay", let_go)


def _what_is_released_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    kill = Assignments._kill

    def forget(assignments: Assignments, partition: PartitionWork) -> None:
        released = assignments._tally.released
        kill(assignments, partition)
        assignments._tally.released = released

    patch.setattr(Assignments, "_kill", forget)


def _each_replica_takes_the_whole_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RateShare, "rate", lambda share, _, mine: share.limit if mine else 0.0)


def _a_new_assignment_ignores_the_map(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OffsetTracker, "already_done", lambda _, __: False)


def _a_drain_hands_over_no_positions(patch: pytest.MonkeyPatch) -> None:
    def finish(assignments: Assignments, drain: Drain, now: float, wall: float) -> None:
        del now, wall
        for partition in drain.partitions:
            assignments._kill(partition)
        drain.drained([])

    patch.setattr(Assignments, "finish", finish)


def _a_head_that_leaves_takes_its_lane_along(patch: pytest.MonkeyPatch) -> None:
    purge = KeyQueues.purge

    def leave(lanes: KeyQueues, goes: Callable[[Work], bool]) -> tuple[list[Work], list[Work]]:
        return purge(lanes, goes)[0], []

    patch.setattr(KeyQueues, "purge", leave)


def _an_answer_for_a_partition_that_is_gone_frees_no_lane(patch: pytest.MonkeyPatch) -> None:
    leave = Queues.leave

    def stay(queues: Queues, work: Work) -> None:
        if work.partition.tracker.life is not TrackerState.DEAD:
            leave(queues, work)

    patch.setattr(Queues, "leave", stay)


def _an_outage_never_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outage, "probing", lambda outage: setattr(outage, "probe_at", float("inf")))


def _a_drain_waits_for_everything_that_is_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PartitionWork, "busy", property(lambda partition: partition.on_wire or partition.tracker.open))


def _what_is_queued_is_still_sent_while_draining(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Dispatcher, "_release", lambda *_: None)


def _a_standstill_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Membership, "looked", lambda _, __: None)


def _a_bad_key_is_never_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KeyGuard, "_hold", lambda _, __: None)


def _a_permit_is_never_freed(patch: pytest.MonkeyPatch) -> None:
    answered = Dispatcher.answered

    def leak(dispatcher: Dispatcher, attempt: Any, verdict: Any) -> None:
        if attempt.partition.tracker.life is TrackerState.DEAD:
            dispatcher.governors[TRACK].in_flight += 1
        answered(dispatcher, attempt, verdict)

    patch.setattr(Dispatcher, "answered", leak)


def _the_position_stays_before_what_is_no_record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OffsetTracker, "nothing_in", lambda *_: None)


def _the_position_follows_into_an_open_transaction(patch: pytest.MonkeyPatch) -> None:
    reached = EndOffsets.reached

    def to_the_high_watermark(ends: EndOffsets, message: Any) -> None:
        partition = TopicPartition(message.topic(), message.partition())
        entry = ends._partitions.get(partition)
        if entry is not None:
            high = ends._high(entry)
            message.offset = lambda: high
        reached(ends, message)

    patch.setattr(EndOffsets, "reached", to_the_high_watermark)


def _an_outage_counts_against_the_events_in_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Answers, "_counts", lambda *_: True)


def _a_stop_waits_for_no_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Commits, "settled", property(lambda _: True))


def _every_topic_is_a_new_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settled, "look", lambda _, __: True)


def _a_restart_forgets_that_topics_are_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Seen, "had_settled", lambda _, __: False)


def _a_hold_is_forgotten_by_the_next_owner(patch: pytest.MonkeyPatch) -> None:
    decide = StartRunner._decide

    def forget(starting: StartRunner, entry: PartitionState, found: Any) -> Any:
        if not entry.told_of_hold:
            found = {each: replace(facts, operator_hold=None) for each, facts in found.items()}
        return decide(starting, entry, found)

    patch.setattr(StartRunner, "_decide", forget)


def _what_is_released_begins_before_its_last_commit(patch: pytest.MonkeyPatch) -> None:
    acknowledged = property(lambda _: True, lambda _, __: None)
    patch.setattr(PartitionState, "acknowledged", acknowledged)


def _what_was_not_kept_is_not_read_again(patch: pytest.MonkeyPatch) -> None:
    def begin(reading_again: ReadingAgain, tracker: Tracker, offset: int) -> None:
        del offset
        hand_over = reading_again._hand_over
        hand_over.tell(hand_over.consumption.reads_again, tracker)

    patch.setattr(ReadingAgain, "begin", begin)


def _what_comes_behind_a_missing_schema_is_taken_in(patch: pytest.MonkeyPatch) -> None:
    begin = SchemaWaits.begin

    def arrived(waits: SchemaWaits, partition: PartitionWork, wait: SchemaWait, records: Sequence[Arrival]) -> None:
        del wait
        waits._admit(partition, records, float("inf"))

    def begun(waits: SchemaWaits, partition: PartitionWork, records: Sequence[Arrival], now: float) -> None:
        begin(waits, partition, records[:1], now)
        partition.needs = None

    patch.setattr(SchemaWaits, "begin", begun)
    patch.setattr(SchemaWaits, "arrived", arrived)


def _a_step_waits_for_nothing(patch: pytest.MonkeyPatch) -> None:
    link = admission.link

    def linked(works: Sequence[Work], places: Sequence[int], of: int) -> None:
        link(works, places, of)
        for work in works:
            if work.step is not None:
                work.step.waits = False

    patch.setattr(admission, "link", linked)


def _an_identify_that_failed_is_remembered(patch: pytest.MonkeyPatch) -> None:
    def failed(identifies: Identifies, identify: AutomaticIdentify) -> None:
        identifies.accepted(identify, identify.last_at)

    patch.setattr(Identifies, "failed", failed)


def _a_sent_identify_is_taken_for_accepted(patch: pytest.MonkeyPatch) -> None:
    admits = Identifies.admits

    def believe(identifies: Identifies, work: Work, now: float) -> bool:
        return work.request.user_id in identifies._pending or admits(identifies, work, now)

    patch.setattr(Identifies, "admits", believe)


def _what_a_letter_leaves_stays_in_its_queue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Queues, "_leave_rest", lambda _, __: None)


def _an_identify_that_leaves_takes_along_who_waits_for_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Identifies, "review", lambda _: None)


MUTANTS = (
    Mutant("a step waits for nothing", "steps", _a_step_waits_for_nothing),
    Mutant("an identify that failed is remembered", "users", _an_identify_that_failed_is_remembered),
    Mutant("a sent identify is taken for accepted", "users", _a_sent_identify_is_taken_for_accepted),
    Mutant("what a letter leaves stays in its queue", "progress", _what_a_letter_leaves_stays_in_its_queue),
    Mutant("an identify leaves with its waiters", "progress", _an_identify_that_leaves_takes_along_who_waits_for_it),
    Mutant("a record is done with its first event", "commit", _a_record_is_done_with_its_first_event),
    Mutant("any map is believed", "commit", _any_map_is_believed),
    Mutant("a letter that cannot be written is skipped", "commit", _a_letter_that_cannot_be_written_is_skipped),
    Mutant("the position is the last offset that came", "commit", _the_position_is_the_last_offset_that_came),
    Mutant("nothing waits for its user", "order", _nothing_waits_for_its_user),
    Mutant("a retry lets the next one go", "order", _a_retry_lets_the_next_one_go),
    Mutant("what is released is not counted", "accounting", _what_is_released_is_not_counted),
    Mutant("a permit is never freed", "accounting", _a_permit_is_never_freed),
    Mutant("each replica takes the whole limit", "rate", _each_replica_takes_the_whole_limit),
    Mutant("a new assignment ignores the map", "duplicate", _a_new_assignment_ignores_the_map),
    Mutant("a drain hands over no positions", "duplicate", _a_drain_hands_over_no_positions),
    Mutant("a head that leaves takes its lane along", "progress", _a_head_that_leaves_takes_its_lane_along),
    Mutant("a late answer frees no lane", "progress", _an_answer_for_a_partition_that_is_gone_frees_no_lane),
    Mutant("an outage never ends", "progress", _an_outage_never_ends),
    Mutant("a drain waits for everything that is open", "drain", _a_drain_waits_for_everything_that_is_open),
    Mutant("what is queued is sent while draining", "drain", _what_is_queued_is_still_sent_while_draining),
    Mutant("a standstill goes unnoticed", "zombie", _a_standstill_goes_unnoticed),
    Mutant("a gap at the end is never passed", "progress", _the_position_stays_before_what_is_no_record),
    Mutant("every topic is a new one", "start", _every_topic_is_a_new_one),
    Mutant("a restart forgets that topics are new", "start", _a_restart_forgets_that_topics_are_new),
    Mutant("an open transaction is passed", "commit", _the_position_follows_into_an_open_transaction),
    Mutant("a bad key is never held", "key", _a_bad_key_is_never_held),
    Mutant("a stop waits for no commit", "duplicate", _a_stop_waits_for_no_commit),
    Mutant("a hold is forgotten by the next owner", "hold", _a_hold_is_forgotten_by_the_next_owner),
    Mutant("what is released begins too early", "duplicate", _what_is_released_begins_before_its_last_commit),
    Mutant("what was not kept is not read again", "commit", _what_was_not_kept_is_not_read_again),
    Mutant("what is behind a missing schema is taken in", "commit", _what_comes_behind_a_missing_schema_is_taken_in),
    Mutant("an outage counts against the events in it", "burn", _an_outage_counts_against_the_events_in_it),
)
