"""Missing permissions, letters that retention removed, a topic made anew: one sentence, nothing resolved."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.model import Route
from bridge.sandbox.emulator import Emulator
from tests.support.kafka.client import ANSWER_WITHIN, Kafka, OwnKafka
from tests.support.kafka.settings import PASSWORDS
from tests.support.reprocess.letters import letter, produce
from tests.support.service import settings
from tests.support.service.settings import API_KEY

OLD = Route("order.completed", "0123456789ab", "Order Completed")
PARTITIONS = 2


async def dlq(file: Path, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "dlq", *arguments, "-c", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


def ground(kafka: Kafka, tmp_path: Path, endpoint: str, bootstrap: str, **properties: str) -> tuple[Path, str]:
    """A configuration, and the name of its dead-letter topic with three letters in it."""
    letters = kafka.create_topic("letters", PARTITIONS)
    kafka.create_topic_named(f"{letters}.resolutions", PARTITIONS, cleanup_policy="compact")
    produce(kafka.bootstrap, letters, [letter(n, partitions=PARTITIONS, route=OLD) for n in range(3)])
    sections = settings.layered(
        settings.base(bootstrap, endpoint, ["orders"]),
        {"kafka": {"properties": properties}, "dead_letter": {"topic": letters}},
    )
    return settings.write(tmp_path / "bridge.yaml", sections), letters


async def test_each_missing_permission_is_one_sentence_and_resolves_nothing(
    secured_kafka: OwnKafka, tmp_path: Path
) -> None:
    kafka, user = secured_kafka, "alice"
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": PASSWORDS[user],
    }
    async with Emulator(keys=[API_KEY]) as api:
        file, letters = ground(kafka, tmp_path, api.endpoint, kafka.sasl_bootstrap, **login)
        code, _, err = await dlq(file, "stats")
        assert (code, "or this user may not see it" in err) == (2, True), err
        for topic in (letters, f"{letters}.resolutions"):
            kafka.allow(user, AclOperation.READ, ResourceType.TOPIC, topic)
        code, out, err = await dlq(file, "stats", "--json")
        assert code == 1, err
        assert json.loads(out)["open"] == 3
        code, _, err = await dlq(file, "discard", "0:0", "--because", "x", "--yes")
        assert (code, "may not write" in err) == (3, True), err
        code, out, err = await dlq(file, "replay", "--yes")
        assert code == 1
        assert f"may not use the group {settings.GROUP}.replay: grant it READ" in out + err
        assert api.ledger.accepted == []
        _, out, _ = await dlq(file, "stats", "--json")
        assert json.loads(out)["open"] == 3


async def test_a_letter_that_retention_removed_is_one_sentence_and_the_others_still_go(
    kafka: Kafka, tmp_path: Path
) -> None:
    async with Emulator(keys=[API_KEY]) as api:
        file, letters = ground(kafka, tmp_path, api.endpoint, kafka.bootstrap)
        removed = kafka.admin.delete_records([TopicPartition(letters, 0, 2)])
        for answer in removed.values():
            answer.result(timeout=ANSWER_WITHIN)
        code, _, err = await dlq(file, "show", "0:0")
        gone = "retention removed it; the first of its partition is now 0:2."
        assert (code, err) == (2, f"Dead letter 0:0 is no longer in {letters}: {gone}\n")
        code, out, err = await dlq(file, "replay", "--yes", "--json")
        assert (code, json.loads(out)["replayed"]) == (0, 1), err


async def test_resolutions_of_a_dead_letter_topic_that_was_made_anew_are_ignored(kafka: Kafka, tmp_path: Path) -> None:
    async with Emulator(keys=[API_KEY]) as api:
        file, letters = ground(kafka, tmp_path, api.endpoint, kafka.bootstrap)
        assert (await dlq(file, "replay", "--yes"))[0] == 0
        for answer in kafka.admin.delete_topics([letters]).values():
            answer.result(timeout=ANSWER_WITHIN)
        await asyncio.to_thread(again, kafka, letters)
        _, out, _ = await dlq(file, "stats", "--json")
        found: dict[str, Any] = json.loads(out)
        assert (found["open"], found["ignored_resolutions"]) == (3, 3)


def again(kafka: Kafka, letters: str) -> None:
    """The topic with the same letters in it, under another id."""
    kafka.create_topic_named(letters, PARTITIONS)
    produce(kafka.bootstrap, letters, [letter(n, partitions=PARTITIONS, route=OLD) for n in range(3)])
