"""What a commit says of the offsets below it: only one that made the group begin says that none is the bridge's."""

from __future__ import annotations

import pytest
from confluent_kafka import TopicPartition as ClientPartition
from hypothesis import given
from hypothesis import strategies as st

from bridge.backfill.planning.cluster import facts_of
from bridge.backfill.planning.ranges import PartitionFacts
from bridge.formats import commit_mark, offset_map
from bridge.formats.commit_text import CommitText
from bridge.formats.operator_hold import OperatorHold
from bridge.kafka.admin.committed import of_client
from bridge.model import LogRange, TopicPartition

HERE = TopicPartition("shop.orders", 0)
MAP = offset_map.encode(
    80, (), leader_epoch=None, topic_id="", demand=offset_map.Demand(0, 1), head=offset_map.Head(), max_length=999
)


def facts(text: str) -> PartitionFacts:
    committed = of_client(ClientPartition(*HERE, 80, text))
    return facts_of(HERE, LogRange(10, 100), 100, committed, "", is_started=True)


def test_below_a_cut_nothing_is_the_bridges() -> None:
    found = facts(commit_mark.beginning(123_456_789))

    assert (found.has_worked, found.is_unclear) == (False, False)
    assert commit_mark.is_beginning(commit_mark.beginning(7) + "\0"), "as it comes back from some brokers"


@pytest.mark.parametrize(
    "text",
    [
        "",  # Kafka's own tool, `offsets set`, and what a bridge commits of other replicas' partitions when it begins
        "~17",  # brokers that take little metadata
        "~000000000000000000",
        CommitText(7).of("", 1),  # a bridge's first commit, and where it only goes on from another's
        CommitText(7).of("", 1, 4711),
        CommitText(7).of("", None, 4711),
        "another tool's",
    ],
)
def test_a_commit_without_a_map_does_not_say_what_is_below(text: str) -> None:
    found = facts(text)

    assert (found.has_worked, found.is_unclear) == (False, True)


def test_a_commit_with_a_map_is_of_a_bridge_at_work() -> None:
    found = facts(CommitText(7).of(MAP, 3))

    assert (found.has_worked, found.is_unclear) == (True, False)


@given(
    mapping=st.none() | st.integers(1, 10**9 - 1),
    metadata=st.sampled_from(["", MAP]),
    number=st.none() | st.integers(1, 5000),
    subscription=st.none() | st.integers(1, 10**6 - 1),
    hold=st.none() | st.just(OperatorHold("look", "ada", 1)),
    longest=st.none() | st.integers(0, 300),
)
def test_no_bridge_commits_what_a_cut_does(
    *,
    mapping: int | None,
    metadata: str,
    number: int | None,
    subscription: int | None,
    hold: OperatorHold | None,
    longest: int | None,
) -> None:
    text = CommitText(mapping)
    text.longest = longest

    assert not commit_mark.is_beginning(text.of(metadata, number, subscription, hold))
