"""Kilobytes on the wire that are megabytes in memory: a record over the limit, and a batch of many small ones."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import Producer

from bridge.sandbox.emulator import Emulator
from tests.component.service.conftest import Start, StartProcess
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.waiting import until

pytestmark = pytest.mark.slow(reason="unpacks megabytes of records", seconds=2)

INFLATED = 60_000_000
"""Bytes; some 60 KB as they are sent."""


def produce(broker: Broker, codec: str, values: list[bytes]) -> None:
    """In one batch where they fit into one."""
    producer = Producer({
        "bootstrap.servers": broker.bootstrap,
        "log_level": 0,
        "compression.type": codec,
        "message.max.bytes": 2 * INFLATED,
        "batch.size": 2 * INFLATED,
        "batch.num.messages": 1_000_000,
        "queue.buffering.max.kbytes": 4 * INFLATED // 1000,
        "linger.ms": 500,
    })  # fmt: skip
    for value in values:
        producer.produce("orders", value, b"key", partition=0)
    assert producer.flush(60) == 0


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4", "snappy"])
async def test_a_record_of_sixty_megabytes_in_a_small_batch_is_a_letter_by_reference_and_ends_no_process(
    broker: Broker, api: Emulator, replica: StartProcess, codec: str
) -> None:
    broker.produce([events.order("u-1", 0)], partition=0)
    produce(broker, codec, [b'{"pad": "' + b"x" * INFLATED + b'"}'])
    broker.produce([events.order("u-1", 2)], partition=0)
    service = await replica()

    async def is_done() -> bool:
        return len(api.ledger.accepted) == 2 and len(broker.letters()) == 1

    await until("the others are delivered and the letter is written", is_done)
    peak = service.most_resident()
    assert await service.terminate() == 0
    assert peak < 85_000_000 + 3 * INFLATED, "the client's, and one object"

    [letter] = broker.letters()
    assert letter.header("reason") == "too_large"
    assert letter.header("value-left-out") == str(INFLATED + 11)
    assert letter.header("origin-offset") == "1"
    assert not letter.value
    assert letter.key == b"key"
    assert broker.position() == 3


async def test_small_records_that_are_many_megabytes_in_one_small_batch_are_all_delivered_in_little_memory(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    pad = "x" * 1_000
    values = [
        json.dumps({"type": "page.viewed", "data": {"n": n, "pad": pad}}).encode() for n in range(INFLATED // 1000)
    ]
    produce(broker, "zstd", [*values, events.order("u-1", len(values))])
    service = await replica()
    await until("the last is delivered", lambda: len(api.ledger.accepted) == 1, within=100)
    assert service.most_resident() < 85_000_000 + 3 * INFLATED
    assert await service.terminate() == 0


async def test_the_limit_is_configured_and_what_is_below_it_is_mapped(
    broker: Broker, api: Emulator, start: Start
) -> None:
    small, large = (
        events.order("u-1", n)[:-1] + b', "pad": "%s"}' % (b"x" * size) for n, size in ((0, 900), (1, 1_100))
    )
    broker.produce([small, large], partition=0)
    service = await start(kafka={"max_record_bytes": "1KB"})
    await service.until_done(2)
    assert {place[2] for place in ledger.places(api.ledger.accepted)} == {0}
    [letter] = broker.letters()
    assert letter.header("reason") == "too_large"
    assert "kafka.max_record_bytes (1000)" in letter.header("message")


async def test_a_batch_that_the_client_cannot_decompress_holds_its_partition_and_says_so(
    broker: Broker, api: Emulator, start: Start
) -> None:
    values = [events.view("u-1", n)[:-1] + b', "pad": "%s"}' % (b"x" * 1_000) for n in range(20_000)]
    broker.produce([events.order("u-1", 0)], partition=0)
    produce(broker, "zstd", values)
    broker.produce([events.order("u-2", 0)], partition=1)
    service = await start(kafka={"properties": {"receive.message.max.bytes": 3_000_000}})

    async def is_held() -> bool:
        rows = (await service.status())["partitions"]
        waiting = [row for row in rows if row["why"] != "idle"]
        # The end of the log is asked for by itself: the partition may be held before it is known.
        return [(row["partition"], row["why"]) for row in waiting] == [(0, "record_too_large")] and all(
            row["lag"] is not None for row in waiting
        )

    await service.until("the others are delivered", lambda: len(api.ledger.accepted) == 2)
    await until("the partition is held", is_held)
    [row] = [row for row in (await service.status())["partitions"] if row["partition"] == 0]
    assert "receive.message.max.bytes" in row["detail"]
    # A producer on a busy machine may send the first few by themselves.
    assert f"offset {row['position']}," in row["detail"]
    assert 1 <= row["position"] == 20_001 - row["lag"]
    await service.stop()
    assert broker.committed()[0][0] == row["position"]
