"""Positions that somebody moved, outlived, or wrote in another format."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import TopicPartition

from bridge.formats import offset_map
from bridge.sandbox.emulator import Event, Fault, FaultKind
from tests.support.kafka.client import ANSWER_WITHIN
from tests.support.service import ledger
from tests.support.service.ground import CLASSIC, IS_FULL, Ground
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.support.service.replica import Replica

RECORDS = 200


async def delete_records(ground: Ground, before: int) -> None:
    def now() -> None:
        asked = ground.kafka.admin.delete_records([TopicPartition(ground.topic, 0, before)])
        for answer in asked.values():
            answer.result(ANSWER_WITHIN)

    await asyncio.to_thread(now)
    ground.outcome.faults["records deleted"] += 1


def is_first(event: Event | None) -> bool:
    return event is not None and event.metadata["n"] == 0


def recorded(status: Mapping[str, Any]) -> int | None:
    """Records that are lost at most, as whoever found it wrote it down."""
    found = status["possible_loss"]["recorded"]
    return None if found is None else found["records_at_most"]


async def killed_with_its_first_record_open(ground: Ground) -> Replica:
    """Everything but offset 0 is delivered, and the committed map says so."""
    ground.create_topic(1)
    await ground.produce(RECORDS, users=RECORDS)
    ground.api.set_faults(Fault(kind=FaultKind.HANG, when=is_first))
    replica = await ground.started(kafka={"properties": CLASSIC}, track={"timeout": "7s"})
    await until("all others are delivered", lambda: ground.delivered == RECORDS - 1)
    await until("the map says so", lambda: done_by_map(ground) == RECORDS - 1)
    await replica.kill()
    ground.api.set_faults()
    return replica


def done_by_map(ground: Ground) -> int:
    found = offset_map.decode(ground.committed().get(0, (0, ""))[1])
    return 0 if found is None else sum(map(len, found.done))


async def test_events_removed_unsent_hold_their_partition_until_its_position_is_set(ground: Ground) -> None:
    ground.create_topic(2)
    ground.kafka.create_topic_named(f"{ground.letters}.resolutions", 4, cleanup_policy="compact")
    await ground.produce(50, partition=0)
    replica = await ground.started(kafka={"properties": CLASSIC})
    await ground.everything()
    assert await replica.terminate() == 0
    await ground.produce(50, partition=0)
    await ground.produce(50, partition=1)
    await delete_records(ground, 80)
    await replica.start()
    await replica.until("partition 0 is held", lambda s: {row["why"] for row in s["partitions"]} >= {"out_of_range"})
    await until("the other one is delivered", lambda: ground.delivered == 100)
    status = await replica.status()
    assert (status["possible_loss"]["out_of_range"], status["possible_loss"]["records_at_most"]) == (1, 30)
    await replica.until("the loss is recorded", lambda s: recorded(s) == 30)
    [detail] = [row["detail"] for row in status["partitions"] if row["why"] == "out_of_range"]
    assert "up to 30 events are gone unsent" in detail
    assert await replica.terminate() == 0
    assert ground.committed()[0][0] == 50

    await ground.alter({0: (80, None)})
    await replica.start()
    await until("the rest is delivered", lambda: len(ground.missing()) == 30)
    await ground.is_committed()
    await replica.until("what was lost is read", lambda s: recorded(s) is not None)
    status = await replica.status()
    assert (status["possible_loss"]["out_of_range"], recorded(status)) == (0, 30)
    assert await replica.terminate() == 0
    ground.take_down()
    assert {place[2] for place in ground.missing()} == set(range(50, 80))
    assert ground.outcome.duplicates == 0
    ground.outcome.lost -= 30  # by retention, announced


async def offsets_set(ground: Ground, where: str, to: str, loss: int) -> tuple[int, str]:
    """`track-bridge offsets set` as an operator runs it; its exit code and all it printed."""
    await until("the group is empty", lambda: ground.members() == 0, within=60)
    file = str(ground.configuration("operator", {}))
    arguments = ("offsets", "set", where, "--to", to, "--accept-loss", str(loss), "--yes", "-c", file)
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bridge", *arguments, stdout=pipe, stderr=both)
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_a_partition_that_was_held_is_read_from_where_bridge_offsets_set_it(ground: Ground) -> None:
    ground.create_topic(1)
    await ground.produce(50)
    replica = await ground.started(kafka={"properties": CLASSIC})
    await ground.everything()
    assert await replica.terminate() == 0
    await ground.produce(50)
    await delete_records(ground, 80)
    await replica.start()
    await replica.until("it is held", lambda s: {row["why"] for row in s["partitions"]} == {"out_of_range"})
    assert await replica.terminate() == 0

    code, printed = await offsets_set(ground, f"{ground.topic}/0", "earliest", 29)
    assert (code, ground.committed()[0][0]) == (2, 50)
    assert "Add --accept-loss 30" in printed
    code, printed = await offsets_set(ground, f"{ground.topic}/0", "earliest", 30)
    assert (code, ground.committed()[0][0]) == (0, 80), printed

    await replica.start()
    await until("the rest is delivered", lambda: len(ground.missing()) == 30)
    await ground.is_committed()
    assert await replica.terminate() == 0
    ground.take_down()
    assert ground.outcome.duplicates == 0
    ground.outcome.lost -= 30  # by retention, announced and accepted


async def test_a_record_that_is_passed_on_purpose_sends_nothing_of_what_is_done_above_it_again(ground: Ground) -> None:
    replica = await killed_with_its_first_record_open(ground)
    end = ground.ends()[0]

    code, printed = await offsets_set(ground, f"{ground.topic}/0", "1", 1)
    assert (code, ground.committed()[0][0]) == (0, end), printed

    await ground.produce(5)
    await replica.start()
    await until("the new ones are delivered", lambda: len(ground.missing()) == 1)
    await ground.is_committed()
    assert await replica.terminate() == 0
    ground.take_down()
    assert {place[2] for place in ground.missing()} == {0}
    assert ground.outcome.duplicates == 0
    ground.outcome.lost -= 1  # passed, as the operator said


async def test_a_position_beyond_the_logs_end_is_held(ground: Ground) -> None:
    ground.create_topic(1)
    await ground.produce(10)
    await ground.alter({0: (1000, None)})
    replica = await ground.started(kafka={"properties": CLASSIC})
    await replica.until("it is held", lambda status: bool(status["partitions"]) and status["state"] == "held")
    assert "above the log's end 10" in (await replica.status())["partitions"][0]["detail"]
    await ground.show_everything()
    assert await replica.terminate() == 0
    assert ground.api.ledger.requests == 0
    assert ground.committed()[0][0] == 1000


async def test_without_a_rewrite_the_map_saves_every_event_that_was_done(ground: Ground) -> None:
    replica = await killed_with_its_first_record_open(ground)
    ground.outcome.faults["kill -9"] += 1
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.duplicates == 0


@pytest.mark.parametrize("version", ["b0", "b2"] if IS_FULL else ["b2"])
async def test_a_map_in_another_versions_format_costs_duplicates_and_no_event(ground: Ground, version: str) -> None:
    replica = await killed_with_its_first_record_open(ground)
    ground.outcome.faults["other version's map"] += 1
    offset, text = ground.committed()[0]
    await ground.alter({0: (offset, text.replace(offset_map.VERSION, version, 1))})
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert ground.committed()[0][1].startswith(offset_map.VERSION + ".")
    assert await replica.terminate() == 0
    ground.take_down()
    assert ground.outcome.duplicates == RECORDS - 1
    assert ground.outcome.order_violations == 0


@pytest.mark.parametrize("metadata", ["kept", "gone"] if IS_FULL else ["kept"])
async def test_a_position_an_operator_set_is_where_it_goes_on_and_no_older_map_counts(
    ground: Ground, metadata: str
) -> None:
    replica = await killed_with_its_first_record_open(ground)
    ground.outcome.faults["offsets reset"] += 1
    _, text = ground.committed()[0]
    before = ground.delivered
    await ground.alter({0: (100, text if metadata == "kept" else None)})
    await replica.start()
    await ground.is_committed()
    assert await replica.terminate() == 0
    again = [ledger.place(event)[2] for event in ground.api.ledger.accepted[before:]]
    assert sorted(again) == list(range(100, RECORDS))
    ground.take_down()
    assert {place[2] for place in ground.missing()} == {0}
    ground.outcome.lost -= 1  # the operator skipped it
