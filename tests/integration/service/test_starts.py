"""Where a group starts, and from configuration to delivery with the commands an operator types."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition

from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events


def orders(count: int) -> list[tuple[str, bytes]]:
    return [(f"u-{n % 20}", events.order(f"u-{n % 20}", n)) for n in range(count)]


async def test_without_a_position_the_topic_is_held_and_says_what_to_set(kafka: Kafka, stage: Stage) -> None:
    scene = await stage(kafka, partitions=3, kafka={"start_from": "error"})
    await scene.produce(orders(30))
    replica = await scene.replica()

    await replica.until("it is held", lambda status: status["state"] == "held")
    rows = (await replica.status())["partitions"]
    assert [row["why"] for row in rows] == ["no_start"] * 3
    assert all("kafka.start_from" in row["detail"] for row in rows)
    assert (await replica.get("/livez")).status_code == 200

    def waits(status: dict[str, Any]) -> bool:
        lags = [row["lag"] for row in status["partitions"]]
        return None not in lags and sum(lags) == 30 and bool(status["topics"][0]["lag"] == 30)

    await replica.until("what waits is known", waits)
    await replica.until(
        "and since when",
        lambda status: all((row["oldest_open"] or {}).get("timestamp") for row in status["partitions"] if row["lag"]),
        within=40,
    )
    assert await replica.terminate() == 0
    assert scene.api.ledger.requests == 0
    assert await scene.positions() == {}


async def test_records_that_were_removed_unsent_hold_their_partition_alone(kafka: Kafka, stage: Stage) -> None:
    scene = await stage(kafka, partitions=2)
    for partition in (0, 1):
        await scene.produce(orders(50), partition=partition)
    first = await scene.replica()
    await scene.until_delivered(100)
    await scene.until_committed(100)
    assert await first.terminate() == 0
    for partition in (0, 1):
        await scene.produce(orders(50), partition=partition)
    for answer in kafka.admin.delete_records([TopicPartition(scene.topic, 0, 80)]).values():
        answer.result(timeout=30)

    await first.start()
    await scene.until_delivered(150)
    await first.until("it is held", lambda status: status["state"] == "held")
    status = await first.status()
    held, running = status["partitions"]
    assert (held["why"], running["why"]) == ("out_of_range", "idle")
    assert "30 events are gone unsent" in held["detail"]
    assert (status["possible_loss"]["out_of_range"], status["possible_loss"]["records_at_most"]) == (1, 30)
    await first.until("what can still be read waits", lambda now: now["partitions"][0]["lag"] == 20)
    await first.until("it ages", lambda now: (now["partitions"][0]["oldest_open"] or {}).get("timestamp") is not None)
    assert (await first.status())["partitions"][0]["oldest_open"]["offset"] == 80
    assert await first.terminate() == 0
    assert await scene.positions() == {0: 50, 1: 100}


async def test_from_a_file_to_delivered_events_with_the_commands_of_the_readme(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    scene = await stage(kafka, partitions=3)
    await scene.produce([*orders(40), ("u-1", events.view("u-1", 1)), ("u-1", b"broken")])
    letters = kafka.name("letters")
    file = scene.configure(dead_letter={"topic": letters})

    refused = await _bridge("run", "-c", file)
    assert refused.returncode == 2
    # The pages answer before Kafka is asked, so the log has begun; what is wrong is told by the sentence alone.
    assert [json.loads(line)["event"] for line in refused.stdout.splitlines()] == ["listening"]
    assert f"{letters} does not exist" in refused.stderr.decode()
    assert b"Traceback" not in refused.stderr
    created = await _bridge("topics", "create", "--yes", "-c", file)
    assert created.returncode == 0, created.stderr
    assert len(kafka.admin.list_topics(letters, timeout=30).topics[letters].partitions) == 3

    checked = await _bridge("check", "--json", "-c", file)
    findings = json.loads(checked.stdout)["findings"]
    assert [finding for finding in findings if finding["level"] == "error"] == []
    mapped = await _bridge("map", "--from-topic", "--limit", "100", "--json", "-c", file)
    assert mapped.returncode in (0, 1), mapped.stderr
    assert scene.api.ledger.requests == 0
    assert await scene.positions() == {}

    replica = await scene.replica(dead_letter={"topic": letters})
    await scene.until_delivered(40)
    await scene.until_committed(42)
    host = replica.events("listening")[-1]
    shown = await _bridge("status", "--url", f"http://{host['host']}:{host['port']}")
    assert shown.returncode == 0, shown.stderr
    assert await replica.terminate() == 0
    assert len(kafka.read(letters)) == 1
    measured("topics create, check, map --from-topic, run and status work together on a real Kafka")


async def _bridge(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, timeout=60)
