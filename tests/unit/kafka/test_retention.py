from __future__ import annotations

import logging
import math
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka.admin import ConfigEntry, ConfigResource

from bridge.kafka.admin.retention import Retention, retention


@pytest.mark.parametrize(
    ("policy", "milliseconds", "seconds"),
    [
        ("delete", "604800000", 604_800.0),
        ("compact,delete", "60000", 60.0),
        ("delete", "-1", math.inf),
        ("compact", "604800000", math.inf),
    ],
)
def test_a_topic_loses_records_by_age_only_where_its_policy_deletes(
    policy: str, milliseconds: str, seconds: float
) -> None:
    entries = {
        "cleanup.policy": ConfigEntry("cleanup.policy", policy),
        "retention.ms": ConfigEntry("retention.ms", milliseconds),
    }

    assert retention(entries) == seconds


class Cluster:
    """Answers at once with all settings of each topic, and notes how many were asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def describe_configs(self, resources: list[ConfigResource], **_: object) -> dict[ConfigResource, Future[Any]]:
        self.asked.append([resource.name for resource in resources])
        entries = {
            "cleanup.policy": ConfigEntry("cleanup.policy", "delete"),
            "retention.ms": ConfigEntry("retention.ms", "60000"),
        }
        answers: dict[ConfigResource, Future[Any]] = {resource: Future() for resource in resources}
        for answer in answers.values():
            answer.set_result(entries)
        return answers


def test_thousands_of_topics_are_asked_for_a_hundred_at_a_time() -> None:
    """All at once their settings took 60 MB for the two numbers that are kept of each."""
    cluster: Any = Cluster()
    asking = Retention(cluster, logging.getLogger("kafka"))
    topics = [f"t.{number}" for number in range(950)]
    for second in range(11):
        asking.step(topics, 100.0 + second)
    assert max(map(len, cluster.asked)) <= 100
    assert sorted(name for asked in cluster.asked for name in asked) == sorted(topics)
    assert asking.seconds == dict.fromkeys(topics, 60.0)
    asking.step([*topics, "new"], 120.0)
    asking.step([*topics, "new"], 121.0)
    assert "new" in {name for asked in cluster.asked[10:] for name in asked}, "a new topic is asked for at once"


@pytest.mark.parametrize(("topics", "seconds"), [(1, 30.0), (100, 30.0), (250, 90.0)])
def test_a_retention_that_was_lengthened_is_noticed_soon_at_most_a_hundred_topics_in_half_a_minute(
    topics: int, seconds: float
) -> None:
    cluster = Cluster()
    asking = Retention(cluster, logging.getLogger("test"))  # type: ignore[arg-type]
    names = [f"t-{number}" for number in range(topics)]
    for now in range(100, 110):
        asking.step(names, float(now))
    first = len(cluster.asked)
    asking.step(names, 100.0 + seconds - 1.0)
    assert len(cluster.asked) == first
    asking.step(names, 100.0 + seconds)
    assert len(cluster.asked) == first + 1
