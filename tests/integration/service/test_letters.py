"""Dead letters as they stand in a real topic, and what holds before they pile up there."""

from __future__ import annotations

import json
from importlib import resources
from typing import cast

import jsonschema
from confluent_kafka import Message

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events

Pairs = list[tuple[str, bytes | None]]


def pairs(message: Message) -> Pairs:
    return cast("Pairs", message.headers() or [])


def texts(found: Pairs) -> dict[str, str]:
    """A name given twice is a mistake."""
    assert len(dict(found)) == len(found)
    return {name: (value or b"").decode() for name, value in found}


async def test_a_renamed_field_costs_hold_after_letters_of_a_backlog_of_ten_thousand(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    scene = await stage(kafka, mapping={"user_id": "data.customer_id"})
    await scene.produce([(f"u-{n % 200}", events.order(f"u-{n % 200}", n)) for n in range(10_000)])
    replica = await scene.replica()
    await replica.until("the topic is held", lambda status: bool(status["held_topics"]))
    await replica.until("its letters are written", lambda status: status["accounting"]["dead_lettered"] == 100)
    status = await replica.status()
    assert {row["why"] for row in status["partitions"]} == {"dead_letter_hold"}
    assert status["dead_letters"]["by_reason"] == {"unmappable": 100}
    assert ": 100 \N{MULTIPLICATION SIGN} user_id: data.customer_id is missing" in status["held_topics"][0]["detail"]
    assert await replica.terminate() == 0

    letters = kafka.read(scene.letters)
    measured(f"a renamed field, 10,000 records: {len(letters)} dead letters")
    assert len(letters) == 100
    assert scene.api.ledger.requests == 0
    assert sum((await scene.positions()).values()) == 100

    mended = await scene.replica(mapping={"user_id": "data.user"})
    await scene.until_delivered(9_900)
    await scene.until_committed(10_000)
    assert await mended.terminate() == 0
    assert len(kafka.read(scene.letters)) == 100


async def test_a_letter_is_its_record_byte_for_byte_with_what_is_known_about_it(kafka: Kafka, stage: Stage) -> None:
    refusal = {"errors": [{"error_code": "invalid_event", "message": "Invalid input"}]}
    scene = await stage(kafka, partitions=3)
    scene.api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=json.dumps(refusal)))
    own: Pairs = [("trace", b"\x00\xff"), ("empty", b""), ("none", None)]
    stale: Pairs = [("bridge.dead-letter.reason", b"an earlier one")]
    value = events.order("u-1", 1)
    kafka.produce(scene.topic, [("u-1", value)], partition=2, headers=[*own, *stale])
    kafka.produce(scene.topic, [(b"\xff\x00", b"\xff\xfe")], partition=1, headers=[*own, *stale])
    replica = await scene.replica()
    await replica.until("both are letters", lambda status: status["accounting"]["dead_lettered"] == 2)
    assert await replica.terminate() == 0

    broken, rejected = kafka.read(scene.letters)
    source = {message.partition(): message for message in kafka.read(scene.topic)}
    for letter, partition in ((broken, 1), (rejected, 2)):
        original = source[partition]
        assert (letter.key(), letter.value()) == (original.key(), original.value())
        assert letter.partition() == partition
        assert letter.timestamp()[1] >= original.timestamp()[1]
        assert [pair for pair in pairs(letter) if pair in own] == own
    schema = json.loads((resources.files("bridge") / "schemas" / "dead-letter-headers.schema.json").read_text())
    known = [texts([pair for pair in pairs(letter) if pair not in own]) for letter in (broken, rejected)]
    for each in known:
        jsonschema.validate(each, schema)
    assert known[0]["bridge.dead-letter.reason"] == "undecodable"
    said = {name.removeprefix("bridge.dead-letter."): text for name, text in known[1].items()}
    assert said["reason"] == "rejected"
    assert (said["http-status"], said["error-code"]) == ("400", "invalid_event")
    assert (said["origin-topic"], said["origin-partition"], said["origin-offset"]) == (scene.topic, "2", "0")
    assert said["origin-group"] == scene.group
    assert said["attempts"] == "1"
    assert len(said["request-sha256"]) == 64
    assert known[1]["__connect.errors.topic"] == scene.topic
    assert known[1]["__connect.errors.offset"] == "0"
