"""Facts and answers as tests of this room need them: small, and each part can be replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.fleet.facts import KafkaFacts
from bridge.fleet.view import ReplicaView
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import GroupDescription, Member
from bridge.model import TopicPartition
from bridge.text.moments import iso

NOW = 1_790_000_000.0

Facts = Callable[..., KafkaFacts]
Answer = Callable[..., ReplicaView]


def orders(*numbers: int) -> tuple[TopicPartition, ...]:
    return tuple(TopicPartition("orders", number) for number in numbers)


def member(host: str, *numbers: int, client: str = "track-bridge") -> Member:
    return Member(client, host, None, orders(*numbers))


def group(*members: Member, state: str = "stable") -> GroupDescription:
    return GroupDescription(state, "", "consumer", members)


def row(number: int, **given: Any) -> dict[str, Any]:
    """A partition as `/status` has it."""
    plain = {
        "topic": "orders", "partition": number, "position": 10, "end": 20, "lag": 10, "open_records": 10,
        "oldest_open": None, "why": "sending", "since": None, "until": None, "next_try": None,
        "detail": "Records are being sent.", "action": "",
    }  # fmt: skip
    return plain | given


def said(reason: str, **given: Any) -> dict[str, Any]:
    """A concern as `/status` has it."""
    plain = {
        "reason": reason, "since": iso(NOW - 60), "until": None, "next_try": None, "partitions": [], "topics": [],
        "details": [f"So it is with {reason}."], "details_left_out": 0, "action": f"Do something about {reason}.",
    }  # fmt: skip
    return plain | given


@pytest.fixture
def facts() -> Facts:
    def make(count: int = 4, **given: Any) -> KafkaFacts:
        partitions = orders(*range(count))
        plain: Mapping[str, Any] = {
            "topics": {"orders": count},
            "committed": {each: Committed(10, "") for each in partitions},
            "starts": dict.fromkeys(partitions, 0),
            "ends": dict.fromkeys(partitions, 20),
        }
        return KafkaFacts(NOW, "shop", ConsumedTopics(["orders"], Reading.SEARCHED), **{**plain, **given})

    return make


@pytest.fixture
def answer() -> Answer:
    def make(address: str, *numbers: int, **given: Any) -> ReplicaView:
        plain: Mapping[str, Any] = {
            "state": "delivering", "sentence": "Records are being sent.", "version": "1.0", "group": "shop",
            "started_at": iso(NOW - hash(address) % 1000), "needs_someone": [], "ends_by_itself": [],
            "partitions": [row(number) for number in numbers], "kafka": {"reachable": True},
            "group_view": {"mapping": "000000001"},
        }  # fmt: skip
        return ReplicaView(f"http://{address}:9464", document={**plain, **given})

    return make
