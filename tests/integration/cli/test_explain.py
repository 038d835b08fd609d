"""`track-bridge explain` on a real Kafka: one partition in which every record has another fate."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicCollection, TopicPartition

from bridge.cli.frame import startup
from bridge.explain.explain import explain
from bridge.explain.questions import parse_place
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ClusterSources, ReplicasTold
from bridge.formats import commit_mark, letters, offset_map, resolutions
from bridge.formats.losses import PASSED, Lost
from bridge.formats.losses import encode as encode_loss
from bridge.formats.offset_map import Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.formats.resolutions import Author, Ended, Ending
from bridge.kafka import topic_ids
from bridge.model import TopicPartition as Partition
from tests.integration.cli.conftest import Ran
from tests.support.kafka.client import Kafka
from tests.support.kafka.transactions import Transactions, delete_before
from tests.support.reprocess.letters import letter

Cli = Callable[..., Ran]
Config = Callable[..., str]
BY = Author("track-bridge dlq", "ada", "host")
AT = 1_767_323_045.0


def order(number: int, kind: str = "order.completed") -> bytes:
    return json.dumps({"type": kind, "id": f"id-{number}", "data": {"user_id": f"u-{number % 2}"}}).encode()


@pytest.fixture
def names(kafka: Kafka) -> dict[str, str]:
    topic = kafka.create_topic("orders", partitions=3)
    dlq = kafka.create_topic("dlq", partitions=1)
    kafka.create_topic_named(f"{dlq}.resolutions", partitions=1)
    return {"bootstrap": kafka.bootstrap, "topic": topic, "letters": dlq, "group": kafka.name("group")}


def identity(kafka: Kafka, topic: str) -> str:
    (described,) = kafka.admin.describe_topics(TopicCollection([topic])).values()
    return topic_ids.of(described.result(30))


def commit(names: dict[str, str], partition: int, offset: int, *runs: int, topic_id: str, hold: bool = False) -> None:
    text = offset_map.encode(
        offset, runs, leader_epoch=0, topic_id=topic_id, demand=Demand(0, 0), head=Head(), max_length=3000
    )
    note = OperatorHold("wrong amounts", "ada", 1_767_000_000).note if hold else ""
    consumer = Consumer({"bootstrap.servers": names["bootstrap"], "group.id": names["group"], "log_level": 0})
    marked = commit_mark.marked(text + note, 1, 7)
    consumer.commit(
        offsets=[TopicPartition(names["topic"], partition, offset, marked, leader_epoch=0)], asynchronous=False
    )
    consumer.close()


def wait_for_end(names: dict[str, str], offset: int) -> None:
    """The mark of a transaction is written after its end was answered."""
    reader = Consumer({"bootstrap.servers": names["bootstrap"], "group.id": "nobody", "log_level": 0})
    deadline = time.monotonic() + 60
    while reader.get_watermark_offsets(TopicPartition(names["topic"], 0), timeout=30)[1] < offset:
        assert time.monotonic() < deadline, f"the log does not reach offset {offset}"
        time.sleep(0.02)
    reader.close()


def dead_letters(kafka: Kafka, names: dict[str, str], topic_id: str) -> None:
    """Of offsets 4 (open), 5 (discarded), 6 (replayed) of partition 0; offset 7 was passed."""
    stamps = {each.offset(): each.timestamp()[1] for each in kafka.read(names["topic"]) if each.partition() == 0}
    for place, offset in enumerate((4, 5, 6)):
        made = letter(
            offset,
            topic=names["topic"],
            value=order(offset),
            group=names["group"],
            timestamp_ms=stamps[offset] - offset,
        )
        kafka.produce(names["letters"], [(made.key, made.value)], partition=0, headers=list(made.headers))
        ending = {5: Ending.DISCARDED, 6: Ending.REPLAYED}.get(offset)
        if ending is not None:
            parsed = letters.parse(made.record(place, names["letters"]))
            key, value = resolutions.encode(Ended(ending, AT, BY, "test data"), parsed, "")
            kafka.produce(f"{names['letters']}.resolutions", [(key, value)], partition=0)
    lost = Lost(Partition(names["topic"], 0), topic_id, 7, 8, PASSED)
    kafka.produce(f"{names['letters']}.resolutions", [encode_loss(lost, names["group"], AT, BY)], partition=0)


def test_each_record_has_the_fate_that_kafka_tells(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    topic, topic_id = names["topic"], identity(kafka, names["topic"])
    path = config(**names)
    kinds = {3: "nobody.maps.this"}
    kafka.produce(topic, [(b"k", order(each, kinds.get(each, "order.completed"))) for each in range(9)], partition=0)
    writer = Transactions(kafka, topic)
    writer.abort(["aborted"])  # offset 9, and a mark at 10
    wait_for_end(names, 11)
    kafka.produce(topic, [(b"k", order(each)) for each in (11, 12, 13)], partition=0)
    writer.begin(["open"])  # offset 14
    kafka.produce(topic, [(b"k", order(each)) for each in range(4)], partition=1)
    dead_letters(kafka, names, topic_id)
    commit(names, 0, 11, 1, 1, topic_id=topic_id)  # 12 is done, 11 is not
    commit(names, 1, 1, topic_id=topic_id)
    kafka.produce(topic, [(b"k", order(0))], partition=2)
    commit(names, 2, 0, topic_id=topic_id, hold=True)
    delete_before(kafka, topic, 2)
    delete_before(kafka, topic, 2, partition=1)

    start = startup.load_to_read(Path(path), None)
    sources = ClusterSources(
        start.config, start.mapping, startup.connect(start), ReplicasTold, logging.getLogger("tests.explain")
    )

    def fate(place: str) -> tuple[bool, str, str]:
        answer = explain(parse_place(f"{topic}/{place}"), sources, ShownContent())
        ((event,),) = [each.events for each in answer.records]
        return answer.needs_a_look, event.fate.state.value, event.fate.sentence

    table: dict[str, tuple[bool, str, str]] = {
        "0/1": (True, "unknown", "then it left the log"),
        "0/2": (False, "delivered", "no dead letter and no loss"),
        "0/3": (False, "filtered", "No rule in mapping.events is for its type"),
        "0/4": (True, "dead_letter", "open"),
        "0/5": (False, "dead_letter", "discarded at 2026-01-02T03:04:05Z by ada: test data"),
        "0/6": (False, "delivered", "a replay of it was accepted"),
        "0/7": (True, "lost", "was set past it"),
        "0/9": (True, "no_record", "aborted"),
        "0/10": (True, "no_record", "a transaction's mark"),
        "0/11": (False, "waiting", "Why it waits is not known"),
        "0/12": (False, "delivered", ""),
        "0/13": (False, "waiting", ""),
        "0/14": (False, "waiting", "A producer's transaction is open"),
        "0/99": (True, "no_record", "Nothing is written there yet"),
        "1/1": (True, "lost", "begins at 2 now, before it was done"),
        "1/2": (True, "waiting", "committed offset 1 is below the log's start 2"),
        "2/0": (True, "waiting", "Held by ada"),
    }
    with ThreadPoolExecutor(8) as pool:  # each waits for brokers most of the time
        told = dict(zip(table, pool.map(fate, table), strict=True))
    for place, (needs_a_look, state, sentence) in table.items():
        assert told[place][:2] == (needs_a_look, state), (place, told[place])
        assert sentence in told[place][2], (place, told[place])

    def found(*options: str) -> tuple[int, Any]:
        ran = cli("explain", *options, "--json", "-c", path)
        return ran.code, json.loads(ran.out)

    code, by_id = found("--event-id", "id-12", "--topic", topic)
    assert (code, [each["record"] for each in by_id["records"]]) == (0, [f"{topic}/0/12"])
    assert by_id["searched"]["not_searched"] == 0
    _, by_user = found("--user", "u-0", "--limit", "4")
    assert by_user["searched"]["not_searched"] > 0
    code, nobody = found("--event-id", "id-of-nobody")
    assert (code, nobody["records"], nobody["needs_a_look"]) == (1, [], True)
    text = cli("explain", f"{topic}/0/4", "-c", path).out
    assert "DEAD LETTER: order.completed" in text or "DEAD LETTER" in text
    assert "u-0" not in text
    assert f"bridge dlq show 0:0 -c {path}" in " ".join(text.split())
