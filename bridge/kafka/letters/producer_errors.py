"""What the errors of the producer mean: to what it had to write, and to an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.commands import completed

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

TOO_LARGE: Final = 10
"""`MSG_SIZE_TOO_LARGE`, from the client and from the broker alike."""
UNKNOWN_PARTITION: Final = -190
_ENDED: Final = frozenset({-150, -151, -152})
"""`_FATAL`, and what is left over when a producer is emptied: `_PURGE_INFLIGHT`, `_PURGE_QUEUE`."""

_SENTENCES: Final = {
    3: "the topic does not exist: create it with `bridge topics create`",
    -188: "the topic does not exist: create it with `bridge topics create`",
    29: "this user may not write to it: grant it WRITE and DESCRIBE on the topic",
    31: "this user may not write idempotently: grant it WRITE on the topic, before Kafka 2.8 also "
    "IDEMPOTENT_WRITE on the cluster",
    19: "too few of its replicas are in sync (min.insync.replicas)",
    20: "too few of its replicas are in sync (min.insync.replicas)",
    -169: "the brokers refuse the user or password",
    -192: "no acknowledgement in time: the brokers are unreachable or too slow",
    -195: "the brokers are unreachable",
    -187: "the brokers are unreachable",
    -185: "the brokers did not answer in time",
    -181: "no TLS connection to the brokers",
}


NO_OFFSET: Final = "it was acknowledged without an offset, so that nothing shows that any broker has it"


def is_inferred(report: Message) -> bool:
    """Whether the client concluded from a later acknowledgement that this one is written too: it may be wrong there."""
    offset = report.offset()
    return offset is None or offset < 0


def is_final(error: KafkaError) -> bool:
    """Whether only a new producer can write this record."""
    return error.fatal() or error.code() in _ENDED


def names_no_cause(error: KafkaError) -> bool:
    """Whether it only says that the producer ended; why, the client has told its error callback."""
    return error.code() in _ENDED


def meaning(error: KafkaError) -> str:
    """What is wrong with the topic and what to do; the client's own words for anything unusual."""
    known = _SENTENCES.get(error.code())
    return completed(known) if known else error.str()
