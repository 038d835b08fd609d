"""What an error code of a commit means, and what follows from it.

The codes are Kafka's; negative ones are librdkafka's own. Observed on Apache Kafka 4.4 with both group protocols.
"""

from __future__ import annotations

import enum
from typing import Final


class CommitTrouble(enum.StrEnum):
    """Kinds of failed commits, by what to do about them."""

    COORDINATOR_MOVING = "coordinator_moving"
    """Nothing: the client tries again by itself."""
    REBALANCING = "rebalancing"
    """For some ten milliseconds after a rebalance: once more while the partition is still owned, no further. It costs
    duplicates; stopping here would only cause the next rebalance."""
    SESSION_LOST = "session_lost"
    """The partitions are, or soon will be, another's; the client reports the loss by itself."""
    UNREACHABLE = "unreachable"
    """No coordinator answered in time."""
    METADATA_TOO_LARGE = "metadata_too_large"
    """The brokers' limit is below Kafka's default: shorter texts are committed at once, see `CommitText`."""
    UNKNOWN_PARTITION = "unknown_partition"
    """The topic was deleted under the group."""
    REFUSED = "refused"
    """The permission is missing."""
    FATAL = "fatal"
    """This client instance is at its end."""
    OTHER = "other"


NOTHING_TO_COMMIT: Final = -168
"""`_NO_OFFSET`: nothing lies above the last commit. Not an error."""

_KINDS: Final = {
    14: CommitTrouble.COORDINATOR_MOVING,  # COORDINATOR_LOAD_IN_PROGRESS
    15: CommitTrouble.COORDINATOR_MOVING,  # COORDINATOR_NOT_AVAILABLE
    16: CommitTrouble.COORDINATOR_MOVING,  # NOT_COORDINATOR
    22: CommitTrouble.REBALANCING,  # ILLEGAL_GENERATION
    27: CommitTrouble.REBALANCING,  # REBALANCE_IN_PROGRESS
    113: CommitTrouble.REBALANCING,  # STALE_MEMBER_EPOCH
    25: CommitTrouble.SESSION_LOST,  # UNKNOWN_MEMBER_ID
    82: CommitTrouble.SESSION_LOST,  # FENCED_INSTANCE_ID
    110: CommitTrouble.SESSION_LOST,  # FENCED_MEMBER_EPOCH
    -142: CommitTrouble.SESSION_LOST,  # _ASSIGNMENT_LOST
    7: CommitTrouble.UNREACHABLE,  # REQUEST_TIMED_OUT
    -180: CommitTrouble.UNREACHABLE,  # _WAIT_COORD
    -185: CommitTrouble.UNREACHABLE,  # _TIMED_OUT
    -187: CommitTrouble.UNREACHABLE,  # _ALL_BROKERS_DOWN
    -195: CommitTrouble.UNREACHABLE,  # _TRANSPORT
    12: CommitTrouble.METADATA_TOO_LARGE,
    3: CommitTrouble.UNKNOWN_PARTITION,  # UNKNOWN_TOPIC_OR_PART
    -190: CommitTrouble.UNKNOWN_PARTITION,
    29: CommitTrouble.REFUSED,  # TOPIC_AUTHORIZATION_FAILED
    30: CommitTrouble.REFUSED,  # GROUP_AUTHORIZATION_FAILED
    -150: CommitTrouble.FATAL,
}


def classify(code: int) -> CommitTrouble | None:
    """None where nothing is wrong."""
    if code in {0, NOTHING_TO_COMMIT}:
        return None
    return _KINDS.get(code, CommitTrouble.OTHER)
