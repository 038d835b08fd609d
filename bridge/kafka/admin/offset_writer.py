"""Sets committed offsets of a group from outside of it, as an operator does.

Brokers take a commit of a client that is no member only while the group has none at all, whatever the partition: they
answer UNKNOWN_MEMBER_ID otherwise, under both group protocols. So a bridge that runs, and would commit something else
a moment later, is never overruled, and there is no moment between a look at the group and the commit.

A consumer that never subscribes makes the commit: the admin client would ask the same (`alter_consumer_group_offsets`),
and has the fault that `GroupReader` tells of.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.errors import Misuse, Signal
from bridge.kafka import answers, client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import from_client
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from bridge.config.sections import Kafka

_MEMBERS: Final = (
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
)
_DENIED: Final = (KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)


class GroupHasMembersError(Signal):
    """The group is not empty, so nothing was set."""


class NotAllowedError(Misuse):
    """The brokers do not let this user commit for the group; the message is the broker's. Nothing was set."""


def write(
    kafka: Kafka, positions: Mapping[TopicPartition, tuple[int, str]], logger: logging.Logger
) -> dict[TopicPartition, str]:
    """Commit offsets of one topic, each with its text, in one request; returns what was refused, in the broker's words.

    Raises `GroupHasMembersError`, `NotAllowedError`, `OSError` where no answer comes (it may be set all the same), and
    `client.ClientRefusedError` for properties that the client library does not take.
    """
    wanted = [
        ClientPartition(partition.topic, partition.partition, offset, text)
        for partition, (offset, text) in positions.items()
    ]
    consumer = client.open_reader(kafka, ClientLog(logger))
    try:
        answered = consumer.commit(offsets=wanted, asynchronous=False) or []
    except KafkaException as error:
        raise _translated(answers.error_of(error)) from None
    finally:
        consumer.close()
    refused = {from_client(each): each.error for each in answered if each.error is not None}
    for each in refused.values():
        if each.code() in (*_MEMBERS, *_DENIED):
            raise _translated(each)
    return {partition: each.str() for partition, each in refused.items()}


def _translated(error: KafkaError) -> Exception:
    if error.code() in _MEMBERS:
        return GroupHasMembersError()
    if error.code() in _DENIED:
        return NotAllowedError(error.str())
    return OSError(error.str())
