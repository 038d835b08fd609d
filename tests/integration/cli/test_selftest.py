"""`track-bridge selftest --bootstrap`: on somebody's own cluster, of which it leaves nothing changed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests.integration.cli.conftest import Ran
from tests.support.kafka.client import Kafka


def topics_of_the_selftest(kafka: Kafka) -> set[str]:
    fresh = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    return {name for name in fresh.list_topics(timeout=30).topics if name.startswith("bridge-selftest-")}


def groups_of_the_selftest(kafka: Kafka) -> set[str]:
    groups = kafka.admin.list_consumer_groups().result(timeout=30).valid or []
    return {group.group_id for group in groups if group.group_id.startswith("bridge-selftest-")}


def test_it_loses_nothing_and_takes_its_topics_and_its_group_away_again(kafka: Kafka, cli: Callable[..., Ran]) -> None:
    options = ("--events", "500", "--duration", "10", "--seed", "2", "--json")
    ran = cli("selftest", "--bootstrap", kafka.bootstrap, *options)
    found = json.loads(ran.out)
    assert (ran.code, found["problems"]) == (0, [])
    assert (found["lost"], found["order_violations"], found["records"]) == (0, 0, 500)
    assert found["skipped"] == ["broker_down", "letters_refused"]
    assert not topics_of_the_selftest(kafka)
    assert not groups_of_the_selftest(kafka)


def test_interrupted_it_takes_them_away_as_well(kafka: Kafka, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    command = [sys.executable, "-m", "bridge", "selftest", "--bootstrap", kafka.bootstrap, "--logs", str(logs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        # The first fault comes when the first event has arrived: the group has members then.
        assert any("replica" in line for line in running.stdout if not line.startswith("track-bridge"))
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    assert not topics_of_the_selftest(kafka)
    assert not groups_of_the_selftest(kafka)
