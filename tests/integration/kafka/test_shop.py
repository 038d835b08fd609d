"""The shop that compose.yaml shows: its topics, and its events without an end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from bridge.sandbox.sample import TOPICS
from tests.integration.conftest import KafkaFactory
from tests.support.kafka.client import ANSWER_WITHIN, Kafka

SHOP = (sys.executable, "-m", "bridge.sandbox.shop")


def shop(*arguments: str) -> str:
    return subprocess.run([*SHOP, *arguments], check=True, capture_output=True, text=True).stdout


def written(kafka: Kafka) -> int:
    return sum(len(kafka.read(topic)) for topic in TOPICS)


def test_the_shop_makes_what_is_missing_and_writes_until_told_to_stop(own_kafka: KafkaFactory) -> None:
    kafka = own_kafka()
    assert shop("topics", kafka.bootstrap) == f"created: {', '.join(TOPICS)}\n"
    assert shop("topics", kafka.bootstrap) == "every topic is there\n"
    with subprocess.Popen([*SHOP, "events", kafka.bootstrap, "--rate", "100"], stdout=subprocess.PIPE) as events:
        deadline = time.monotonic() + ANSWER_WITHIN
        while not written(kafka):
            assert time.monotonic() < deadline, "no event is written"
        events.send_signal(signal.SIGTERM)
        said, _ = events.communicate(timeout=ANSWER_WITHIN)
    assert events.returncode == 0
    count = int(said.decode().splitlines()[-1].split()[0].replace(",", ""))
    assert 0 < count <= written(kafka)


def test_a_broker_that_does_not_answer_ends_it_with_a_sentence() -> None:
    ended = subprocess.run([*SHOP, "topics", "127.0.0.1:1"], check=False, capture_output=True, text=True)
    assert ended.returncode == 3
    assert ended.stderr.startswith("no broker of 127.0.0.1:1 answers")
    assert ended.stderr.count("\n") == 1
