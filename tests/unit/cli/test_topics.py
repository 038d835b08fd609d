"""What `track-bridge topics create --json` says: one shape, whatever became of a topic."""

from __future__ import annotations

from bridge.cli.topics import _document
from bridge.kafka.admin.topic_creation import BROKER_DEFAULT, Created, Creation, NewTopicPlan

KEYS = {"topic", "result", "problem", "partitions", "replication_factor", "settings"}


def _plan(name: str, factor: int = 3) -> NewTopicPlan:
    return NewTopicPlan(name, 6, factor, {"cleanup.policy": "delete"})


def test_every_topic_has_every_key_whatever_became_of_it() -> None:
    ends = {"b": Created(Creation.CREATED), "c": Created(Creation.EXISTS), "d": Created(Creation.REFUSED, "too many")}
    found = _document([_plan("b"), _plan("c"), _plan("d"), _plan("e")], ["a"], ends)["topics"]

    assert [set(each) for each in found] == [KEYS] * 5
    assert [(each["topic"], each["result"], each["problem"]) for each in found] == [
        ("a", "exists", None),
        ("b", "created", None),
        ("c", "exists", None),
        ("d", "refused", "too many"),
        ("e", "not_created", None),
    ]
    assert (found[0]["partitions"], found[1]["partitions"], found[1]["settings"]) == (
        None,
        6,
        {"cleanup.policy": "delete"},
    )


def test_the_brokers_default_is_no_number() -> None:
    (found,) = _document([_plan("a", BROKER_DEFAULT)], [], {})["topics"]

    assert found["replication_factor"] is None
