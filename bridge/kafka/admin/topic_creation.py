"""The dead-letter topic and its resolutions: with which settings they are made, and making them."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError
from confluent_kafka.admin import ConfigResource, NewTopic

from bridge.kafka import answers, client
from bridge.kafka.client_log import ClientLog

if TYPE_CHECKING:
    import logging

    from confluent_kafka.admin import AdminClient

    from bridge.config.sections import Kafka
    from bridge.kafka.admin.inspection import TopicSettings

HEADROOM: Final = 65_536
"""Bytes a dead letter may be larger than its original: the headers that say why it is one."""
BROKER_DEFAULT: Final = -1
"""As a replication factor: what the brokers are set to."""
_PATIENCE: Final = 30.0
_KNOWN_WITHIN: Final = 10.0
_LOOK_AGAIN: Final = 0.1


@dataclass(frozen=True, slots=True)
class NewTopicPlan:
    """A topic to be made."""

    name: str
    partitions: int
    replication_factor: int
    settings: Mapping[str, str]


class Creation(enum.Enum):
    """How making a topic ended."""

    CREATED = "created"
    EXISTS = "exists"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Created:
    """What became of one plan."""

    creation: Creation
    message: str = ""
    """Where it was refused: why, in the brokers' words."""


def resolutions_of(topic: str) -> str:
    """The companion of a dead-letter topic that says what became of each letter."""
    return f"{topic}.resolutions"


def plans(
    topic: str,
    *,
    partitions: int,
    replication_factor: int,
    retention: float,
    sources: Iterable[TopicSettings],
) -> tuple[NewTopicPlan, NewTopicPlan]:
    """The two topics. `retention` in seconds; `sources` are the consumed topics' settings, as far as they are known.

    Both have the same number of partitions, because a letter and its resolution stand in partitions of one number.
    """
    settings = {"cleanup.policy": "delete", "retention.ms": str(round(retention * 1000))}
    largest = max((source.max_message_bytes for source in sources), default=None)
    if largest is not None:
        settings["max.message.bytes"] = str(largest + HEADROOM)
    return (
        NewTopicPlan(topic, partitions, replication_factor, settings),
        NewTopicPlan(resolutions_of(topic), partitions, replication_factor, {"cleanup.policy": "compact"}),
    )


def create(kafka: Kafka, wanted: Sequence[NewTopicPlan], logger: logging.Logger) -> dict[str, Created]:
    """Make the topics; one that is there already is left as it is. Raises `client.ClientRefusedError`."""
    if not wanted:
        return {}
    admin = client.open_admin(client.admin_configuration(kafka), ClientLog(logger))
    asked = admin.create_topics(
        [
            NewTopic(
                plan.name,
                num_partitions=plan.partitions,
                replication_factor=plan.replication_factor,
                config=dict(plan.settings),
            )
            for plan in wanted
        ],
        operation_timeout=_PATIENCE,
        request_timeout=_PATIENCE,
    )
    answered = answers.collect(asked, time.monotonic() + _PATIENCE)
    made = {plan.name: _outcome(answered.errors.get(plan.name)) for plan in wanted}
    until_known(admin, [name for name, each in made.items() if each.creation is Creation.CREATED])
    return made


def until_known(admin: AdminClient, names: Sequence[str]) -> None:
    """Wait until the brokers that did not make these topics have heard of them, too.

    The controller answers as soon as it has written them down. Whoever asks another broker next, such as ``bridge
    check`` in the same script, would be told that they are missing.
    """
    deadline = time.monotonic() + _KNOWN_WITHIN
    while names and time.monotonic() < deadline:
        asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in names])
        errors = answers.collect(asked, deadline).errors
        names = [each.name for each, error in errors.items() if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART]
        if names:
            time.sleep(_LOOK_AGAIN)


def _outcome(error: KafkaError | None) -> Created:
    if error is None:
        return Created(Creation.CREATED)
    if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return Created(Creation.EXISTS)
    return Created(Creation.REFUSED, error.str())
