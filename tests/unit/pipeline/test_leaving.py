"""What of a partition that leaves, or came with a position, is not done twice, not passed and not waited for."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.model import Position, Record, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Oversized
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


def world(**changes: Any) -> World:
    return World(DeliverySettings.model_construct(rate_limit=None, **changes))


def test_a_partition_that_is_lost_while_it_is_drained_is_not_waited_for_and_commits_nothing() -> None:
    it = world(drain_timeout=20.0)
    it.sink.api = lambda work: None if work.record.partition == 0 else (0.5, ACCEPTED)
    it.feed(P0, "ann")
    it.feed(P1, "bob")
    leaving = it.owned[P0]
    it.revoke(P0, P1)
    it.run(0.1)
    assert it.drained == []
    it.dispatcher.lost([leaving])
    it.run(1.0)
    [(_, final)] = it.drained
    assert [(tracker.partition, position.offset) for tracker, position in final] == [(P1, 1)]
    assert P0 not in it.positions.committed


def test_a_record_too_large_that_an_earlier_assignment_made_a_letter_of_makes_no_second_one() -> None:
    it = world()
    it.sink.api = lambda work: None if work.who == "ann" else (0.01, ACCEPTED)
    large = Oversized(Record("orders", 0, 1, None, None, None, ()), 60, 50)
    it.feed(P0, "ann")
    it.write(P0, "never read")
    it.dispatcher.accept(it.owned[P0], [large])
    it.run(1.0)
    it.commit()
    assert len(it.letters.written) == 1
    assert it.positions.committed[P0].offset == 0, "ann is open"
    it.lose(P0)
    it.run(1.0)

    it.assign(P0)
    it.deliver(P0, 1)
    done_before = it.dispatcher.tally.already_done
    it.dispatcher.accept(it.owned[P0], [large])
    it.run(1.0)
    assert len(it.letters.written) == 1
    assert it.dispatcher.tally.already_done == done_before + 1


def test_where_no_record_is_in_a_partition_that_has_left_its_own_tracker_alone_hears_of_it() -> None:
    it = world()
    gone: OffsetTracker[object] = OffsetTracker(P1, 5)
    it.dispatcher.passed(gone, 5, 9, 3)  # type: ignore[arg-type]
    assert gone.next_offset == 9
    assert it.dispatcher.positions() == []


def test_a_session_that_turns_out_to_be_shorter_counts_from_the_last_heartbeat_that_was_answered() -> None:
    it = world(session_timeout=45.0)
    it.assign(P0)
    answered = it.now
    it.run(1.0)
    membership = it.dispatcher.membership
    membership.lasts(6.0)
    assert membership.member_until - answered <= 6.0 + 1.0
    it.positions.answers = False
    sent = len(it.sink.sent)
    it.run(10.0)
    it.feed(P0, "ann")
    assert len(it.sink.sent) == sent, "nothing is sent without a membership"


def test_a_schema_that_only_a_partition_that_left_waited_for_is_asked_for_no_more() -> None:
    it = world()
    it.registry.up = False
    it.feed(P0, "id:7|ann")
    it.feed(P1, "id:7|bob", "id:8|bob")
    it.lose(P0)
    assert it.registry.forgotten == [], "the other one waits for it, too"
    it.revoke(P1)
    it.run(1.0)
    assert it.registry.forgotten == ["id:7"]
    assert it.dispatcher.schemas.awaited() == []
    assert it.positions.committed.get(P1, Position(0, "", None)).offset == 0
    assert it.sink.sent == []


@pytest.mark.parametrize("order", ["orderly", "not orderly"])
def test_what_is_kept_behind_a_missing_schema_is_dropped_unread_with_its_partition(order: str) -> None:
    it = world()
    it.registry.takes = 5.0
    it.registry.schemas["id:7"] = True
    it.feed(P0, "id:7|ann", "ann", "ann")
    room = it.dispatcher.room()
    (it.revoke if order == "orderly" else it.lose)(P0)
    assert it.dispatcher.room()[0] == room[0] + 3
    it.run(10.0)
    assert it.sink.sent == []
    it.assign(P0)
    it.deliver(P0)
    it.run(10.0)
    it.deliver(P0)  # what was kept for too long is read again
    it.run(1.0)
    assert it.all_finished()
    it.check_order()
