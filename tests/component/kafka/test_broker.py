from __future__ import annotations

import subprocess
import sys

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.sandbox.broker import EmbeddedKafka


def test_topics_have_the_partitions_they_were_given() -> None:
    with EmbeddedKafka({"orders": 6, "accounts": 1}) as kafka:
        topics = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0}).list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {"orders": 6, "accounts": 1}


def test_a_request_told_to_fail_fails_with_that_code() -> None:
    codes: list[int] = []
    with EmbeddedKafka({"orders": 1}) as kafka:
        kafka.fail(0, 10)
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        producer.produce("orders", b"x", on_delivery=lambda error, _: codes.append(error.code() if error else 0))
        producer.flush(10)
        producer.produce("orders", b"x", on_delivery=lambda error, _: codes.append(error.code() if error else 0))
        producer.flush(10)
    assert codes == [10, 0]


def test_outside_its_block_it_says_so() -> None:
    kafka = EmbeddedKafka()
    with pytest.raises(RuntimeError, match="only inside its `with` block"):
        kafka.create_topic("orders", 1)


def test_as_a_program_it_serves_until_its_input_closes() -> None:
    command = [sys.executable, "-m", "bridge.sandbox.broker", "--topic", "orders:2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        bootstrap = program.stdout.readline().strip()
        topics = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=10).topics
        assert len(topics["orders"].partitions) == 2
        assert program.stdin is not None
        program.stdin.close()
        assert program.wait(timeout=30) == 0


def test_a_topic_without_partitions_is_refused_with_its_form() -> None:
    command = [sys.executable, "-m", "bridge.sandbox.broker", "--topic", "orders"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 2
    assert "'orders' is not of the form name:partitions" in ended.stderr


def test_the_program_does_what_lines_on_its_input_say_and_answers_each() -> None:
    command = [sys.executable, "-m", "bridge.sandbox.broker", "--topic", "orders:1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdout.readline()

        def ask(line: str) -> str:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(f"{line}\n")
            program.stdin.flush()
            return program.stdout.readline().strip()

        assert [ask("down 1"), ask("up 1"), ask("fail-at 1 0 29"), ask("leader orders 0 1")] == ["ok"] * 4
        assert ask("explode").startswith("explode: ")
        assert ask("down 7") == "down 7: broker 7 does not exist: Broker: Broker not available"
        program.stdin.close()
        assert program.wait(timeout=30) == 0


def test_requests_fail_at_one_broker_and_not_at_the_other() -> None:
    ends: list[tuple[str | None, int]] = []
    with EmbeddedKafka({"orders": 1, "letters": 1}, brokers=2) as kafka:
        kafka.leader("orders", 0, 1)
        kafka.leader("letters", 0, 2)
        kafka.fail_at(2, 0, 87)
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        for topic in ("orders", "letters", "letters"):
            producer.produce(
                topic, b"x", on_delivery=lambda error, m: ends.append((m.topic(), error.code() if error else 0))
            )
            producer.flush(10)
    assert ends == [("orders", 0), ("letters", 87), ("letters", 0)]
