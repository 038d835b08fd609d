"""Dead letters their topic does not take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from bridge.sandbox.emulator import Event, Fault, FaultKind
from tests.support.kafka.client import ANSWER_WITHIN
from tests.support.service import events
from tests.support.service.ground import CLASSIC, Ground
from tests.support.service.marked import KEY
from tests.support.waiting import until

if TYPE_CHECKING:
    from confluent_kafka import Message

LIMIT = 2000
TIGHT, TOO_LARGE = 3, 5
"""Offsets of the two records."""


def is_refused(event: Event | None) -> bool:
    return event is not None and event.user_id == "refused"


async def raise_limit(ground: Ground, size: int) -> None:
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, ground.letters, incremental_configs=[entry])

    def now() -> None:
        for answer in ground.kafka.admin.incremental_alter_configs([resource]).values():
            answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)


async def test_a_letter_too_large_loses_headers_first_and_holds_its_partition_where_the_original_does_not_fit(
    ground: Ground,
) -> None:
    ground.create_topic(2)
    ground.letters = ground.kafka.create_topic("letters", 2, max_message_bytes=LIMIT)
    body = KEY + "m" * 1200  # an answer that would fill the headers
    ground.api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=body, when=is_refused))
    fillers = {TIGHT: "x" * 1350, TOO_LARGE: "x" * 3 * LIMIT}
    records = [
        events.record("order.completed", "refused" if offset in fillers else f"u-{offset}", offset, filler=filler)
        for offset, filler in ((offset, fillers.get(offset, "")) for offset in range(20))
    ]
    await asyncio.to_thread(ground.kafka.produce, ground.topic, [(None, each) for each in records], partition=0)
    await ground.produce(20, partition=1)

    replica = await ground.started(kafka={"properties": CLASSIC})
    await replica.until(
        "partition 0 is held", lambda s: "dead_letters_unwritable" in {r["why"] for r in s["partitions"]}
    )
    ground.outcome.faults["letter too large"] += 2
    await ground.everything()
    [row] = [row for row in (await replica.status())["partitions"] if row["partition"] == 0]
    assert "raise the topic's max.message.bytes, then restart" in row["detail"]
    assert f"{ground.topic}/0/{TOO_LARGE}" in row["detail"]
    await until("the others are committed", lambda: ground.committed()[1][0] == 20)
    assert await replica.terminate() == 0
    assert ground.committed()[0][0] == TOO_LARGE
    [tight] = ground.dead_letters()
    assert origin(tight) == TIGHT
    assert tight.value() == records[TIGHT]
    assert "bridge.dead-letter.message" not in headers(tight)

    await raise_limit(ground, 100_000)
    await replica.start()
    await until("the held letter is written", lambda: len(ground.dead_letters()) == 2)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert {origin(each) for each in ground.dead_letters()} == {TIGHT, TOO_LARGE}


def headers(letter: Message) -> dict[str, bytes]:
    return dict(cast("list[tuple[str, bytes]]", letter.headers() or []))


def origin(letter: Message) -> int:
    return int(headers(letter)["bridge.dead-letter.origin-offset"])


async def test_an_undecodable_value_of_five_megabytes_holds_only_its_partition(ground: Ground) -> None:
    ground.create_topic(2, max_message_bytes=6_000_000)
    broken = b"\xff" * 5_000_000
    await ground.produce(10, partition=0)
    await asyncio.to_thread(ground.kafka.produce, ground.topic, [("u-0", broken)], partition=0)
    await ground.produce(10, partition=0)
    await ground.produce(200, partition=1)

    replica = await ground.started(kafka={"properties": CLASSIC})
    await replica.until(
        "partition 0 is held", lambda s: "dead_letters_unwritable" in {r["why"] for r in s["partitions"]}
    )
    ground.outcome.faults["5 MB undecodable"] += 1
    await until("the other one is committed", lambda: ground.committed().get(1, (0, ""))[0] == 200)
    assert (await replica.get("/livez")).status_code == 200
    assert ground.committed()[0][0] == 10
    assert ground.dead_letters() == []
    assert await replica.terminate() == 0

    await raise_limit(ground, 6_000_000)
    await replica.start()
    await until("the letter is written", lambda: len(ground.dead_letters()) == 1)
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0
    [letter] = ground.dead_letters()
    assert letter.value() == broken
    assert headers(letter)["bridge.dead-letter.reason"] == b"undecodable"


async def test_a_record_of_sixty_megabytes_in_a_small_batch_is_a_letter_by_reference_and_what_follows_is_delivered(
    ground: Ground,
) -> None:
    ground.create_topic(1)
    await ground.produce(5, partition=0)
    inflated = b'{"pad": "' + b"x" * 60_000_000 + b'"}'
    settings = {
        "bootstrap.servers": ground.kafka.bootstrap,
        "compression.type": "gzip",
        "message.max.bytes": 70_000_000,
    }
    producer = Producer({**settings, "queue.buffering.max.kbytes": 100_000, "log_level": 0})
    producer.produce(ground.topic, inflated, b"key", partition=0)
    assert await asyncio.to_thread(producer.flush, 60) == 0
    await ground.produce(5, partition=0)

    replica = await ground.started(kafka={"properties": CLASSIC})
    ground.outcome.faults["60 MB in 60 KB"] += 1
    await until("the letter is written", lambda: len(ground.dead_letters()) == 1)
    await ground.everything()
    await ground.is_committed()
    assert replica.most_resident() < 256 * 1024 * 1024
    assert await replica.terminate() == 0
    [letter] = ground.dead_letters()
    found = headers(letter)
    assert found["bridge.dead-letter.reason"] == b"too_large"
    assert found["bridge.dead-letter.value-left-out"] == str(len(inflated)).encode()
    assert found["bridge.dead-letter.origin-offset"] == b"5"
    assert letter.value() is None
