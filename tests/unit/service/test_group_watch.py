from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest

from bridge.config.sections import Kafka
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.formats import offset_map
from bridge.holds import Reason
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import GroupDescription, Member
from bridge.kafka.admin.group_findings import (
    STEADY,
    TIMESTAMP_AGAIN,
    CommitAges,
    Steadiness,
    UnreadRecords,
    done_above,
    problems,
    unread,
)
from bridge.model import TopicPartition
from bridge.ops import group_view
from bridge.ops.group_view import MemberView, PartitionStanding
from bridge.service.watches import group_watch
from bridge.service.watches.group_watch import GroupWatch, Here
from tests.support.waiting import until

P, Q = TopicPartition("orders", 0), TopicPartition("orders", 1)


def test_a_named_topic_nobody_sees_is_missing_and_what_the_brokers_said_of_it_goes_first() -> None:
    told = {"secret": (Reason.NOT_AUTHORISED, "this user may not read topic secret")}
    found = problems(
        ConsumedTopics(["orders", "gone", "secret", "^bill", "^ord.*"], Reading.WHOLE), {"orders"}, told, {}
    )
    assert {topic: reason for topic, (reason, _) in found.items()} == {
        "gone": Reason.TOPIC_MISSING,
        "secret": Reason.NOT_AUTHORISED,
        "^bill": Reason.TOPIC_MISSING,
    }


def test_a_topic_that_may_be_described_and_not_read_is_not_authorised() -> None:
    rights = {"orders": frozenset({"DESCRIBE"}), "other": frozenset({"READ", "DESCRIBE"})}
    assert problems(ConsumedTopics(["orders", "other"], Reading.WHOLE), {"orders", "other"}, {}, rights).keys() == {
        "orders"
    }


def test_an_old_word_about_a_topic_that_is_there_now_is_no_problem() -> None:
    assert (
        problems(
            ConsumedTopics(["orders"], Reading.WHOLE),
            {"orders"},
            {"orders": (Reason.TOPIC_MISSING, "does not exist")},
            {},
        )
        == {}
    )


def test_only_a_commit_that_says_something_new_counts_as_a_sign_of_life() -> None:
    commits = CommitAges()
    ends = {P: 9, Q: 9}
    commits.observe({P: Committed(5, "map"), Q: Committed(7, "")}, ends, 100.0)
    commits.observe({P: Committed(5, "map"), Q: Committed(7, "another")}, ends, 110.0)
    assert (commits.still_for(P, 112.0), commits.still_for(Q, 112.0)) == (12.0, 2.0)
    commits.observe({P: Committed(6, "map")}, ends, 120.0)
    assert (commits.still_for(P, 121.0), commits.still_for(Q, 121.0)) == (1.0, 0.0)


def test_a_member_that_had_nothing_to_do_for_an_hour_does_not_stand_still_when_a_record_comes() -> None:
    commits = CommitAges()
    commits.observe({P: Committed(5, "")}, {P: 5}, 100.0)
    commits.observe({P: Committed(5, "")}, {P: 6}, 3700.0)
    assert commits.still_for(P, 3700.0) == 0.0
    commits.observe({P: Committed(5, "")}, {P: 6}, 3710.0)
    assert commits.still_for(P, 3710.0) == 10.0


def test_members_are_asked_for_only_after_connections_have_held_for_a_while() -> None:
    steadiness = Steadiness(100.0)
    assert not steadiness.observe(0, 100.0 + STEADY / 2)
    assert steadiness.observe(0, 100.0 + STEADY)
    assert not steadiness.observe(3, 200.0)
    assert not steadiness.observe(3, 199.0 + STEADY)
    assert steadiness.observe(3, 200.0 + STEADY)


def test_what_waits_begins_where_the_partition_is_or_where_its_log_does() -> None:
    standings = {P: PartitionStanding(committed=3, start=10, end=25), Q: PartitionStanding(start=5, end=9)}
    assert unread({P: None, Q: None}, [P, Q], standings) == {P: 10, Q: 5}
    assert unread({P: 12, Q: 9}, [P, Q], standings) == {P: 12}
    assert unread({P: 12}, [], standings) == {}


def test_what_a_committed_map_calls_done_counts_only_for_the_position_it_was_committed_with() -> None:
    text = offset_map.encode(
        10, [1, 4, 2, 3], leader_epoch=7, topic_id="id", demand=offset_map.Demand(0, 0), head=offset_map.Head(),
        max_length=offset_map.BROKER_LIMIT,
    )  # fmt: skip
    assert done_above(Committed(10, text, leader_epoch=7)) == 7
    assert done_above(Committed(11, text, leader_epoch=7)) == 0
    assert done_above(Committed(10, text, leader_epoch=8)) == 0
    assert done_above(Committed(10, "another tool's")) == 0


def test_a_timestamp_is_asked_for_once_and_only_of_what_still_waits_at_the_next_look() -> None:
    waiting = UnreadRecords()
    assert waiting.observe({P: 10, Q: 3}, 1000.0) == {}
    assert waiting.observe({P: 10, Q: 4}, 1010.0) == {P: 10}
    waiting.written({P: 10}, {P: 17.0}, 1010.0)
    assert waiting.observe({P: 10, Q: 4}, 1020.0) == {Q: 4}
    waiting.written({Q: 4}, {}, 1020.0)
    assert waiting.observe({P: 10, Q: 4}, 1030.0) == {}
    found = waiting.oldest()
    assert (found[P].timestamp, found[P].since) == (17.0, 1000.0)
    assert (found[Q].timestamp, found[Q].since) == (None, 1010.0)
    assert waiting.observe({P: 10, Q: 4}, 1021.0 + TIMESTAMP_AGAIN) == {Q: 4}
    assert waiting.observe({}, 2000.0) == {}
    assert waiting.oldest() == {}


class Silent:
    """A reader and an inspection that meet a defect of their own."""

    def __init__(self) -> None:
        self.asked = 0

    async def topics(self) -> Mapping[str, int]:
        self.asked += 1
        raise TypeError("a defect")


async def test_a_defect_of_the_look_at_the_group_ends_neither_it_nor_the_service(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(group_watch, "SOON", 0.0)
    silent = Silent()
    here = Here(dict, list, dict, lambda: True, lambda: 0, lambda: 17, set)
    kafka = Kafka.model_validate({"bootstrap_servers": "nowhere:1", "group_id": "g", "topics": ["orders"]})
    watch = GroupWatch(
        kafka, cast("Any", silent), cast("Any", silent), cast("Any", None), here, logging.getLogger("tests.watch")
    )
    watch.start()
    await until("it goes on", lambda: silent.asked >= 2)
    await watch.stop()
    assert caplog.messages == ["the group could not be looked at: TypeError('a defect'); please report this"]
    assert [view.topic for view in watch.view.topics] == ["orders"]


class Asked:
    """A client that is asked for the group's members: one that heard the coordinator go never hears it again."""

    is_steady = True

    def __init__(self, *, hears: bool) -> None:
        self.hears = hears
        self.asked = 0

    def reach(self) -> None:
        """At once."""

    def group(self) -> GroupDescription | None:
        self.asked += 1
        return GroupDescription("stable", "", "classic", ()) if self.hears else None


async def test_a_replica_asks_a_new_client_where_its_own_no_longer_finds_the_coordinator() -> None:
    deaf, fresh = Asked(hears=False), Asked(hears=True)
    here = Here(dict, list, dict, lambda: True, lambda: 0, lambda: 17, set)
    kafka = Kafka.model_validate({"bootstrap_servers": "nowhere:1", "group_id": "g", "topics": ["orders"]})
    watch = GroupWatch(
        *(kafka, cast("Any", deaf), cast("Any", None), cast("Any", None), here, logging.getLogger("tests.watch")),
        anew=lambda: fresh,
    )
    stands_still = {P: Committed(3, "")}
    watch._commits.observe(stands_still, {P: 9}, -STEADY - group_view.STALLED_AFTER)
    watch._steadiness = Steadiness(-STEADY)
    now = time.monotonic()
    assert await watch._ask_members(stands_still, {P: 9}, (), now) is None
    assert await watch._ask_members(stands_still, {P: 9}, (), now + 1) is not None
    assert (deaf.asked, fresh.asked) == (1, 1)


def test_members_are_shown_by_the_name_of_their_instance_where_they_have_one() -> None:
    group = GroupDescription(
        "stable", "range", "classic",
        (Member("track-bridge", "10.0.0.7", "bridge-1", (P, Q)), Member("track-bridge", "10.0.0.8", None, ())),
    )  # fmt: skip
    assert group_watch._members(group) == (
        MemberView("bridge-1", "10.0.0.7", 2),
        MemberView("track-bridge", "10.0.0.8", 0),
    )
