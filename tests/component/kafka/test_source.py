from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bridge.formats import commit_mark, offset_map
from bridge.holds import Reason
from bridge.kafka.client import ClientRefusedError
from bridge.model import TopicPartition
from tests.support.kafka.completing import Completing, running, settings
from tests.support.waiting import until

if TYPE_CHECKING:
    from bridge.kafka.consumer.thread.consumption import Tracker
    from tests.component.kafka.conftest import Embedded


def values(consumption: Completing) -> list[int]:
    return sorted(int(record.value or b"-1") for record in consumption.records)


async def test_every_record_arrives_once_and_its_position_is_committed(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 300)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption):
        await consumption.until(lambda: len(consumption.records) == 300)
    assert values(consumption) == list(range(300))
    assert {p: offset for p, (offset, _) in embedded.committed(group, topic).items()} == {0: 100, 1: 100, 2: 100}


async def test_records_come_byte_for_byte_with_their_partition_in_offset_order(embedded: Embedded) -> None:
    topic = embedded.topic()
    embedded.produce(topic, 90)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, embedded.name("group"), [topic]), consumption):
        await consumption.until(lambda: len(consumption.records) == 90)
    for partition in range(3):
        mine = [record for record in consumption.records if record.partition == partition]
        assert [record.offset for record in mine] == list(range(30))
        assert [record.key for record in mine] == [b"k%d" % number for number in range(partition, 90, 3)]
        assert all(record.timestamp_ms is not None and record.headers == () for record in mine)


@pytest.mark.slow(reason="a group that was left opens after a session", seconds=6)
async def test_a_restart_goes_on_where_the_stop_left_off(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    first, second = Completing(), Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), first):
        await first.until(lambda: len(first.records) == 30)
    embedded.produce(topic, 30, first=30)
    async with running(settings(embedded.bootstrap, group, [topic]), second):
        await second.until(lambda: len(second.records) == 30)
    assert values(second) == list(range(30, 60))


@pytest.mark.slow(reason="a group that was left opens after a session", seconds=6)
async def test_what_was_done_above_an_open_record_is_not_delivered_again(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 10, partitions=1)
    first, second = Completing(keep=lambda record: record.offset in {3, 6}), Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), first):
        await first.until(lambda: len(first.records) == 10)
    async with running(settings(embedded.bootstrap, group, [topic]), second):
        await second.until(lambda: len(second.records) + len(second.already_done) == 7)
    assert values(second) == [3, 6]
    assert [record.offset for record in second.already_done] == [4, 5, 7, 8, 9]


async def test_the_map_is_committed_while_the_lowest_offset_stays_open(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 1, partitions=1)
    consumption = Completing(keep=lambda record: record.offset == 0)
    async with running(settings(embedded.bootstrap, group, [topic]), consumption):
        await consumption.until(lambda: len(consumption.records) == 1)
        embedded.produce(topic, 5, partitions=1, first=1)
        await consumption.until(lambda: len(consumption.records) == 6)

        await until(
            "what is done above the lowest open offset is committed",
            lambda: bool(_done_above(embedded, group, topic)),
            explain=lambda: f"{embedded.committed(group, topic)}\n{consumption.told()}",
        )
        assert _done_above(embedded, group, topic) == (range(1, 6),)


def _done_above(embedded: Embedded, group: str, topic: str) -> tuple[range, ...]:
    offset, text = embedded.committed(group, topic, 1).get(0, (0, None))
    assert offset == 0
    found = offset_map.decode(commit_mark.unmarked(text))
    return () if found is None else found.done


async def test_without_a_position_and_without_a_decision_the_topic_is_held(embedded: Embedded) -> None:
    undecided, decided = embedded.topic(), embedded.topic()
    group = embedded.name("group")
    embedded.produce(decided, 30)
    embedded.commit(group, decided, {0: 0, 1: 0, 2: 0})
    consumption = Completing()
    kafka = settings(embedded.bootstrap, group, [undecided, decided], start_from="error")
    async with running(kafka, consumption) as source:
        await consumption.until(lambda: len(consumption.held) == 3 and len(consumption.records) == 30)
        reason, detail = consumption.held[TopicPartition(undecided, 0)]
        assert reason is Reason.NO_START
        assert "kafka.start_from" in detail
        assert set(source.held) == {TopicPartition(undecided, number) for number in range(3)}
    assert embedded.committed(group, undecided) == {}


async def test_a_start_at_the_end_is_committed_for_idle_partitions_too(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic], start_from="latest"), consumption) as source:
        await consumption.until(lambda: bool(consumption.assignments))
        source.send_heartbeat()
        await consumption.until(lambda: bool(consumption.proofs))
        assert {p: offset for p, (offset, _) in embedded.committed(group, topic).items()} == {0: 10, 1: 10, 2: 10}
    assert consumption.records == []


async def test_a_partition_added_to_a_topic_that_is_read_starts_at_its_beginning(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    embedded.commit(group, topic, {0: 10, 1: 10})
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic], start_from="latest"), consumption):
        await consumption.until(lambda: len(consumption.records) == 10)
    assert {record.partition for record in consumption.records} == {2}


async def test_a_position_outside_the_log_holds_its_partition_alone(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    embedded.cluster.delete_records(topic, 0, 5)
    embedded.commit(group, topic, {0: 2, 1: 0, 2: 99})
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption):
        await consumption.until(lambda: len(consumption.held) == 2 and len(consumption.records) == 10)
        below, above = consumption.held[TopicPartition(topic, 0)], consumption.held[TopicPartition(topic, 2)]
        assert below[0] is above[0] is Reason.OUT_OF_RANGE
        assert "up to 3 events are gone" in below[1]
        assert "above the log's end 10" in above[1]
    assert {record.partition for record in consumption.records} == {1}
    assert {p: offset for p, (offset, _) in embedded.committed(group, topic).items()} == {0: 2, 1: 10, 2: 99}


async def test_a_position_that_cannot_be_read_is_asked_for_again(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    embedded.commit(group, topic, {0: 5, 1: 5, 2: 5})
    embedded.cluster.fail(9, *[30] * 1)  # OffsetFetch: GROUP_AUTHORIZATION_FAILED
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: bool(consumption.held))
        assert {reason for reason, _ in consumption.held.values()} == {Reason.POSITION_UNKNOWN}
        await consumption.until(lambda: len(consumption.records) == 15)
        assert not consumption.held
        assert not source.held


async def test_no_more_is_taken_than_there_is_room_for(embedded: Embedded) -> None:
    topic = embedded.topic()
    embedded.produce(topic, 600)
    consumption = Completing(keep=lambda _: True, capacity=50)
    async with running(settings(embedded.bootstrap, embedded.name("g"), [topic]), consumption, records=50) as source:
        await consumption.until(lambda: len(consumption.records) >= 50)
        # The pause is a state of another thread, not an event.
        await until("the source is paused", lambda: bool(source.paused), explain=consumption.told)
        assert len(consumption.records) <= 55
        assert source.counts.pauses == 1
        consumption.release()
        await consumption.until(lambda: len(consumption.records) == 600)
    assert values(consumption) == list(range(600))


async def test_membership_is_proven_by_an_answer_to_a_commit_made_after_the_question(embedded: Embedded) -> None:
    topic = embedded.topic()
    consumption = Completing()
    async with running(settings(embedded.bootstrap, embedded.name("group"), [topic]), consumption) as source:
        await consumption.until(lambda: bool(consumption.proofs))  # the starts that were committed
        consumption.proofs.clear()
        asked_at = time.monotonic()
        source.send_heartbeat()
        await consumption.until(lambda: bool(consumption.proofs))
        assert consumption.proofs[0] >= asked_at


async def test_a_paused_topic_stays_silent_while_others_are_read(embedded: Embedded) -> None:
    silent, read = embedded.topic(), embedded.topic()
    consumption = Completing()
    async with running(settings(embedded.bootstrap, embedded.name("group"), [silent, read]), consumption) as source:
        await consumption.until(lambda: len(consumption.trackers) == 6)
        source.pause_topic(silent)
        source.pause_partition(consumption.trackers[TopicPartition(read, 1)])
        source.send_heartbeat()
        consumption.proofs.clear()
        await consumption.until(lambda: bool(consumption.proofs))  # orders are carried out before commits are made
        embedded.produce(silent, 30)
        embedded.produce(read, 30)
        await consumption.until(lambda: len(consumption.records) == 20)
    assert {(record.topic, record.partition) for record in consumption.records} == {(read, 0), (read, 2)}


def reached(tracker: Tracker, offset: int) -> bool:
    return tracker.next_offset == offset


@pytest.mark.slow(reason="a topic's positions are read again at the client's own time", seconds=6)
async def test_a_partition_goes_back_to_what_was_dropped_of_it_and_the_others_read_on(embedded: Embedded) -> None:
    topic, group = embedded.topic(2), embedded.name("group")
    back, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    embedded.produce(topic, 20, partitions=2)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 20)
        tracker, beside = consumption.trackers[back], consumption.trackers[other]
        for taken in range(10, 510, 100):
            consumption.dropped.add(back)
            embedded.produce(topic, 200, partitions=2)
            source.pause_partition(tracker)
            await consumption.until(partial(reached, beside, taken + 100))
            assert tracker.next_offset == taken
            source.read_again(tracker, taken)
            await consumption.until(lambda: back not in consumption.dropped)
            source.resume_partition(tracker)
            await consumption.until(partial(reached, tracker, taken + 100))
    for partition in (back, other):
        read = [each.offset for each in consumption.records if TopicPartition(each.topic, each.partition) == partition]
        assert read == list(range(510)), "each once, in order"
    assert embedded.committed(group, topic)[0][0] == 510


@pytest.mark.slow(reason="waits for the whole time of a drain", seconds=5)
async def test_a_drain_that_is_never_answered_does_not_keep_the_process(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    consumption = Completing(drains=False)
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 30)
    assert source.counts.forced_drains == 1
    assert {p: offset for p, (offset, _) in embedded.committed(group, topic).items()} == {0: 10, 1: 10, 2: 10}


async def test_a_failed_commit_is_counted_by_its_meaning_and_repeated(embedded: Embedded) -> None:
    topic, group = embedded.topic(), embedded.name("group")
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: bool(consumption.proofs))
        embedded.cluster.fail(8, 27)  # OffsetCommit: REBALANCE_IN_PROGRESS
        consumption.proofs.clear()
        source.send_heartbeat()
        await consumption.until(lambda: bool(consumption.proofs))
        assert source.counts.commit_errors == {"rebalancing": 1}


async def test_ends_are_known_without_asking_for_each(embedded: Embedded) -> None:
    topic = embedded.topic()
    embedded.produce(topic, 30)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, embedded.name("group"), [topic]), consumption) as source:
        await until(
            "every end is known",
            lambda: source.ends == {TopicPartition(topic, number): 10 for number in range(3)},
            explain=lambda: f"{source.ends}\n{consumption.told()}",
        )


async def test_a_cluster_that_does_not_tell_the_retention_costs_nothing_else(
    embedded: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    topic = embedded.topic()
    embedded.produce(topic, 30)
    consumption = Completing()
    with caplog.at_level(logging.DEBUG):
        async with running(settings(embedded.bootstrap, embedded.name("group"), [topic]), consumption) as source:
            await consumption.until(lambda: len(consumption.records) == 30)
            await until(
                "it is logged that the retention is not known",
                lambda: any(f"the retention of topic {topic} is not known" in line for line in caplog.messages),
                explain=lambda: "\n".join(caplog.messages),
            )
            assert (dict(source.retention), source.problems) == ({}, ())


async def test_a_missing_topic_is_a_problem_with_a_sentence(embedded: Embedded) -> None:
    topic, missing = embedded.topic(), embedded.name("missing")
    consumption = Completing()
    async with running(settings(embedded.bootstrap, embedded.name("group"), [topic, missing]), consumption) as source:
        await until("a problem is told", lambda: bool(source.problems), explain=consumption.told)
        assert [problem for problem in source.problems if missing in problem and "does not exist" in problem]


async def test_a_property_the_client_does_not_know_is_one_sentence(embedded: Embedded) -> None:
    kafka = settings(embedded.bootstrap, "group", ["topic"], properties={"no.such.property": "1"})
    with pytest.raises(ClientRefusedError) as refused:
        async with running(kafka, Completing()):
            pass
    assert str(refused.value) == 'kafka.properties: No such configuration property: "no.such.property"'


@pytest.mark.slow(reason="a member is lost after its session, and joins again", seconds=13)
async def test_lost_partitions_are_dropped_and_read_again_from_their_positions(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 10, partitions=1)
    consumption = Completing(keep=lambda record: record.offset >= 5)
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 10)
        consumption.proofs.clear()
        source.send_heartbeat()
        await consumption.until(lambda: bool(consumption.proofs))
        consumption.keep = lambda _: False
        source.pause_partition(consumption.trackers[TopicPartition(topic, 0)])  # holds for this assignment only
        embedded.cluster.fail(12, 25)  # Heartbeat: UNKNOWN_MEMBER_ID
        await consumption.until(lambda: len(consumption.records) == 15)
        assert len(consumption.lost_trackers) == 1
        assert source.counts.losses == 1
        assert consumption.revoked == []
    assert [record.offset for record in consumption.records[10:]] == [5, 6, 7, 8, 9]
