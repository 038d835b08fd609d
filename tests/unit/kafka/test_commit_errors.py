from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from bridge.kafka.consumer.commit_errors import CommitTrouble, classify

E = KafkaError


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (E.COORDINATOR_LOAD_IN_PROGRESS, CommitTrouble.COORDINATOR_MOVING),
        (E.COORDINATOR_NOT_AVAILABLE, CommitTrouble.COORDINATOR_MOVING),
        (E.NOT_COORDINATOR, CommitTrouble.COORDINATOR_MOVING),
        (E.ILLEGAL_GENERATION, CommitTrouble.REBALANCING),
        (E.REBALANCE_IN_PROGRESS, CommitTrouble.REBALANCING),
        (E.STALE_MEMBER_EPOCH, CommitTrouble.REBALANCING),
        (E.UNKNOWN_MEMBER_ID, CommitTrouble.SESSION_LOST),
        (E.FENCED_INSTANCE_ID, CommitTrouble.SESSION_LOST),
        (E.FENCED_MEMBER_EPOCH, CommitTrouble.SESSION_LOST),
        (E._ASSIGNMENT_LOST, CommitTrouble.SESSION_LOST),
        (E._WAIT_COORD, CommitTrouble.UNREACHABLE),
        (E._TIMED_OUT, CommitTrouble.UNREACHABLE),
        (E._TRANSPORT, CommitTrouble.UNREACHABLE),
        (E._ALL_BROKERS_DOWN, CommitTrouble.UNREACHABLE),
        (E.REQUEST_TIMED_OUT, CommitTrouble.UNREACHABLE),
        (E.OFFSET_METADATA_TOO_LARGE, CommitTrouble.METADATA_TOO_LARGE),
        (E.UNKNOWN_TOPIC_OR_PART, CommitTrouble.UNKNOWN_PARTITION),
        (E._UNKNOWN_PARTITION, CommitTrouble.UNKNOWN_PARTITION),
        (E.TOPIC_AUTHORIZATION_FAILED, CommitTrouble.REFUSED),
        (E.GROUP_AUTHORIZATION_FAILED, CommitTrouble.REFUSED),
        (E._FATAL, CommitTrouble.FATAL),
        (E.INVALID_COMMIT_OFFSET_SIZE, CommitTrouble.OTHER),
    ],
)
def test_each_error_of_a_commit_has_one_meaning(code: int, trouble: CommitTrouble) -> None:
    assert classify(code) is trouble


@pytest.mark.parametrize("code", [E.NO_ERROR, E._NO_OFFSET])
def test_nothing_new_to_commit_is_no_error(code: int) -> None:
    assert classify(code) is None
